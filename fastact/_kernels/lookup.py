"""Odd functions of a float32 from a table of polynomials, for a number and for whole vector registers.

AVX-512 looks 16 numbers up in a table of 32 with one instruction. LLVM's loop vectoriser makes a slow gather of a
load by index instead, so the same operations are written twice: with loads for one number, with permutations for a
vector. The function for a number names the ones for vectors in an attribute, by which the vectoriser replaces its
calls in any loop, a user's too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import has_feature
from .numba_internals import cgutils, cpu_target

_F32, _I32 = ir.FloatType(), ir.IntType(32)
_TABLE_SIZE = 32
_REGISTER = 16
_VARIANTS = (_REGISTER, 8)  #: lanes; some processors are given loops of half registers


class OddTable(NamedTuple):
    """f(x) = sum c_i(j) (|x| - center(j))^i with the sign of x; j is some bits of |x| + offset, taken as an integer.

    The offset makes the intervals that share a polynomial short where f bends, not only where x is small.
    """

    name: str
    last: float  #: f is constant in float32 from here up
    offset: float
    dropped_bits: int  #: of |x| + offset; the five above them are j
    columns: tuple[tuple[float, ...], ...]  #: center and c_0, c_1, ... for each j


def available() -> bool:
    """Whether the processor that code is compiled for can look up in registers."""
    return has_feature(cpu_target.target_context, "avx512f")


def odd_function(table: OddTable) -> Any:
    """The intrinsic that computes the function of a table."""

    @intrinsic
    def function(typingctx: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.call(_scalar_function(builder.module, table), arguments)

        return types.float32(types.float32), codegen

    return function


def _scalar_function(module: Any, table: OddTable) -> Any:
    name = f"fastact_{table.name}"
    if name in module.globals:
        return module.globals[name]
    variants = [_vector_function(module, table, f"{name}_{lanes}", lanes) for lanes in _VARIANTS]
    _keep(module, variants)
    mapping = ",".join(
        f"_ZGV_LLVM_N{lanes}v_{name}({variant.name})" for lanes, variant in zip(_VARIANTS, variants, strict=True)
    )
    # Not inlined, or the vectoriser would see no call to replace.
    attributes = ("noinline", "willreturn", "memory(none)", f'"vector-function-abi-variant"="{mapping}"')
    return _define(module, name, _F32, lambda builder, x: _evaluate(builder, x, table), attributes)


def _vector_function(module: Any, table: OddTable, name: str, lanes: int) -> Any:
    vector = ir.VectorType(_F32, lanes)

    def body(builder: Any, x: Any) -> Any:
        if lanes == _REGISTER:
            return _evaluate(builder, x, table)
        wide = builder.shuffle_vector(x, ir.Constant(vector, ir.Undefined), _indices(_REGISTER, lanes))
        return builder.shuffle_vector(
            _evaluate(builder, wide, table), ir.Constant(wide.type, ir.Undefined), _indices(lanes, lanes)
        )

    return _define(module, name, vector, body, ("alwaysinline",))


def _indices(count: int, bound: int) -> Any:
    return ir.Constant(ir.VectorType(_I32, count), [min(i, bound - 1) for i in range(count)])


def _define(module: Any, name: str, real: Any, body: Callable[[Any, Any], Any], attributes: tuple[str, ...]) -> Any:
    function = ir.Function(module, ir.FunctionType(real, [real]), name)
    function.linkage = "linkonce_odr"
    for attribute in ("nounwind", *attributes):
        set.add(function.attributes, attribute)  # some are names that llvmlite does not list
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(body(builder, function.args[0]))
    return function


def _keep(module: Any, functions: list[Any]) -> None:
    """Keep functions that nothing calls yet, beside those of other tables."""
    pointer, name = ir.IntType(8).as_pointer(), "llvm.compiler.used"
    used = module.globals.get(name)
    if used is None:
        used = ir.GlobalVariable(module, ir.ArrayType(pointer, 0), name)
        used.linkage, used.section = "appending", "llvm.metadata"
        used.initializer = ir.Constant(used.value_type, [])
    kept = [*used.initializer.constant, *(function.bitcast(pointer) for function in functions)]
    used.value_type = ir.ArrayType(pointer, len(kept))
    used.initializer = ir.Constant(used.value_type, kept)


def _evaluate(builder: Any, x: Any, table: OddTable) -> Any:
    """The function of a number or of a vector of 16."""
    module, real = builder.module, x.type
    is_vector = isinstance(real, ir.VectorType)
    integer = ir.VectorType(_I32, _REGISTER) if is_vector else _I32
    suffix = f"v{_REGISTER}f32" if is_vector else "f32"

    def constant(kind: Any, value: Any) -> Any:
        return ir.Constant(kind, [value] * _REGISTER if is_vector else value)

    def call(name: str, *arguments: Any) -> Any:
        kind = ir.FunctionType(real, [argument.type for argument in arguments])
        return builder.call(cgutils.get_or_insert_function(module, kind, name), arguments)

    def look_up(column: tuple[float, ...], index: Any) -> Any:
        if is_vector:
            low, high = (ir.Constant(real, list(half)) for half in (column[:_REGISTER], column[_REGISTER:]))
            return call("llvm.x86.avx512.vpermi2var.ps.512", low, index, high)
        values = cgutils.global_constant(module, "fastact_table", ir.Constant(ir.ArrayType(_F32, _TABLE_SIZE), column))
        return builder.load(builder.gep(values, [_I32(0), builder.and_(index, _I32(_TABLE_SIZE - 1))]))

    magnitude = call(f"llvm.fabs.{suffix}", x)
    last = constant(real, table.last)
    magnitude = builder.select(builder.fcmp_ordered(">", magnitude, last), last, magnitude)  # NaN passes
    shifted = builder.bitcast(builder.fadd(magnitude, constant(real, table.offset)), integer)
    index = builder.lshr(shifted, constant(integer, table.dropped_bits))
    center, *lower, y = (look_up(column, index) for column in table.columns)
    t = builder.fsub(magnitude, center)
    for coefficient in reversed(lower):
        y = call(f"llvm.fma.{suffix}", y, t, coefficient)
    return call(f"llvm.copysign.{suffix}", y, x)
