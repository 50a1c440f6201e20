"""Vectors of numbers as values in compiled code: what loops are written with that LLVM does not make SIMD of by itself.

A `Vector` is 64 bytes of float32 or float64, whatever the processor's registers hold, so that sums by lanes have the
same bits everywhere. The arithmetic of `numbers` and Python's `+`, `-`, `*`, `/` take vectors as they take numbers,
lane by lane; a number beside a vector stands for a vector of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from .memory import LINE
from .numba_internals import cgutils

_I32 = ir.IntType(32)


class Vector(types.Type):  # type: ignore[misc]
    """64 bytes of numbers of a type."""

    def __init__(self, number: Any) -> None:
        self.number = number
        self.lanes = LINE * 8 // number.bitwidth
        super().__init__(f"vector({self.lanes} x {number})")


@register_model(Vector)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.number).get_value_type(), kind.lanes))


def number_of(kind: Any) -> Any:
    """The type of number that a vector is of; of a number, its own."""
    return kind.number if isinstance(kind, Vector) else kind


def common(*kinds: Any) -> Any:
    """The type of an operation on vectors and numbers of one type; None where there is none."""
    if len({number_of(kind) for kind in kinds}) != 1:
        return None
    return next((kind for kind in kinds if isinstance(kind, Vector)), kinds[0])


def spread(builder: Any, value: Any, kind: Any, wanted: Any) -> Any:
    """In LLVM: a number in every lane, where a vector is wanted of it."""
    if kind == wanted:
        return value
    nothing = ir.Constant(ir.VectorType(value.type, wanted.lanes), ir.Undefined)
    single = builder.insert_element(nothing, value, _I32(1))
    return builder.shuffle_vector(single, nothing, ir.Constant(ir.VectorType(_I32, wanted.lanes), [1] * wanted.lanes))


def _operation(name: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        kind = common(a, b)

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = [spread(builder, *pair, kind) for pair in zip(arguments, signature.args, strict=True)]
            return getattr(builder, name)(*values)

        return kind(a, b), codegen

    return operation


def _overload(python: Callable[..., Any], name: str) -> None:
    operation = _operation(name)

    @overload(python, strict=False)
    def binary(a: Any, b: Any) -> Any:
        if isinstance(common(a, b), Vector):
            return lambda a, b: operation(a, b)
        return None


for _python, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _overload(_python, _name)


@intrinsic
def _negative(typingctx: Any, a: Any) -> Any:
    return a(a), lambda context, builder, signature, arguments: builder.fneg(arguments[0])


@overload(operator.neg, strict=False)
def _neg(a: Any) -> Any:
    return (lambda a: _negative(a)) if isinstance(a, Vector) else None


def _chosen(compared: str) -> Any:
    @intrinsic
    def choice(typingctx: Any, a: Any, b: Any) -> Any:
        kind = common(a, b)

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            x, y = (spread(builder, *pair, kind) for pair in zip(arguments, signature.args, strict=True))
            return builder.select(builder.fcmp_ordered(compared, x, y), x, y)

        return kind(a, b), codegen

    return choice


larger = _chosen(">")
larger.__doc__ = "`a` where it is larger than `b`, else `b`, which a NaN is too."


@intrinsic
def where_equal(typingctx: Any, a: Any, b: Any, value: Any, otherwise: Any) -> Any:
    """`value` where `a` equals `b`, else `otherwise`."""
    kind = common(a, b, value, otherwise)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, z, w = (spread(builder, *pair, kind) for pair in zip(arguments, signature.args, strict=True))
        return builder.select(builder.fcmp_ordered("==", x, y), z, w)

    return kind(a, b, value, otherwise), codegen


@intrinsic
def count_equal(typingctx: Any, vector: Any, number: Any) -> Any:
    """How many lanes of a vector equal a number."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        equal = builder.fcmp_ordered("==", arguments[0], spread(builder, arguments[1], number, vector))
        bits = builder.bitcast(equal, ir.IntType(vector.lanes))
        return builder.zext(builder.ctpop(bits), ir.IntType(64))

    return types.intp(vector, number), codegen


@intrinsic
def vector_of(typingctx: Any, value: Any) -> Any:
    """The vector with a number in every lane."""
    kind = Vector(value)
    return kind(value), lambda context, builder, signature, arguments: spread(builder, arguments[0], value, kind)


@intrinsic
def load(typingctx: Any, address: Any, number: Any) -> Any:
    """The vector of numbers of a type at an address."""
    kind = Vector(number.dtype)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, arguments[0], kind), align=number.dtype.bitwidth // 8)

    return kind(types.intp, number), codegen


@intrinsic
def load_first(typingctx: Any, address: Any, count: Any, others: Any) -> Any:
    """The first `count` numbers at an address, and `others` in the lanes after them."""
    kind = Vector(others)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mask = _first(builder, kind, arguments[1])
        pointer = _pointer(context, builder, arguments[0], kind)
        rest = spread(builder, arguments[2], others, kind)
        align = _I32(others.bitwidth // 8)
        return call(builder, "llvm.masked.load", kind, rest.type, [pointer, align, mask, rest])

    return kind(types.intp, types.intp, others), codegen


@intrinsic
def store(typingctx: Any, vector: Any, address: Any) -> Any:
    """Write a vector to an address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, arguments[1], vector)
        builder.store(arguments[0], pointer, align=vector.number.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(vector, types.intp), codegen


@intrinsic
def store_first(typingctx: Any, vector: Any, address: Any, count: Any) -> Any:
    """Write the first `count` numbers of a vector to an address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mask = _first(builder, vector, arguments[2])
        pointer = _pointer(context, builder, arguments[1], vector)
        align = _I32(vector.number.bitwidth // 8)
        call(builder, "llvm.masked.store", vector, ir.VoidType(), [arguments[0], pointer, align, mask])
        return context.get_dummy_value()

    return types.void(vector, types.intp, types.intp), codegen


def exchange_of_halves(side: int) -> Any:
    """`exchange(a, b)`: of every two groups of `side` lanes the first ones of a and b in turns, and the second ones."""

    @intrinsic
    def exchange(typingctx: Any, a: Any, b: Any) -> Any:
        result = types.UniTuple(a, 2)
        lanes = range(a.lanes)
        first = [lane if not lane & side else a.lanes + lane - side for lane in lanes]
        second = [lane + side if not lane & side else a.lanes + lane for lane in lanes]

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            orders = (ir.Constant(ir.VectorType(_I32, a.lanes), order) for order in (first, second))
            vectors = [builder.shuffle_vector(*arguments, order) for order in orders]
            return context.make_tuple(builder, result, vectors)

        return result(a, b), codegen

    return exchange


def _pointer(context: Any, builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, context.get_value_type(kind).as_pointer())


def _first(builder: Any, kind: Any, count: Any) -> Any:
    """A mask of the first lanes."""
    order = ir.Constant(ir.VectorType(_I32, kind.lanes), list(range(kind.lanes)))
    count = builder.trunc(count, _I32)
    nothing = ir.Constant(order.type, ir.Undefined)
    counts = builder.shuffle_vector(
        builder.insert_element(nothing, count, _I32(0)), nothing, ir.Constant(order.type, None)
    )
    return builder.icmp_signed("<", order, counts)


def call(builder: Any, name: str, kind: Any, result: Any, arguments: list[Any]) -> Any:
    """In LLVM: one of its functions that is named after the type of a vector, and of a pointer for masked ones."""
    pointer = ".p0" if "masked" in name else ""
    function = ir.FunctionType(result, [argument.type for argument in arguments])
    full_name = f"{name}.v{kind.lanes}f{kind.number.bitwidth}{pointer}"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, full_name), arguments)
