"""One neuron for many rows: weighted sums of a block of rows, then the activation while the block is in the cache.

NumPy hands `drive_rows` the operands x (k), weights (k), bias, the activation's further inputs, and the result, each
with a stride from row to row; after those come the strides of x and weights along k. It sees to overlaps by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from .bits import address_of, at, call, enter_default_float_state, leave_float_state, stack, widest_vectors
from .driver import INPUTS, ITEM_SIZE, LOOP, WORDS, move

# The record has these words of the driver's (LOOP is 0 for the weighted sum alone), and one more.
SUM = 7  #: address of a function made by `sum_rows`
RECORD_WORDS = 8

X, WEIGHTS, BIAS, FURTHER = 0, 1, 2, 3  # operands

_BLOCK = 256  # rows
_ROOM = _BLOCK * 8  # bytes for an operand of the activation
_BUFFERS = 8
_BUFFER_SPACE = _BUFFERS * _ROOM
_POINTER_SPACE = _BUFFERS * 8


def sum_rows(real: Any) -> Callable[..., None]:
    """`sums(addresses, strides, k_strides, first, rows, k, result)`: bias + x @ weights of some rows, in type `real`.

    Compiled with leave to take the sum in any order, which makes it SIMD where x and weights are contiguous along k.
    """
    size = np.dtype(str(real)).itemsize
    zero = np.dtype(str(real)).type(0)

    def sums(addresses, strides, k_strides, first, rows, k, result):
        widest_vectors()
        x = addresses[X] + first * strides[X]
        w = addresses[WEIGHTS] + first * strides[WEIGHTS]
        b = addresses[BIAS] + first * strides[BIAS]
        x_row, w_row, b_row = strides[X], strides[WEIGHTS], strides[BIAS]
        x_step, w_step = k_strides[0], k_strides[1]
        totals = at(result, real)
        if x_step == size and w_step == size:
            for row in range(rows):
                inputs, weights = at(x + row * x_row, real), at(w + row * w_row, real)
                total = zero
                for i in range(k):
                    total += inputs[i] * weights[i]
                totals[row] = total + at(b + row * b_row, real)[0]
        else:
            for row in range(rows):
                total = zero
                for i in range(k):
                    total += at(x + row * x_row + i * x_step, real)[0] * at(w + row * w_row + i * w_step, real)[0]
                totals[row] = total + at(b + row * b_row, real)[0]

    return sums


def drive_rows(addresses, dimensions, strides, record):
    """The C function behind the generalised ufunc of a neuron."""
    state = enter_default_float_state()
    n, k = dimensions[0], dimensions[1]
    inputs, size = record[INPUTS], record[ITEM_SIZE]
    pointers_address = stack(_POINTER_SPACE)
    pointers = at(pointers_address, types.intp)
    buffers = stack(_BUFFER_SPACE)
    sums, results = buffers, buffers + inputs * _ROOM
    output, output_stride = addresses[FURTHER + inputs - 1], strides[FURTHER + inputs - 1]
    k_strides = address_of(strides) + (FURTHER + inputs) * 8
    for start in range(0, n, _BLOCK):
        rows = min(_BLOCK, n - start)
        call(record[SUM], (address_of(addresses), address_of(strides), k_strides, start, rows, k, sums))
        target = output + start * output_stride
        if record[LOOP] == 0:
            move(sums, size, target, output_stride, rows, size)
            continue
        pointers[0] = sums
        for i in range(1, inputs):
            operand = FURTHER + i - 1
            pointers[i] = buffers + i * _ROOM
            move(addresses[operand] + start * strides[operand], strides[operand], pointers[i], size, rows, size)
        direct = output_stride == size
        pointers[inputs] = target if direct else results
        call(record[LOOP], (pointers_address, rows))
        if not direct:
            move(results, size, target, output_stride, rows, size)
    leave_float_state(state)


#: The C signature of what `sum_rows` makes; `drive_rows` has that of the driver's `drive`.
SUM_SIGNATURE = types.void(WORDS, WORDS, WORDS, types.intp, types.intp, types.intp, types.intp)
