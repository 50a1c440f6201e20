"""The words that describe a layer with one activation to the C function behind `neuron`.

The first of each group are for float32, the next for float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

RUN = 0  #: addresses of what `jobs.runner` makes, for several neurons, then for one; 0 until they are loaded
PART = 4  #: likewise of `jobs.Layer.part`
LOOP = 8  #: addresses of the activation's loop
SCALAR_TYPE = 10
DESCRIPTOR = 12
INPUTS = 14
POOL = 15  #: address of the words of the pool; 0 for an activation that keeps to the caller's thread, as Python does
ARRAY_TYPE, FLOAT_TYPE = 16, 17
NEW_ARRAY, NEW_SCALAR = 18, 19  #: PyArray_NewFromDescr, PyArray_Scalar
NONE, NOT_IMPLEMENTED = 20, 21
RATE = 22  #: of the layers of RUN: bytes of products (`jobs.work`) in a us on one thread, as the last call was timed
UNTIMED = 26  #: likewise, ns of calls since one was timed
CACHE, SHARED_CACHE = 30, 31  #: bytes of the second-level cache, and of the third
MODES_ADDRESS = 32  #: of the word with the floating-point modes in which to compute
WORDS = 33

FIRST_RATE = 200_000  #: until a call was timed: that of AVX2 at 3 GHz

#: Of numbers, in the order of the groups.
TYPES: tuple[np.dtype[Any], ...] = (np.dtype(np.float32), np.dtype(np.float64))


def layer(real: int, columns: int) -> int:
    """The place of a layer in the groups RUN and PART."""
    return real + 2 if columns == 1 else real
