"""Functions along an axis inside `@njit`: along the last one, on the caller's thread."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import overload

from .._kernels import softmax as kernels
from .._kernels.compiled import STRICT, compiled, is_given
from .._kernels.memory import at, stack
from .._kernels.numba_internals import errors, numpy_support
from .._runtime import softmax
from .overloads import can_be_passed

_FLOATS = (types.float32, types.float64)


@functools.cache
def _function(name: str, number: Any) -> Any:
    """`compute(x, y, y_row)` of contiguous rows of a type, given an array and where the results go."""
    function = compiled(**STRICT)(kernels.function(name, number))
    size = number.bitwidth // 8

    @compiled(**STRICT)
    def compute(x, y, y_row):
        addresses = at(stack(16), types.intp)
        addresses[0], addresses[1] = x.ctypes.data, y.ctypes.data
        n = x.shape[-1]
        count = x.size // n if n > 0 else y.size
        function(addresses[0], n * size, size, addresses[1], y_row, size, n, count)

    return compute


def _type_of(name: str, x: Any) -> Any:
    """The type of the results: as from Python, but that there is no float16."""
    if not isinstance(x, types.Array) or x.ndim == 0:
        raise errors.TypingError(f"{name}: inside @njit x must be an array of at least one dimension, got {x}")
    number = x.dtype
    if isinstance(number, (types.Integer, types.Boolean)):
        number = from_dtype(np.tanh(np.zeros(1, numpy_support.as_dtype(number))).dtype)
    if number not in _FLOATS:
        raise errors.TypingError(f"{name}: inside @njit x must be of float32 or float64, got {x.dtype}")
    return number


@compiled(**STRICT)
def _check_axis(axis, ndim):
    if axis != -1 and axis != ndim - 1:
        raise ValueError("inside @njit the axis must be the last one")


@compiled(**STRICT)
def _check_numbers(n):
    if n == 0:
        raise ValueError("there are no numbers along the last axis")


@compiled(**STRICT)
def _check_out(out, shape):
    if out.shape != shape:
        raise ValueError("out has another shape than the result")


def _contiguous(x: Any, number: Any) -> Any:
    """A function that gives an array of a type whose rows are contiguous."""
    real = np.dtype(str(number)).type
    if x.dtype != number:
        return compiled(**STRICT)(lambda x: np.ascontiguousarray(x.astype(real)))
    if x.layout == "C":
        return compiled(**STRICT)(lambda x: x)
    return compiled(**STRICT)(lambda x: np.ascontiguousarray(x))


def _check_given_out(name: str, out: Any, ndim: int, number: Any) -> None:
    real = np.dtype(str(number))
    if not isinstance(out, types.Array) or out.ndim != ndim or ndim == 0:
        raise errors.TypingError(f"{name}: out must be an array of {ndim} dimensions, got {out}")
    if not np.can_cast(real, numpy_support.as_dtype(out.dtype), "same_kind"):
        raise errors.TypingError(f"{name}: cannot cast the result from {real} to {out.dtype}")


def _overload_elements(name: str, face: Any) -> None:
    """A function whose results are as many as the numbers."""

    @overload(face, jit_options=STRICT, strict=False)
    def of_elements(x: Any, axis: Any = -1, out: Any = None) -> Any:
        number = _type_of(name, x)
        compute, contiguous = _function(name, number), _contiguous(x, number)
        real, size, ndim = np.dtype(str(number)).type, number.bitwidth // 8, x.ndim

        @compiled(**STRICT)
        def new(x, axis):
            _check_axis(axis, ndim)
            _check_numbers(x.shape[-1])
            result = np.empty(x.shape, real)
            compute(contiguous(x), result, x.shape[-1] * size)
            return result

        if not is_given(out):
            return lambda x, axis=-1, out=None: new(x, axis)
        _check_given_out(name, out, ndim, number)

        def into(x, axis=-1, out=None):
            _check_out(out, x.shape)
            out[...] = new(x, axis)
            return out

        return into

    can_be_passed(face)


def _overload_rows(name: str, face: Any) -> None:
    """A function that gives a number for each row."""

    @overload(face, jit_options=STRICT, strict=False)
    def of_rows(x: Any, axis: Any = -1, out: Any = None) -> Any:
        number = _type_of(name, x)
        compute, contiguous = _function(name, number), _contiguous(x, number)
        real, size, ndim = np.dtype(str(number)).type, number.bitwidth // 8, x.ndim

        @compiled(**STRICT)
        def new(x, axis):
            _check_axis(axis, ndim)
            result = np.empty(x.shape[:-1], real)
            compute(contiguous(x), result, size)
            return result

        if is_given(out):
            _check_given_out(name, out, ndim - 1, number)

            def into(x, axis=-1, out=None):
                _check_out(out, x.shape[:-1])
                out[...] = new(x, axis)
                return out

            return into
        if ndim == 1:
            return lambda x, axis=-1, out=None: new(x, axis)[()]
        return lambda x, axis=-1, out=None: new(x, axis)

    can_be_passed(face)


for _name, _face in softmax.faces.items():
    (_overload_rows if _name == "logsumexp" else _overload_elements)(_name, _face)
