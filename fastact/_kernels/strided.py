"""Copies between strided places, by whole lines where elements lie near each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import has_feature
from .memory import LINE
from .numba_internals import cgutils
from .simd import shuffled, store_lanes

_I1, _I64 = ir.IntType(1), ir.IntType(64)


@intrinsic
def copy_items(
    typingctx: Any, source: Any, stride: Any, destination: Any, destination_stride: Any, n: Any, size: Any
) -> Any:
    """Copy n items of `size` (a literal) bytes between strided places that do not overlap.

    To contiguous memory by lines, where they lie all in one place, next to each other backwards, or in up to every
    fourth place: what lies between them is read, too, but nothing after the last. From contiguous memory by lines to
    such places but one, with AVX-512, which leaves alone what lies between them.
    """
    if not isinstance(size, types.IntegerLiteral):
        return None
    bytes_each = size.literal_value
    item = ir.IntType(8 * bytes_each)
    lanes = LINE // bytes_each
    line = ir.VectorType(item, lanes)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, stride, destination, destination_stride, n, _ = arguments
        done = cgutils.alloca_once_value(builder, _I64(0))

        def place(base: Any, i: Any, stride: Any, kind: Any) -> Any:
            return builder.inttoptr(builder.add(base, builder.mul(i, stride)), kind.as_pointer())

        def by_lines(copied: Callable[..., None], contiguous: Any, apart: Any, steps: tuple[int, ...]) -> None:
            """Copy all lines but the last, where one stride is that of contiguous items and the other of some steps.

            `copied(i, span, low, places)` copies a line, of items i and following; those that are apart lie at `places`
            of a vector `span`, which begins `low` bytes from item i.
            """
            with builder.if_then(builder.icmp_signed("==", contiguous, _I64(bytes_each))):
                end = builder.mul(builder.sdiv(builder.sub(n, _I64(1)), _I64(lanes)), _I64(lanes))
                for step in steps:
                    first = min(0, step) * (lanes - 1)
                    places = [i * step - first for i in range(lanes)]
                    span = ir.VectorType(item, max(1, lanes * abs(step)))
                    with builder.if_then(builder.icmp_signed("==", apart, _I64(step * bytes_each))):
                        with cgutils.for_range_slice(builder, _I64(0), end, _I64(lanes), _I64) as (i, _):
                            copied(i, span, _I64(first * bytes_each), places)
                        builder.store(end, done)

        def together(i: Any, span: Any, low: Any, places: list[int]) -> None:
            value = builder.load(place(builder.add(source, low), i, stride, span), align=bytes_each)
            value = shuffled(builder, value, value, places)
            builder.store(value, place(destination, i, destination_stride, line), align=bytes_each)

        def apart(i: Any, span: Any, low: Any, places: list[int]) -> None:
            value = builder.load(place(source, i, stride, line), align=bytes_each)
            lane = {there: here for here, there in enumerate(places)}
            value = shuffled(builder, value, value, [lane.get(there, 0) for there in range(span.count)])
            mask = ir.Constant(ir.VectorType(_I1, span.count), [_I1(there in lane) for there in range(span.count)])
            pointer = place(builder.add(destination, low), i, destination_stride, span)
            store_lanes(builder, value, pointer, mask)

        by_lines(together, destination_stride, stride, (0, 2, 3, 4, -1))
        if has_feature(context, "avx512bw"):
            by_lines(apart, stride, destination_stride, (2, 3, 4, -1))
        with cgutils.for_range_slice(builder, builder.load(done), n, _I64(1), _I64) as (i, _):
            value = builder.load(place(source, i, stride, item), align=bytes_each)
            builder.store(value, place(destination, i, destination_stride, item), align=bytes_each)
        return context.get_dummy_value()

    return types.void(source, stride, destination, destination_stride, n, size), codegen
