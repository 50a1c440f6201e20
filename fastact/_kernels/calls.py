"""C functions by their addresses."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .numba_internals import cgutils

_I64, _NOTHING = ir.IntType(64), ir.VoidType()


@intrinsic
def call(typingctx: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call the C function at an address with integer arguments; it returns nothing."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        call_address(builder, arguments[0], cgutils.unpack_tuple(builder, arguments[1]))
        return context.get_dummy_value()

    return types.void(types.intp, arguments_tuple), codegen


@intrinsic
def address_of_loop(typingctx: Any, function: Any) -> Any:
    """The address of a C function that calls a compiled `function(addresses, n)`, which can not raise."""
    operands = (types.CPointer(types.intp), types.intp)
    function.get_call_type(typingctx, operands, {})
    compiled_function = function.dispatcher.overloads[operands]

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        description = compiled_function.fndesc
        context.add_linking_libs([compiled_function.library])
        callee = context.declare_function(builder.module, description)
        kind = ir.FunctionType(ir.VoidType(), [context.get_value_type(operand) for operand in operands])
        wrapper = ir.Function(builder.module, kind, builder.module.get_unique_name("fastact_loop"))
        wrapper.linkage = "internal"
        inside = ir.IRBuilder(wrapper.append_basic_block())
        context.call_conv.call_function(inside, callee, description.restype, description.argtypes, wrapper.args)
        inside.ret_void()
        return builder.ptrtoint(wrapper, _I64)

    return types.intp(function), codegen


@intrinsic
def ask(typingctx: Any, function: Any) -> Any:
    """Call the C function `int function(void)` at an address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.sext(call_address(builder, arguments[0], [], ir.IntType(32)), _I64)

    return types.intp(types.intp), codegen


@intrinsic
def ask_word(typingctx: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call the C function at an address with integer arguments; it returns a word."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call_address(builder, arguments[0], cgutils.unpack_tuple(builder, arguments[1]), _I64)

    return types.intp(types.intp, arguments_tuple), codegen


def call_address(builder: Any, address: Any, words: Any, result: Any = _NOTHING) -> Any:
    """Call the C function at an address, of integers."""
    kind = ir.FunctionType(result, [_I64] * len(words))
    return builder.call(builder.inttoptr(address, kind.as_pointer()), words)
