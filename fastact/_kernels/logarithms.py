"""Activations that are logarithms: of 1 + e^x, and of the odds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .compiled import INLINED, compiled
from .exponential import core, for_type, magnitude, polynomial, quotient, reduced, times_power
from .numbers import (
    fma,
    from_bits,
    int_add,
    int_or,
    int_shift_left,
    int_shift_right,
    int_subtract,
    like,
    sum_rest,
    to_bits,
)

# ln(1 + t) = t + t^2 (c_0 + c_1 t + ...) on [0, 1], of least relative error: 5.2e-9 and 1.2e-17.
LOG32 = (
    -0.4999993145465851,
    0.33330464363098145,
    -0.24958018958568573,
    0.19692102074623108,
    -0.15344880521297455,
    0.10661128163337708,
    -0.05745723098516464,
    0.020086241886019707,
    -0.003290468594059348,
)
LOG64 = (
    -0.49999999999999906,
    0.33333333333314297,
    -0.2499999999864189,
    0.19999999950428118,
    -0.16666665573246084,
    0.14285698248026163,
    -0.1249983361011823,
    0.11109836695219028,
    -0.09992567161067177,
    0.0905712151237138,
    -0.08211451164207123,
    0.0733830284585226,
    -0.06304586447470634,
    0.05028934030944062,
    -0.03575170354715828,
    0.021688640507502438,
    -0.010722049136784552,
    0.004094923634340413,
    -0.0011235101455555133,
    0.00019588829879547067,
    -1.6235665237308662e-05,
)

# 2 artanh(s) = 2 s + s^3 (c_0 + c_1 s^2 + ...) for |s| <= 0.2006, of least relative error: 2.6e-11 and 7.9e-21.
ARTANH32 = (0.6666666269302368, 0.4000093340873718, 0.2850351631641388, 0.24151591956615448)
ARTANH64 = (
    0.6666666666666666,
    0.4000000000000271,
    0.2857142857076119,
    0.22222222298836425,
    0.18181813682852235,
    0.15384739923544025,
    0.13332925800079082,
    0.11701384077971698,
    0.11969719206597224,
)


class _Constants(NamedTuple):
    """What the logarithms need to know of a float type."""

    log: tuple[Any, ...]
    artanh: tuple[Any, ...]
    scale: Any  #: makes every number normal
    scale_exponent: Any
    sign: int  #: the bit pattern of -0.0
    exponent_half: int  #: that of half a step of the exponent, and of -0.0
    integer: Any  #: the least float whose last place is 1
    integer_bits: int
    exponent_middle: Any  #: the exponent of 2^0 in a field of an exponent's width and one more bit, plus `integer`
    exponent_zero: Any  #: that of 2^0 in a field of an exponent's width, plus `integer`
    huge: Any  #: the power of two whose exponent field is twice that of 2^0
    four_thirds: Any


def _of(real: Any, log: Any, artanh: Any) -> _Constants:
    info = np.finfo(real)
    integer_type: type[np.signedinteger[Any]] = np.int32 if real is np.float32 else np.int64
    sign = int(np.iinfo(integer_type).min)
    integer = real(2.0**info.nmant)
    return _Constants(
        log=tuple(map(real, log)),
        artanh=tuple(map(real, artanh)),
        scale=real(2.0 ** (info.nmant + 2)),
        scale_exponent=real(info.nmant + 2),
        sign=sign,
        exponent_half=sign + (1 << (info.nmant - 1)),
        integer=integer,
        integer_bits=int(integer.view(integer_type)),
        exponent_middle=integer + real(info.maxexp * 2),
        exponent_zero=integer + real(info.maxexp - 1),
        huge=real(2.0 ** (info.maxexp - 1)),
        four_thirds=real(4 / 3),
    )


_constants = for_type(_of(np.float32, LOG32, ARTANH32), _of(np.float64, LOG64, ARTANH64))


@compiled(**INLINED)
def _log_of(n, s):
    """The logarithm of 2^n (1 + s) / (1 - s), n ln 2 + 2 artanh(s)."""
    k = core(s)
    square = s * s
    return fma(n, k.ln2_high, fma(k.two, s, fma(s * square, polynomial(_constants(s).artanh, square), n * k.ln2_low)))


@compiled(**INLINED)
def log_of_1_plus(z, z_rest):
    """ln(1 + z + z_rest) for z >= 0 and a rest that it was rounded from; NaN passes.

    With n such that m = 2^-n (1 + z) is between 3/4 and 3/2, s = (m - 1) / (m + 1). Where n = 0, m - 1 is z.
    """
    k, own = core(z), _constants(z)
    bits = to_bits(fma(z, own.four_thirds, own.four_thirds))
    field = int_shift_right(bits, k.fraction_bits)
    n = from_bits(int_or(field, own.integer_bits)) - own.exponent_zero
    scale = from_bits(int_subtract(to_bits(own.huge), int_shift_left(field, k.fraction_bits)))  # 2^-n
    p = scale * z
    a, b = scale - k.one, scale + k.one
    num, den = a + p, b + p
    s = quotient(num, fma(scale, z_rest, sum_rest(a, p, num)), den, sum_rest(b, p, den))
    return _log_of(n, s)


@compiled(**INLINED)
def _log_of_1_plus_decay(x):
    """ln(1 + w) / unit for w = e^-|x|."""
    k = core(x)
    s, r = reduced(magnitude(x, k.limit) + k.not_subnormal, k.shift_over_unit)
    t, _ = times_power(s, r)
    w = t * k.unit
    return fma(t * w, polynomial(_constants(x).log, w), t)


@compiled(**INLINED)
def softplus(x):
    """ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), where a subnormal x adds nothing."""
    k, zero = core(x), like(x, 0)
    return fma(_log_of_1_plus_decay(x), k.unit, zero if x < k.tiny else x)


@compiled(**INLINED)
def log_sigmoid(x):
    """-ln(1 + e^-x) = min(x, 0) - ln(1 + e^-|x|), where a subnormal x adds nothing."""
    k, zero = core(x), like(x, -0.0)  # to which -0.0 can be added
    return fma(-_log_of_1_plus_decay(x), k.unit, zero if x > -k.tiny else x)


@compiled(**INLINED)
def logit(x):
    """ln(x / (1 - x)) = n ln 2 + 2 artanh((m - b) / (m + b)) with b = 1 - x and m = 2^-n x.

    The difference of two bit patterns, taken as integers, is the binary logarithm of the quotient but for 0.09; n is
    that rounded, so that m / b is between 2^-0.59 and 2^0.59. m - b is exact, and so is what b is rounded from: at 1/2,
    where n = 0, nothing is lost.
    """
    k, own = core(x), _constants(x)
    zero = like(x, 0)
    b = k.one - x
    b_rest = (k.one - b) - x
    subnormal = x < k.tiny
    a = x * own.scale if subnormal else x
    bits = to_bits(a)
    # Half a step, and the sign bit, which makes the field positive, go in; a shift leaves n plus the field's middle.
    field = int_shift_right(int_add(int_subtract(bits, to_bits(b)), own.exponent_half), k.fraction_bits)
    m = from_bits(int_add(int_subtract(bits, int_shift_left(field, k.fraction_bits)), own.sign))
    n = from_bits(int_or(field, own.integer_bits)) - own.exponent_middle
    n = n - own.scale_exponent if subnormal else n
    s = ((m - b) - b_rest) / (m + b)
    y = _log_of(n, s)
    at_edge = like(x, np.inf) if x == k.one else like(x, np.nan)
    at_edge = like(x, -np.inf) if x == zero else at_edge
    return y if (x > zero) & (x < k.one) else at_edge
