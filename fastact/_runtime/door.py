"""The one door from the half that runs to the half that compiles."""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from pathlib import Path
from typing import Any

from . import numba_settings, sources
from .interrupts import deferred
from .locks import hold_while_forking

_EXTENSION = "_fastact_numba:init"


def compiler() -> Any:
    """What makes machine code; Numba is imported with it."""
    if not numba_settings.is_there():
        raise ModuleNotFoundError(
            "fastact needs Numba to compile this, and it is not installed: pip install numba", name="numba"
        )
    import_numba()
    with numba_internals().global_compiler_lock:  # which is asked for by what is imported
        return _enter("_compiler.compile")


def import_numba() -> Any:
    """Numba; a fork waits for the import."""
    with deferred(), _importing():
        import numba
    return numba


class _Importing:
    """The lock of those who import Numba and what needs it, and for a fork Numba's own, too, once there is one.

    Those who compile have Numba's when they come to import something, so it is taken first.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._taken: list[Any] = []

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def acquire(self) -> None:
        """Take both."""
        while True:
            compiling = numba_settings.compiler_lock()
            if compiling is not None:
                compiling.acquire()
            self._lock.acquire()
            if compiling is numba_settings.compiler_lock():
                self._taken.append(compiling)
                return
            self._lock.release()  # Numba was imported meanwhile

    def release(self) -> None:
        """Give both back."""
        self._lock.release()
        compiling = self._taken.pop()
        if compiling is not None:
            compiling.release()


@functools.cache
def _importing() -> _Importing:
    import logging  # noqa: F401 - an import may ask for its lock, so a fork has to take ours before

    importing = _Importing()
    hold_while_forking(importing)
    return importing


def numba_internals() -> Any:
    """What can be asked of Numba; None where nobody has imported it."""
    if not numba_settings.is_imported():
        return None
    import_numba()  # which another thread may still be doing
    return _enter("_kernels.numba_internals")


def make_known() -> None:
    """Make our functions known inside `@njit`."""
    import_numba()
    _enter("_compiler.njit")


def be_found() -> None:
    """See to it that our functions are known inside `@njit` before Numba compiles anything.

    Where Numba is there already, they are made known at once. Where it is not, it calls for that itself, because a file
    of our distribution says so; where there is no such file, it can not come later. It need not be there at all.
    """
    if numba_settings.is_imported() or (numba_settings.is_there() and not _is_extension()):
        make_known()


def _enter(room: str) -> Any:
    name = f"{sources.PACKAGE}.{room}"
    if name in sys.modules:
        return importlib.import_module(name)  # which waits for another thread that is importing it
    with deferred(), _importing():
        if not sources.are_unchanged():
            raise RuntimeError(
                "fastact was replaced while this process runs, and more of it is needed now: start it again"
            )
        module = importlib.import_module(name)
        sources.seal()
        return module


def _is_extension() -> bool:
    """Whether Numba finds the file of a distribution that says what it is to call."""
    if sources.PACKAGE != "fastact":
        return False  # it is a part of somebody's
    beside = Path(__file__).parent.parent.parent
    if str(beside) in sys.path:  # the usual case, without the time that it takes to look everywhere
        for path in beside.glob("fastact*-info/entry_points.txt"):
            if _EXTENSION in path.read_text(encoding="utf-8"):
                return True
    from importlib import metadata

    return any(entry.value == _EXTENSION for entry in metadata.entry_points(group="numba_extensions", name="init"))
