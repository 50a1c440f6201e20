"""Functions of decimal numbers, for what the standard library has no more digits of."""

from __future__ import annotations

import decimal
from contextlib import AbstractContextManager
from decimal import Decimal


def digits() -> AbstractContextManager[object]:
    """Compute in more than twice the digits of a float64."""
    return decimal.localcontext(prec=40)


def exp(x: Decimal) -> Decimal:
    """The exponential."""
    return x.exp()


def tanh(x: Decimal) -> Decimal:
    """The hyperbolic tangent."""
    if abs(x) < Decimal("1e-12"):
        return x - x**3 / 3  # the next term is below 1e-48 of x
    power = (-2 * abs(x)).exp()
    return ((1 - power) / (1 + power)).copy_sign(x)


def where(condition: bool, x: Decimal, y: Decimal) -> Decimal:
    """One of two numbers."""
    return x if condition else y
