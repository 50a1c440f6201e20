"""Arrays inside `@njit` as compiled code sees them: where they lie, and as what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from .compiled import STRICT, compiled
from .float_state import in_default_float_modes
from .memory import at


def is_apart(array: Any, operand: Any) -> Any:
    """Whether no element of the operand can lie in the memory of the array."""


@overload(is_apart, jit_options=STRICT, strict=False)
def _is_apart_compiled(array: Any, operand: Any) -> Any:
    if not isinstance(operand, types.Array):
        return lambda array, operand: True

    def apart(array, operand):
        first, end = _extent(array)
        other_first, other_end = _extent(operand)
        return end <= other_first or other_end <= first

    return apart


@compiled(**STRICT)
def _extent(array):
    """The lowest address of an array and the one after its highest."""
    first = end = array.ctypes.data
    if array.size == 0:
        return first, end
    for length, stride in zip(array.shape, array.strides):  # noqa: B905 - Numba has no strict zip
        reach = (length - 1) * stride
        first += min(0, reach)
        end += max(0, reach)
    return first, end + array.itemsize


def in_type(operand: Any, real: Any) -> Any:
    """An array of numbers of type `real`, for an array; a number as it is."""


@overload(in_type, jit_options=STRICT, strict=False)
def _in_type_compiled(operand: Any, real: Any) -> Any:
    if isinstance(operand, types.Array) and not (operand.dtype == real.dtype and operand.aligned):
        convert = compiled(**STRICT)(lambda operand: operand.astype(real))
        return lambda operand, real: in_default_float_modes(convert, (operand,))
    return lambda operand, real: operand


@compiled(**STRICT)
def _assign(out, values):
    out[...] = values


@compiled(**STRICT)
def assign(out, values):
    """Write values into an array of another type, perhaps, by rounding to nearest."""
    in_default_float_modes(_assign, (out, values))


def as_matrix(array: Any) -> Any:
    """The array as a matrix: a vector as its one row, leading dimensions as one."""


@overload(as_matrix, jit_options=STRICT, strict=False)
def _as_matrix_compiled(array: Any) -> Any:
    if array.ndim == 1:
        return lambda array: np.expand_dims(array, 0)
    if array.ndim == 2:
        return lambda array: array

    def rows(array):
        n = 1
        for length in array.shape[:-1]:
            n *= length
        return np.ascontiguousarray(array).reshape(n, array.shape[-1])

    return rows


@intrinsic
def live_on(typingctx: Any, *arrays: Any) -> Any:
    """Let arrays live up to here, of which only addresses were used before: Numba does not know of those."""
    return types.void(types.StarArgTuple.from_types(arrays)), lambda *_: None


def columns(weights: Any) -> Any:
    """How many columns weights have, and the stride between them."""


@overload(columns, jit_options=STRICT, strict=False)
def _columns_compiled(weights: Any) -> Any:
    if weights.ndim == 1:
        return lambda weights: (1, weights.itemsize)
    return lambda weights: (weights.shape[1], weights.strides[1] if weights.shape[1] != 1 else weights.itemsize)


def for_columns(operand: Any, cell: Any, real: Any) -> Any:
    """Address and stride of a bias or of slopes; a number is put into the cell."""


@overload(for_columns, jit_options=STRICT, strict=False)
def _for_columns_compiled(operand: Any, cell: Any, real: Any) -> Any:
    if isinstance(operand, types.Array):
        return lambda operand, cell, real: (operand.ctypes.data, operand.strides[0])
    operand_is_real = operand == real.dtype

    @compiled(**STRICT)
    def store(operand, cell):
        at(cell, real)[0] = operand

    def number(operand, cell, real):
        if operand_is_real:
            store(operand, cell)
        else:
            in_default_float_modes(store, (operand, cell))
        return cell, 0

    return number


@compiled(**STRICT)
def check_inner(k, weights_k):
    if k != weights_k:
        raise ValueError("neuron: the last dimension of x must be the first of weights")


@compiled(**STRICT)
def check_out(shape, expected):
    if shape != expected:
        raise ValueError("neuron: out has the wrong shape")


def check_one_each(operand: Any, m: Any, name: Any) -> None:
    """Raise unless the operand is a number or has m elements."""


@overload(check_one_each, jit_options=STRICT, strict=False)
def _check_one_each_compiled(operand: Any, m: Any, name: Any) -> Any:
    if not isinstance(operand, types.Array):
        return lambda operand, m, name: None

    def check(operand, m, name):
        if operand.size != m:
            raise ValueError("neuron: " + name + " must have one element for each neuron")

    return check
