"""The state of the floating-point unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .._runtime import float_modes
from .calls import call_address
from .compiled import is_arm, is_x86
from .numba_internals import cgutils

_I64 = ir.IntType(64)
_BYTE_POINTER = ir.IntType(8).as_pointer()

# C's words are used: the modes are how to round, whether to flush subnormals and what to trap; the flags say what
# happened, and NumPy turns them into warnings; the environment is both. On x86 they are one register of SSE and AVX, on
# 64-bit Arm a control register and a status register. By default numbers are rounded to nearest, subnormals kept, and
# nothing is trapped.
_X86_FLAGS = 0x3F


@intrinsic
def in_default_float_environment(typingctx: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call a compiled function in the default environment, and restore the caller's, flags included."""
    return _of_compiled(typingctx, function, arguments_tuple, _call_in_environment)


@intrinsic
def in_float_environment(typingctx: Any, modes: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call the C function at an address in given floating-point modes, and restore the caller's environment.

    The function takes integers and returns nothing. `modes` is a value of the control register (see `float_modes`).
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        modes, function, integers = arguments
        state = _enter(context, builder, modes)
        call_address(builder, function, cgutils.unpack_tuple(builder, integers))
        _leave(context, builder, state)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, arguments_tuple), codegen


@intrinsic
def in_default_float_modes(typingctx: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call a compiled function in the default modes; flags that it raises stay raised.

    Where the caller has the default modes it is a plain call, which may be inlined.
    """
    return _of_compiled(typingctx, function, arguments_tuple, _call_in_modes)


def run_in_default_float_modes(
    context: Any, builder: Any, signature: Any, arguments: Any, code: Callable[..., Any]
) -> Any:
    """As `in_default_float_modes`, of a function whose code `code(context, builder, arguments)` makes."""
    call_conv, module = context.call_conv, builder.module
    kind = call_conv.get_function_type(signature.return_type, signature.args)
    function = ir.Function(module, kind, module.get_unique_name("fastact_code"))
    function.linkage = "internal"
    inside = ir.IRBuilder(function.append_basic_block())
    result = code(context, inside, call_conv.decode_arguments(inside, signature.args, function))
    call_conv.return_value(inside, context.get_return_value(inside, signature.return_type, result))
    return _call_in_modes(context, builder, function, signature, arguments)


def _of_compiled(typing_context: Any, function: Any, arguments_tuple: Any, call: Callable[..., Any]) -> Any:
    kinds = arguments_tuple.types
    result = function.get_call_type(typing_context, kinds, {}).return_type
    overload = function.dispatcher.overloads[kinds]

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        context.add_linking_libs([overload.library])
        function = context.declare_function(builder.module, overload.fndesc)
        return call(context, builder, function, result(*kinds), cgutils.unpack_tuple(builder, arguments[1]))

    return result(function, arguments_tuple), codegen


def _call_in_modes(context: Any, builder: Any, function: Any, signature: Any, arguments: Any) -> Any:
    result = cgutils.alloca_once(builder, context.get_value_type(signature.return_type))
    with builder.if_else(_has_default_modes(context, builder), likely=True) as (then, otherwise):
        with then:
            status, value = _call(context, builder, function, signature, arguments)
            _propagate(context, builder, status)
            builder.store(value, result)
        with otherwise:
            builder.store(_call_in_environment(context, builder, function, signature, arguments), result)
    return builder.load(result)


def _call_in_environment(context: Any, builder: Any, function: Any, signature: Any, arguments: Any) -> Any:
    callee = _not_inlined(builder.module, function)
    state = _enter(context, builder, _I64(_default(context)))
    status, value = _call(context, builder, callee, signature, arguments)
    _leave(context, builder, state)
    _propagate(context, builder, status)
    return value


def _call(context: Any, builder: Any, function: Any, signature: Any, arguments: Any) -> Any:
    return context.call_conv.call_function(builder, function, signature.return_type, signature.args, arguments)


def _propagate(context: Any, builder: Any, status: Any) -> None:
    with cgutils.if_unlikely(builder, status.is_error):
        context.call_conv.return_status_propagate(builder, status)


def _not_inlined(module: Any, function: Any) -> Any:
    """A function that calls another one, and stays where it is called.

    LLVM moves arithmetic across the instructions that set the modes (llvm issue 83661), and calls of functions that it
    finds to be without effects.
    """
    wrapper = ir.Function(module, function.function_type, module.get_unique_name("fastact_default_float_environment"))
    wrapper.linkage = "internal"
    wrapper.attributes.add("noinline")
    builder = ir.IRBuilder(wrapper.append_basic_block())
    _assembly(builder, ir.VoidType(), "", "~{memory}")
    builder.ret(builder.call(function, wrapper.args))
    return wrapper


def _default(context: Any) -> int:
    modes = float_modes.X86 if is_x86(context) else float_modes.ARM
    return modes[0]


def _has_default_modes(context: Any, builder: Any) -> Any:
    """Whether the modes are the default ones."""
    if is_x86(context):
        word, flags = _read_x86(builder), ir.IntType(32)(_X86_FLAGS)
        return builder.icmp_unsigned("==", builder.or_(word, flags), ir.IntType(32)(_default(context) | _X86_FLAGS))
    if is_arm(context):
        return builder.icmp_unsigned("==", _read_arm(builder, "fpcr"), _I64(_default(context)))
    return ir.IntType(1)(1)


def _enter(context: Any, builder: Any, modes: Any) -> Any:
    """Set the modes; return the environment as it was."""
    if is_x86(context):
        before = _read_x86(builder)
        _write_x86(builder, builder.trunc(modes, ir.IntType(32)))
        return (before,)
    if is_arm(context):
        before = _read_arm(builder, "fpsr"), _read_arm(builder, "fpcr")
        _write_arm(builder, "fpcr", modes)
        return before
    return ()


def _leave(context: Any, builder: Any, state: Any) -> None:
    """Restore the environment that `_enter` returned."""
    if is_x86(context):
        _write_x86(builder, *state)
    elif is_arm(context):
        for name, value in zip(("fpsr", "fpcr"), state, strict=True):
            _write_arm(builder, name, value)


@intrinsic
def x87_flags(typingctx: Any) -> Any:
    """The flags of x86's older unit, which the C library's fmod uses and NumPy asks too. To read them takes 4 ns."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if is_x86(context):
            word = _assembly(builder, ir.IntType(16), "fnstsw $0", "={ax}")
            return builder.zext(builder.and_(word, ir.IntType(16)(0x3F)), _I64)
        return _I64(0)

    return types.int64(), codegen


@intrinsic
def clear_x87_flags(typingctx: Any) -> Any:
    """Clear the flags of x86's older unit."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if is_x86(context):
            _assembly(builder, ir.VoidType(), "fnclex", "")
        return context.get_dummy_value()

    return types.void(), codegen


def _assembly(builder: Any, result: Any, text: str, constraint: str, *arguments: Any) -> Any:
    llvm.initialize_native_asmparser()
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.asm(kind, text, constraint, arguments, side_effect=True)


def _read_arm(builder: Any, name: str) -> Any:
    return _assembly(builder, _I64, f"mrs $0, {name}", "=r")


def _write_arm(builder: Any, name: str, value: Any) -> None:
    _assembly(builder, ir.VoidType(), f"msr {name}, $0", "r", value)


def _read_x86(builder: Any) -> Any:
    word = cgutils.alloca_once(builder, ir.IntType(32))
    _x86_register(builder, "stmxcsr", word)
    return builder.load(word)


def _write_x86(builder: Any, value: Any) -> None:
    word = cgutils.alloca_once(builder, ir.IntType(32))
    builder.store(value, word)
    _x86_register(builder, "ldmxcsr", word)


def _x86_register(builder: Any, instruction: str, word: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{instruction}")
    builder.call(function, [builder.bitcast(word, _BYTE_POINTER)])
