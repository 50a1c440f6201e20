"""Numbers written in an activation take the type of its input.

Numba has no weak Python numbers: `0.5 * x` with a float32 `x` is float64 there. While such a function is compiled for
float32, its float constants become float32, and an integer constant that meets a float becomes one of the same type.
"""

from __future__ import annotations

import operator
import types as python_types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types
from numba.core import ir
from numba.core.ir_utils import get_definition, guard
from numba.core.rewrites import Rewrite, register_rewrite

from .bits import beside

_typed: set[python_types.FunctionType] = set()

#: Operations that bring both operands to one type.
_ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod}
_ARITHMETIC |= {operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod}
_ARITHMETIC |= {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
_POWER = {operator.pow, operator.ipow}  # of which the exponent may stay an integer
_ALIKE = {max, min, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign}


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
        self._applies = tuple(getattr(state, "args", None) or ())[:1] == (types.float32,)
        self._done: set[int] = set()

    def match(self, func_ir: Any, block: Any, typemap: Any, calltypes: Any) -> bool:
        self._ir, self._block = func_ir, block
        return self._applies and func_ir.func_id.func in _typed and id(block) not in self._done

    def apply(self) -> Any:
        self._done.add(id(self._block))
        self._block.body = [new for statement in self._block.body for new in self._rewrite(statement)]
        return self._block

    def _rewrite(self, statement: Any) -> Iterator[Any]:
        if isinstance(statement, ir.Assign):
            value = statement.value
            constant = _as_float32(self._constant(value))
            if constant is not None:
                statement.value = ir.Const(constant, value.loc)
                definitions = self._ir._definitions[statement.target.name]
                definitions[:] = [statement.value if known is value else known for known in definitions]
            elif isinstance(value, ir.Expr):
                yield from self._convert_integers(value)
        yield statement

    def _convert_integers(self, expression: Any) -> Iterator[Any]:
        """Statements that give integer constants the type of what they meet; the expression is changed to match."""
        if expression.op in ("binop", "inplace_binop"):
            operands = [expression.lhs, expression.rhs]
            applies = expression.fn in _ARITHMETIC or (expression.fn in _POWER and self._is_integer(operands[0]))
        elif expression.op == "call":
            operands = list(expression.args)
            applies = self._constant(self._definition(expression.func)) in _ALIKE
        else:
            return
        integers = [self._is_integer(operand) for operand in operands]
        if not applies or all(integers) or not any(integers):
            return
        other = operands[integers.index(False)]
        for i, is_integer in enumerate(integers):
            if is_integer:
                function = ir.Global("beside", beside, expression.loc)
                callee = self._new_variable(function)
                yield ir.Assign(function, callee, expression.loc)
                call = ir.Expr.call(callee, [other, operands[i]], (), expression.loc)
                operands[i] = self._new_variable(call)
                yield ir.Assign(call, operands[i], expression.loc)
        if expression.op == "call":
            expression.args = operands
        else:
            expression.lhs, expression.rhs = operands

    def _is_integer(self, variable: Any) -> bool:
        return type(self._constant(self._definition(variable))) is int

    def _new_variable(self, value: Any) -> Any:
        variable = self._block.scope.redefine("$literal", value.loc)
        self._ir._definitions[variable.name].append(value)
        return variable

    def _definition(self, variable: Any) -> Any:
        return guard(get_definition, self._ir, variable)

    def _constant(self, value: Any) -> Any:
        """What a constant, a global name, a closure variable or an attribute of a module stands for, or None."""
        if isinstance(value, (ir.Const, ir.Global, ir.FreeVar)):
            return value.value
        if isinstance(value, ir.Expr) and value.op == "getattr":
            module = self._constant(self._definition(value.value))
            if isinstance(module, python_types.ModuleType):
                return getattr(module, value.attr, None)
        return None


def _as_float32(value: Any) -> Any:
    """Python floats, alone or in tuples, as float32; None if there are none."""
    if type(value) is float:
        return np.float32(value)
    if type(value) is tuple:
        converted = [_as_float32(item) for item in value]
        if any(item is not None for item in converted):
            return tuple(item if new is None else new for item, new in zip(value, converted, strict=True))
    return None
