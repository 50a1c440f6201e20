"""The product of a layer in explicit vectors, which LLVM's vectoriser does not make of loops.

Functions of LLVM IR, shaped for the processor that code is compiled for. A *tile* is some rows of x times some columns
of the weights. Its sums stay in registers over the whole of k, while each number of x is spread over a vector and
multiplied with the columns. Every sum is one chain of multiply-adds in the order of k that begins with the bias, so its
bits depend neither on the tile nor on what else is computed. A *sweep* does the same for one row of x, by a few rows of
the weights at a time from their first column to their last, the order in which memory gives them soonest. *Dots* are
products with a single column and are taken along k: `_DOT_VECTORS` vectors of partial sums, added up by halves, in the
same order for one row as for many.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import simd
from .compiled import has_feature, is_x86
from .memory import LINE
from .numba_internals import cgutils, cpu_target

_I32, _I64 = ir.IntType(32), ir.IntType(64)

FEW_ROWS = 4  #: of which the numbers of the weights serve more than one at once

_DOT_VECTORS = 4
_SWEPT_ROWS = 8  # of the weights at once
AHEAD = 8192  #: bytes of x prefetched ahead of use, further than the processor prefetches by itself
_PACKED_AHEAD = 16  # rows of the weights prefetched ahead of packing
_PANEL_AHEAD = 1024  # bytes of a panel prefetched ahead of use, from the second-level or third-level cache
_FIRST_LEVEL, _SECOND_LEVEL = 3, 2  # caches, as `llvm.prefetch` counts them
_ROWS_A_POINTER = 3  # an address may have an index scaled by 1 or 2, so that a pointer serves three rows


class Processor(NamedTuple):
    """What decides the shapes."""

    vector_bytes: int
    registers: int
    fused_multiply_add: bool  #: multiply-add in one instruction
    masks: str  #: "none", "slow" or "free": loads of some lanes of a vector


@functools.cache
def processor() -> Processor:
    """The processor that code is compiled for."""
    context = cpu_target.target_context
    if has_feature(context, "avx512f"):
        return Processor(64, 32, True, "free")
    if has_feature(context, "avx"):
        return Processor(32, 16, has_feature(context, "fma"), "slow")
    if is_x86(context):
        return Processor(16, 16, False, "none")
    return Processor(16, 32, True, "none")


class Shape(NamedTuple):
    """A tile's size, steps of k a turn of its loop, and whether it may be given fewer columns than it has."""

    rows: int
    vectors: int
    unroll: int
    masked: bool
    packs: bool = False  #: stores the columns of the weights as a panel, too
    prefetches: bool = False  #: the next rows of its panel, and what the caller names


class Shapes(NamedTuple):
    """The tiles of a layer."""

    main: Shape
    shorter: Shape  #: one row less than `main`: most counts of rows are sums of the two heights
    packing: Shape  #: like `main`, and stores the panel that it reads
    narrow: Shape  #: where one vector holds all columns
    few: Shape  #: for fewer rows
    single: Shape  #: for still fewer


def shapes() -> Shapes:
    """The shapes whose sums, columns and numbers of x fit the registers.

    With 32 registers a number of x for every row fits beside the others, because the compiler may load all before their
    use; with 16 it has been seen not to. A step of the main tile then leaves 8 of 20 loads free while it multiplies, so
    that prefetching is free, too; with 16 registers it leaves 4 of 12, and there are too few registers for addresses.
    """
    _, registers, fused, masks = processor()
    many = registers == 32
    rows = 10 if many else 6 if fused else 4
    free, any_at_all = masks == "free", masks != "none"
    return Shapes(
        main=Shape(rows, 2, 1, False, prefetches=many),
        shorter=Shape(rows - 1, 2, 1, False, prefetches=many),
        packing=Shape(rows, 2, 1, free, packs=True),
        narrow=Shape(12, 1, 2, False) if many else Shape(8, 1, 1, False),
        few=Shape(FEW_ROWS, 2, 1, any_at_all),
        single=Shape(1, 4, 2, any_at_all),
    )


def lanes(real: Any) -> int:
    """Numbers in a vector."""
    return processor().vector_bytes * 8 // int(real.bitwidth)


def tile(real: Any, shape: Shape) -> Any:
    """The intrinsic of a tile: ``z[r, c] = start[c] + sum of x[r, p] * w[p, c]``.

    It takes addresses and, in bytes, strides: x, from row to row, and along k; w, and along k; k; start; z, and from
    row to row; and how many columns w has. x may have any strides; the columns of the others are contiguous. start is
    read and z written in whole vectors, whatever the number of columns, z in the order of its rows.

    The last two are an address and its stride along k: where the tile packs to, or what it prefetches. The stride is
    ignored unless the tile packs or `Shape.prefetches`: then the address is one of x, and its rows are contiguous.
    """

    @intrinsic
    def function(
        typingctx: Any,
        x: Any,
        x_row: Any,
        x_step: Any,
        w: Any,
        w_row: Any,
        k: Any,
        start: Any,
        z: Any,
        z_row: Any,
        columns: Any,
        ahead: Any,
        ahead_step: Any,
    ) -> Any:
        name = f"fastact_tile_{real}_{shape.rows}x{shape.vectors}{'_packing' * shape.packs}"
        return _calling(name, 12, lambda *arguments: _tile_body(shape, *arguments), real)

    return function


def sweep(real: Any) -> Any:
    """The intrinsic of a sweep: ``z[c] += sum of x[p] * w[p, c]``.

    It takes addresses and, in bytes, strides: x, and along k; w, and along k; k; z; and how many columns w has, at
    least as many as a vector has lanes. The columns of w and z are contiguous.
    """

    @intrinsic
    def function(typingctx: Any, x: Any, x_step: Any, w: Any, w_row: Any, k: Any, z: Any, columns: Any) -> Any:
        return _calling(f"fastact_sweep_{real}", 7, _sweep_body, real)

    return function


def dots(real: Any, rows: int) -> Any:
    """The intrinsic of dots: ``z[r] = bias[0] + sum of x[r, p] * w[p]`` for 1 row or as many as a vector has lanes.

    It takes x, its stride from row to row in bytes, w, k, bias and z; all are contiguous but for the rows of x.
    """

    @intrinsic
    def function(typingctx: Any, x: Any, x_row: Any, w: Any, k: Any, bias: Any, z: Any) -> Any:
        name = f"fastact_dots_{real}_{rows}"
        return _calling(name, 6, lambda *arguments: _dots_body(rows, *arguments), real)

    return function


def transposition(real: Any) -> Any:
    """The intrinsic that transposes a square of vectors, given address and stride of the source and the destination."""

    @intrinsic
    def function(typingctx: Any, source: Any, source_row: Any, destination: Any, destination_row: Any) -> Any:
        name = f"fastact_transposition_{real}"
        return _calling(name, 4, _transposition_body, real)

    return function


def _calling(name: str, count: int, body: Callable[..., None], real: Any) -> Any:
    """What an intrinsic gives that calls an internal function of words, defined by `body` where it is not yet."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        module = builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64] * count), name)
            function.linkage = "internal"
            for attribute in ("nounwind", "noinline", f'"prefer-vector-width"="{processor().vector_bytes * 8}"'):
                set.add(function.attributes, attribute)  # the last is a name that llvmlite does not list
            inner = ir.IRBuilder(function.append_basic_block())
            body(Vectors(inner, real), *function.args)
            inner.ret_void()
        builder.call(function, arguments)
        return context.get_dummy_value()

    return types.void(*[types.intp] * count), codegen


class Vectors:
    """Instructions on vectors of one type, appended by a builder. Addresses are words."""

    def __init__(self, builder: Any, real: Any) -> None:
        self.builder = builder
        self.lanes = lanes(real)
        self.size = int(real.bitwidth) // 8
        self.bytes = self.lanes * self.size
        self.real = ir.FloatType() if self.size == 4 else ir.DoubleType()
        self.type = ir.VectorType(self.real, self.lanes)

    def offset(self, address: Any, distance: int) -> Any:
        return self.builder.add(address, _I64(distance))

    def load(self, address: Any, mask: Any = None) -> Any:
        pointer = self.builder.inttoptr(address, self.type.as_pointer())
        if mask is None:
            return self.builder.load(pointer, align=self.size)
        return simd.load_lanes(self.builder, pointer, mask, ir.Constant(self.type, None))

    def opaque(self, word: Any) -> Any:
        """The same word, as one that the compiler can not derive from others."""
        return self.builder.asm(ir.FunctionType(_I64, [_I64]), "", "=r,0", [word], False)

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer()), align=self.size)

    def prefetch(self, address: Any, level: int) -> None:
        """Prefetch the line at an address, which need not be a valid one, into a level of cache."""
        pointer = self.builder.inttoptr(address, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        self.builder.call(function, [pointer, _I32(0), _I32(level), _I32(1)])

    def spread(self, address: Any) -> Any:
        """The number at an address in all lanes."""
        number = self.builder.load(self.builder.inttoptr(address, self.real.as_pointer()), align=self.size)
        return simd.in_all_lanes(self.builder, number, self.lanes)

    def first_lanes(self, count: Any) -> Any:
        """A mask of so many lanes; a count out of range means all or none."""
        return simd.first_lanes(self.builder, count, self.lanes)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        if not processor().fused_multiply_add:
            return self.builder.fadd(self.builder.fmul(a, b), c)
        return simd.call(self.builder, "fma", a, b, c)

    def repeat(self, count: Any, values: list[Any], body: Callable[[list[Any]], list[Any]]) -> list[Any]:
        """Go through `values = body(values)` as often as a word says; gives the last."""
        builder = self.builder
        before = builder.block
        loop, after = builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed(">", count, _I64(0)), loop, after)
        builder.position_at_end(loop)
        variables = [builder.phi(value.type) for value in (count, *values)]
        following = [builder.sub(variables[0], _I64(1)), *body(variables[1:])]
        end = builder.block  # of the body, which may have loops of its own
        for variable, first, following_one in zip(variables, (count, *values), following, strict=True):
            variable.add_incoming(first, before)
            variable.add_incoming(following_one, end)
        builder.cbranch(builder.icmp_signed(">", following[0], _I64(0)), loop, after)
        builder.position_at_end(after)
        results = [builder.phi(value.type) for value in values]
        for result, first, last in zip(results, values, following[1:], strict=True):
            result.add_incoming(first, before)
            result.add_incoming(last, end)
        return results


def _tile_body(shape: Shape, vectors: Vectors, *words: Any) -> None:
    x, x_row, x_step, w, w_row, k, start, z, z_row, columns, ahead, ahead_step = words
    builder, width = vectors.builder, range(shape.vectors)
    masks = [None] * shape.vectors
    if shape.masked:
        masks = [vectors.first_lanes(builder.sub(columns, _I64(c * vectors.lanes))) for c in width]
    offsets = [_I64(0), x_row, builder.shl(x_row, _I64(1))]
    pointers = [builder.add(x, builder.mul(x_row, _I64(r))) for r in range(0, shape.rows, _ROWS_A_POINTER)]
    if processor().registers == 32:
        # If LLVM knew their distance, it would compute each address from the previous one, by additions that compete
        # with the multiplications. With 16 registers it does not, and opaque pointers would cost it spills.
        pointers = [vectors.opaque(pointer) for pointer in pointers]
    first = [vectors.load(vectors.offset(start, c * vectors.bytes)) for c in width]
    before_sums = 2 + len(pointers)
    packed_ahead = builder.mul(w_row, _I64(_PACKED_AHEAD)) if shape.packs else None

    def step(values: list[Any]) -> list[Any]:
        w, ahead, moving, sums = values[0], values[1], values[2:before_sums], values[before_sums:]
        row_of_w = [vectors.load(vectors.offset(w, c * vectors.bytes), masks[c]) for c in width]
        following = []
        if shape.packs:
            for c in width:
                vectors.store(row_of_w[c], vectors.offset(ahead, c * vectors.bytes))
                vectors.prefetch(vectors.offset(builder.add(w, packed_ahead), c * vectors.bytes), _FIRST_LEVEL)
        elif shape.rows > 1:
            vectors.prefetch(ahead, _SECOND_LEVEL)
            for place in range(0, shape.vectors * vectors.bytes, LINE) if shape.prefetches else ():
                vectors.prefetch(vectors.offset(w, _PANEL_AHEAD + place), _FIRST_LEVEL)
        for r in range(shape.rows):
            pointer, place = divmod(r, _ROWS_A_POINTER)
            number = vectors.spread(builder.add(moving[pointer], offsets[place]))
            following += [vectors.multiply_add(number, row_of_w[c], sums[r * shape.vectors + c]) for c in width]
        if shape.packs or shape.prefetches:
            ahead = builder.add(ahead, ahead_step)
        else:
            ahead = vectors.offset(ahead, shape.rows * vectors.size)  # as if the rows were one behind the other
        return [builder.add(w, w_row), ahead, *[builder.add(pointer, x_step) for pointer in moving], *following]

    def turn(values: list[Any]) -> list[Any]:
        for _ in range(shape.unroll):
            values = step(values)
        return values

    values = [w, ahead, *pointers, *first * shape.rows]
    if shape.unroll > 1:
        values = vectors.repeat(builder.udiv(k, _I64(shape.unroll)), values, turn)
        k = builder.urem(k, _I64(shape.unroll))
    values = vectors.repeat(k, values, step)
    sums = values[before_sums:]
    for r in range(shape.rows):
        row = builder.add(z, builder.mul(z_row, _I64(r)))
        for c in width:
            vectors.store(sums[r * shape.vectors + c], vectors.offset(row, c * vectors.bytes))


def _sweep_body(vectors: Vectors, x: Any, x_step: Any, w: Any, w_row: Any, k: Any, z: Any, columns: Any) -> None:
    builder = vectors.builder
    whole = builder.udiv(columns, _I64(vectors.lanes))
    last = builder.mul(builder.sub(columns, _I64(vectors.lanes)), _I64(vectors.size))

    def over_columns(rows: int) -> Callable[[list[Any]], list[Any]]:
        def some_rows(values: list[Any]) -> list[Any]:
            x, w = values
            numbers, rows_of_w = [], []
            for _ in range(rows):
                numbers.append(vectors.spread(x))
                rows_of_w.append(w)
                x, w = builder.add(x, x_step), builder.add(w, w_row)

            def continued(place: Any) -> Any:
                total = vectors.load(builder.add(z, place))
                for number, row in zip(numbers, rows_of_w, strict=True):
                    total = vectors.multiply_add(number, vectors.load(builder.add(row, place)), total)
                return total

            def column(values: list[Any]) -> list[Any]:
                (place,) = values
                vectors.store(continued(place), builder.add(z, place))
                return [vectors.offset(place, vectors.bytes)]

            last_sums = continued(last)  # before those that it shares with the vector before it are stored
            vectors.repeat(whole, [_I64(0)], column)
            vectors.store(last_sums, builder.add(z, last))
            return [x, w]

        return some_rows

    values = vectors.repeat(builder.udiv(k, _I64(_SWEPT_ROWS)), [x, w], over_columns(_SWEPT_ROWS))
    vectors.repeat(builder.urem(k, _I64(_SWEPT_ROWS)), values, over_columns(1))


def _dots_body(rows: int, vectors: Vectors, x: Any, x_row: Any, w: Any, k: Any, bias: Any, z: Any) -> None:
    builder, lanes = vectors.builder, vectors.lanes
    # As many rows at once as leave registers for the weights.
    together = min(rows, processor().registers // 2 // _DOT_VECTORS)
    turn_bytes = _DOT_VECTORS * vectors.bytes
    turns, left = builder.udiv(k, _I64(_DOT_VECTORS * lanes)), builder.urem(k, _I64(_DOT_VECTORS * lanes))
    rests = builder.udiv(builder.add(left, _I64(lanes - 1)), _I64(lanes))
    zero = ir.Constant(vectors.type, None)

    def along_k(values: list[Any]) -> list[Any]:
        w, *pointers = values[: 1 + together]
        sums = values[1 + together :]
        weights = [vectors.load(vectors.offset(w, u * vectors.bytes)) for u in range(_DOT_VECTORS)]
        if rows > 1:
            for pointer in pointers:
                for line in range(0, turn_bytes, LINE):
                    vectors.prefetch(vectors.offset(pointer, line + AHEAD), _FIRST_LEVEL)
        following = [
            vectors.multiply_add(
                vectors.load(vectors.offset(pointer, u * vectors.bytes)), weights[u], sums[r * _DOT_VECTORS + u]
            )
            for r, pointer in enumerate(pointers)
            for u in range(_DOT_VECTORS)
        ]
        return [*[vectors.offset(address, turn_bytes) for address in (w, *pointers)], *following]

    def rest(values: list[Any]) -> list[Any]:
        left, w, *pointers = values[: 2 + together]
        sums = values[2 + together :]
        mask = vectors.first_lanes(left)
        weights = vectors.load(w, mask)
        following = [
            vectors.multiply_add(vectors.load(pointer, mask), weights, total)
            for pointer, total in zip(pointers, sums, strict=True)
        ]
        addresses = [vectors.offset(address, vectors.bytes) for address in (w, *pointers)]
        return [builder.sub(left, _I64(lanes)), *addresses, *following]

    totals: list[Any] = []
    for first in range(0, rows, together):
        pointers = [builder.add(x, builder.mul(x_row, _I64(first + r))) for r in range(together)]
        values = vectors.repeat(turns, [w, *pointers, *[zero] * (together * _DOT_VECTORS)], along_k)
        partial = values[1 + together :]
        sums = [_added_up(builder, partial[r * _DOT_VECTORS : (r + 1) * _DOT_VECTORS]) for r in range(together)]
        totals += vectors.repeat(rests, [left, *values[: 1 + together], *sums], rest)[2 + together :]
    sums = _lanes_added_up(vectors, totals)
    result = builder.fadd(sums, vectors.spread(bias))
    vectors.store(result if rows > 1 else builder.extract_element(result, _I32(0)), z)


def _added_up(builder: Any, values: list[Any]) -> Any:
    while len(values) > 1:
        values = [builder.fadd(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def _lanes_added_up(vectors: Vectors, values: list[Any]) -> Any:
    """The sum over the lanes of each vector, in the lane of its number; of a single one in the first lane.

    By halves: lane i is added to lane i + n/2 for n = all lanes, half of them, and so on. Two vectors become one on the
    way, in which each has half of every group of n lanes.
    """
    builder, lanes = vectors.builder, vectors.lanes
    group = lanes
    while group > 1:
        half = group // 2
        if len(values) == 1:
            pairs = [(values[0], values[0])]
        else:
            pairs = list(zip(values[: len(values) // 2], values[len(values) // 2 :], strict=True))
        values = [builder.fadd(*simd.halves_exchanged(builder, a, b, half)) for a, b in pairs]
        group = half
    return values[0]


def _transposition_body(vectors: Vectors, source: Any, source_row: Any, destination: Any, destination_row: Any) -> None:
    """By squares: those off the diagonal change places, first of half the size, then of a quarter, and so on."""
    builder, lanes = vectors.builder, vectors.lanes
    rows = [vectors.load(builder.add(source, builder.mul(source_row, _I64(i)))) for i in range(lanes)]
    side = lanes // 2
    while side:
        for i in range(lanes):
            if not i & side:
                rows[i], rows[i + side] = simd.halves_exchanged(builder, rows[i], rows[i + side], side)
        side //= 2
    for i in range(lanes):
        vectors.store(rows[i], builder.add(destination, builder.mul(destination_row, _I64(i))))
