"""What a call of ours is inside `@njit`: its type, its result, and functions of ours as arguments."""

from __future__ import annotations

import functools
import inspect
import types as python_types
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import errors
from numba.core.imputils import lower_builtin
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, Signature, infer_global
from numba.core.typing.typeof import Purpose
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox
from numba.np import numpy_support

from .kernels.bits import STRICT, compiled, convert_scalars, is_given
from .locks import always_compiling

_ours: set[Any] = set()


def can_be_passed(function: Any) -> None:
    """Let a function that Numba knows be an argument of a compiled function."""
    _ours.add(function)


def register(ufunc: np.ufunc, element: Callable[[Any], Any]) -> None:
    """Let a ufunc be called inside `@njit`, with scalars or arrays and with an output array.

    Parameters
    ----------
    ufunc : np.ufunc
        One output, and loops for one type each.
    element : callable
        Gives, for a Numba type, the compiled function of such numbers that Numba spreads over arrays.
    """
    template = type(f"{ufunc.__name__}_call", (_Call,), {"key": ufunc, "element": staticmethod(element), "_calls": {}})
    infer_global(ufunc, types.Function(template))
    can_be_passed(ufunc)


class _Call(AbstractTemplate):  # type: ignore[misc]
    """The call of a ufunc; a subclass for each."""

    key: np.ufunc
    element: Callable[[Any], Any]
    _calls: dict[Any, Callable[..., Any]]

    @always_compiling()
    def generic(self, args: Any, kws: Any) -> Any:
        operands, out = self._bind(args, kws)
        given = (*operands, out) if is_given(out) else operands
        number = _common_type(self.key, [types.unliteral(operand) for operand in operands])
        implementation = types.Dispatcher(_spread(self.element(number), number))
        inner = implementation.get_call_type(self.context, (types.BaseTuple.from_types(given),), {})

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            call = context.get_function(implementation, inner)
            context.add_linking_libs(getattr(call, "libs", ()))
            return call(builder, [context.make_tuple(builder, inner.args[0], arguments[: len(given)])])

        whole = operands if out is None else (*operands, out)
        lower_builtin(codegen, *whole)(codegen)
        self._calls[whole] = codegen
        signature = inner.return_type(*whole)
        return signature.replace(pysig=self._signature(out is not None))

    def get_impl_key(self, sig: Signature) -> Any:
        return self._calls[sig.args]

    def _bind(self, args: Any, kws: Any) -> tuple[tuple[Any, ...], Any]:
        """The types of the operands, and that of the output or None."""
        try:
            bound = self._signature(True).bind(*args, **kws)
        except TypeError as error:
            raise errors.TypingError(f"{self.key.__name__}: inside @njit {error}") from None
        *operands, out = (*bound.args, None)[: self.key.nin + 1]
        return tuple(operands), out

    def _signature(self, has_out: bool) -> inspect.Signature:
        operands = [inspect.Parameter(f"x{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(1, self.key.nin + 1)]
        out = inspect.Parameter("out", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
        return inspect.Signature([*operands, out] if has_out else operands)


@functools.cache
def _spread(element: Any, number: Any) -> Any:
    return compiled(**STRICT)(lambda operands: element(*convert_scalars(operands, number)))


def _common_type(ufunc: np.ufunc, operands: list[Any]) -> Any:
    """The type to compute in: that of the ufunc, but scalars after the first operand take the others' type."""
    name = ufunc.__name__
    first, *others = operands
    dtypes = [_dtype(name, operand) for operand in [first, *(o for o in others if isinstance(o, types.Array))]]
    if np.dtype(np.float16) in dtypes:
        raise errors.TypingError(f"{name}: Numba has no float16 inside @njit; use float32")
    common = np.result_type(*dtypes)
    try:
        resolved = ufunc.resolve_dtypes((common,) * ufunc.nin + (None,))[0]
    except TypeError as error:
        raise errors.TypingError(f"{name}: {error}") from None
    return numba.from_dtype(np.dtype(np.float32) if resolved == np.float16 else resolved)


def _dtype(name: str, operand: Any) -> np.dtype[Any]:
    element = operand.dtype if isinstance(operand, types.Array) else operand
    try:
        return np.dtype(numpy_support.as_dtype(element))
    except (errors.NumbaNotImplementedError, NotImplementedError):
        raise errors.TypingError(f"{name}: expected numbers or arrays of numbers, got {operand}") from None


class _Passed(types.Function):  # type: ignore[misc]
    """The type of an argument that is a function of ours: the function itself, so that a call of it is compiled in."""

    def __init__(self, function: Any) -> None:
        self.function = function
        context = cpu_target.typing_context
        context.refresh()
        super().__init__(context.resolve_value_type(function).templates)

    def __reduce__(self) -> Any:
        return _Passed, (self.function,)


register_model(_Passed)(models.OpaqueModel)


@typeof_impl.register(np.ufunc)
@typeof_impl.register(python_types.FunctionType)
def _type_of_function(function: Any, context: Any) -> Any:
    if context.purpose is Purpose.argument and function in _ours:
        return _Passed(function)
    return None


@unbox(_Passed)
def _unbox_function(kind: Any, value: Any, context: Any) -> Any:
    return NativeValue(context.context.get_dummy_value())
