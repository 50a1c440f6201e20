"""The exponential that the kernels share: its reduction, its polynomial, and quotients of what comes of it.

e^-x = 2^n e^-r with n = round(-x / ln 2) and r = x + n ln 2, |r| <= ln(2)/2 (W. J. Cody and W. Waite). Adding
1.5 * 2^fraction_bits + m rounds to an integer and leaves n + m in the low bits of the sum; shifted to the place of the
exponent these are the float 2^n times a power of two that m chooses, without any other integer operation.
e^-r = 1 - r + r^2 q(-r), where q is the polynomial of least relative error of e^r - 1 (Remez exchange).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from .compiled import INLINED, STRICT, compiled
from .numbers import fma, from_bits, int_shift_left, like, to_bits
from .simd import number_of

# Coefficients of q from the constant up. Relative error of e^r - 1: 1.7e-8 and 3.4e-17. `python -m tests.minimax` fits
# these and all others anew.
Q32 = (0.4999999814953089, 0.1666654342513629, 0.041667200780760814, 0.008366547074457017, 0.0013882511411919)
Q64 = (
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


class Core(NamedTuple):
    """What every kernel with an exponential needs to know of a float type."""

    zero: Any
    one: Any
    two: Any
    half: Any
    log2_e: Any
    ln2_high: Any  #: so few bits that n * ln2_high is exact
    ln2_low: Any
    fraction_bits: int
    shift: Any  #: rounds to an integer and leaves the bits of 2^n
    unit: Any  #: so small that 2^n / unit is a normal number wherever x e^-x does not round to 0
    shift_over_unit: Any  #: rounds to an integer and leaves the bits of 2^n / unit
    steps_over_unit: Any  #: from 2^0 / unit down to where the bits of 2^n / unit are those of 0
    q_of_minus_r: tuple[Any, ...]  #: coefficients in r of q(-r)
    limit: Any  #: x e^-x rounds to 0 from here up
    tiny: Any  #: the least normal number
    not_subnormal: Any  #: makes a subnormal number normal when added; leaves any number that changes 1/2 as it is


def shift_to(real: Any, exponent: int) -> Any:
    """The number that rounds to an integer n when it is added, and leaves the bits of 2^(n + exponent)."""
    info = np.finfo(real)
    return real(1.5 * 2**info.nmant + info.maxexp - 1 + exponent)


def _core(real: Any, ln2_high: float, ln2_low: float, unit_exponent: int, q: Any, limit: float) -> Core:
    info = np.finfo(real)
    return Core(
        zero=real(0),
        one=real(1),
        two=real(2),
        half=real(0.5),
        log2_e=real(1.4426950408889634),
        ln2_high=real(ln2_high),
        ln2_low=real(ln2_low),
        fraction_bits=int(info.nmant),
        shift=shift_to(real, 0),
        unit=real(2.0**unit_exponent),
        shift_over_unit=shift_to(real, -unit_exponent),
        steps_over_unit=real(info.maxexp - 1 - unit_exponent),
        q_of_minus_r=tuple(real(c * (-1) ** i) for i, c in enumerate(q)),
        limit=real(limit),
        tiny=info.tiny,
        not_subnormal=real(2.0 ** -(2 * info.nmant + 4)),
    )


CORE32 = _core(np.float32, 0.693359375, -2.12194440054690583e-4, -40, Q32, 110)
CORE64 = _core(np.float64, float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.ef35793c76730p-45"), -80, Q64, 760)


def for_type(float32: Any, float64: Any) -> Callable[[Any], Any]:
    """A compiled function that gives one of two constants for the type of its argument, a number or a vector."""
    constants = {types.float32: float32, types.float64: float64}

    @intrinsic
    def of(typingctx: Any, x: Any) -> Any:
        constant = constants[number_of(x)]
        kind = typingctx.resolve_value_type(constant)

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.get_constant_generic(builder, kind, constant)

        return kind(x), codegen

    made: Callable[[Any], Any] = of
    return made


core = for_type(CORE32, CORE64)


def polynomial(c: Any, x: Any) -> Any:
    """The polynomial with coefficients c, from the constant up."""
    raise NotImplementedError


@overload(polynomial, jit_options=STRICT, strict=False)
def _polynomial_typed(c: Any, x: Any) -> Any:
    if len(c) == len(Q64):

        def estrin(c: Any, x: Any) -> Any:
            # Half the depth of Horner's scheme, but for its last step, which makes the rounding errors small.
            x2 = x * x
            x4 = x2 * x2
            low = fma(fma(c[4], x, c[3]), x2, fma(c[2], x, c[1]))
            middle = fma(fma(c[8], x, c[7]), x2, fma(c[6], x, c[5]))
            return fma(fma(fma(c[9], x4, middle), x4, low), x, c[0])

        return estrin
    if len(c) == 1:
        return lambda c, x: c[0]
    return lambda c, x: fma(polynomial(c[1:], x), x, c[0])


@compiled(**INLINED)
def magnitude(x, limit):
    """|x|, but at most the limit; NaN passes."""
    a = abs(x)
    return limit if a > limit else a


@compiled(**INLINED)
def positive(x):
    """x, but -0.0 where it is negative, so that what is added keeps its sign if it underflows; NaN and 0.0 pass."""
    zero = like(x, -0.0)
    return zero if x < zero else x


@compiled(**INLINED)
def split(x, shift):
    """The parts of e^-x = 2^n e^-r: n and the shift in one number, n, and r."""
    k = core(x)
    shifted = fma(x, -k.log2_e, shift)
    n = shifted - shift
    return shifted, n, fma(n, k.ln2_low, fma(n, k.ln2_high, x))


@compiled(**INLINED)
def reduced(x, shift):
    """The scale 2^n and the rest r of e^-x = 2^n e^-r; 2^n times the power of two that the shift adds."""
    shifted, _, r = split(x, shift)
    return power_of_two(shifted), r


@compiled(**INLINED)
def power_of_two(shifted):
    """2^n of the sum of an integer n and a shift; times the power of two that the shift adds."""
    return from_bits(int_shift_left(to_bits(shifted), core(shifted).fraction_bits))


@compiled(**INLINED)
def power(r):
    """e^-r - 1 for the rest r of a reduction."""
    return fma(r * r, polynomial(core(r).q_of_minus_r, r), -r)


@compiled(**INLINED)
def short_power(r):
    """`power`, in float32 by a shorter chain, the odd coefficients apart: sooner known, for more room in registers."""
    k = core(r)
    c, square = k.q_of_minus_r, r * r
    short = fma(fma(c[4], square, fma(c[3], r, c[2])), square, fma(c[1], r, c[0]))
    return fma(square, short if len(c) == len(Q32) else polynomial(c, r), -r)


@compiled(**INLINED)
def times_power(n, r):
    """Return n e^-r, and what it is rounded from, for the rest r of a reduction."""
    return with_product(n, power(r))


@compiled(**INLINED)
def with_product(n, p):
    """Return n + n p, and what it is rounded from."""
    y = fma(n, p, n)
    return y, fma(n, p, n - y)


@compiled(**INLINED)
def quotient(n, n_rest, d, d_rest):
    """(n + n_rest) / (d + d_rest) for rests that n and d are rounded from, corrected by its own residual."""
    c = core(n).one / d
    y = n * c
    return fma(fma(-y, d_rest, fma(-y, d, n) + n_rest), c, y)
