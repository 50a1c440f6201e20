"""The one door from the half that runs to the half that compiles."""

from __future__ import annotations

import contextlib
import importlib
import logging  # noqa: F401 - a fork takes its lock, which an import may ask for: before ours if it came after us
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

from . import linker, numba_settings, sources, stacks
from .import_hook import when_imported
from .interrupts import deferred
from .locks import hold_while_forking


def compiler() -> Any:
    """What makes machine code; Numba is imported with it."""
    if not numba_settings.is_there():
        raise ModuleNotFoundError(
            "fastact needs Numba to compile this, and it is not installed: pip install numba", name="numba"
        )
    if stacks.is_small():
        raise RuntimeError(
            f"fastact is to compile something, and the stack of this thread is too small for that: call warmup() in "
            f"another thread before, or threading.stack_size({stacks.ENOUGH}) before this one is made"
        )
    linker.check_memory()
    internals = made_ready()
    internals.call_extensions()  # what they say of functions that users' call is seen by the keys of compiled code
    with internals.global_compiler_lock:
        make_known()
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
    """Make our functions known inside `@njit`; the caller has the lock of those who compile, or is importing us."""
    made_ready()
    _enter("_compiler.njit")


def be_found() -> None:
    """See to it that our functions are known inside `@njit` before Numba compiles anything.

    Where Numba is there already, they are made known at once. Where it is not, its own call for the extensions of
    others is followed by ours: Numba makes that call wherever it begins to compile, in every thread.
    """
    when_imported("numba.core.entrypoints", _follow_extensions)
    if numba_settings.is_imported():
        with _warned_of():
            make_known()


def _follow_extensions(entrypoints: Any) -> None:
    """Let whoever asks Numba to load the extensions of others make our functions known, too.

    Numba says that they are loaded before it loads them, so another thread goes on without. We come after it in each.
    """
    load_others: Any = getattr(entrypoints, "init_all", None)

    def init_all() -> None:
        load_others()
        if not _are_known():
            with _warned_of():
                importlib.import_module(sources.PACKAGE)  # waits for a thread that imports it, which may need our locks
                with made_ready().global_compiler_lock:
                    make_known()

    if load_others is not None:
        entrypoints.init_all = init_all


def _are_known() -> bool:
    """Whether our functions were made known, or nobody is to try it again."""
    return _refused or getattr(sys.modules.get(f"{sources.PACKAGE}._compiler.njit"), "are_known", False)


_refused = False  # by this Numba


@contextlib.contextmanager
def _warned_of() -> Iterator[None]:
    """Warn of what stands in the way of our functions inside `@njit`: users' others are none the worse."""
    global _refused
    try:
        yield
    except Exception as error:
        _refused = True
        message = f"fastact's functions are not known inside @njit: {error}"
        warnings.warn(message, RuntimeWarning, stacklevel=4)


def _enter(room: str) -> Any:
    name = f"{sources.PACKAGE}.{room}"
    if name in sys.modules:
        return importlib.import_module(name)  # which waits for another thread that is importing it
    with deferred(), importing:
        if not sources.are_unchanged():
            raise RuntimeError(
                "fastact was replaced while this process runs, and more of it is needed now: start it again"
            )
        try:
            module = importlib.import_module(name)
        except (AttributeError, ImportError) as error:
            _name_numba(error)
            raise
        sources.seal()
        return module


def _name_numba(error: Exception) -> None:
    """Raise ImportError where an error is that of a Numba which is newer than those tried."""
    requirements = importlib.import_module(f"{sources.PACKAGE}._kernels.requirements")
    installed = numba_settings.version() or ""
    if requirements.is_untried(installed):
        newest = ".".join(map(str, requirements.NEWEST_TRIED))
        raise ImportError(
            f"fastact does not serve numba {installed}, as it was tried up to {newest}: {error}; "
            f"pip install 'numba=={newest}.*'"
        ) from error
