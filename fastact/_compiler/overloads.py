"""What a call of ours is inside `@njit`: its type, its result, and functions of ours as arguments."""

from __future__ import annotations

import inspect
import secrets
import types as python_types
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.extending import NativeValue, models, overload, register_model, typeof_impl, unbox

from .._kernels.arrays import is_apart
from .._kernels.compiled import STRICT, compiled, is_given
from .._kernels.float_state import run_in_default_float_modes
from .._kernels.numba_internals import (
    AbstractTemplate,
    Purpose,
    Signature,
    cpu_target,
    errors,
    is_parallel,
    numpy_support,
)
from .._kernels.numbers import convert_scalars
from .._runtime import sources
from .._runtime.ufunc import Activation, find
from . import loops
from .compiler_lock import always_compiling, lock
from .trial import try_out_numba

_versions: dict[Any, Callable[[], bytes | None]] = {}


def can_be_passed(function: Any, version: Callable[[], bytes | None] = sources.imported) -> None:
    """Let a function that Numba knows be an argument of a compiled function.

    `version` gives bytes that change with what the function computes, or None if that can not be told.
    """
    _versions[function] = version


def _function_type(activation: Activation, may_be_fused: bool) -> Any:
    """The type of the ufunc of an activation inside `@njit`: called with scalars or arrays, and with an output array.

    Under a ufunc's own key Numba fuses calls into loops over whole expressions, which are neither SIMD nor safe from
    the caller's rounding mode. So it is given only where those are shared out to threads, and to ufuncs of one input:
    a loop calls it for scalars, and of several it can not be told any more which were arrays, whose types promote.
    """
    fused = may_be_fused and activation.inputs == 1
    key = _function_type, fused
    if key not in activation.compiled:
        reference = _Reference(weakref.ref(activation))
        members = {"key": activation.ufunc if fused else reference, "reference": reference}
        activation.compiled.setdefault(key, types.Function(type(f"{activation.name}_call", (_Call,), members)))
    return activation.compiled[key]


def function_of(key: Any) -> Any:
    """The function that the key of a Numba function type stands for."""
    return key.activation.ufunc if isinstance(key, _Reference) else key


class _Reference(NamedTuple):
    """A weak reference to an activation, because Numba keeps its types, and with them their keys, for good."""

    to: weakref.ref[Activation]

    @property
    def activation(self) -> Activation:
        """The activation, which whoever calls it has."""
        found = self.to()
        assert found is not None  # noqa: S101
        return found


class _Call(AbstractTemplate):  # type: ignore[misc]
    """The call of a ufunc; a subclass for each."""

    key: Any
    reference: _Reference

    @property
    def activation(self) -> Activation:
        return self.reference.activation

    @always_compiling()
    def generic(self, args: Any, kws: Any) -> Any:
        try_out_numba()
        operands, out = self._bind(args, kws)
        result, whole, key = _call(self.activation, self.context, operands, out)
        self.activation.compiled[_Call, whole] = key
        signature = result(*whole)
        return signature.replace(pysig=self._signature(out is not None))

    def get_impl_key(self, sig: Signature) -> Any:
        return self.activation.compiled[_Call, sig.args]

    def _bind(self, args: Any, kws: Any) -> tuple[tuple[Any, ...], Any]:
        """The types of the operands, and that of the output or None."""
        try:
            bound = self._signature(True).bind(*args, **kws)
        except TypeError as error:
            raise errors.TypingError(f"{self.activation.name}: inside @njit {error}") from None
        *operands, out = (*bound.args, None)[: self.activation.inputs + 1]
        return tuple(operands), out

    def _signature(self, has_out: bool) -> inspect.Signature:
        names = [name + "_" * (name == "out") for name in self.activation.parameters]
        operands = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
        out = inspect.Parameter("out", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
        return inspect.Signature([*operands, out] if has_out else operands)


@loops.for_each_source
def _call(activation: Activation, typing_context: Any, operands: Any, out: Any) -> tuple[Any, Any, object]:
    """Of operands and an output of these types: the type of the result, those of what stands in the call, and the key
    by which Numba knows how it is made.
    """
    whole = operands if out is None else (*operands, out)
    given = (*operands, out) if is_given(out) else operands
    number = common_type(activation.ufunc, [types.unliteral(operand) for operand in operands])
    kinds, target = tuple(map(types.unliteral, given)), cpu_target.target_context
    has_arrays = any(isinstance(kind, types.Array) for kind in kinds)
    if len(given) > len(operands):
        into = _given_output if _is_direct(activation.name, operands, out, number) else _converted_output
        result, code = _into_output(typing_context, into(loops.element(activation, number), number), kinds)
    elif has_arrays:
        result, code = _new_result(typing_context, loops.element(activation, number), number, kinds)
    else:
        result, code = number, _of_numbers(typing_context, loops.kernel_for_callers(activation, number), number, kinds)
    key = object()  # which Numba keeps for good
    target.insert_func_defn([(_lowering(result, code, kinds, has_arrays), key, whole)])
    weakref.finalize(activation, target.remove_user_function, key).atexit = False
    return result, whole, key


def _lowering(result: Any, code: Callable[..., Any], given: Any, has_arrays: bool) -> Callable[..., Any]:
    """How a call is made whose result a piece of code gives of what has these types."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        operands = arguments[: len(given)]
        if not has_arrays:
            return code(context, builder, operands)
        return run_in_default_float_modes(context, builder, result(*given), operands, code)

    return codegen


def _of_numbers(typing_context: Any, kernel: Any, number: Any, given: Any) -> Callable[..., Any]:
    """The code of a call with numbers of these types."""
    inner = types.Dispatcher(kernel).get_call_type(typing_context, [number] * len(given), {})

    def codegen(context: Any, builder: Any, arguments: Any) -> Any:
        converted = [
            context.cast(builder, argument, kind, number) for argument, kind in zip(arguments, given, strict=True)
        ]
        result = _call_compiled(context, builder, kernel, inner, converted)
        return context.cast(builder, result, inner.return_type, number)

    return codegen


def _call_compiled(context: Any, builder: Any, function: Any, signature: Signature, arguments: Any) -> Any:
    implementation = context.get_function(types.Dispatcher(function), signature)
    context.add_linking_libs(getattr(implementation, "libs", ()))
    return implementation(builder, arguments)


def _new_result(typing_context: Any, element: Any, number: Any, given: Any) -> tuple[Any, Callable[..., Any]]:
    """Of operands of these types: the type of the result, and the code."""
    implementation = typing_context.resolve_value_type(element)
    kinds = [kind if isinstance(kind, types.Array) else number for kind in given]
    inner = implementation.get_call_type(typing_context, kinds, {})

    def codegen(context: Any, builder: Any, arguments: Any) -> Any:
        converted = [context.cast(builder, *operand) for operand in zip(arguments, given, kinds, strict=True)]
        return context.get_function(implementation, inner)(builder, converted)

    return inner.return_type, codegen


def _into_output(typing_context: Any, call: Any, given: Any) -> tuple[Any, Callable[..., Any]]:
    """Of operands and an output of these types: the type of the output, and the code."""
    inner = types.Dispatcher(call).get_call_type(typing_context, (types.BaseTuple.from_types(given),), {})

    def codegen(context: Any, builder: Any, arguments: Any) -> Any:
        return _call_compiled(context, builder, call, inner, [context.make_tuple(builder, inner.args[0], arguments)])

    return inner.return_type, codegen


def _given_output(element: Any, number: Any) -> Any:
    def call(given):
        operands, out = given[:-1], given[-1]
        _check_shapes(operands, out)
        if _all_fit(operands, out):
            element(*convert_scalars(given, number))
        else:
            out[...] = element(*convert_scalars(operands, number))
        return out

    return compiled(**STRICT)(call)


def _converted_output(element: Any, number: Any) -> Any:
    def call(given):
        operands, out = given[:-1], given[-1]
        _check_shapes(operands, out)
        out[...] = element(*convert_scalars(operands, number))
        return out

    return compiled(**STRICT)(call)


def _is_direct(name: str, operands: Any, out: Any, number: Any) -> bool:
    """Whether Numba's loop over arrays may write an output of this type, if its memory allows."""
    if not isinstance(out, types.Array):
        raise errors.TypingError(f"{name}: inside @njit out must be an array, got {out}")
    result = numpy_support.as_dtype(number)
    if not np.can_cast(result, numpy_support.as_dtype(out.dtype), "same_kind"):
        raise errors.TypingError(f"{name}: cannot cast the result from {result} to {out.dtype}")
    arrays = [operand for operand in operands if isinstance(operand, types.Array)]
    return out.dtype == number and len(arrays) > 0 and all(array.ndim == out.ndim for array in arrays)


def _check_shapes(operands: Any, out: Any) -> None:
    """Raise unless every operand can be broadcast to the output."""
    raise NotImplementedError


@overload(_check_shapes, jit_options=STRICT, strict=False)
def _check_shapes_compiled(operands: Any, out: Any) -> Any:
    if len(operands) == 0:
        return lambda operands, out: None
    first = operands[0]
    if not isinstance(first, types.Array):
        return lambda operands, out: _check_shapes(operands[1:], out)
    extra = out.ndim - first.ndim
    ndim = first.ndim

    def check(operands, out):
        if extra < 0:
            raise ValueError("out has fewer dimensions than an operand")
        for i in range(ndim):
            if operands[0].shape[i] != 1 and operands[0].shape[i] != out.shape[extra + i]:
                raise ValueError("an operand can not be broadcast to the shape of out")
        _check_shapes(operands[1:], out)

    return check


def _all_fit(operands: Any, out: Any) -> Any:
    """Whether every operand has the shape of the output, and lies in its very memory or apart from it."""
    raise NotImplementedError


@overload(_all_fit, jit_options=STRICT, strict=False)
def _all_fit_compiled(operands: Any, out: Any) -> Any:
    if len(operands) == 0:
        return lambda operands, out: True
    if not isinstance(operands[0], types.Array):
        return lambda operands, out: _all_fit(operands[1:], out)

    def fit(operands, out):
        x = operands[0]
        itself = x.ctypes.data == out.ctypes.data and x.strides == out.strides
        return x.shape == out.shape and (itself or is_apart(out, x)) and _all_fit(operands[1:], out)

    return fit


def common_type(ufunc: np.ufunc, operands: list[Any]) -> Any:
    """The type to compute in: that of the ufunc, but scalars after the first operand take the others' type."""
    name = ufunc.__name__
    first, *others = operands
    dtypes = [_dtype(name, operand) for operand in [first, *(o for o in others if isinstance(o, types.Array))]]
    scalars = [_dtype(name, operand) for operand in others if not isinstance(operand, types.Array)]
    if np.result_type(*dtypes).kind != "f" and any(dtype.kind == "f" for dtype in scalars):
        dtypes.append(np.dtype(np.float64))  # as `x * 0.01` is, of integers
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
    """The type of an argument that is a function of ours: the function itself, so that a call of it is compiled in.

    Numba's cache keeps such types. One that is read there equals that of a function that computes the same, and Numba
    has one object for equal types, so which function it stands for is said when one is passed.
    """

    def __init__(self, identity: tuple[str, bytes]) -> None:
        self.identity = identity
        super().__init__(type("read", (AbstractTemplate,), {"key": identity}))

    @property
    def key(self) -> Any:
        return self.identity

    def stands_for(self, function: Any) -> None:
        context = cpu_target.typing_context
        with lock:  # as all have it who read what is refreshed
            context.refresh()
            activation = find(function)
            known = context.resolve_value_type(function) if activation is None else _function_type(activation, False)
            self.templates = known.templates
        self.typing_key = self.templates[0].key

    def __reduce__(self) -> Any:
        return _Passed, (self.identity,)


_passed_types: dict[Any, _Passed] = {}


def _passed(function: Any) -> _Passed:
    """The type of a function of ours that is passed."""
    activation = find(function)
    types_of, key = (_passed_types, function) if activation is None else (activation.compiled, _passed)
    if key not in types_of:
        types_of.setdefault(key, _new_passed(function, activation))
    return types_of[key]


def _new_passed(function: Any, activation: Activation | None) -> _Passed:
    version = _versions[function]() if activation is None else activation.version()
    # Of what can not be told no two are the same.
    unique = secrets.token_bytes(16) if version is None else version
    home = getattr(function, "__module__", None)  # ufuncs of NumPy below 2.3 have none
    passed = _Passed((f"{home}.{function.__name__}", unique))
    passed.stands_for(function)
    return passed


register_model(_Passed)(models.OpaqueModel)


def _give_a_type(kind: type) -> None:
    """Let Numba ask us for the type of a function of this kind before others, such as another copy of this package."""
    others = typeof_impl.dispatch(kind)

    @typeof_impl.register(kind)
    def type_of(function: Any, context: Any) -> Any:
        activation = find(function)
        if context.purpose is Purpose.argument and (activation is not None or function in _versions):
            return _passed(function)
        return others(function, context) if activation is None else _function_type(activation, is_parallel())


_give_a_type(np.ufunc)
_give_a_type(python_types.FunctionType)


@unbox(_Passed)
def _unbox_function(kind: Any, value: Any, context: Any) -> Any:
    return NativeValue(context.context.get_dummy_value())
