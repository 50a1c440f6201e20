"""What a user's scalar function depends on, as bytes that change when it does.

Compiled code of a function whose bytes are the same is taken from the store, so the rule is: what can not be seen is
not kept. Seen are plain numbers and arrays of numbers, functions of Python's and NumPy's own, other activations, and
functions compiled by plain `njit` with all their options; anything else that a function reaches by name (an `@overload`
stub, a named tuple, an attribute of an object) makes its fingerprint None.
"""

from __future__ import annotations

import builtins
import cmath
import contextlib
import dis
import hashlib
import math
import operator
import struct
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from . import door, sources
from .registry import behind

_PLAIN = (type(None), bool, int, str, bytes)
_NUMBERS = "biufc"  # kinds of NumPy types whose bytes tell all
_LIBRARIES = (
    builtins,
    math,
    cmath,
    operator,
    np,
)  # what they hold is kept apart by their versions, which every key has


class _Unseen(Exception):
    """Something whose changes can not be seen."""


def of(function: Callable[..., Any]) -> bytes | None:
    """A digest of a function's code, its constants and all that it reaches by name.

    Parameters
    ----------
    function : callable
        The function.

    Returns
    -------
    bytes or None
        None if the function reaches something whose changes can not be seen.
    """
    try:
        return _Walk(function, _overloaded()).digest()
    except _Unseen:
        return None


class Values(NamedTuple):
    """What a function reaches at a moment; code that was compiled earlier may have other values."""

    digest: bytes  #: of the values, and of the identities of those that can not be seen
    unseen: list[Any]  #: these, kept so that nothing else gets their identities


def values_of(function: Callable[..., Any]) -> Values | None:
    """The values that a function reaches now; None if not even the names can be told."""
    try:
        walk = _Walk(function, set(), trusting=True, by_identity=True)
    except _Unseen:
        return None
    return Values(walk.digest(), walk.unseen)


@contextlib.contextmanager
def remembered(function: Callable[..., Any]) -> Iterator[None]:
    """Remember of what is compiled meanwhile by `njit`, and reached by a function, by which values it was compiled.

    Numba takes the values of global names when it compiles a function and never looks again. So a function that was
    compiled earlier, by whomever, has a fingerprint only if it is known that its values have not changed since.
    """
    try:
        walk = _Walk(function, _overloaded(), trusting=True)
        before = [(helper, set(helper.overloads), walk.of_helper(helper).digest()) for helper in walk.helpers]
    except _Unseen:
        before = []
    yield
    for helper, known, digest in before:
        for signature in set(helper.overloads) - known:
            _compiled_by.setdefault(helper, {})[signature] = digest


#: By which values each signature of a function was compiled, where it is known.
_compiled_by: weakref.WeakKeyDictionary[Any, dict[Any, bytes]] = weakref.WeakKeyDictionary()


def _overloaded() -> set[int]:
    """The identities of what somebody else than Numba tells Numba how to compile."""
    numba = door.numba_internals()
    found: set[int] = numba.overloaded_by_others() if numba else set()
    if not found.isdisjoint(map(id, vars(operator).values())):
        raise _Unseen  # code names no function for an operator
    return found


class _Walk:
    """Goes through all that a function reaches and says it in bytes.

    `trusting` takes what was compiled as it reads; `by_identity` says what can not be seen by its identity, instead of
    raising `_Unseen`.
    """

    def __init__(self, function: Any, overloaded: set[int], trusting: bool = False, by_identity: bool = False) -> None:
        self._overloaded = overloaded
        self._numba = door.numba_internals()
        self._hash = hashlib.sha256()
        self._say = self._hash.update
        self._trusting, self._by_identity = trusting, by_identity
        self.unseen: list[Any] = []  #: what is said by its identity
        self._above: list[types.FunctionType] = []  # what reaches what is said now
        self.helpers: list[Any] = []  #: the functions compiled by `njit` that are reached
        self.reaches_names = False  #: whether anything is reached whose name could be given to something else
        self.function(function)

    def digest(self) -> bytes:
        """What was said."""
        return self._hash.digest()

    def _tell(self, *words: Any) -> None:
        self._say(f"{words!r}\n".encode())

    def function(self, function: Any) -> None:
        if type(function) is not types.FunctionType:
            raise _Unseen
        if any(function is above for above in self._above):
            self._tell("above", self._above.index(function))
            return
        self._above.append(function)
        self._code(function.__code__, function)
        self._value(function.__defaults__)
        self._above.pop()

    def _code(self, code: types.CodeType, function: types.FunctionType) -> None:
        self._tell("code", code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        self._tell(code.co_argcount, code.co_kwonlyargcount, code.co_flags, code.co_exceptiontable)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._code(constant, function)
            else:
                self._value(constant)
        for value, is_named in _reached(code, function, self._by_identity):
            self.reaches_names |= is_named
            self._value(value)

    def _value(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self._tell(kind.__name__, value)
        elif kind is float:
            self._tell("float", struct.pack("d", value))
        elif kind is complex:
            self._tell("complex", struct.pack("dd", value.real, value.imag))
        elif kind is tuple:
            self._tell("tuple", len(value))
            for item in value:
                self._value(item)
        elif isinstance(value, np.generic) and kind.__module__ == "numpy" and value.dtype.kind in _NUMBERS:
            self._tell("number", value.dtype.str, value.tobytes())
        elif kind is np.ndarray and value.dtype.kind in _NUMBERS:
            self._tell("array", value.dtype.str, value.shape, value.strides, value.tobytes())
        elif (activation := behind(value)) is not None:
            self._tell("activation", activation.ufunc.types, getattr(value, "__defaults__", None))
            self._value(activation.kernel) if isinstance(activation.kernel, str) else self.function(activation.kernel)
        elif _is_ours(value):
            self._tell("ours", value.__module__, value.__qualname__)
        elif self._numba and self._numba.is_compiled(value):
            self._compiled(value)
        elif id(value) not in self._overloaded and (name := _name_in_library(value)) is not None:
            self._tell("library", name)
        elif any(value is above for above in self._above):
            self.function(value)
        elif self._by_identity:
            self._tell("object", id(value))
            self.unseen.append(value)
        else:
            raise _Unseen

    def of_helper(self, function: Any) -> _Walk:
        """Through what a function compiled by `njit` reaches by itself."""
        return _Walk(function.py_func, self._overloaded, trusting=True)

    def _compiled(self, function: Any) -> None:
        options = self._numba.options_of(function)
        if options is None:
            raise _Unseen
        if function not in self.helpers:
            if not self._trusting and not self._is_as_compiled(function):
                raise _Unseen
            self.helpers.append(function)
        self._tell("compiled")
        for name, option in sorted(options.items()):
            option = tuple(sorted(option)) if isinstance(option, (set, frozenset)) else option
            self._tell("option", name)
            self._value(option)
        self.function(function.py_func)

    def _is_as_compiled(self, function: Any) -> bool:
        """Whether a function compiled by `njit` still is what it was when it was compiled, if it was."""
        is_kept = self._numba.keeps_code(function)  # by Numba, which may take code of other values from there
        if not function.overloads and not is_kept:
            return True
        now, then = self.of_helper(function), _compiled_by.get(function, {})
        if not now.reaches_names:
            return True
        return not is_kept and all(then.get(signature) == now.digest() for signature in list(function.overloads))


def _reached(code: types.CodeType, function: types.FunctionType, skip_attributes: bool) -> Iterator[tuple[Any, bool]]:
    """What the code loads from outside: globals and closure variables, and of a module the attribute it takes.

    Each with whether its name could be given to something else. An attribute of anything but a module raises `_Unseen`,
    or is skipped, since the owner is told.
    """
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    module = None  # that the instruction before this one loaded
    for instruction in dis.get_instructions(code):
        operation, name = instruction.opname, instruction.argval
        value, is_named = _LOCAL, True
        if operation in ("LOAD_ATTR", "LOAD_METHOD"):
            if module is None and skip_attributes:
                continue
            value, is_named = getattr(module, name, _MISSING), not _is_library(module)
        elif module is not None or operation in ("LOAD_NAME", "IMPORT_NAME", "LOAD_BUILD_CLASS"):
            raise _Unseen
        elif operation == "LOAD_GLOBAL":
            value = function.__globals__.get(name, getattr(builtins, name, _MISSING))
            is_named = name in function.__globals__
        elif operation in ("LOAD_DEREF", "LOAD_CLASSDEREF") and name in cells:
            value = _content(cells[name])
        if value is _MISSING:
            raise _Unseen
        module = value if type(value) is types.ModuleType else None
        if value is not _LOCAL and module is None:
            yield value, is_named


_LOCAL = object()
_MISSING = object()


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _name_in_library(value: Any) -> str | None:
    """The name of what Python's or NumPy's own modules hold."""
    try:
        name = value.__name__
        library = next(library for library in _LIBRARIES if vars(library).get(name) is value)
    except (AttributeError, StopIteration):
        return None
    home = getattr(value, "__module__", None) or "numpy"  # which ufuncs do not name
    if home.partition(".")[0].lstrip("_") not in {library.__name__ for library in _LIBRARIES}:
        return None  # put there by somebody else
    return f"{library.__name__}.{name}"


def _is_library(module: Any) -> bool:
    """Whether a module is Python's, NumPy's or this package's, whose names stand for what they stood for."""
    return module in _LIBRARIES or sources.is_ours(getattr(module, "__name__", ""))


def _is_ours(value: Any) -> bool:
    """Whether a value is what one of this package's modules calls by its name; every key has their sources."""
    home = getattr(value, "__module__", None) or ""
    if not sources.is_ours(home):
        return False
    return getattr(sys.modules.get(home), getattr(value, "__qualname__", ""), None) is value
