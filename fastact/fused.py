"""One neuron for many rows as a generalised ufunc, (k),(k),()->(), made of an activation when it is first wanted.

It runs on the caller's thread: where threads pay, BLAS's own are as fast, and idle ones of BLAS, which spin for a while
after every call of it, would be in the way of ours.
"""

from __future__ import annotations

import functools

import numba
import numpy as np

from . import store
from .kernels import driver, rows
from .kernels.bits import STRICT
from .kernels.dense import SUM
from .ufunc import Activation, LazyLoop, lazy_table

_CODES = "fd"


class _RowLoop(LazyLoop):
    """The loop over rows for one activation, or for the weighted sum alone, and one type."""

    def __init__(self, code: str, activation: Activation | None, inputs: int) -> None:
        dtype = np.dtype(code)
        super().__init__("a neuron", dtype, inputs, rows.RECORD_WORDS)
        self._type = numba.from_dtype(dtype)
        self._activation_loop = None if activation is None else activation.loop(code)

    def _fill_record(self) -> int:
        if self._activation_loop is not None:
            self._activation_loop.load()
            self.record[driver.LOOP] = self._activation_loop.record[driver.LOOP]
        self.record[rows.SUM] = store.load(
            f"sum_rows-{self._type}",
            str(self._type).encode(),
            lambda: numba.cfunc(rows.SUM_SIGNATURE, **SUM)(rows.sum_rows(self._type)),
        )
        return _drive_rows()


@functools.cache
def of_rows(activation: Activation | None) -> np.ufunc:
    """The generalised ufunc of an activation or, for None, of the weighted sum alone.

    Its operands are x, weights, bias and the further inputs of the activation.
    """
    inputs = 1 if activation is None else activation.inputs
    loops = [_RowLoop(code, activation, inputs) for code in _CODES]
    operands = rows.FURTHER + inputs
    table = lazy_table(loops, [code * operands for code in _CODES])
    return table.ufunc("neuron", "", operands - 1, "(k),(k)" + ",()" * inputs + "->()")


@functools.cache
def _drive_rows() -> int:
    return store.load("drive_rows", b"", lambda: numba.cfunc(driver.DRIVE_SIGNATURE, **STRICT)(rows.drive_rows))
