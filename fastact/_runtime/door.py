"""The one door from the half that runs to the half that compiles."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from . import numba_settings, sources

_HALF = f"{sources.PACKAGE}._compiler"
_INIT = f"{_HALF}:init"


def compiler() -> Any:
    """What makes machine code; Numba is imported with it."""
    return enter("compile")


def numba_internals() -> Any:
    """What can be asked of Numba; None where nobody has imported it."""
    return enter("numba_internals") if numba_settings.is_imported() else None


def enter(room: str) -> Any:
    """A room of the half that compiles."""
    name = f"{_HALF}.{room}"
    if name in sys.modules:
        return importlib.import_module(name)  # which waits for another thread that is importing it
    if not sources.are_unchanged():
        raise RuntimeError("fastact was replaced while this process runs, and more of it is needed now: start it again")
    module = importlib.import_module(name)
    sources.seal()
    return module


def let_numba_know() -> None:
    """Make our functions known inside `@njit`, at the latest before Numba compiles anything.

    Numba calls `init` of the half that compiles before it first does, because a file of our distribution says so. Only
    where it has done that already, or finds no such file, is it to be called from here.
    """
    numba = numba_internals()
    if (numba and numba.has_called_extensions()) or not _is_extension():
        enter("njit")


def _is_extension() -> bool:
    """Whether Numba finds the file of a distribution that names `init`."""
    beside = Path(__file__).parent.parent.parent
    if str(beside) in sys.path:  # the usual case, without the time that it takes to look everywhere
        for path in beside.glob(f"{sources.PACKAGE}*-info/entry_points.txt"):
            if _INIT in path.read_text(encoding="utf-8"):
                return True
    from importlib import metadata

    return any(entry.value == _INIT for entry in metadata.entry_points(group="numba_extensions", name="init"))
