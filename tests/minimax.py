"""Fit the approximations of the kernels again and print them: `python -m tests.minimax`. It takes half a minute.

Each is the polynomial or rational function of least error relative to what it serves for, found by E. Remez' exchange
(1934), with coefficients rounded to the type. For each the largest errors are printed, of the kernels' coefficients and
of those found again, and these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import mpmath
import numpy as np
from mpmath import mpf

from fastact._kernels import exponential, gates, logarithms

Function = Callable[[Any], Any]
Coefficients = Sequence[Any]  # from the constant up


class Approximation(NamedTuple):
    """A function, and what the kernels have for it."""

    name: str
    function: Function
    weight: Function  #: an error of the function times this is one relative to what it serves for
    low: float
    high: float
    type: Any
    stated: float  #: the largest error, as the kernels' comments have it
    fit: Callable[[Approximation], tuple[Coefficients, Coefficients]]
    numerator: Coefficients
    denominator: Coefficients = (1.0,)

    def largest_error(self, points: int = 2000) -> float:
        """The largest weighted error of the kernels' coefficients, but for rounding."""
        parts = [mpf(k) / points for k in range(points + 1)]
        grid = [mpf(self.low) + (mpf(self.high) - mpf(self.low)) * part**power for power in (1, 2) for part in parts]
        p, q = ([float(self.type(c)) for c in part] for part in (self.numerator, self.denominator))
        return float(max(abs((_quotient(p, q, x) - self.function(x)) * self.weight(x)) for x in grid))


def approximations() -> Iterator[Approximation]:
    """All that there are, but those of the table of tanh, which has a script of its own."""
    half = float(mpmath.log(2) / 2)
    for real, q, stated in ((np.float32, exponential.Q32, 1.7e-8), (np.float64, exponential.Q64, 3.4e-17)):
        yield Approximation(f"e^r {real.__name__}", _second_of_exp, _weight_of_exp, -half, half, real, stated, _fit, q)
    for real, log, stated in ((np.float32, logarithms.LOG32, 5.2e-9), (np.float64, logarithms.LOG64, 1.2e-17)):
        name = f"ln(1 + t) {real.__name__}"
        yield Approximation(name, _second_of_log, _weight_of_log, 0, 1, real, stated, _fit_one_by_one, log)
    for real, c, stated in ((np.float32, logarithms.ARTANH32, 2.6e-11), (np.float64, logarithms.ARTANH64, 7.9e-21)):
        name = f"2 artanh(s) {real.__name__}"
        yield Approximation(name, _third_of_artanh, lambda v: v / 2, 0, 0.2006**2, real, stated, _fit_one_by_one, c)
    for real, m, high, stated in (
        (np.float32, gates.MILLS32, 14.5, 1.7e-9),
        (np.float64, gates.MILLS64, 38.8, 6.9e-18),
    ):
        parts = (2.0, *map(float, m.a)), (1.0, *map(float, m.b))
        name = f"ratio of Mills {real.__name__}"
        yield Approximation(
            name, _inverse_of_mills(float(m.root)), _mills, 0, high, real, stated, _fit_together, *parts
        )


def _second_of_exp(r: Any) -> Any:
    """(e^r - 1 - r) / r^2."""
    return mpmath.hyp1f1(1, 3, r) / 2


def _weight_of_exp(r: Any) -> Any:
    return abs(r * r / mpmath.expm1(r)) if r else mpf(0)


def _second_of_log(t: Any) -> Any:
    """(ln(1 + t) - t) / t^2."""
    return -mpmath.hyp2f1(1, 2, 3, -t) / 2


def _weight_of_log(t: Any) -> Any:
    return t * t / mpmath.log1p(t) if t else mpf(0)


def _third_of_artanh(v: Any) -> Any:
    """(2 artanh(s) - 2 s) / s^3 with v = s^2."""
    return 2 * mpmath.hyp2f1(1, mpf(3) / 2, mpf(5) / 2, v) / 3


def _inverse_of_mills(root: float) -> Function:
    """1 / g - root u = a / b for the ratio g = b / (root u b + a): an error of it times g is one of g."""
    return lambda u: 1 / _mills(u) - mpf(root) * u


def _mills(u: Any) -> Any:
    """e^(u^2 / 2) Phi(-u)."""
    return mpmath.exp(u * u / 2) * mpmath.erfc(u / mpmath.sqrt(2)) / 2


def _quotient(a: Coefficients, b: Coefficients, x: Any) -> Any:
    return _polynomial(a, x) / _polynomial(b, x)


def _polynomial(c: Coefficients, x: Any) -> Any:
    return functools.reduce(lambda value, coefficient: value * x + coefficient, reversed(c), mpf(0))


def minimax(
    function: Function, weight: Function, low: float, high: float, powers: Sequence[int], below: int = 0
) -> tuple[list[Any], list[Any]]:
    """The coefficients of `powers`, and of a denominator 1 + ... of degree `below`, of least weighted error."""
    count = len(powers) + below + 1

    def place(part: Any) -> Any:
        spread = 2 if below else 1  # a rational function bends where its argument is small
        return mpf(low) + (mpf(high) - mpf(low)) * ((1 - mpmath.cos(mpmath.pi * part)) / 2) ** spread

    def weighed(x: Any) -> tuple[Any, Any]:
        return function(x), max(mpf(weight(x)), mpf(10) ** -6)

    grid = [place(mpf(k) / (40 * count)) for k in range(40 * count + 1)]
    known = [weighed(x) for x in grid]
    points = [place(mpf(k) / (count - 1)) for k in range(count)]
    a, b = [mpf(0)] * len(powers), [mpf(1)] + [mpf(0)] * below

    def error(x: Any, f: Any, w: Any) -> Any:
        top = mpmath.fsum(c * x**p for c, p in zip(a, powers, strict=True))
        return (top / _polynomial(b, x) - f) * w

    for _ in range(30):
        for _ in range(6 if below else 1):  # the denominator of the equations is that of the last turn
            rows, values = mpmath.matrix(count, count), mpmath.matrix(count, 1)
            for i, x in enumerate(points):
                f, w = weighed(x)
                terms = [x**p for p in powers] + [-f * x**j for j in range(1, below + 1)]
                for j, term in enumerate([*terms, (-1) ** i / w * _polynomial(b, x)]):
                    rows[i, j] = term
                values[i] = f
            solution = list(mpmath.lu_solve(rows, values))
            a, b = solution[: len(powers)], [mpf(1), *solution[len(powers) : -1]]
        errors = [error(x, *fw) for x, fw in zip(grid, known, strict=True)]
        extremes = _alternating_extremes(errors, count)
        if len(extremes) < count or max(map(abs, errors)) <= 1.001 * abs(solution[-1]):
            break
        points = [_vertex(grid, errors, i) for i in extremes]
    return a, b


def _vertex(grid: list[Any], errors: list[Any], i: int) -> Any:
    """Where the parabola through an extreme and the points beside it is extreme."""
    if not 0 < i < len(grid) - 1:
        return grid[i]
    (x, y, z), (e, f, g) = grid[i - 1 : i + 2], errors[i - 1 : i + 2]
    below = (y - x) * (f - g) - (y - z) * (f - e)
    found = y - ((y - x) ** 2 * (f - g) - (y - z) ** 2 * (f - e)) / below / 2 if below else y
    return found if x < found < z else y


def _alternating_extremes(errors: list[Any], count: int) -> list[int]:
    """Where the errors are largest, of signs in turns, at most `count`."""
    found: list[int] = []
    for i, error in enumerate(errors):
        if not found or (error > 0) != (errors[found[-1]] > 0):
            found.append(i)
        elif abs(error) > abs(errors[found[-1]]):
            found[-1] = i
    while len(found) > count:
        found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
    return found


def _fit(of: Approximation) -> tuple[Coefficients, Coefficients]:
    a, _ = minimax(of.function, of.weight, of.low, of.high, range(len(of.numerator)))
    return [float(c) for c in a], of.denominator


def _fit_one_by_one(of: Approximation) -> tuple[Coefficients, Coefficients]:
    """Each coefficient is rounded before those of higher powers are fitted anew."""
    done: list[float] = []

    def left(x: Any) -> Any:
        return of.function(x) - mpmath.fsum(c * x**p for p, c in enumerate(done))

    while len(done) < len(of.numerator):
        coefficients, _ = minimax(left, of.weight, of.low, of.high, range(len(done), len(of.numerator)))
        done.append(float(of.type(float(coefficients[0]))))
    return done, of.denominator


def _fit_together(of: Approximation, choices: int = 300) -> tuple[Coefficients, Coefficients]:
    """The coefficients are rounded together: of their neighbours among the numbers of the type many choices are tried.

    The constants stay what they are.
    """
    degrees = len(of.numerator), len(of.denominator)
    a, b = minimax(of.function, of.weight, of.low, of.high, range(degrees[0]), degrees[1] - 1)
    grid = [mpf(of.high) * (mpf(k) / 1400) ** 2 for k in range(1401)]
    u = np.array(grid, np.float64)
    bottom = np.array([float(_polynomial(b, x)) for x in grid])
    weight = np.array([float(of.weight(x)) for x in grid])
    exact = [_quotient(a, b, x) for x in grid]
    quotient = np.array(exact, np.float64)
    start = np.array([float((value - of.function(x)) * of.weight(x)) for value, x in zip(exact, grid, strict=True)])
    #: How the weighted error changes with each coefficient, to first order, and the numbers that it may become.
    slopes = [u**i / bottom * weight for i in range(degrees[0])]
    slopes += [-quotient * u**i / bottom * weight for i in range(degrees[1])]
    numbers = []
    for part, constant in ((a, of.numerator[0]), (b, of.denominator[0])):
        for i, coefficient in enumerate(part):
            near = of.type(float(coefficient))
            beside = (near, np.nextafter(near, of.type(np.inf)), np.nextafter(near, of.type(-np.inf)))
            numbers.append([of.type(constant)] if i == 0 else list(beside))
    moves = [[float(mpf(float(n)) - c) for n in some] for some, c in zip(numbers, [*a, *b], strict=True)]
    generator = np.random.default_rng(0)
    best, chosen = np.inf, [0] * len(moves)
    for attempt in range(choices):
        picked = [int(generator.integers(len(some))) if attempt and generator.random() < 0.5 else 0 for some in moves]
        error = start + sum(slope * some[i] for slope, some, i in zip(slopes, moves, picked, strict=True))
        improved = True
        while improved:
            improved = False
            for k in generator.permutation(len(moves)):
                for i in range(len(moves[k])):
                    other = error + slopes[k] * (moves[k][i] - moves[k][picked[k]])
                    if np.abs(other).max() < np.abs(error).max():
                        error, picked[k], improved = other, i, True
        if np.abs(error).max() < best:
            best, chosen = float(np.abs(error).max()), picked
    rounded = [float(some[i]) for some, i in zip(numbers, chosen, strict=True)]
    return rounded[: degrees[0]], rounded[degrees[0] :]


def _report() -> Iterator[str]:
    for of in approximations():
        numerator, denominator = of.fit(of)
        again = of._replace(numerator=numerator, denominator=denominator)
        yield f"{of.name}: largest error {of.largest_error():.2g}, of what is found now {again.largest_error():.2g}"
        yield ", ".join(map(repr, again.numerator))
        if len(again.denominator) > 1:
            yield f"over {', '.join(map(repr, again.denominator))}"


if __name__ == "__main__":
    mpmath.mp.dps = 50
    for line in _report():
        print(line, flush=True)
