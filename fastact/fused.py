"""One neuron for many rows as a generalised ufunc, (k),(k),()->(), made of an activation when it is first wanted.

It runs on the caller's thread: where threads pay, BLAS's own are as fast, and idle ones of BLAS, which spin for a while
after every call of it, would be in the way of ours.
"""

from __future__ import annotations

import functools
import threading

import numba
import numpy as np

from . import store
from .capi import LoopFunction, LoopTable, c_function
from .kernels import driver, rows
from .kernels.bits import STRICT
from .kernels.dense import SUM
from .ufunc import Activation, Loop

_CODES = "fd"

_lock = threading.Lock()
_loops: dict[int, _RowLoop] = {}


class _RowLoop:
    """The loop over rows for one activation and type."""

    def __init__(self, code: str, activation_loop: Loop | None, inputs: int) -> None:
        dtype = np.dtype(code)
        self._type = numba.from_dtype(dtype)
        self._activation_loop = activation_loop
        self.table: LoopTable
        self.index = _CODES.index(code)
        self.record = driver.new_words(rows.RECORD_WORDS)
        self.record[driver.INPUTS] = inputs
        self.record[driver.ITEM_SIZE] = dtype.itemsize
        _loops[self.address] = self

    @property
    def address(self) -> int:
        return int(self.record.ctypes.data)

    def load(self) -> None:
        """Compile what the loop needs or take it from the store, and let the ufunc call it from now on."""
        if self._activation_loop is not None:
            self._activation_loop.load()
        with _lock:
            if self.record[rows.SUM] == 0:
                if self._activation_loop is not None:
                    self.record[driver.LOOP] = self._activation_loop.record[driver.LOOP]
                function = _drive_rows()
                self.record[rows.SUM] = store.load(
                    f"sum_rows-{self._type}",
                    str(self._type).encode(),
                    lambda: numba.cfunc(rows.SUM_SIGNATURE, **SUM)(rows.sum_rows(self._type)),
                )
                self.table.set_function(self.index, function)


@functools.cache
def of_rows(activation: Activation | None) -> np.ufunc:
    """The generalised ufunc of an activation or, for None, of the weighted sum alone.

    Its operands are x, weights, bias and the further inputs of the activation.
    """
    inputs = 1 if activation is None else activation.inputs
    loops = [_RowLoop(code, None if activation is None else activation.loop(code), inputs) for code in _CODES]
    operands = rows.FURTHER + inputs
    table = LoopTable(_first_call(), [loop.address for loop in loops], [code * operands for code in _CODES])
    for loop in loops:
        loop.table = table
    return table.ufunc("neuron", "", operands - 1, "(k),(k)" + ",()" * inputs + "->()")


@functools.cache
def _drive_rows() -> int:
    return store.load("drive_rows", b"", lambda: numba.cfunc(driver.DRIVE_SIGNATURE, **STRICT)(rows.drive_rows))


@functools.cache
def _first_call() -> int:
    def first_call(addresses: int, dimensions: int, strides: int, record: int) -> None:
        _loops[record].load()
        LoopFunction(_drive_rows())(addresses, dimensions, strides, record)

    return c_function(first_call)
