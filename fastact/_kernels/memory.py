"""Memory by its addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import has_feature, is_x86
from .numba_internals import cgutils

LINE = 64  #: bytes of a line of the caches

_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
_BYTE_POINTER = ir.IntType(8).as_pointer()


@intrinsic
def operands(typingctx: Any, addresses: Any, real: Any, count: Any) -> Any:
    """The first `count` of an array of addresses, as a tuple of pointers to `real`."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    pointer = types.CPointer(real.dtype)
    result = types.UniTuple(pointer, count.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer_type = context.get_value_type(pointer)
        values = [
            builder.inttoptr(builder.load(builder.gep(arguments[0], [_I64(i)])), pointer_type)
            for i in range(count.literal_value)
        ]
        return context.make_tuple(builder, result, values)

    return result(addresses, real, count), codegen


@intrinsic
def elements(typingctx: Any, pointers: Any, i: Any) -> Any:
    """What each of a tuple of pointers holds at index `i`, as a tuple."""
    result = types.UniTuple(pointers.dtype.dtype, pointers.count)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = [
            builder.load(builder.gep(pointer, [arguments[1]]))
            for pointer in cgutils.unpack_tuple(builder, arguments[0])
        ]
        return context.make_tuple(builder, result, values)

    return result(pointers, types.intp), codegen


@intrinsic
def at(typingctx: Any, address: Any, real: Any) -> Any:
    """An address as a pointer to `real`."""
    pointer = types.CPointer(real.dtype)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(types.intp, real), codegen


@intrinsic
def address_of(typingctx: Any, pointer: Any) -> Any:
    """The address that a pointer holds."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], _I64)

    return types.intp(pointer), codegen


@intrinsic
def stack(typingctx: Any, size: Any) -> Any:
    """The address of `size` (a literal) bytes of the stack, aligned to a cache line, until the function returns."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():
            memory = builder.alloca(ir.ArrayType(ir.IntType(8), size.literal_value))
            memory.align = 64
            return builder.ptrtoint(memory, _I64)

    if not isinstance(size, types.IntegerLiteral):
        return None
    return types.intp(size), codegen


@intrinsic
def copy(typingctx: Any, source: Any, destination: Any, size: Any) -> Any:
    """Copy `size` bytes between addresses that do not overlap."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        src, dst, length = arguments
        cgutils.raw_memcpy(
            builder, builder.inttoptr(dst, _BYTE_POINTER), builder.inttoptr(src, _BYTE_POINTER), length, 1
        )
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), codegen


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

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, stride, destination, destination_stride, n, _ = arguments

        def place(base: Any, i: Any, stride: Any, kind: Any) -> Any:
            return builder.inttoptr(builder.add(base, builder.mul(i, stride)), kind.as_pointer())

        def indices(values: Iterable[int]) -> Any:
            constants = [_I32(value) for value in values]
            return ir.Constant(ir.VectorType(_I32, len(constants)), constants)

        def copy_lines(step: int, end: Any) -> None:
            read, line = ir.VectorType(item, max(1, lanes * abs(step))), ir.VectorType(item, lanes)
            first = min(0, step) * (lanes - 1)
            lowest = builder.add(source, _I64(first * bytes_each))
            order = indices(i * step - first for i in range(lanes))
            with cgutils.for_range_slice(builder, _I64(0), end, _I64(lanes), _I64) as (i, _):
                value = builder.load(place(lowest, i, stride, read), align=bytes_each)
                value = builder.shuffle_vector(value, ir.Constant(read, ir.Undefined), order)
                builder.store(value, place(destination, i, destination_stride, line), align=bytes_each)

        def spread_lines(step: int, end: Any) -> None:
            line, written = ir.VectorType(item, lanes), ir.VectorType(item, lanes * abs(step))
            first = min(0, step) * (lanes - 1)
            lowest = builder.add(destination, _I64(first * bytes_each))
            places = {i * step - first: i for i in range(lanes)}
            order = indices(places.get(i, 0) for i in range(written.count))
            mask = ir.Constant(ir.VectorType(_I1, written.count), [_I1(i in places) for i in range(written.count)])
            with cgutils.for_range_slice(builder, _I64(0), end, _I64(lanes), _I64) as (i, _):
                value = builder.load(place(source, i, stride, line), align=bytes_each)
                value = builder.shuffle_vector(value, ir.Constant(line, ir.Undefined), order)
                store = ir.FunctionType(ir.VoidType(), [written, written.as_pointer(), _I32, mask.type])
                name = f"llvm.masked.store.v{written.count}i{8 * bytes_each}.p0"
                function = cgutils.get_or_insert_function(builder.module, store, name)
                builder.call(function, [value, place(lowest, i, destination_stride, written), _I32(bytes_each), mask])

        def by_lines(copied: Callable[[int, Any], None], other: Any, stride: Any, steps: tuple[int, ...]) -> None:
            with builder.if_then(builder.icmp_signed("==", other, _I64(bytes_each))):
                end = builder.mul(builder.sdiv(builder.sub(n, _I64(1)), _I64(lanes)), _I64(lanes))
                for step in steps:
                    with builder.if_then(builder.icmp_signed("==", stride, _I64(step * bytes_each))):
                        copied(step, end)
                        builder.store(end, done)

        done = cgutils.alloca_once_value(builder, _I64(0))
        by_lines(copy_lines, destination_stride, stride, (0, 2, 3, 4, -1))
        if has_feature(context, "avx512bw"):
            by_lines(spread_lines, stride, destination_stride, (2, 3, 4, -1))
        with cgutils.for_range_slice(builder, builder.load(done), n, _I64(1), _I64) as (i, _):
            value = builder.load(place(source, i, stride, item), align=bytes_each)
            builder.store(value, place(destination, i, destination_stride, item), align=bytes_each)
        return context.get_dummy_value()

    return types.void(source, stride, destination, destination_stride, n, size), codegen


@intrinsic
def stream_line(typingctx: Any, source: Any, destination: Any) -> Any:
    """Store the 64 bytes at `source` to the 64-byte aligned `destination`, past the caches."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        line = ir.VectorType(ir.IntType(32), 16).as_pointer()
        value = builder.load(builder.inttoptr(arguments[0], line), align=4)
        store = builder.store(value, builder.inttoptr(arguments[1], line), align=64)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def stream_fence(typingctx: Any) -> Any:
    """Make streamed stores visible before any later store: they are not ordered by themselves."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if is_x86(context):
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, "llvm.x86.sse.sfence"), [])
        else:
            builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def fetch_and_add(typingctx: Any, address: Any) -> Any:
    """Add 1 to the word at `address`, atomically; gives what it was."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = builder.inttoptr(arguments[0], _I64.as_pointer())
        return builder.atomic_rmw("add", word, _I64(1), "monotonic")

    return types.intp(types.intp), codegen


@intrinsic
def try_lock(typingctx: Any, address: Any) -> Any:
    """Set the word at `address` from 0 to 1, atomically; tells whether it was 0."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = builder.inttoptr(arguments[0], _I64.as_pointer())
        return builder.extract_value(builder.cmpxchg(word, _I64(0), _I64(1), "acquire", "monotonic"), 1)

    return types.boolean(types.intp), codegen


@intrinsic
def unlock(typingctx: Any, address: Any) -> Any:
    """Set the word at `address` to 0."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = builder.inttoptr(arguments[0], _I64.as_pointer())
        builder.store_atomic(_I64(0), word, "release", 8)
        return context.get_dummy_value()

    return types.void(types.intp), codegen
