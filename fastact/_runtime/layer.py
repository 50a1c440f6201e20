"""The compiled layer behind `neuron`: one C function for each activation, loaded when it is first called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import caches, float_modes, store, threads
from . import neuron_record as record
from .capi import builtin, new_array_function, new_scalar_function
from .ufunc import Activation


class Entry:
    """A layer with one activation."""

    def __init__(self, activation: Activation, alpha: float) -> None:
        self.alpha = alpha  #: where none is given
        self._activation = activation
        self.inputs = activation.inputs
        self._keeps_to_a_thread = False
        words = self._words = np.zeros(record.WORDS, np.intp)
        words[record.INPUTS] = activation.inputs
        words[record.CACHE], words[record.SHARED_CACHE] = caches.second_level_bytes(), caches.third_level_bytes()
        words[record.RATE : record.RATE + 4] = record.FIRST_RATE
        for i, dtype in enumerate(record.TYPES):
            words[record.SCALAR_TYPE + i] = id(dtype.type)
            words[record.DESCRIPTOR + i] = id(dtype)
        words[record.ARRAY_TYPE], words[record.FLOAT_TYPE] = id(np.ndarray), id(float)
        words[record.NEW_ARRAY], words[record.NEW_SCALAR] = new_array_function(), new_scalar_function()
        words[record.NONE], words[record.NOT_IMPLEMENTED] = id(None), id(NotImplemented)
        #: `call(x, weights, bias, alpha, out)` gives the result, or NotImplemented where an operand is unusual or
        #: the type is not loaded.
        self.call: Callable[..., Any] = builtin("neuron", _enter(), words)

    def load(self, dtype: npt.DTypeLike, columns: int) -> None:
        """Make the layer for a type and number of columns ready: compile what it needs or take it from the store."""
        i = record.TYPES.index(np.dtype(dtype))
        layer = record.layer(i, columns)
        if self._words[record.RUN + layer] == 0:
            run, part = _addresses("dots" if columns == 1 else "tiles", str(record.TYPES[i]))
            loop = self._activation.loop(record.TYPES[i].char)
            self._words[record.LOOP + i] = loop.inner()
            self._keeps_to_a_thread |= loop.runs_as_python
            self._words[record.POOL] = 0 if self._keeps_to_a_thread else threads.pool_address()
            self._words[record.MODES_ADDRESS] = float_modes.address(self._keeps_to_a_thread)
            self._words[record.PART + layer] = part
            self._words[record.RUN + layer] = run


@functools.cache
def _addresses(kind: str, dtype: str) -> tuple[int, int]:
    """Of a layer's `run` and `part`."""
    return store.load_own("run", kind, dtype), store.load_own("part", kind, dtype)


@functools.cache
def _enter() -> int:
    # Where the fields of objects lie depends on how Python was built.
    return store.load_own("enter", source=str(object.__basicsize__).encode())
