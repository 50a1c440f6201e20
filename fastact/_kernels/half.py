"""float16, which Numba has not on a CPU."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import has_feature, is_arm


@intrinsic
def half_to_float(typingctx: Any, pattern: Any) -> Any:
    """The float32 with the value of the float16 with this bit pattern (a uint16)."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _hardware_half(context):
            return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())
        return _half_to_float_by_integers(builder, arguments[0])

    return types.float32(types.uint16), codegen


@intrinsic
def float_to_half(typingctx: Any, x: Any) -> Any:
    """The bit pattern of the float32 `x` rounded to float16, ties to even."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _hardware_half(context):
            return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))
        return _float_to_half_by_integers(builder, arguments[0])

    return types.uint16(types.float32), codegen


def _hardware_half(context: Any) -> bool:
    # Without an instruction LLVM calls a runtime library that need not be in the process.
    return is_arm(context) or has_feature(context, "f16c")


def _half_to_float_by_integers(builder: Any, half: Any) -> Any:
    """Exponent and fraction moved into place and scaled by 2^112, which is exact, subnormals included."""
    i32, f32 = ir.IntType(32), ir.FloatType()
    wide = builder.zext(half, i32)
    magnitude = builder.shl(builder.and_(wide, i32(0x7FFF)), i32(13))
    scaled = builder.fmul(builder.bitcast(magnitude, f32), f32(2.0**112))
    finite = builder.icmp_unsigned("<", magnitude, i32(0x7C00 << 13))
    special = builder.or_(magnitude, i32(0x7F800000))
    result = builder.select(finite, builder.bitcast(scaled, i32), special)
    sign = builder.shl(builder.and_(wide, i32(0x8000)), i32(16))
    return builder.bitcast(builder.or_(result, sign), f32)


def _float_to_half_by_integers(builder: Any, x: Any) -> Any:
    """Normal results: add half of the last kept bit less one, plus that bit (ties to even), and shift. Subnormal
    results: adding 0.5 lets the floating-point adder round at 2^-24. Too large: infinity. NaN stays NaN.
    """
    i32, f32 = ir.IntType(32), ir.FloatType()
    pattern = builder.bitcast(x, i32)
    magnitude = builder.and_(pattern, i32(0x7FFFFFFF))
    odd = builder.and_(builder.lshr(magnitude, i32(13)), i32(1))
    rebiased = builder.sub(magnitude, i32(112 << 23))
    normal = builder.lshr(builder.add(builder.add(rebiased, i32(0xFFF)), odd), i32(13))
    summed = builder.fadd(builder.bitcast(magnitude, f32), f32(0.5))
    subnormal = builder.sub(builder.bitcast(summed, i32), i32(0x3F000000))
    result = builder.select(builder.icmp_unsigned("<", magnitude, i32(113 << 23)), subnormal, normal)
    result = builder.select(builder.icmp_unsigned(">=", magnitude, i32(0x477FF000)), i32(0x7C00), result)
    quiet = builder.or_(i32(0x7E00), builder.and_(builder.lshr(magnitude, i32(13)), i32(0x3FF)))
    result = builder.select(builder.icmp_unsigned(">", magnitude, i32(0x7F800000)), quiet, result)
    sign = builder.and_(builder.lshr(pattern, i32(16)), i32(0x8000))
    return builder.trunc(builder.or_(result, sign), ir.IntType(16))
