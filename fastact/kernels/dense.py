"""Weighted sums for callers inside `@njit`: one thread, no BLAS, nothing allocated.

A sum may be taken in any order and its products fused, which is what lets it become SIMD. These flags would break the
activations, so the two never share a function.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from .bits import STRICT, compiled, like

SUM = {**STRICT, "fastmath": {"reassoc", "contract"}}

_ROWS = 4  # rows that share one reading of the weights


@compiled(**SUM)
def dot(x, weights, start):
    """Start + the sum of x[i] * weights[i], in the type of `start`."""
    total = start
    for i in range(x.size):
        total += like(start, x[i]) * like(start, weights[i])
    return total


@compiled(**SUM)
def _sum_rows(x, weights, z, first, rows):
    """Add x[first:first+rows] @ weights to those rows of z, along the rows of the weights."""
    k, m = weights.shape
    for i in range(k):
        for row in range(first, first + rows):
            factor = like(z[0, 0], x[row, i])
            for j in range(m):
                z[row, j] += factor * like(z[0, 0], weights[i, j])


@compiled(**SUM)
def _sum_four_rows(x, weights, z, first):
    k, m = weights.shape
    zero = z[0, 0]
    z0, z1, z2, z3 = z[first], z[first + 1], z[first + 2], z[first + 3]
    for i in range(k):
        a, b = like(zero, x[first, i]), like(zero, x[first + 1, i])
        c, d = like(zero, x[first + 2, i]), like(zero, x[first + 3, i])
        for j in range(m):
            weight = like(zero, weights[i, j])
            z0[j] += a * weight
            z1[j] += b * weight
            z2[j] += c * weight
            z3[j] += d * weight


@compiled(**SUM)
def add_product(x, weights, z):
    """Add x @ weights to z, for weights whose rows are contiguous."""
    if z.size == 0:
        return
    whole = x.shape[0] // _ROWS * _ROWS
    for first in range(0, whole, _ROWS):
        _sum_four_rows(x, weights, z, first)
    if whole < x.shape[0]:
        _sum_rows(x, weights, z, whole, x.shape[0] - whole)


@compiled(**SUM)
def add_product_by_columns(x, weights, z):
    """Add x @ weights to z, for weights whose columns are contiguous."""
    for row in range(x.shape[0]):
        for j in range(weights.shape[1]):
            z[row, j] = dot(x[row], weights[:, j], z[row, j])


@compiled(**STRICT)
def check_inner(k, weights_k):
    if k != weights_k:
        raise ValueError("neuron: the last dimension of x and the first of weights differ")


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


def of_neuron(operand: Any, j: Any) -> Any:
    """The element for neuron j, or the number that all have."""


@overload(of_neuron, jit_options=STRICT, strict=False)
def _of_neuron_compiled(operand: Any, j: Any) -> Any:
    return (lambda operand, j: operand[j]) if isinstance(operand, types.Array) else (lambda operand, j: operand)


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


def fill_rows(z: Any, bias: Any) -> None:
    """Set every row of z to the bias."""


@overload(fill_rows, jit_options=STRICT, strict=False)
def _fill_rows_compiled(z: Any, bias: Any) -> Any:
    def fill_with_number(z, bias):
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                z[i, j] = bias

    def fill_with_array(z, bias):
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                z[i, j] = bias[j]

    return fill_with_array if isinstance(bias, types.Array) else fill_with_number


def as_matrix(array: Any) -> Any:
    """The array as a matrix: a vector as its one row, leading dimensions as one."""


@overload(as_matrix, jit_options=STRICT, strict=False)
def _as_matrix_compiled(array: Any) -> Any:
    if array.ndim == 1:
        return lambda array: np.expand_dims(array, 0)
    if array.ndim == 2:
        return lambda array: array
    if array.layout == "C":
        return lambda array: _rows(array)
    return lambda array: _rows(np.ascontiguousarray(array))


@compiled(**STRICT)
def _rows(array):
    return array.reshape(array.size // max(1, array.shape[-1]), array.shape[-1])


def as_vector(array: Any) -> Any:
    """The elements of the array in one dimension, of a vector with any stride."""


@overload(as_vector, jit_options=STRICT, strict=False)
def _as_vector_compiled(array: Any) -> Any:
    if array.ndim == 1:
        return lambda array: array
    return lambda array: array.reshape(array.size)
