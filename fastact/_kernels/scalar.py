"""The mathematics of the activations: one scalar function each, free of branches, exact about its rounding.

They compile to functions of their own with their own flags, so that neither a caller's `fastmath=True` nor the
shape of a caller's loop changes a bit of a result; LLVM inlines them and turns loops over them into SIMD.
Every function takes float32 or float64 and stays in that type.

Both exponentials reduce their argument to e^z = 2^n e^r with n = round(z / ln 2), |r| <= ln(2)/2 (Cody and Waite).
Adding 1.5 * 2^fraction_bits + m rounds to an integer and leaves n + m in the low bits of the sum; shifted to the place
of the exponent these are the float 2^n times a power of two that m chooses, without any other integer operation.
e^r = 1 + r + r^2 q(r), where q is the polynomial of least relative error of e^r - 1 (Remez exchange).

Quotients are corrected by their own residual: for y = fl(a / d) the remainder a - y d, computed with fused operations
from parts of a and d that were never rounded together, divided by d and added to y, leaves little more than the last
rounding. Without fused multiply-add the residuals are rounded too; the docstrings of the public functions say what that
costs.

Where a processor looks numbers up in registers, tanh in float32 is a polynomial out of a table: `lookup` says how.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from . import lookup
from .compiled import STRICT, compiled
from .numbers import copysign, fma, from_bits, int_shift_left, like, to_bits
from .tanh_table import TANH

# Coefficients of q from the constant up. Relative error of e^r - 1: 1.3e-8 and 1.8e-17.
_Q32 = (0.4999999814953089, 0.1666654342513629, 0.041667200780760814, 0.008366547074457017, 0.0013882511411919)
_Q64 = (
    0.5000000000000006,
    0.16666666666666588,
    0.041666666666576466,
    0.008333333333389753,
    0.0013888888931667034,
    0.00019841269718664609,
    2.4801505142593917e-05,
    2.7557407727208553e-06,
    2.762609291419367e-07,
    2.505376310298189e-08,
)

_LN2_REST = float.fromhex("0x1.abc9e3b39803fp-56")  # ln(2) - math.log(2)


class Constants(NamedTuple):
    """What the kernels need to know of a float type."""

    one: Any
    half: Any
    log2_e: Any
    ln2_high: Any  #: so few bits that n * ln2_high is exact
    ln2_low: Any
    half_ln2: Any
    half_ln2_rest: Any  #: what the constant above lacks
    fraction_bits: int
    unit: Any  #: sigmoid's numerator, a power of two just below the last place of 1
    unit_shift: Any  #: rounds to an integer and leaves the bits of 2^n * unit
    shift: Any  #: rounds to an integer and leaves the bits of 2^n
    sigmoid_low: Any  #: sigmoid rounds to 0 from here down
    sigmoid_high: Any  #: sigmoid rounds to 1 from well below here
    tanh_high: Any  #: tanh rounds to 1 from here up
    q_of_minus_r: tuple[Any, ...]  #: coefficients in r of q(-r)
    twice_q_of_minus_2h: tuple[Any, ...]  #: coefficients in h of 2 q(-2h)


def _constants_of(
    real: Any,
    ln2_high: float,
    ln2_low: float,
    sigmoid_low: float,
    sigmoid_high: float,
    tanh_high: float,
    q: Any,
) -> Constants:
    info = np.finfo(real)
    unit_exponent = -(info.nmant + 1)
    bias = info.maxexp - 1
    return Constants(
        one=real(1),
        half=real(0.5),
        log2_e=real(1.4426950408889634),
        ln2_high=real(ln2_high),
        ln2_low=real(ln2_low),
        half_ln2=real(0.5 * math.log(2)),
        half_ln2_rest=real(0.5 * _LN2_REST + (0.5 * math.log(2) - float(real(0.5 * math.log(2))))),
        fraction_bits=int(info.nmant),
        unit=real(2.0**unit_exponent),
        unit_shift=real(1.5 * 2**info.nmant + bias + unit_exponent),
        shift=real(1.5 * 2**info.nmant + bias),
        sigmoid_low=real(sigmoid_low),
        sigmoid_high=real(sigmoid_high),
        tanh_high=real(tanh_high),
        q_of_minus_r=tuple(real(c * (-1) ** i) for i, c in enumerate(q)),
        twice_q_of_minus_2h=tuple(real(2 * c * (-2) ** i) for i, c in enumerate(q)),
    )


_BY_TYPE = {
    types.float32: _constants_of(np.float32, 0.693359375, -2.12194440054690583e-4, -104.0, 30.0, 9.5, _Q32),
    types.float64: _constants_of(
        np.float64,
        float.fromhex("0x1.62e42fefa3800p-1"),
        float.fromhex("0x1.ef35793c76730p-45"),
        -745.5,
        60.0,
        20.0,
        _Q64,
    ),
}


def _constants(x: Any) -> Any:
    """The constants for the type of x."""
    raise NotImplementedError


@overload(_constants, jit_options=STRICT, strict=False)
def _constants_typed(x: Any) -> Any:
    constants = _BY_TYPE[x]
    return lambda x: constants


def _polynomial(c: Any, x: Any) -> Any:
    """The polynomial with coefficients c, from the constant up."""
    raise NotImplementedError


@overload(_polynomial, jit_options=STRICT, strict=False)
def _polynomial_typed(c: Any, x: Any) -> Any:
    if len(c) == len(_Q32):
        return lambda c, x: fma(fma(fma(fma(c[4], x, c[3]), x, c[2]), x, c[1]), x, c[0])

    def estrin(c: Any, x: Any) -> Any:
        # Half the depth of Horner's scheme, but for its last step, which makes the rounding errors small.
        x2 = x * x
        x4 = x2 * x2
        low = fma(fma(c[4], x, c[3]), x2, fma(c[2], x, c[1]))
        middle = fma(fma(c[8], x, c[7]), x2, fma(c[6], x, c[5]))
        return fma(fma(fma(c[9], x4, middle), x4, low), x, c[0])

    return estrin


def _tanh_residual(y: Any, numerator: Any, large: Any, sh: Any, g: Any, rest: Any, k: Any) -> Any:
    """The residual n - y (1 - n) of the exact n = large - sh g + rest, of which numerator is the rounded value."""
    raise NotImplementedError


@overload(_tanh_residual, jit_options=STRICT, strict=False)
def _tanh_residual_typed(y: Any, numerator: Any, large: Any, sh: Any, g: Any, rest: Any, k: Any) -> Any:
    if y == types.float32:
        # Not quite exact in its second part, nor with the rest, which in float32 is small: every operation counts.
        return lambda y, numerator, large, sh, g, rest, k: fma(y, numerator, fma(-sh, g, large - y))

    def exact(y: Any, numerator: Any, large: Any, sh: Any, g: Any, rest: Any, k: Any) -> Any:
        # Free: the slower division of float64 hides it.
        lost = rest + fma(-sh, g, large - numerator)
        return fma(lost, k.one + y, fma(y, numerator, numerator - y))

    return exact


@compiled(**STRICT)
def sigmoid(x):
    """1 / (1 + e^-x), as unit / (unit + unit e^-x), whose terms stay in range where the result is subnormal.

    With s = 2^n unit the denominator is (unit + s) + s (e^-r - 1); what the first sum loses joins the second term. The
    division gives c = 1/d, and the residual of y = unit c corrects y.
    """
    k = _constants(x)
    x = k.sigmoid_high if x > k.sigmoid_high else x  # written so that NaN passes
    x = k.sigmoid_low if x < k.sigmoid_low else x
    shifted = fma(x, -k.log2_e, k.unit_shift)
    n = shifted - k.unit_shift
    r = fma(n, k.ln2_low, fma(n, k.ln2_high, x))
    s = from_bits(int_shift_left(to_bits(shifted), k.fraction_bits))
    large = k.unit + s
    small = fma(s, fma(r * r, _polynomial(k.q_of_minus_r, r), -r), k.unit - (large - s))
    c = k.one / (large + small)
    y = k.unit * c
    residual = fma(-y, small, fma(-y, large, k.unit))
    return fma(residual, c, y)


@compiled(**STRICT)
def _tanh_by_exponential(x):
    """The quotient n / (1 - n) of n = (1 - exp(-2|x|)) / 2, with the sign of x.

    With s = 2^m, h = |x| + m ln(2)/2 and g = (e^-2h - 1) / 2h, the numerator is (1 - s)/2 - s h g: near 0, where m = 0,
    nothing cancels. The residual n - y (1 - n) corrects the quotient y; it is to be multiplied by the reciprocal of
    1 - n, which is 1 + y.
    """
    k = _constants(x)
    a = abs(x)
    a = k.tanh_high if a > k.tanh_high else a  # written so that NaN passes
    shifted = fma(a, like(x, -2) * k.log2_e, k.shift)
    m = shifted - k.shift
    h = fma(m, k.half_ln2, a)
    s = from_bits(int_shift_left(to_bits(shifted), k.fraction_bits))
    sh = s * h
    g = fma(h, _polynomial(k.twice_q_of_minus_2h, h), -k.one)
    large = fma(-k.half, s, k.half)
    numerator = fma(-sh, g, large)
    y = numerator / (k.one - numerator)
    residual = _tanh_residual(y, numerator, large, sh, g, m * s * k.half_ln2_rest, k)
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


@compiled(**STRICT)
def tanh(x):
    """The hyperbolic tangent."""
    return _tanh(x)


@compiled(**STRICT)
def relu(x):
    """Return x where x > 0, else 0; NaN passes because it compares false."""
    zero = like(x, 0)
    return zero if x <= zero else x


@compiled(**STRICT)
def prelu(x, alpha):
    """Return x where x > 0, else alpha x."""
    return x if x > like(x, 0) else alpha * x


@compiled(**STRICT)
def linear(x):
    """Return x."""
    return x
