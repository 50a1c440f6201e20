"""What Numba's Python has no word for: bit patterns of numbers, exact rounding, conversions that promote nothing.

What the exponential is made of takes vectors (`simd`) as well.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import simd
from .compiled import INLINED, compiled, has_feature, is_x86
from .numba_internals import cgutils


def _integer(real: types.Float) -> types.Integer:
    return types.int64 if real.bitwidth == 64 else types.int32


def _has_fma(context: Any) -> bool:
    return not is_x86(context) or has_feature(context, "fma")


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a*b + c, rounded once where the processor can do it in one instruction, else twice."""
    kind = simd.common(a, b, c)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, z = (simd.spread(builder, *pair, kind) for pair in zip(arguments, signature.args, strict=True))
        if not _has_fma(context):
            return builder.fadd(builder.fmul(x, y), z)
        if isinstance(kind, simd.Vector):
            return simd.call(builder, "fma", x, y, z)
        return builder.fma(x, y, z)

    if isinstance(simd.number_of(kind), types.Float):
        return kind(a, b, c), codegen
    return None


@intrinsic
def product_rest(typingctx: Any, a: Any, b: Any, product: Any) -> Any:
    """What `a * b` lost when it was rounded to `product`, exactly.

    Without fused multiply-add by halves of half the digits, whose products are exact (T. J. Dekker, 1971).
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, z = arguments
        if _has_fma(context):
            return builder.fma(x, y, builder.fneg(z))
        scale = ir.Constant(x.type, 2.0**27 + 1 if a.bitwidth == 64 else 2.0**12 + 1)

        def halves(value: Any) -> tuple[Any, Any]:
            scaled = builder.fmul(value, scale)
            high = builder.fsub(scaled, builder.fsub(scaled, value))
            return high, builder.fsub(value, high)

        (x_high, x_low), (y_high, y_low) = halves(x), halves(y)
        rest = builder.fsub(builder.fmul(x_high, y_high), z)
        for one, other in ((x_high, y_low), (x_low, y_high), (x_low, y_low)):
            rest = builder.fadd(rest, builder.fmul(one, other))
        return rest

    if isinstance(a, types.Float) and a == b == product:
        return a(a, a, a), codegen
    return None


@compiled(**INLINED)
def sum_rest(a, b, total):
    """What `a + b` lost when it was rounded to `total`, exactly (D. E. Knuth, 1969)."""
    b_in_total = total - a
    return (a - (total - b_in_total)) + (b - b_in_total)


@intrinsic
def like(typingctx: Any, x: Any, value: Any) -> Any:
    """`value` converted to the type of the scalar `x`: a literal would promote float32 to float64."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[1], value, x)

    return x(x, value), codegen


@intrinsic
def beside(typingctx: Any, other: Any, value: Any, otherwise: Any) -> Any:
    """`value`, an integer or a constant, in the type of `other` where that is a float or uint64; else `otherwise`."""
    takes = isinstance(other, types.Float) or (other == types.uint64 and isinstance(value, types.Integer))
    takes = takes and isinstance(value, (types.Integer, types.Boolean, types.Float))
    if isinstance(value, types.Float) and value == otherwise:
        takes = False  # a float that is computed keeps its type
    result = other if takes else otherwise

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[1], value, result) if takes else arguments[2]

    return result(other, value, otherwise), codegen


@intrinsic
def to_bits(typingctx: Any, x: Any) -> Any:
    """The bit pattern of a float, or of each lane of a vector, as an integer of the same width."""
    result = simd.Vector(_integer(x.number), x.count) if isinstance(x, simd.Vector) else _integer(x)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return result(x), codegen


@intrinsic
def from_bits(typingctx: Any, pattern: Any) -> Any:
    """The float with this bit pattern, or the vector with these."""
    real = types.float64 if simd.number_of(pattern).bitwidth == 64 else types.float32
    result = simd.Vector(real, pattern.count) if isinstance(pattern, simd.Vector) else real

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(result))

    return result(pattern), codegen


def _integer_operation(name: str, doc: str) -> Any:
    """An operation of LLVM's on integers, in the type of the first: Numba's own promote int32 to int64."""

    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        number, kind = simd.number_of(a), b if isinstance(b, simd.Vector) else a

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first, second = arguments
            if not isinstance(b, simd.Vector):
                second = simd.spread(builder, context.cast(builder, second, b, number), number, kind)
            return getattr(builder, name)(simd.spread(builder, first, a, kind), second)

        return kind(a, b), codegen

    operation.__doc__ = doc
    return intrinsic(operation)


int_add = _integer_operation("add", "`a + b`, which wraps.")
int_subtract = _integer_operation("sub", "`a - b`, which wraps.")
int_or = _integer_operation("or_", "`a | b`.")
int_shift_left = _integer_operation("shl", "`a << b`.")
int_shift_right = _integer_operation("lshr", "`a >> b`, with zeros from the left.")


@intrinsic
def copysign(typingctx: Any, magnitude: Any, sign: Any) -> Any:
    """`magnitude` with the sign bit of `sign`."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = arguments[0].type
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(real, [real, real]),
            f"llvm.copysign.{'f64' if magnitude.bitwidth == 64 else 'f32'}",
        )
        return builder.call(function, arguments)

    return magnitude(magnitude, magnitude), codegen


@intrinsic
def convert_scalars(typingctx: Any, values: Any, number: Any) -> Any:
    """A tuple with its scalars converted to one type and its arrays as they are."""
    kinds = [kind if isinstance(kind, types.Array) else number.dtype for kind in values]
    result = types.Tuple(kinds)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        converted = [
            context.cast(builder, value, kind, wanted)
            for value, kind, wanted in zip(cgutils.unpack_tuple(builder, arguments[0]), values, kinds, strict=True)
        ]
        for value, kind in zip(converted, kinds, strict=True):
            if context.enable_nrt:
                context.nrt.incref(builder, kind, value)
        return context.make_tuple(builder, result, converted)

    return result(values, number), codegen
