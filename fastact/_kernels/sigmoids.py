"""Sigmoid and the hyperbolic tangent.

Quotients are corrected by their own residual: for y = fl(a / d) the remainder a - y d, computed with fused operations
from parts of a and d that were never rounded together, divided by d and added to y, leaves little more than the last
rounding.

Where a processor looks numbers up in registers, tanh in float32 is a polynomial out of a table: `lookup` says how.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from . import lookup
from .compiled import INLINED, STRICT, compiled
from .exponential import Q32, Q64, core, for_type, magnitude, polynomial, power, power_of_two, reduced, shift_to
from .numbers import copysign, fma, like
from .tanh_table import TANH

_LN2_REST = float.fromhex("0x1.abc9e3b39803fp-56")  # ln(2) - math.log(2)


class _Constants(NamedTuple):
    unit: Any  #: sigmoid's numerator, a power of two just below the last place of 1
    unit_shift: Any  #: rounds to an integer and leaves the bits of 2^n * unit
    sigmoid_low: Any  #: sigmoid rounds to 0 from here down
    sigmoid_high: Any  #: sigmoid rounds to 1 from well below here
    tanh_high: Any  #: tanh rounds to 1 from here up
    half_ln2: Any
    half_ln2_rest: Any  #: what the constant above lacks
    twice_q_of_minus_2h: tuple[Any, ...]  #: coefficients in h of 2 q(-2h)


def _of(real: Any, sigmoid_low: float, sigmoid_high: float, tanh_high: float, q: Any) -> _Constants:
    unit_exponent = -(np.finfo(real).nmant + 1)
    return _Constants(
        unit=real(2.0**unit_exponent),
        unit_shift=shift_to(real, unit_exponent),
        sigmoid_low=real(sigmoid_low),
        sigmoid_high=real(sigmoid_high),
        tanh_high=real(tanh_high),
        half_ln2=real(0.5 * math.log(2)),
        half_ln2_rest=real(0.5 * _LN2_REST + (0.5 * math.log(2) - float(real(0.5 * math.log(2))))),
        twice_q_of_minus_2h=tuple(real(2 * c * (-2) ** i) for i, c in enumerate(q)),
    )


_constants = for_type(_of(np.float32, -104.0, 30.0, 9.5, Q32), _of(np.float64, -745.5, 60.0, 20.0, Q64))


@compiled(**INLINED)
def sigmoid(x):
    """1 / (1 + e^-x), as unit / (unit + unit e^-x), whose terms stay in range where the result is subnormal.

    With s = 2^n unit the denominator is (unit + s) + s (e^-r - 1); what the first sum loses joins the second term. The
    division gives c = 1/d, and the residual of y = unit c corrects y. A subnormal x is replaced by a normal one that
    gives the same result, because many processors are slow at subnormal arithmetic.
    """
    k, own = core(x), _constants(x)
    x = own.sigmoid_high if x > own.sigmoid_high else x  # written so that NaN passes
    x = own.sigmoid_low if x < own.sigmoid_low else x
    s, r = reduced(x + k.not_subnormal, own.unit_shift)
    large = own.unit + s
    small = fma(s, power(r), own.unit - (large - s))
    c = k.one / (large + small)
    y = own.unit * c
    residual = fma(-y, small, fma(-y, large, own.unit))
    return fma(residual, c, y)


def _tanh_residual(y: Any, numerator: Any, large: Any, sh: Any, g: Any, rest: Any) -> Any:
    """The residual n - y (1 - n) of the exact n = large - sh g + rest, of which numerator is the rounded value."""
    raise NotImplementedError


@overload(_tanh_residual, jit_options=STRICT, strict=False)
def _tanh_residual_typed(y: Any, numerator: Any, large: Any, sh: Any, g: Any, rest: Any) -> Any:
    if y == types.float32:
        # Not quite exact in its second part, nor with the rest, which in float32 is small: every operation counts.
        return lambda y, numerator, large, sh, g, rest: fma(y, numerator, fma(-sh, g, large - y))

    def exact(y: Any, numerator: Any, large: Any, sh: Any, g: Any, rest: Any) -> Any:
        # Free: the slower division of float64 hides it.
        lost = rest + fma(-sh, g, large - numerator)
        return fma(lost, like(y, 1) + y, fma(y, numerator, numerator - y))

    return exact


@compiled(**INLINED)
def _tanh_by_exponential(x):
    """The quotient n / (1 - n) of n = (1 - exp(-2|x|)) / 2, with the sign of x.

    With s = 2^m, h = |x| + m ln(2)/2 and g = (e^-2h - 1) / 2h, the numerator is (1 - s)/2 - s h g: near 0, where m = 0,
    nothing cancels. The residual n - y (1 - n) corrects the quotient y; it is to be multiplied by the reciprocal of
    1 - n, which is 1 + y.
    """
    k, own = core(x), _constants(x)
    a = magnitude(x, own.tanh_high)
    shifted = fma(a, -k.two * k.log2_e, k.shift)
    m = shifted - k.shift
    h = fma(m, own.half_ln2, a)
    s = power_of_two(shifted)
    sh = s * h
    g = fma(h, polynomial(own.twice_q_of_minus_2h, h), -k.one)
    large = fma(-k.half, s, k.half)
    numerator = fma(-sh, g, large)
    y = numerator / (k.one - numerator)
    residual = _tanh_residual(y, numerator, large, sh, g, m * s * own.half_ln2_rest)
    return copysign(fma(residual, k.one + y, y), x)


_tanh_by_table = lookup.odd_function(TANH)


def _tanh(x: Any) -> Any:
    """The hyperbolic tangent by the method that suits the type and the processor."""
    raise NotImplementedError


@overload(_tanh, jit_options=STRICT, strict=False)
def _tanh_typed(x: Any) -> Any:
    if x == types.float32 and lookup.available():
        return lambda x: _tanh_by_table(x)
    return lambda x: _tanh_by_exponential(x)


@compiled(**INLINED)
def tanh(x):
    """The hyperbolic tangent."""
    return _tanh(x)
