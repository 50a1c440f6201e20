"""Numbers written in an activation take the type of its input.

Numba has no weak Python numbers: `0.5 * x` with a float32 `x` is float64 there, and so is `x + 1` with a uint64 one.
While such a function is compiled for float32, its float constants become float32, beside a float64 that somebody asked
for float64; an integer that meets a float, in a sum, a product, a comparison or as another value of the same variable,
becomes a float of that type. Compiled for uint64, integer constants become uint64 in the same places.
"""

from __future__ import annotations

import math
import operator
import types as python_types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types

from .._kernels.numba_internals import CPUDispatcher, Rewrite, get_definition, guard, register_rewrite
from .._kernels.numba_internals import numba_ir as ir
from .._kernels.numbers import beside

_typed: weakref.WeakSet[python_types.FunctionType] = weakref.WeakSet()

_SUMS = {operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod}
_SUMS |= {operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod}
_COMPARISONS = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
_POWERS = {operator.pow, operator.ipow}  # of which the exponent may stay an integer
_OF_INTEGERS = {math.comb, math.factorial, math.gcd, math.isqrt, math.lcm, math.ldexp, math.perm}
_ROUNDING = {math.ceil, math.floor, math.trunc, math.isnan, math.isinf, math.isfinite}


def typed_literals(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of a function that is compiled in the way of this module."""
    copy = python_types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__module__, copy.__qualname__, copy.__doc__ = function.__module__, function.__qualname__, function.__doc__
    _typed.add(copy)
    return copy


@register_rewrite("before-inference")
class _TypeLiterals(Rewrite):  # type: ignore[misc]
    def __init__(self, state: Any) -> None:
        kind = (tuple(getattr(state, "args", None) or ()) or (None,))[0]
        self._number: Any = {types.float32: np.float32, types.uint64: np.uint64}.get(kind)
        self._done: set[int] = set()
        self._inputs: set[str] = set()  # variables of the input's type
        self._written: dict[str, float] = {}  # float constants as they were, by variable

    def match(self, func_ir: Any, block: Any, typemap: Any, calltypes: Any) -> bool:
        if self._number is None or func_ir.func_id.func not in _typed or id(block) in self._done:
            return False
        self._ir, self._block = func_ir, block
        if not self._done:
            self._inputs = _follow(func_ir, self._starts)
        return True

    def apply(self) -> Any:
        self._done.add(id(self._block))
        self._block.body = [new for statement in self._block.body for new in self._rewrite(statement)]
        return self._block

    def _starts(self, value: Any) -> bool:
        """Whether a definition is of the type of the input by itself."""
        return isinstance(value, ir.Arg) or (self._number is np.float32 and _has_float(_constant(self._ir, value)))

    def _rewrite(self, statement: Any) -> Iterator[Any]:
        if isinstance(statement, ir.Assign):
            value = statement.value
            constant = self._converted(_constant(self._ir, value), statement.target.name)
            if constant is not None:
                statement.value = ir.Const(constant, value.loc)
                definitions = self._ir._definitions[statement.target.name]
                definitions[:] = [statement.value if known is value else known for known in definitions]
            elif isinstance(value, ir.Expr):
                yield from self._let_meet(value)
        yield statement

    def _converted(self, value: Any, name: str) -> Any:
        """A constant in the type of the input, or None where it stays as it is."""
        if type(value) is float and self._number is np.float32:
            self._written[name] = value
        if type(value) is int and name in self._inputs and (self._number is np.float32 or value >= 0):
            return self._number(value)
        return _as_float32(value) if self._number is np.float32 else None

    def _let_meet(self, expression: Any) -> Iterator[Any]:
        """Statements that bring operands to one type; the expression is changed to match."""
        if expression.op in ("binop", "inplace_binop"):
            operands = [expression.lhs, expression.rhs]
            alike = expression.fn in _SUMS or expression.fn in _COMPARISONS
            which = [alike or expression.fn in _POWERS, alike]
        elif expression.op == "call":
            function = _constant_of(self._ir, expression.func)
            operands = list(expression.args)
            which = [_brings_to_one_type(function)] * len(operands)
            if type(function) is CPUDispatcher and not function._can_compile:
                yield from self._as_written(operands)
        else:
            return
        for i, applies in enumerate(which):
            if applies and self._adapts(operands[i]):
                others = [other for j, other in enumerate(operands) if j != i and self._decides(other, operands[i])]
                if others:
                    yield from self._convert(operands, i, others[0])
        if expression.op == "call":
            if _computes_floats(function) and self._number is np.float32:
                yield from self._as_numbers(operands)
            expression.args = operands
        else:
            expression.lhs, expression.rhs = operands

    def _adapts(self, operand: Any) -> bool:
        constant = _constant_of(self._ir, operand)
        if self._number is np.uint64:
            return type(constant) is int and constant >= 0
        return operand.name in self._written or operand.name not in self._inputs

    def _convert(self, operands: list[Any], i: int, other: Any) -> Iterator[Any]:
        location = other.loc
        operand, function = operands[i], ir.Global("beside", beside, location)
        value = operand
        if operand.name in self._written:
            written = ir.Const(self._written[operand.name], location)
            value = self._new_variable(written)
            yield ir.Assign(written, value, location)
        callee = self._new_variable(function)
        yield ir.Assign(function, callee, location)
        call = ir.Expr.call(callee, [other, value, operand], (), location)
        operands[i] = self._new_variable(call)
        yield ir.Assign(call, operands[i], location)

    def _as_written(self, arguments: list[Any]) -> Iterator[Any]:
        """Leave float constants as they are for a function that is compiled for given types only."""
        for i, argument in enumerate(arguments):
            if argument.name in self._written:
                written = ir.Const(self._written[argument.name], argument.loc)
                arguments[i] = self._new_variable(written)
                yield ir.Assign(written, arguments[i], argument.loc)

    def _as_numbers(self, arguments: list[Any]) -> Iterator[Any]:
        """Make floats of integer constants where nothing else is given, as in `math.sqrt(2)`."""
        constants = [_constant_of(self._ir, argument) for argument in arguments]
        if all(type(constant) is int for constant in constants):
            for i, constant in enumerate(constants):
                number = ir.Const(self._number(constant), arguments[i].loc)
                arguments[i] = self._new_variable(number)
                yield ir.Assign(number, arguments[i], number.loc)

    def _decides(self, other: Any, operand: Any) -> bool:
        """Whether an operand's type can be that for another: no integer constant's, nor a constant's for another."""
        constant = _constant_of(self._ir, other)
        if isinstance(constant, (float, np.float32)):
            return operand.name not in self._written
        return type(constant) is not int

    def _new_variable(self, value: Any) -> Any:
        variable = self._block.scope.redefine("$literal", value.loc)
        self._ir._definitions[variable.name].append(value)
        return variable


def _follow(func_ir: Any, starts: Callable[[Any], bool]) -> set[str]:
    """The variables that get the type of the input: from it, from what is computed with it, or from another variable.

    A variable that is returned, and one that two branches set, has the type of its other values too.
    """
    reached: set[str] = set()
    links: list[tuple[str, str, bool]] = []  # from, to, and whether also back
    for block in func_ir.blocks.values():
        for statement in block.body:
            if isinstance(statement, ir.Return):
                links.append((statement.value.name, "return", True))
            if not isinstance(statement, ir.Assign):
                continue
            target, value = statement.target.name, statement.value
            if starts(value):
                reached.add(target)
            elif isinstance(value, ir.Var):
                links.append((value.name, target, True))
            elif isinstance(value, ir.Expr):
                back = value.op in ("cast", "phi")
                if back or _gives_what_it_takes(func_ir, value):
                    links.extend((source.name, target, back) for source in value.list_vars())
    size = -1
    while size != len(reached):
        size = len(reached)
        for source, target, back in links:
            if source in reached:
                reached.add(target)
            elif back and target in reached:
                reached.add(source)
    return reached


def _gives_what_it_takes(func_ir: Any, expression: Any) -> bool:
    if expression.op in ("binop", "inplace_binop"):
        return expression.fn in _SUMS or expression.fn in _POWERS
    if expression.op == "unary":
        return expression.fn in (operator.neg, operator.pos)
    if expression.op == "call":
        function = _constant_of(func_ir, expression.func)
        return _brings_to_one_type(function) and not _is_one_of(function, _ROUNDING)
    return False


def _brings_to_one_type(function: Any) -> bool:
    """Whether a function computes with floats and its operands promote."""
    return _is_one_of(function, {max, min, abs}) or _computes_floats(function)


def _computes_floats(function: Any) -> bool:
    if isinstance(function, np.ufunc):
        return "d" * function.nin + "->d" in function.types
    return isinstance(function, python_types.BuiltinFunctionType) and (
        getattr(math, function.__name__, None) is function and not _is_one_of(function, _OF_INTEGERS)
    )


def _is_one_of(function: Any, functions: set[Any]) -> bool:
    return any(function is one for one in functions)


def _constant_of(func_ir: Any, variable: Any) -> Any:
    return _constant(func_ir, guard(get_definition, func_ir, variable))


def _constant(func_ir: Any, value: Any) -> Any:
    """What a constant, a global name, a closure variable or an attribute of a module stands for, or None."""
    if isinstance(value, (ir.Const, ir.Global, ir.FreeVar)):
        return value.value
    if isinstance(value, ir.Expr) and value.op == "getattr":
        module = _constant_of(func_ir, value.value)
        if isinstance(module, python_types.ModuleType):
            return getattr(module, value.attr, None)
    return None


def _has_float(value: Any) -> bool:
    return type(value) is float or (type(value) is tuple and any(map(_has_float, value)))


def _as_float32(value: Any) -> Any:
    """Python floats, alone or in tuples, as float32; None if there are none."""
    if type(value) is float:
        with np.errstate(all="ignore"):
            return np.float32(value)
    if type(value) is tuple and _has_float(value):
        converted = [_as_float32(item) for item in value]
        return tuple(item if new is None else new for item, new in zip(value, converted, strict=True))
    return None
