"""What a user's scalar function depends on, as bytes that change when it does."""

from __future__ import annotations

import builtins
import dis
import hashlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np

_PACKAGE = __name__.partition(".")[0]
_VALUES = (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype)
_KEPT_BY_VERSION = ("builtins", "math", "cmath", "operator", "numpy", "numba", _PACKAGE)


class _Unknown(Exception):
    """Something whose changes can not be seen."""


def fingerprint(function: Callable[..., Any], unwrap: Callable[[Any], Any]) -> bytes | None:
    """A digest of a function's code, its constants and all that it reaches by name.

    Parameters
    ----------
    function : callable
        The function.
    unwrap : callable
        Gives the Python function behind a compiled one, and anything else as it is.

    Returns
    -------
    bytes or None
        None if the function reaches something whose changes can not be seen.
    """
    digest = hashlib.sha256()
    try:
        _add(digest, function, unwrap, [])
    except _Unknown:
        return None
    return digest.digest()


def _add(digest: Any, value: Any, unwrap: Callable[[Any], Any], above: list[Any]) -> None:
    value = unwrap(value)
    if any(value is seen for seen in above):
        digest.update(b"recursion")
    elif isinstance(value, _VALUES):
        digest.update(f"{type(value).__name__} {value!r}\n".encode())
    elif isinstance(value, (tuple, frozenset)):
        digest.update(f"{type(value).__name__} {len(value)}\n".encode())
        for item in value if isinstance(value, tuple) else sorted(value, key=repr):
            _add(digest, item, unwrap, above)
    elif isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype} {value.shape} {value.strides}\n".encode() + value.tobytes())
    elif _is_kept_by_version(value):
        name = getattr(value, "__qualname__", value.__name__)
        digest.update(f"{getattr(value, '__module__', '')} {name}\n".encode())
    elif isinstance(value, types.FunctionType):
        digest.update(f"function {value.__name__}\n".encode())
        _add(digest, value.__defaults__, unwrap, above)
        _add_code(digest, value.__code__, value, unwrap, [*above, value])
    else:
        raise _Unknown


def _is_kept_by_version(value: Any) -> bool:
    """Whether the versions and sources that every key holds already tell what this is."""
    if isinstance(value, types.ModuleType):
        module = value.__name__
    elif isinstance(value, np.ufunc):
        return True
    elif isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)) or hasattr(value, "__name__"):
        module = getattr(value, "__module__", None) or ""
    else:
        return False
    return module.partition(".")[0] in _KEPT_BY_VERSION


def _add_code(
    digest: Any, code: types.CodeType, function: types.FunctionType, unwrap: Callable[[Any], Any], above: list[Any]
) -> None:
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, code.co_flags)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _add_code(digest, constant, function, unwrap, above)
        else:
            _add(digest, constant, unwrap, above)
    for value in _reached(code, function):
        _add(digest, value, unwrap, above)


def _reached(code: types.CodeType, function: types.FunctionType) -> list[Any]:
    """What the code loads from outside: globals and closure variables, and of a module the attribute it takes."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    reached: list[Any] = []
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            if name in function.__globals__:
                reached.append(function.__globals__[name])
            elif hasattr(builtins, name):
                reached.append(getattr(builtins, name))
            else:
                raise _Unknown
        elif instruction.opname == "LOAD_DEREF" and name in cells:
            try:
                reached.append(cells[name].cell_contents)
            except ValueError:
                raise _Unknown from None
        elif (
            instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and reached and isinstance(reached[-1], types.ModuleType)
        ):
            if not hasattr(reached[-1], name):
                raise _Unknown
            reached[-1] = getattr(reached[-1], name)
    return reached
