"""How the activations that users make are pickled.

NumPy pickles a ufunc by its name. That of a script's or a notebook's own is not found by the processes that Dask and
joblib start, and neither is that of one made inside a function. Those are pickled with the function that they were made
of, as Numba does with what it compiles.
"""

from __future__ import annotations

import copyreg
import sys
import types
from typing import Any

import numpy as np

from . import door, ufunc

_by_name: Any = copyreg.dispatch_table[np.ufunc]

#: What was pickled, and what it is, so that one activation is not made again and again.
_known: dict[bytes, np.ufunc] = {}


def learn() -> None:
    """Be asked by `pickle`, and by all that is built on it, about ufuncs."""
    copyreg.pickle(np.ufunc, _reduced)


def _reduced(function: np.ufunc) -> Any:
    activation = ufunc.find(function)
    if activation is None or isinstance(activation.kernel, str) or _is_found(function, activation.kernel):
        return _by_name(function)
    pickled = _cloudpickle().dumps((activation.kernel, activation.options()))
    _known[pickled] = function
    return _restored, (pickled,)


def _restored(pickled: bytes) -> np.ufunc:
    """The activation that was pickled, or one that is made as it was."""
    if pickled not in _known:
        kernel, options = _cloudpickle().loads(pickled)
        _known.setdefault(pickled, ufunc.activation(**options)(kernel))
    return _known[pickled]


def _is_found(function: np.ufunc, kernel: types.FunctionType) -> bool:
    """Whether other processes find an activation by its name."""
    module = kernel.__module__
    return module != "__main__" and getattr(sys.modules.get(module), kernel.__name__, None) is function


def _cloudpickle() -> Any:
    door.import_numba()
    return door.numba_internals().cloudpickle
