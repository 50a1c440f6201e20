"""How our ufuncs and those that users make are pickled.

NumPy pickles a ufunc by its name. That of a script's or a notebook's own is not found by the processes that Dask and
joblib start, and neither is that of one made inside a function. Those are pickled with the function that they were made
of, as Numba does with what it compiles. A ufunc of ours that stands behind a function of its name, as that of elu, is
pickled as an attribute of that function: Dask keeps the ufunc and not what was called.
"""

from __future__ import annotations

import copyreg
import hashlib
import sys
import types
import warnings
import weakref
from typing import Any

import numpy as np

from . import door, ufunc

_by_name: Any = copyreg.dispatch_table[np.ufunc]

#: By a digest of what was pickled what it is, so that one activation is not made again and again.
_known: weakref.WeakValueDictionary[bytes, ufunc.Activation] = weakref.WeakValueDictionary()


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
    if activation.computes_by_old_values():
        warnings.warn(
            f"{activation.name} was compiled by values that have changed since; it is pickled with those of now, so "
            "elsewhere it gives other results than here. Make it anew where a value that it reaches by name changes",
            RuntimeWarning,
            stacklevel=2,
        )
    pickled = _cloudpickle().dumps((activation.kernel, activation.options()))
    _known[hashlib.sha256(pickled).digest()] = activation
    return _restored, (pickled,)


def _restored(pickled: bytes) -> np.ufunc:
    """The activation that was pickled, or one that is made as it was."""
    digest = hashlib.sha256(pickled).digest()
    known = _known.get(digest)
    if known is None:
        kernel, options = _cloudpickle().loads(pickled)
        made = ufunc.find(ufunc.activation(**options)(kernel))
        assert made is not None  # noqa: S101 - `activation` saw to it
        known = _known.setdefault(digest, made)
    return known.ufunc


def _is_found(function: np.ufunc, kernel: types.FunctionType) -> bool:
    """Whether other processes find an activation by its name."""
    module = kernel.__module__
    return module != "__main__" and getattr(sys.modules.get(module), kernel.__name__, None) is function


def _cloudpickle() -> Any:
    door.import_numba()
    return door.numba_internals().cloudpickle


copyreg.pickle(np.ufunc, _reduced)
