"""Functions along an axis inside `@njit`: along the last one, on the caller's thread."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from .._kernels import arrays
from .._kernels import softmax as kernels
from .._kernels.compiled import STRICT, compiled, is_given, is_real
from .._kernels.float_state import in_default_float_environment
from .._kernels.memory import at, stack
from .._kernels.numba_internals import errors, numpy_support
from .._runtime import softmax
from .overloads import can_be_passed, common_type


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
        # NumPy warns of flags that are raised in loops of a user's ufunc.
        in_default_float_environment(function, (addresses[0], n * size, size, addresses[1], y_row, size, n, count))

    return compute


def _type_of(name: str, x: Any) -> Any:
    """The type of the results, as of the activations."""
    if not (isinstance(x, types.Array) and is_real(x.dtype) and x.ndim > 0):
        raise errors.TypingError(
            f"{name}: inside @njit x must be an array of real numbers of at least one dimension, got {x}"
        )
    return common_type(softmax.gufuncs[name], [x])


def _check_given_out(name: str, out: Any, ndim: int, number: Any) -> None:
    real = np.dtype(str(number))
    if not isinstance(out, types.Array) or out.ndim != ndim or ndim == 0:
        raise errors.TypingError(f"{name}: out must be an array of {ndim} dimensions, got {out}")
    if not np.can_cast(real, numpy_support.as_dtype(out.dtype), "same_kind"):
        raise errors.TypingError(f"{name}: cannot cast the result from {real} to {out.dtype}")


def _overload(name: str, face: Any) -> None:
    reduces = name in softmax.REDUCTIONS

    @overload(face, jit_options=STRICT, strict=False)
    def along_axis(x: Any, axis: Any = -1, out: Any = None) -> Any:
        number = _type_of(name, x)
        if not isinstance(axis, (int, types.Integer, types.Omitted)):
            raise errors.TypingError(f"{name}: inside @njit axis must be an integer, got {axis}; give out= by its name")
        compute, real, size, ndim = _function(name, number), np.dtype(str(number)).type, number.bitwidth // 8, x.ndim
        shape = compiled(**STRICT)((lambda x: x.shape[:-1]) if reduces else (lambda x: x.shape))

        @compiled(**STRICT)
        def new(x, axis):
            if axis != -1 and axis != ndim - 1:
                raise ValueError(name + ": inside @njit the axis must be the last one")
            n = x.shape[-1]
            if n == 0 and not reduces:
                raise ValueError(name + ": there are no numbers along the last axis")
            result = np.empty(shape(x), real)
            compute(np.ascontiguousarray(arrays.in_type(x, number)), result, size if reduces else n * size)
            return result

        def into(x, axis=-1, out=None):
            if out.shape != shape(x):
                raise ValueError(name + ": out has another shape than the result")
            arrays.assign(out, new(x, axis))
            return out

        if is_given(out):
            _check_given_out(name, out, ndim - reduces, number)
            return into
        if reduces and ndim == 1:
            return lambda x, axis=-1, out=None: new(x, axis)[()]
        return lambda x, axis=-1, out=None: new(x, axis)

    can_be_passed(face)


for _name, _face in softmax.faces.items():
    _overload(_name, _face)
