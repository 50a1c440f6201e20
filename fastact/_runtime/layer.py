"""The compiled layer behind `neuron`: one C function for each activation, loaded when it is first called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from .._kernels import dots, driver, entry, jobs, pool, python, tiles
from . import store, threads
from .capi import builtin, new_array_function, new_scalar_function
from .locks import lock
from .ufunc import Activation, try_out_numba


class Entry:
    """A layer with one activation."""

    def __init__(self, activation: Activation) -> None:
        self._activation = activation
        self.inputs = activation.inputs
        words = self._words = driver.new_words(entry.WORDS)
        words[entry.INPUTS] = activation.inputs
        for i, dtype in enumerate(entry.TYPES):
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
        i = entry.TYPES.index(np.dtype(dtype))
        layer = entry.place(i, columns)
        with lock:
            if self._words[entry.RUN + layer] == 0:
                try_out_numba()
                self._words[entry.LOOP + i] = self._activation.loop(entry.TYPES[i].char).inner()
                self._words[entry.POOL] = 0 if self._activation.runs_as_python else threads.pool_address()
                run, self._words[entry.PART + layer] = _compiled_layer(entry.TYPES[i], dots if columns == 1 else tiles)
                self._words[entry.RUN + layer] = run


@functools.cache
def _compiled_layer(dtype: np.dtype[Any], kind: Any) -> tuple[int, int]:
    """The addresses of what `jobs.runner` makes of a layer, and of its part."""
    real = numba.from_dtype(dtype)
    functions = kind.layer(real)
    name = f"{kind.__name__.rpartition('.')[2]}-{real}"
    run = store.load_own(f"{name}-run", jobs.RUN_SIGNATURE, jobs.runner(functions, jobs.over_threads))
    return run, store.load_own(f"{name}-part", pool.PART_SIGNATURE, functions.part)


@functools.cache
def _enter() -> int:
    # Where the fields of objects lie depends on how Python was built.
    return store.load_own("enter", entry.ENTER_SIGNATURE, entry.enter, str(python.HEAD).encode())
