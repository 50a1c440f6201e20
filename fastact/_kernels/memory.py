"""Memory by its addresses."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import is_x86
from .numba_internals import cgutils

LINE = 64  #: bytes of a line of the caches

_I64 = ir.IntType(64)

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
