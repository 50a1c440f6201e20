"""Compare functions with float64 at every one of the 2^32 float32 numbers: `python -m tests.sweep [NAME...]`.

Prints, for each function, the largest error and where it is, how often the results of neighbouring numbers are in the
wrong order, and how often tanh(-x) is not -tanh(x) to the bit. It takes some minutes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .reference import FUNCTIONS, Array, bounded, in_float64, ulps

_BLOCK = 1 << 20
_SIGN = 1 << 31
_INFINITY = 0x7F800000


class Sweep(NamedTuple):
    """What a range of numbers showed."""

    error: float  #: largest, in ULP
    where: float
    descents: int  #: neighbours x < y with f(x) > f(y)
    asymmetries: int  #: numbers with f(-x) other than -f(x)

    def __or__(self, other: Sweep) -> Sweep:
        error, where = max(self[:2], other[:2])
        return Sweep(error, where, self.descents + other.descents, self.asymmetries + other.asymmetries)


def sweep(name: str, step: int = 1) -> Sweep:
    """Sweep one function over every block of neighbouring float32 numbers, or over one block in `step`."""
    blocks = range(0, _INFINITY, _BLOCK * step)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda first: _sweep_block(name, first), blocks)
        result = next(parts)
        for part in parts:
            result |= part
    return result


def _sweep_block(name: str, first: int) -> Sweep:
    magnitudes = np.arange(first, min(first + _BLOCK, _INFINITY) + 1, dtype=np.uint32)
    positive, negative = magnitudes.view(np.float32), (magnitudes | np.uint32(_SIGN)).view(np.float32)
    above, below = FUNCTIONS[name].face(positive), FUNCTIONS[name].face(negative)
    results = (_largest_error(name, positive), _largest_error(name, negative))
    error, where = max(results)
    descents = np.count_nonzero(above[1:] < above[:-1]) + np.count_nonzero(below[1:] > below[:-1])
    asymmetries = np.count_nonzero(above.view(np.uint32) ^ _SIGN != below.view(np.uint32))
    return Sweep(error, where, int(descents), int(asymmetries))


def _largest_error(name: str, x: Array) -> tuple[float, float]:
    x = bounded(name, x)
    if not x.size:
        return 0.0, 0.0
    errors = ulps(FUNCTIONS[name].face(x), in_float64(name, x))
    worst = int(errors.argmax())
    return float(errors[worst]), float(x[worst])


def _report(names: list[str]) -> Iterator[str]:
    yield "float32, 2^32 numbers"
    yield f"{'function':24}{'error, ULP':>11}{'at':>16}{'descents':>10}{'odd':>6}"
    for name in names:
        found = sweep(name)
        odd = "yes" if found.asymmetries == 0 else "no"
        yield f"{name:24}{found.error:11.4f}{found.where:16.8g}{found.descents:10}{odd:>6}"


if __name__ == "__main__":
    for line in _report(sys.argv[1:] or list(FUNCTIONS)):
        print(line)
        sys.stdout.flush()
