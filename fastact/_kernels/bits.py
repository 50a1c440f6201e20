"""What Numba's Python has no word for: bit patterns, exact rounding, raw memory, machine state.

Everything here is an intrinsic of a few LLVM instructions. Nothing here knows about activations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic

#: Options of every compiled function of this package. No fast-math flag at all: each would break range
#: reduction or NaN, and contraction chosen by the compiler would make results depend on how a loop is
#: unrolled; `fma` below says explicitly where two operations are one. Options that are not given would be
#: inherited from the caller.
STRICT: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "boundscheck": False}


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit`, whatever NUMBA_DISABLE_JIT says of the user's own functions."""

    def decorate(function: Callable[..., Any]) -> Any:
        # No lock may be taken here, while modules are imported, and nothing is called from Python.
        inner = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        return CPUDispatcher(function, targetoptions=inner | options)

    return decorate


LINE = 64  #: bytes of a line of the caches

_I64 = ir.IntType(64)
_BYTE_POINTER = ir.IntType(8).as_pointer()


def is_given(argument: Any) -> bool:
    """Whether an optional argument of an overload, seen as its type, stands in the call and is not None."""
    return not (argument is None or isinstance(argument, (types.Omitted, types.NoneType)))


def has_feature(context: Any, *names: str) -> bool:
    """Whether the processor that code is compiled for has one of these features, by LLVM's names."""
    features = context.codegen()._get_host_cpu_features().split(",")
    return any(f"+{name}" in features for name in names)


def _integer(real: types.Float) -> types.Integer:
    return types.int64 if real.bitwidth == 64 else types.int32


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a*b + c, rounded once where the processor can do it in one instruction, else twice."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, z = arguments
        if context.codegen()._llvm_module.triple.startswith("x86") and not has_feature(context, "fma"):
            return builder.fadd(builder.fmul(x, y), z)
        return builder.fma(x, y, z)

    if isinstance(a, types.Float) and a == b == c:
        return a(a, a, a), codegen
    return None


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
    """The bit pattern of a float as an integer of the same width."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return _integer(x)(x), codegen


@intrinsic
def from_bits(typingctx: Any, pattern: Any) -> Any:
    """The float with this bit pattern."""
    real = types.float64 if pattern.bitwidth == 64 else types.float32

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(real))

    return real(pattern), codegen


@intrinsic
def int_shift_left(typingctx: Any, a: Any, b: Any) -> Any:
    """`a << b` in the type of `a`: Numba's own promotes int32 to int64."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.shl(arguments[0], context.cast(builder, arguments[1], b, a))

    return a(a, b), codegen


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
def widest_vectors(typingctx: Any) -> Any:
    """Let the calling function use 512-bit vectors where the processor has them.

    LLVM keeps to 256 bits by default on several processors, for code that mixes little vector work with much
    scalar work; the loops here are all vector work.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if has_feature(context, "avx512f"):
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # a name llvmlite does not list
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def not_inlined(typingctx: Any) -> Any:
    """Keep the calling function one of its own."""
    return _attribute("noinline")


@intrinsic
def always_inlined(typingctx: Any) -> Any:
    """Make the calling function a part of its callers, however long they are."""
    return _attribute("alwaysinline")


def _attribute(name: str) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add(name)
        return context.get_dummy_value()

    return types.void(), codegen


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
def call(typingctx: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call the C function at an address with integer arguments; it returns nothing."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _call_address(builder, arguments[0], cgutils.unpack_tuple(builder, arguments[1]), ir.VoidType())
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
        return builder.sext(_call_address(builder, arguments[0], [], ir.IntType(32)), _I64)

    return types.intp(types.intp), codegen


@intrinsic
def ask_word(typingctx: Any, function: Any, arguments_tuple: Any) -> Any:
    """Call the C function at an address with integer arguments; it returns a word."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call_address(builder, arguments[0], cgutils.unpack_tuple(builder, arguments[1]), _I64)

    return types.intp(types.intp, arguments_tuple), codegen


def _call_address(builder: Any, address: Any, words: Any, result: Any) -> Any:
    kind = ir.FunctionType(result, [_I64] * len(words))
    return builder.call(builder.inttoptr(address, kind.as_pointer()), words)


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
        if context.codegen()._llvm_module.triple.startswith("x86"):
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, "llvm.x86.sse.sfence"), [])
        else:
            builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen


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


# The state of the floating-point unit: on x86 the control and status register of SSE and AVX in the lower half, whose
# status flags NumPy turns into warnings, and in the upper the flags of the older unit, which the C library's fmod uses
# and NumPy asks too; on 64-bit Arm the status register in the lower half, the control register in the upper. Kernels
# run under the default state: rounding to nearest, subnormals kept, nothing trapped.
_X86_DEFAULT = 0x1F80


@intrinsic
def enter_default_float_state(typingctx: Any) -> Any:
    """Set the default floating-point state; gives what it was."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        triple = context.codegen()._llvm_module.triple
        if triple.startswith("x86"):
            word = cgutils.alloca_once(builder, ir.IntType(32))
            _x86_float_register(builder, "stmxcsr", word)
            before = builder.load(word)
            builder.store(ir.IntType(32)(_X86_DEFAULT), word)
            _x86_float_register(builder, "ldmxcsr", word)
            return builder.or_(builder.zext(before, _I64), builder.shl(_x87_flags(builder), _I64(32)))
        if triple.startswith(("aarch64", "arm64")):
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
        triple = context.codegen()._llvm_module.triple
        if triple.startswith("x86"):
            word = cgutils.alloca_once(builder, ir.IntType(32))
            builder.store(builder.trunc(arguments[0], ir.IntType(32)), word)
            _x86_float_register(builder, "ldmxcsr", word)
            with builder.if_then(
                builder.icmp_unsigned("!=", _x87_flags(builder), builder.lshr(arguments[0], _I64(32)))
            ):
                builder.asm(ir.FunctionType(ir.VoidType(), []), "fnclex", "", [], side_effect=True)
        elif triple.startswith(("aarch64", "arm64")):
            _write_arm_register(builder, "fpsr", builder.and_(arguments[0], _I64(0xFFFFFFFF)))
            _write_arm_register(builder, "fpcr", builder.lshr(arguments[0], _I64(32)))
        return context.get_dummy_value()

    return types.void(types.int64), codegen


def _x87_flags(builder: Any) -> Any:
    llvm.initialize_native_asmparser()
    word = builder.asm(ir.FunctionType(ir.IntType(16), []), "fnstsw $0", "={ax}", [], side_effect=True)
    return builder.zext(builder.and_(word, ir.IntType(16)(0x3F)), _I64)


def _read_arm_register(builder: Any, name: str) -> Any:
    llvm.initialize_native_asmparser()
    return builder.asm(ir.FunctionType(_I64, []), f"mrs $0, {name}", "=r", [], side_effect=True)


def _write_arm_register(builder: Any, name: str, value: Any) -> None:
    llvm.initialize_native_asmparser()
    builder.asm(ir.FunctionType(ir.VoidType(), [_I64]), f"msr {name}, $0", "r", [value], side_effect=True)


def _x86_float_register(builder: Any, instruction: str, word: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{instruction}")
    builder.call(function, [builder.bitcast(word, _BYTE_POINTER)])


@intrinsic
def half_to_float(typingctx: Any, pattern: Any) -> Any:
    """The float32 with the value of the float16 with this bit pattern (a uint16)."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _hardware_half(context):
            return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())
        return _half_to_float_by_integers(builder, arguments[0])

    return types.float32(types.uint16), codegen


@intrinsic
def float_to_half(typingctx: Any, x: Any) -> Any:
    """The bit pattern of the float32 `x` rounded to float16, ties to even."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _hardware_half(context):
            return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))
        return _float_to_half_by_integers(builder, arguments[0])

    return types.uint16(types.float32), codegen


def _hardware_half(context: Any) -> bool:
    # Without an instruction LLVM calls a runtime library that need not be in the process.
    triple = context.codegen()._llvm_module.triple
    return triple.startswith(("aarch64", "arm64")) or has_feature(context, "f16c")


def _half_to_float_by_integers(builder: Any, half: Any) -> Any:
    """Exponent and fraction moved into place and scaled by 2^112, which is exact, subnormals included."""
    i32, f32 = ir.IntType(32), ir.FloatType()
    wide = builder.zext(half, i32)
    magnitude = builder.shl(builder.and_(wide, i32(0x7FFF)), i32(13))
    scaled = builder.fmul(builder.bitcast(magnitude, f32), f32(2.0**112))
    finite = builder.icmp_unsigned("<", magnitude, i32(0x7C00 << 13))
    special = builder.or_(magnitude, i32(0x7F800000))
    result = builder.select(finite, builder.bitcast(scaled, i32), special)
    sign = builder.shl(builder.and_(wide, i32(0x8000)), i32(16))
    return builder.bitcast(builder.or_(result, sign), f32)


def _float_to_half_by_integers(builder: Any, x: Any) -> Any:
    """Normal results: add half of the last kept bit less one, plus that bit (ties to even), and shift. Subnormal
    results: adding 0.5 lets the floating-point adder round at 2^-24. Too large: infinity. NaN stays NaN.
    """
    i32, f32 = ir.IntType(32), ir.FloatType()
    pattern = builder.bitcast(x, i32)
    magnitude = builder.and_(pattern, i32(0x7FFFFFFF))
    odd = builder.and_(builder.lshr(magnitude, i32(13)), i32(1))
    rebiased = builder.sub(magnitude, i32(112 << 23))
    normal = builder.lshr(builder.add(builder.add(rebiased, i32(0xFFF)), odd), i32(13))
    summed = builder.fadd(builder.bitcast(magnitude, f32), f32(0.5))
    subnormal = builder.sub(builder.bitcast(summed, i32), i32(0x3F000000))
    result = builder.select(builder.icmp_unsigned("<", magnitude, i32(113 << 23)), subnormal, normal)
    result = builder.select(builder.icmp_unsigned(">=", magnitude, i32(0x477FF000)), i32(0x7C00), result)
    quiet = builder.or_(i32(0x7E00), builder.and_(builder.lshr(magnitude, i32(13)), i32(0x3FF)))
    result = builder.select(builder.icmp_unsigned(">", magnitude, i32(0x7F800000)), quiet, result)
    sign = builder.and_(builder.lshr(pattern, i32(16)), i32(0x8000))
    return builder.trunc(builder.or_(result, sign), ir.IntType(16))


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
