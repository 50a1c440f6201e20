"""How our ufuncs and those that users make are pickled.

NumPy pickles a ufunc by its name. That of a script's or a notebook's own is not found by the processes that Dask and
joblib start, and neither is that of one made inside a function. Those are pickled with the function that they were made
of, as Numba does with what it compiles. A ufunc of ours that stands behind a function of its name, as that of elu, is
pickled as an attribute of that function: Dask keeps the ufunc and not what was called.
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


#: What users call instead of a ufunc, which is its attribute `ufunc`.
_faces: dict[np.ufunc, Any] = {}


def stands_behind(face: Any, function: np.ufunc) -> None:
    """Say that users call a ufunc by a function that has its name."""
    face.ufunc = function
    _faces.setdefault(function, face)


def _reduced(function: np.ufunc) -> Any:
    if function in _faces:
        return getattr, (_faces[function], "ufunc")
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


copyreg.pickle(np.ufunc, _reduced)
