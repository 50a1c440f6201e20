"""The one door from the half that runs to the half that compiles."""

from __future__ import annotations

import contextlib
import importlib
import logging  # noqa: F401 - a fork takes its lock, which an import may ask for: before ours if it came after us
import sys
import threading
import time
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
    internals = made_ready()
    internals.call_extensions()  # what they say of functions that users' call is seen by the keys of compiled code
    with internals.global_compiler_lock:
        return _enter("_compiler.compile")


def import_numba() -> Any:
    """Numba; a fork waits for the import."""
    with deferred(), importing:
        import numba
    return numba


class _Importing:
    """The lock of those who import Numba and what needs it, and for a fork Numba's own, too, once there are any.

    Those who compile have Numba's when they come to import something, so it is taken first. For the same reason nothing
    is imported under this lock that asks for Numba's, nor anything of somebody else's, who may wait for us.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._taken: list[contextlib.ExitStack] = []

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def acquire(self) -> None:
        """Take all."""
        while True:
            with contextlib.ExitStack() as taken:
                compiling = numba_settings.compiler_lock()
                if compiling is not None:
                    taken.enter_context(compiling)
                taken.enter_context(self._lock)
                # Numba may have been imported meanwhile. Its locks of what it makes once come before the one of those
                # who compile in a thread that makes it, and after it in all others, so nobody may wait for them.
                if compiling is numba_settings.compiler_lock() and all(
                    _take(lock, taken) for lock in numba_settings.making_locks()
                ):
                    self._taken.append(taken.pop_all())
                    return
            time.sleep(0.001)

    def release(self) -> None:
        """Give all back."""
        self._taken.pop().close()  # out of the list before another thread that forks adds its own


def _take(lock: Any, taken: contextlib.ExitStack) -> bool:
    """Take a lock if nobody has it."""
    free = lock.acquire(blocking=False)
    if free:
        taken.callback(lock.release)
    return bool(free)


importing = _Importing()  #: to be held while something is imported late
hold_while_forking(importing)  # from the first: a fork that has begun hears of no lock any more


def numba_internals() -> Any:
    """What can be asked of Numba; None where nobody has imported it."""
    if not numba_settings.is_imported():
        return None
    import_numba()  # which another thread may still be doing
    return _enter("_kernels.numba_internals")


def made_ready() -> Any:
    """What can be asked of Numba, after what it makes once under its own locks, which come before that of imports."""
    import_numba()
    internals = _enter("_kernels.numba_internals")
    internals.cpu_target.target_context  # noqa: B018 - which the first function that is to be compiled needs
    return internals


def make_known() -> None:
    """Make our functions known inside `@njit`."""
    made_ready()
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
    with deferred(), importing:
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
