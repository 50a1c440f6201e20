"""Vectors of numbers as values in compiled code: what loops are written with that LLVM does not make SIMD of by itself.

A `Vector` is 64 bytes of float32 or float64, whatever the processor's registers hold, so that sums by lanes have the
same bits everywhere; or several of them, whose chains of operations are done in turns (`turns` says why). The
arithmetic of `numbers` and Python's `+`, `-`, `*`, `/` take vectors as they take numbers, lane by lane; a number beside
a vector stands for a vector of it, and a vector beside several for as many of it.
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
    """64 bytes of numbers of a type, or several of them, for which each operation is done before the next one."""

    def __init__(self, number: Any, count: int = 1) -> None:
        self.number, self.count = number, count
        self.lanes = count * LINE * 8 // number.bitwidth
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
    return max(kinds, key=lambda kind: kind.count if isinstance(kind, Vector) else 0)


def spread(builder: Any, value: Any, kind: Any, wanted: Any) -> Any:
    """In LLVM: a number in every lane, where a vector is wanted of it; a vector several times, where that is."""
    if kind == wanted:
        return value
    if isinstance(kind, Vector):
        return shuffled(builder, value, value, list(range(kind.lanes)) * (wanted.count // kind.count))
    return in_all_lanes(builder, value, wanted.lanes)


def in_all_lanes(builder: Any, value: Any, lanes: int) -> Any:
    """In LLVM: the vector with a value in every lane."""
    nothing = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    return shuffled(builder, builder.insert_element(nothing, value, _I32(0)), nothing, [0] * lanes)


def first_lanes(builder: Any, count: Any, lanes: int) -> Any:
    """In LLVM: a mask of so many lanes; a count out of range means all or none."""
    order = ir.Constant(ir.VectorType(_I32, lanes), list(range(lanes)))
    return builder.icmp_signed("<", order, in_all_lanes(builder, builder.trunc(count, _I32), lanes))


def shuffled(builder: Any, a: Any, b: Any, order: list[int]) -> Any:
    """In LLVM: a vector of lanes of two."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(order)), order))


def halves_exchanged(builder: Any, a: Any, b: Any, side: int) -> tuple[Any, Any]:
    """In LLVM: of every two groups of `side` lanes the first ones of a and b in turns, and the second ones."""
    count = a.type.count
    first = [lane if not lane & side else count + lane - side for lane in range(count)]
    second = [lane + side if not lane & side else count + lane for lane in range(count)]
    return shuffled(builder, a, b, first), shuffled(builder, a, b, second)


def call(builder: Any, name: str, *vectors: Any) -> Any:
    """In LLVM: a function of vectors of one type that gives another such."""
    kind = vectors[0].type
    return _call(builder, f"{name}.{_item(kind)[0]}", kind, list(vectors))


def load_lanes(builder: Any, pointer: Any, mask: Any, others: Any) -> Any:
    """In LLVM: the items at a pointer in the lanes of a mask, and those of a vector in the other lanes."""
    suffix, size = _item(others.type)
    return _call(builder, f"masked.load.{suffix}.p0", others.type, [pointer, _I32(size), mask, others])


def store_lanes(builder: Any, vector: Any, pointer: Any, mask: Any) -> None:
    """In LLVM: write those items of a vector that are in the lanes of a mask."""
    suffix, size = _item(vector.type)
    _call(builder, f"masked.store.{suffix}.p0", ir.VoidType(), [vector, pointer, _I32(size), mask])


def _item(kind: Any) -> tuple[str, int]:
    """What LLVM's functions of a type of vector are named after, and the bytes of an item."""
    letter, bits = {"float": ("f", 32), "double": ("f", 64)}.get(str(kind.element)) or ("i", kind.element.width)
    return f"v{kind.count}{letter}{bits}", bits // 8


def _call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    function = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}"), arguments)


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


@intrinsic
def larger(typingctx: Any, a: Any, b: Any) -> Any:
    """`a` where it is larger than `b`, else `b`, which a NaN is too."""
    kind = common(a, b)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y = (spread(builder, *pair, kind) for pair in zip(arguments, signature.args, strict=True))
        return builder.select(builder.fcmp_ordered(">", x, y), x, y)

    return kind(a, b), codegen


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
        mask = first_lanes(builder, arguments[1], kind.lanes)
        pointer = _pointer(context, builder, arguments[0], kind)
        return load_lanes(builder, pointer, mask, spread(builder, arguments[2], others, kind))

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
def load_lines(typingctx: Any, address: Any, step: Any, number: Any, count: Any) -> Any:
    """`count` vectors (a literal, a power of two) of numbers of a type, at addresses a step apart, as one."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    line, kind = Vector(number.dtype), Vector(number.dtype, count.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, distance = arguments[:2]
        lines = []
        for _ in range(kind.count):
            lines.append(builder.load(_pointer(context, builder, place, line), align=number.dtype.bitwidth // 8))
            place = builder.add(place, distance)
        while len(lines) > 1:
            order = list(range(2 * lines[0].type.count))
            lines = [shuffled(builder, a, b, order) for a, b in zip(lines[::2], lines[1::2], strict=True)]
        return lines[0]

    return kind(types.intp, types.intp, number, count), codegen


def _lines(builder: Any, vector: Any, count: int) -> list[Any]:
    lanes = vector.type.count // count
    return [shuffled(builder, vector, vector, list(range(i * lanes, (i + 1) * lanes))) for i in range(count)]


@intrinsic
def lines(typingctx: Any, vector: Any) -> Any:
    """The vectors that were loaded as one."""
    result = types.UniTuple(Vector(vector.number), vector.count)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_tuple(builder, result, _lines(builder, arguments[0], vector.count))

    return result(vector), codegen


@intrinsic
def store_lines(typingctx: Any, vector: Any, address: Any, step: Any) -> Any:
    """Write vectors that were loaded as one to addresses a step apart."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = arguments[1]
        for line in _lines(builder, arguments[0], vector.count):
            pointer = _pointer(context, builder, place, Vector(vector.number))
            builder.store(line, pointer, align=vector.number.bitwidth // 8)
            place = builder.add(place, arguments[2])
        return context.get_dummy_value()

    return types.void(vector, types.intp, types.intp), codegen


@intrinsic
def store_first(typingctx: Any, vector: Any, address: Any, count: Any) -> Any:
    """Write the first `count` numbers of a vector to an address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mask = first_lanes(builder, arguments[2], vector.lanes)
        store_lanes(builder, arguments[0], _pointer(context, builder, arguments[1], vector), mask)
        return context.get_dummy_value()

    return types.void(vector, types.intp, types.intp), codegen


@intrinsic
def fetch(typingctx: Any, address: Any, written: Any) -> Any:
    """Begin to fetch the line at an address, which will be written (a literal, 1) or read (0)."""
    if not isinstance(written, types.IntegerLiteral):
        return None
    to_stay, data = _I32(3), _I32(1)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())
        _call(builder, "prefetch.p0", ir.VoidType(), [address, _I32(written.literal_value), to_stay, data])
        return context.get_dummy_value()

    return types.void(types.intp, written), codegen


@intrinsic
def transpose_from(typingctx: Any, rows: Any, step: Any, last: Any, count: Any, lines: Any, number: Any) -> Any:
    """Write to a place, one line after the other, the vectors across as many rows as they have lanes.

    The first `count` numbers of each are read, at addresses a step apart up to row `last`; for those after it that one.
    """
    kind = Vector(number.dtype)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, step, last, count, lines, _ = arguments
        mask = first_lanes(builder, count, kind.lanes)
        nothing = ir.Constant(context.get_value_type(kind), None)
        found = [
            load_lanes(builder, _pointer(context, builder, place, kind), mask, nothing)
            for place in _places(builder, rows, step, last, kind.lanes)
        ]
        for line, place in zip(_transposed(builder, found), _lines_at(builder, lines, kind.lanes), strict=True):
            builder.store(line, _pointer(context, builder, place, kind), align=number.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5, number), codegen


@intrinsic
def transpose_to(typingctx: Any, lines: Any, rows: Any, step: Any, last: Any, count: Any, number: Any) -> Any:
    """The reverse of `transpose_from`."""
    kind = Vector(number.dtype)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lines, rows, step, last, count, _ = arguments
        mask = first_lanes(builder, count, kind.lanes)
        found = [
            builder.load(_pointer(context, builder, place, kind), align=number.dtype.bitwidth // 8)
            for place in _lines_at(builder, lines, kind.lanes)
        ]
        for row, place in zip(_transposed(builder, found), _places(builder, rows, step, last, kind.lanes), strict=True):
            store_lanes(builder, row, _pointer(context, builder, place, kind), mask)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5, number), codegen


def _lines_at(builder: Any, first: Any, count: int) -> list[Any]:
    """In LLVM: addresses of lines that follow each other."""
    return [builder.add(first, ir.Constant(first.type, i * LINE)) for i in range(count)]


def _places(builder: Any, first: Any, step: Any, last: Any, count: int) -> list[Any]:
    """In LLVM: addresses a step apart, as many as wanted, up to one."""
    places = [first]
    for i in range(1, count):
        there = builder.icmp_signed("<=", ir.Constant(last.type, i), last)
        places.append(builder.add(places[-1], builder.select(there, step, ir.Constant(step.type, 0))))
    return places


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """In LLVM: the columns of as many vectors as they have lanes."""
    side = len(rows) // 2
    while side:
        for i in range(len(rows)):
            if not i & side:
                rows[i], rows[i + side] = halves_exchanged(builder, rows[i], rows[i + side], side)
        side //= 2
    return rows


def exchange_of_halves(side: int) -> Any:
    """`exchange(a, b)`, which gives `halves_exchanged`."""

    @intrinsic
    def exchange(typingctx: Any, a: Any, b: Any) -> Any:
        result = types.UniTuple(a, 2)

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first, second = arguments
            return context.make_tuple(builder, result, halves_exchanged(builder, first, second, side))

        return result(a, b), codegen

    return exchange


def _pointer(context: Any, builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, context.get_value_type(kind).as_pointer())
