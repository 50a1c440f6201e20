"""The state of the floating-point unit."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import is_arm, is_x86
from .numba_internals import cgutils

_I64 = ir.IntType(64)
_BYTE_POINTER = ir.IntType(8).as_pointer()

# The state of the floating-point unit: on x86 the control and status register of SSE and AVX, whose status flags NumPy
# turns into warnings; on 64-bit Arm the status register in the lower half, the control register in the upper. Kernels
# run under the default state: rounding to nearest, subnormals kept, nothing trapped.
_X86_DEFAULT = 0x1F80


@intrinsic
def enter_default_float_state(typingctx: Any) -> Any:
    """Set the default floating-point state; gives what it was."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if is_x86(context):
            word = cgutils.alloca_once(builder, ir.IntType(32))
            _x86_float_register(builder, "stmxcsr", word)
            before = builder.load(word)
            builder.store(ir.IntType(32)(_X86_DEFAULT), word)
            _x86_float_register(builder, "ldmxcsr", word)
            return builder.zext(before, _I64)
        if is_arm(context):
            status = _read_arm_register(builder, "fpsr")
            control = _read_arm_register(builder, "fpcr")
            _write_arm_register(builder, "fpcr", _I64(0))
            return builder.or_(status, builder.shl(control, _I64(32)))
        return _I64(0)

    return types.int64(), codegen


@intrinsic
def leave_float_state(typingctx: Any, state: Any) -> Any:
    """Set the floating-point state that `enter_default_float_state` gave, raised flags included."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if is_x86(context):
            word = cgutils.alloca_once(builder, ir.IntType(32))
            builder.store(builder.trunc(arguments[0], ir.IntType(32)), word)
            _x86_float_register(builder, "ldmxcsr", word)
        elif is_arm(context):
            _write_arm_register(builder, "fpsr", builder.and_(arguments[0], _I64(0xFFFFFFFF)))
            _write_arm_register(builder, "fpcr", builder.lshr(arguments[0], _I64(32)))
        return context.get_dummy_value()

    return types.void(types.int64), codegen


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


def _read_arm_register(builder: Any, name: str) -> Any:
    return _assembly(builder, _I64, f"mrs $0, {name}", "=r")


def _write_arm_register(builder: Any, name: str, value: Any) -> None:
    _assembly(builder, ir.VoidType(), f"msr {name}, $0", "r", value)


def _x86_float_register(builder: Any, instruction: str, word: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{instruction}")
    builder.call(function, [builder.bitcast(word, _BYTE_POINTER)])
