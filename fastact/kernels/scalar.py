"""The mathematics of the activations: one scalar function each, free of branches, exact about its rounding.

They compile to functions of their own with their own flags, so that neither a caller's `fastmath=True` nor the
shape of a caller's loop changes a bit of a result; LLVM inlines them and turns loops over them into SIMD.
Every function takes float32 or float64 and stays in that type.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from .bits import STRICT, copysign, fma, from_bits, int_add, int_shift_left, int_shift_right, int_sub, like, to_bits


class Exponential(NamedTuple):
    """Constants of exp(z) = 2^n * e^r with n = round(z / ln 2), |r| <= ln(2)/2, for one float type.

    Adding `round` (1.5 * 2^fraction_bits) rounds to an integer and leaves it in the low bits of the sum.
    ln 2 is split so that n * ln2_high is exact. e^r = 1 + r + r^2 q(r), where q is the minimax polynomial of
    smallest relative error of e^r (Remez exchange), `q` its coefficients from the constant up.
    """

    log2_e: Any
    round: Any
    ln2_high: Any
    ln2_low: Any
    smallest: Any  #: below this exp is taken at this: sigmoid and 1 - tanh are then rounded as at -infinity
    bias: int  #: bit pattern of 1.0
    fraction_bits: int


_EXP32 = Exponential(
    log2_e=np.float32(1.4426950408889634),
    round=np.float32(1.5 * 2**23),
    ln2_high=np.float32(0.693359375),
    ln2_low=np.float32(-2.12194440054690583e-4),
    smallest=np.float32(-105.0),
    bias=0x3F800000,
    fraction_bits=23,
)
_EXP64 = Exponential(
    log2_e=np.float64(1.4426950408889634),
    round=np.float64(1.5 * 2**52),
    ln2_high=np.float64.fromhex("0x1.62e42fefa3800p-1"),
    ln2_low=np.float64.fromhex("0x1.ef35793c76730p-45"),
    smallest=np.float64(-746.0),
    bias=0x3FF0000000000000,
    fraction_bits=52,
)
# Relative error of e^r: 3.1e-9 (0.05 ULP of float32) and 3.6e-18 (0.03 ULP of float64).
_Q32 = tuple(
    np.float32(c)
    for c in (
        0.4999999403953552,
        0.1666652113199234,
        0.04166838899254799,
        0.008368716575205326,
        0.0013814601112882397,
    )
)
_Q64 = (
    0.5000000000000011,
    0.16666666666666413,
    0.041666666666530155,
    0.008333333333494463,
    0.0013888888943630851,
    0.00019841269506570939,
    2.48014930981182e-05,
    2.755758638512543e-06,
    2.763024866065372e-07,
    2.500005688945574e-08,
)


def _exponential(x: Any) -> Any:
    """The constants for the type of x."""
    raise NotImplementedError


@overload(_exponential, jit_options=STRICT, strict=False)
def _exponential_typed(x: Any) -> Any:
    constants = {types.float32: _EXP32, types.float64: _EXP64}[x]
    return lambda x: constants


def _q(r: Any) -> Any:
    """q(r) of `Exponential`."""
    raise NotImplementedError


@overload(_q, jit_options=STRICT, strict=False)
def _q_typed(r: Any) -> Any:
    if r == types.float32:
        c0, c1, c2, c3, c4 = _Q32
        return lambda r: fma(fma(fma(fma(c4, r, c3), r, c2), r, c1), r, c0)
    d0, d1, d2, d3, d4, d5, d6, d7, d8, d9 = _Q64

    def q64(r: Any) -> Any:
        # Estrin's scheme: half the depth of Horner's for one multiplication more per level.
        r2 = r * r
        r4 = r2 * r2
        low = fma(fma(d3, r, d2), r2, fma(d1, r, d0))
        middle = fma(fma(d7, r, d6), r2, fma(d5, r, d4))
        high = fma(d9, r, d8)
        return fma(fma(high, r4, middle), r4, low)

    return q64


@njit(**STRICT)
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)).

    With exp(-x) = 2^n e^r and h = n >> 1, both terms of 2^-h / (2^-h + 2^(n-h) e^r) stay in range for every x,
    and the one division rounds the quotient, subnormal or not.
    """
    c = _exponential(x)
    z = -x
    limit = -c.smallest
    z = limit if z > limit else z  # written so that NaN passes
    z = -limit if z < -limit else z
    shifted = fma(z, c.log2_e, c.round)
    n = shifted - c.round
    r = fma(n, -c.ln2_low, fma(n, -c.ln2_high, z))
    e = fma(r * r, _q(r), r) + like(x, 1.0)
    whole = int_sub(to_bits(shifted), to_bits(c.round))
    half = int_shift_right(whole, 1)
    a = from_bits(int_sub(like(half, c.bias), int_shift_left(half, c.fraction_bits)))
    b = from_bits(int_add(like(half, c.bias), int_shift_left(int_sub(whole, half), c.fraction_bits)))
    return a / fma(b, e, a)


@njit(**STRICT)
def tanh(x: Any) -> Any:
    """tanh|x| = -m / (2 + m) with m = exp(-2|x|) - 1, and the sign of x.

    m = 2^n (e^r - 1) + (2^n - 1) keeps its relative accuracy near 0, where n = 0.
    """
    c = _exponential(x)
    z = like(x, -2.0) * abs(x)
    limit = like(x, -50.0)
    z = limit if z < limit else z  # written so that NaN passes
    shifted = fma(z, c.log2_e, c.round)
    n = shifted - c.round
    r = fma(n, -c.ln2_low, fma(n, -c.ln2_high, z))
    p = fma(r * r, _q(r), r)
    scale = from_bits(int_add(int_shift_left(to_bits(shifted), c.fraction_bits), like(to_bits(x), c.bias)))
    m = fma(scale, p, scale - like(x, 1.0))
    return copysign(m / (m + like(x, 2.0)), x)


@njit(**STRICT)
def relu(x: Any) -> Any:
    """X where x > 0, else 0; NaN passes because it compares false."""
    zero = like(x, 0)
    return zero if x <= zero else x


@njit(**STRICT)
def prelu(x: Any, alpha: Any) -> Any:
    """X where x > 0, else alpha x."""
    return x if x > like(x, 0) else alpha * x
