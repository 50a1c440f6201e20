"""What an activation is to the compiler: its function of numbers, and the loops over arrays made of it."""

from __future__ import annotations

import functools
import re
from typing import Any

import numba
from numba import types

from .._kernels import driver, scalar
from .._kernels.compiled import STRICT, compiled
from .._runtime.ufunc import Activation
from .literals import typed_literals


@functools.cache
def kernel(activation: Activation) -> Any:
    """The function of numbers, compiled for each type that it is called with."""
    if isinstance(activation.kernel, str):
        return getattr(scalar, activation.kernel)
    return compiled(**STRICT)(typed_literals(activation.kernel))


def inner_loop(activation: Activation, dtype: str) -> Any:
    """Numba's C function `loop(addresses, n)` for a type."""
    number = getattr(types, dtype)
    _check_result(activation, number)
    loop = driver.inner_loop(kernel(activation), activation.inputs, number)
    entry = numba.cfunc(driver.LOOP_SIGNATURE, **STRICT)(loop)
    _check_raises(activation, entry.inspect_llvm())
    return entry


@functools.cache
def loop_for_callers(activation: Activation, number: Any) -> Any:
    """`loop(addresses, n)` for a type, compiled for callers inside `@njit`."""
    loop = compiled(**STRICT)(driver.inner_loop(kernel(activation), activation.inputs, number))
    return _checked(activation, loop, driver.LOOP_SIGNATURE.args)


@functools.cache
def kernel_for_callers(activation: Activation, number: Any) -> Any:
    """The function of numbers of a type, compiled for callers inside `@njit`."""
    return _checked(activation, kernel(activation), (number,) * activation.inputs)


@functools.cache
def element(activation: Activation, number: Any) -> Any:
    """The function for callers inside `@njit`: compiled for numbers of a type, spread over arrays by Numba."""
    _check_result(activation, number)
    options = {name: STRICT[name] for name in ("fastmath", "boundscheck")}  # the error model is NumPy's there
    function = numba.vectorize([number(*[number] * activation.inputs)], **options)(kernel(activation).py_func)
    for compiled_function in function._dispatcher.overloads.values():
        _check_raises(activation, compiled_function.library.get_llvm_str())
    return function


def _checked(activation: Activation, function: Any, signature: Any) -> Any:
    function.compile(signature)
    _check_raises(activation, function.inspect_llvm(signature))
    return function


def _check_result(activation: Activation, number: Any) -> None:
    """Refuse a kernel that gives an integer loop something else, of which storing it would lose a part."""
    if isinstance(number, types.Integer):
        signature, function = (number,) * activation.inputs, kernel(activation)
        function.compile(signature)
        result = function.overloads[signature].signature.return_type
        if not isinstance(result, types.Integer):
            raise activation.not_an_integer(str(result), str(number))


def _check_raises(activation: Activation, code: str) -> None:
    # A C function makes the exception itself, any other function says which it is.
    if "numba_unpickle" in code or re.search(r"store .*%excinfo", code):
        raise TypeError(
            f"{activation.name}() can raise an exception, and there is nobody to catch it inside a loop over an "
            "array: let it return a value (NaN, say) for every input"
        )
