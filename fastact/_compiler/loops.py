"""What an activation is to the compiler: its function of numbers, and the loops over arrays made of it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numba
import numpy as np
from numba import types

from .._kernels import driver, scalar
from .._kernels.compiled import STRICT, compiled, is_real
from .._kernels.numba_internals import errors
from .._runtime import fingerprint
from .._runtime.ufunc import Activation
from .literals import typed_literals


def for_each_source(make: Callable[..., Any]) -> Callable[..., Any]:
    """Cache what is made of an activation, anew where a value has changed that its function reaches by name.

    Numba takes such values when it compiles and never looks again. The activation keeps it.
    """

    @functools.wraps(make)
    def cached(activation: Activation, *arguments: Any) -> Any:
        key = make, activation.source(), *arguments
        if key not in activation.compiled:
            activation.compiled.setdefault(key, make(activation, *arguments))
        return activation.compiled[key]

    return cached


@for_each_source
def kernel(activation: Activation) -> Any:
    """The function of numbers, compiled for each type that it is called with."""
    if isinstance(activation.kernel, str):
        return scalar.kernel(activation.kernel)
    return compiled(**STRICT)(typed_literals(activation.kernel))


def inner_loop(activation: Activation, dtype: str) -> Any:
    """Numba's C function `loop(addresses, n)` for a type."""
    number = getattr(types, dtype)
    with _remembered(activation):
        _check_kernel(activation, number)
        return numba.cfunc(driver.LOOP_SIGNATURE, **STRICT)(_loop(activation, number))


def _loop(activation: Activation, number: Any) -> Callable[..., None]:
    loop = driver.inner_loop(kernel(activation), activation.inputs, number)
    return loop if isinstance(activation.kernel, str) else driver.without_x87_flags(loop)


@for_each_source
def loop_for_callers(activation: Activation, number: Any) -> Any:
    """`loop(addresses, n)` for a type, compiled for callers inside `@njit`."""
    _check_loop(activation, number)
    with _remembered(activation):
        loop = compiled(**STRICT)(_loop(activation, number))
        loop.compile(driver.LOOP_SIGNATURE.args)
    return loop


@for_each_source
def kernel_for_callers(activation: Activation, number: Any) -> Any:
    """The function of numbers of a type, compiled for callers inside `@njit`."""
    _check_loop(activation, number)
    function = kernel(activation)
    with _remembered(activation):
        function.compile((number,) * activation.inputs)
    return function


@for_each_source
def element(activation: Activation, number: Any) -> Any:
    """The function for callers inside `@njit`: compiled for numbers of a type, spread over arrays by Numba."""
    _check_loop(activation, number)
    options = {name: STRICT[name] for name in ("fastmath", "boundscheck")}  # the error model is NumPy's there
    with _remembered(activation):
        return numba.vectorize([number(*[number] * activation.inputs)], **options)(kernel(activation).py_func)


def _remembered(activation: Activation) -> AbstractContextManager[None]:
    if isinstance(activation.kernel, str):
        return contextlib.nullcontext()
    return fingerprint.remembered(activation.kernel)


def _check_loop(activation: Activation, number: Any) -> None:
    """Refuse inside `@njit` what is refused from Python, where the loop is compiled and looked at."""
    if not isinstance(activation.kernel, str):
        activation.loop(np.dtype(str(number)).char).inner()


def _check_kernel(activation: Activation, number: Any) -> None:
    """Compile a user's function alone, so that an error names no more than what is theirs, and look at its result.

    What gives an integer loop something else is refused: storing it would lose a part.
    """
    if isinstance(activation.kernel, str) and not isinstance(number, types.Integer):
        return
    signature, function = (number,) * activation.inputs, kernel(activation)
    try:
        function.compile(signature)
    except errors.NumbaError as error:
        raise error if numba.config.FULL_TRACEBACKS else error.with_traceback(None) from None
    except NotImplementedError as error:
        raise errors.TypingError(f"Numba can not compile {activation.name}(): {error}") from None
    result = types.unliteral(function.overloads[signature].signature.return_type)
    if not is_real(result):
        hint = "; np.where makes an array: write `a if condition else b`" if isinstance(result, types.Array) else ""
        raise TypeError(f"{activation.name}() must return a real number for every {number}, got {result}{hint}")
    if isinstance(number, types.Integer) and not isinstance(result, types.Integer):
        raise activation.not_an_integer(str(result), str(number))
