"""Fit the polynomials of tanh in float32 and print the rows of its table: `python -m tests.tanh_table`.

One row for each interval of `_kernels/tanh_table.py`: its centre and the coefficients from the constant up.
"""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import numpy as np

from fastact._kernels.tanh_table import TANH

from .reference import Array

_ROWS = 32
_DEGREE = 4

# Around 0 the error is mostly rounding, which no fit foresees: the coefficients of x^2 to x^4 are those with the least
# error over all numbers of the interval among some hundred tried at random.
_AROUND_ZERO = (0.0, 0.0, 1.0, 7.392821430585172e-07, -0.33347654342651367, 0.007981665432453156)


def rows() -> Iterator[tuple[float, ...]]:
    """Fit the table, in the order of the index that looks it up."""
    intervals = dict(_intervals())
    for index in range(_ROWS):
        low, high = intervals.get(index, (0.0, 0.0))
        if index not in intervals:
            yield (0.0,) * (_DEGREE + 2)
        elif low == 0:
            yield _AROUND_ZERO
        else:
            center = _exact_center(low, high)
            yield center, *_fit(low, high, center)


def _intervals() -> Iterator[tuple[int, tuple[float, float]]]:
    """The index of each interval and where it is."""
    first, last = (_bits(x) >> TANH.dropped_bits for x in (TANH.offset, TANH.offset + TANH.last))
    for interval in range(first, last + 1):
        low, high = (float(_float(i << TANH.dropped_bits)) - TANH.offset for i in (interval, interval + 1))
        yield interval % _ROWS, (max(low, 0.0), min(high, TANH.last))


def _bits(x: float) -> int:
    return int(np.float32(x).view(np.uint32))


def _float(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


def _exact_center(low: float, high: float, reach: int = 20_000) -> float:
    """A float32 near the middle for which float32 holds tanh nearly exactly, and its slope well (Gal's method)."""
    steps = np.arange(-reach, reach + 1)
    candidates = (_bits((low + high) / 2) + steps).astype(np.uint32).view(np.float32)
    value = np.tanh(candidates.astype(np.longdouble))
    cost = _rounding(value) + _rounding(1 - value**2) / 4 + np.abs(steps) / reach / 50
    return float(candidates[cost.argmin()])


def _rounding(x: Array) -> Array:
    """What rounding to float32 loses, in ULP."""
    rounded = x.astype(np.float32)
    return np.asarray(np.abs(x - rounded) / np.spacing(rounded))


def _fit(low: float, high: float, center: float, points: int = 300) -> list[float]:
    """Coefficients of least relative error, each rounded to float32 before the next ones are fitted."""
    angles = (np.arange(points) + 0.5) * np.pi / points
    x = (low + high) / 2 + (high - low) / 2 * np.cos(angles)
    exact = [mpmath.tanh(t) for t in x]
    weight = 1 / np.spacing(np.array(exact, dtype=np.float32)).astype(float)
    constant = float(np.float32(np.tanh(np.longdouble(center))))
    rest = np.array([float(value - constant) for value in exact])
    coefficients = [constant]
    for power in range(1, _DEGREE + 1):
        powers = (x - center)[:, np.newaxis] ** np.arange(power, _DEGREE + 1)
        coefficients.append(float(np.float32(_minimax(powers, weight, rest)[0])))
        rest = rest - coefficients[-1] * (x - center) ** power
    return coefficients


def _minimax(basis: Array, weight: Array, values: Array, iterations: int = 60) -> Array:
    """The least largest weighted error, by least squares weighted again and again with the error (Lawson)."""
    scale = np.abs(basis).max(axis=0)
    share = np.ones(len(values))
    best, least = np.zeros(len(scale)), np.inf
    for _ in range(iterations):
        row_weight = np.sqrt(share) * weight
        solution = np.linalg.lstsq(basis / scale * row_weight[:, np.newaxis], values * row_weight, rcond=None)[0]
        error = np.abs(weight * (basis / scale @ solution - values))
        if error.max() < least:
            best, least = solution, error.max()
        share = share * (error / error.max() + 1e-9)
        share /= share.sum()
    return np.asarray(best / scale)


if __name__ == "__main__":
    with mpmath.workdps(40):
        for row in rows():
            print(*map(np.float32, row))
