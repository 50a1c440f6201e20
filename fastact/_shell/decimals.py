"""Functions of decimal numbers, for what the standard library has no more digits of."""

from __future__ import annotations

import contextlib
import decimal
from collections.abc import Iterator
from decimal import Decimal

pi = Decimal("3.14159265358979323846264338327950288419716939937511")

_SMALL = Decimal("1e-12")  # where what follows the third term of a series is below 1e-36 of the first


@contextlib.contextmanager
def digits() -> Iterator[None]:
    """Compute in more than twice the digits of a float64; what is too large for that is infinite."""
    with decimal.localcontext(prec=40, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN) as context:
        context.traps[decimal.Overflow] = False
        yield


def sqrt(x: Decimal | int) -> Decimal:
    """The square root."""
    return Decimal(x).sqrt()


def exp(x: Decimal) -> Decimal:
    """The exponential."""
    return x.exp()


def expm1(x: Decimal) -> Decimal:
    """The exponential less 1."""
    return x + x**2 / 2 + x**3 / 6 if abs(x) < _SMALL else x.exp() - 1


def log(x: Decimal | int) -> Decimal:
    """The natural logarithm."""
    return Decimal(x).ln()


def log1p(x: Decimal) -> Decimal:
    """The natural logarithm of 1 and x."""
    return x - x**2 / 2 + x**3 / 3 if abs(x) < _SMALL else (1 + x).ln()


def tanh(x: Decimal) -> Decimal:
    """The hyperbolic tangent."""
    less = expm1(-2 * abs(x))
    return (-less / (2 + less)).copy_sign(x)


def arctanh(x: Decimal | int) -> Decimal:
    """The inverse of the hyperbolic tangent."""
    return (log1p(Decimal(x)) - log1p(-Decimal(x))) / 2


def erfc(x: Decimal) -> Decimal:
    """The complementary error function."""
    if x < 0:
        return 2 - erfc(-x)
    scale = (-x * x).exp() / pi.sqrt()
    if x > 3:  # the continued fraction x + (1/2) / (x + (2/2) / (x + (3/2) / ...
        fraction = x
        for n in range(200, 0, -1):
            fraction = x + n / (2 * fraction)
        return scale / fraction
    total = term = 2 * x  # 2 x sum (2 x^2)^n / (1 3 ... (2 n + 1)), all positive
    n = 0
    while term > total.scaleb(-40):
        n += 1
        term *= 2 * x * x / (2 * n + 1)
        total += term
    return 1 - scale * total


def where(condition: bool, x: Decimal | int, y: Decimal | int) -> Decimal:
    """One of two numbers."""
    return Decimal(x if condition else y)
