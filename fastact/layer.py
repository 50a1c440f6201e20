"""The compiled layer behind `neuron`: one C function for each activation, loaded when it is first called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from . import store, threads
from .capi import builtin, new_array_function, new_scalar_function
from .kernels import dots, driver, entry, jobs, pool, python, tiles
from .kernels.bits import STRICT
from .locks import lock
from .ufunc import Activation, try_out_numba

_TYPES: tuple[np.dtype[Any], ...] = (np.dtype(np.float32), np.dtype(np.float64))


class Entry:
    """A layer with one activation."""

    def __init__(self, activation: Activation) -> None:
        self._activation = activation
        self.inputs = activation.inputs
        words = self._words = driver.new_words(entry.WORDS)
        words[entry.INPUTS] = activation.inputs
        for i, dtype in enumerate(_TYPES):
            words[entry.SCALAR_TYPE + i] = id(dtype.type)
            words[entry.DESCRIPTOR + i] = id(dtype)
        words[entry.ARRAY_TYPE], words[entry.FLOAT_TYPE] = id(np.ndarray), id(float)
        words[entry.NEW_ARRAY], words[entry.NEW_SCALAR] = new_array_function(), new_scalar_function()
        words[entry.NONE], words[entry.NOT_IMPLEMENTED] = id(None), id(NotImplemented)
        #: `call(x, weights, bias, alpha, out)` gives the result, or NotImplemented where an operand is unusual or
        #: the type is not loaded.
        self.call: Callable[..., Any] = builtin("neuron", _enter(), words)

    def load(self, dtype: npt.DTypeLike, columns: int) -> None:
        """Make the layer for a type and number of columns ready: compile what it needs or take it from the store."""
        i = _TYPES.index(np.dtype(dtype))
        one = columns == 1
        layer = i + 2 if one else i
        with lock:
            if self._words[entry.RUN + layer] == 0:
                try_out_numba()
                self._words[entry.LOOP + i] = self._activation.loop(_TYPES[i].char).inner()
                self._words[entry.POOL] = 0 if self._activation.runs_as_python else threads.pool_address()
                run, self._words[entry.PART + layer] = _compiled_layer(_TYPES[i], dots if one else tiles)
                self._words[entry.RUN + layer] = run


@functools.cache
def _compiled_layer(dtype: np.dtype[Any], kind: Any) -> tuple[int, int]:
    """The addresses of what `jobs.runner` makes of a layer, and of its part."""
    real = numba.from_dtype(dtype)
    functions = kind.layer(real)
    pooled = jobs.runner(functions, jobs.over_threads)
    name = f"{kind.__name__.rpartition('.')[2]}-{real}"
    run = store.load(f"{name}-run", b"", lambda: numba.cfunc(jobs.RUN_SIGNATURE, **STRICT)(pooled))
    part = store.load(f"{name}-part", b"", lambda: numba.cfunc(pool.PART_SIGNATURE, **STRICT)(functions.part))
    return run, part


@functools.cache
def _enter() -> int:
    # Where the fields of objects lie depends on how Python was built.
    return store.load(
        "enter", str(python.HEAD).encode(), lambda: numba.cfunc(entry.ENTER_SIGNATURE, **STRICT)(entry.enter)
    )
