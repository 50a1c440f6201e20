"""Thread policy: which pool, started when, how many threads a call may use."""

from __future__ import annotations

import contextlib
import ctypes
import operator
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import door, linker, numba_settings, pool_record, stacks, store
from .capi import c_function


def _lines() -> tuple[npt.NDArray[Any], int]:
    """Memory with a cache line for each thread, too large for a caller's stack, and the address of the first line."""
    memory = np.zeros((pool_record.MOST_THREADS + 1) * 64, np.uint8)
    return memory, -(-memory.ctypes.data // 64) * 64


_pool = np.zeros(pool_record.WORDS, np.intp)
_pool[pool_record.THREADS] = numba_settings.threads_at_first()
_counters, _pool[pool_record.COUNTERS] = _lines()
_pool[[pool_record.THREAD_TIME, pool_record.LEAST_THREAD_TIME]] = 3500  # ns, until it is measured

_chosen = False  # whether the user asked for more than one thread
_launcher = threading.main_thread().ident  # which started Numba's threads, or is the likeliest to
_obstacle = ""  # why calls stay on their own thread whatever was asked; empty where nothing is in the way
if not numba_settings.is_there():
    _obstacle = "the threads are Numba's, and it is not installed: pip install numba"
    _pool[pool_record.THREADS] = 1


def pool_address() -> int:
    """The address of the words that compiled code reads; the first call makes them ready."""
    if _pool[pool_record.START] == 0:
        _pool[pool_record.START] = c_function(start, "start").address
    return int(_pool.ctypes.data)


def start(*_: int) -> int:
    """Start Numba's thread pool and load the code that shares a call out; the driver calls it when it wants threads.

    Two threads may do so at once, for a lock would come before Numba's, and nobody may wait for it who has that.
    """
    if _pool[pool_record.FAN_OUT] == 0 and not _obstacle and not stacks.is_small():
        _start()
    return 0


def _start() -> None:
    try:
        numba, internals = door.import_numba(), door.numba_internals()
    except ImportError as error:
        _stay_on_one_thread(f"Numba can not be used: {error}")
        _warn_of_obstacle()
        return
    _pool[pool_record.THREADS] = min(_pool[pool_record.THREADS], numba_settings.threads())
    if layer() == "omp" and _may_be_a_copy():
        _stay_on_one_thread(_FORKED)
        return
    _load_tbb()
    try:
        # This starts the pool, without which the symbols that the code needs do not exist; a child process that was
        # forked meanwhile could not.
        with door.importing, _short_spins():
            _note_launcher()
            users_choice = numba.get_num_threads()
    except ValueError as error:
        _stay_on_one_thread(f"Numba has no threading layer: {error}")
        _warn_of_obstacle()
        return
    if layer() == "workqueue":
        _stay_on_one_thread("Numba's workqueue layer ends the process when two Python threads use it at once")
        if _chosen:
            _warn_of_obstacle()
        return
    try:
        _pool[pool_record.GET_NUM_THREADS] = linker.address("get_num_threads")
        _pool[pool_record.SET_NUM_THREADS] = linker.address("set_num_threads")
        internals.make_runtime_known()  # which it refers to
        fan_out = store.load_own("fan_out", source=internals.untried_version())  # for whose runtime it is compiled anew
    except (AttributeError, LookupError) as error:
        _stay_on_one_thread(f"numba {numba.__version__} has other threads than those that it was tried with: {error}")
        _warn_of_obstacle()
        return
    most = min(numba_settings.threads(), pool_record.MOST_THREADS)
    if most > 1:
        _measuring.add(threading.get_ident())
        try:
            _pool[pool_record.FAN_OUT_TIME], _pool[pool_record.LEAST_THREAD_TIME] = _costs(fan_out, most, users_choice)
        finally:
            _measuring.discard(threading.get_ident())
        _pool[pool_record.THREAD_TIME] = _pool[pool_record.LEAST_THREAD_TIME]
    _pool[pool_record.FAN_OUT] = fan_out


_QUICKEST_THREAD = 300  # ns
_FIRST_RUNS, _RUNS = 20, 20
_measuring: set[int] = set()  # threads that use the pool to see what it costs


def _costs(fan_out: int, most: int, users_choice: int) -> tuple[float, float]:
    """What it costs to share out nothing, in ns: whatever the number of threads, and for each of them.

    Meanwhile Numba's parallel loops of this thread may use all threads, and then as many as the user chose.
    """
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 6)(fan_out)
    # Numba's own of Python could be interrupted before they do anything.
    set_num_threads = ctypes.CFUNCTYPE(None, ctypes.c_int)(int(_pool[pool_record.SET_NUM_THREADS]))

    pool = _pool.copy()  # a call may use the other meanwhile
    counters, pool[pool_record.COUNTERS] = _lines()

    def nanoseconds(threads: int) -> int:
        times = []
        for _ in range(_FIRST_RUNS + _RUNS):
            start = time.perf_counter_ns()
            function(pool.ctypes.data, 0, 0, 0, threads, 0)
            times.append(time.perf_counter_ns() - start)
        return sorted(times[_FIRST_RUNS:])[_RUNS // 4]

    try:
        set_num_threads(most)
        two = nanoseconds(2)
        thread = (nanoseconds(most) - two) / (most - 2) if most > 2 else two / 2
    finally:
        set_num_threads(users_choice)
        del counters  # until here the pool points to it
    thread = max(_QUICKEST_THREAD, min(thread, two / 2))
    return max(0, two - 2 * thread), thread


_FORKED = "the process was forked from one that used OpenMP, which does not survive that"


def _note_launcher() -> None:
    """Say that this thread starts Numba's threads, unless they run already."""
    global _launcher
    if layer() is None:
        _launcher = threading.get_ident()


def _stay_on_one_thread(obstacle: str) -> None:
    global _obstacle
    _obstacle = obstacle
    _pool[pool_record.THREADS] = 1


def _warn_of_obstacle() -> None:
    warnings.warn(f"fastact uses one thread: {_obstacle}", RuntimeWarning, stacklevel=3)


@contextlib.contextmanager
def _short_spins() -> Iterator[None]:
    """Let an OpenMP that is loaded inside wait but shortly for more work.

    Its workers spin after a loop and starve a BLAS that runs next. The library reads the variable when it is loaded; a
    choice of the user's stands, and processes started later do not inherit ours.
    """
    name = "GOMP_SPINCOUNT"
    if name in os.environ:
        yield
        return
    os.environ[name] = "2000"
    try:
        yield
    finally:
        os.environ.pop(name, None)


_FORKED_AND_NOTHING_ELSE = 0x40  # Linux's PF_FORKNOEXEC


def _may_be_a_copy() -> bool:
    """Whether the process may be a forked copy of the one that started Numba's threads before we were imported.

    Only Linux tells; elsewhere there is no fork, or the OpenMP of Numba's wheels is LLVM's, which survives one.
    """
    if sys.platform != "linux":
        return False
    try:
        state = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return bool(int(state[6]) & _FORKED_AND_NOTHING_ELSE)
    except (OSError, IndexError, ValueError):
        return True


def _in_child() -> None:
    """After a fork: only this thread exists, and the pool may have been in use."""
    busy = _pool[pool_record.BUSY] != 0 or len(_measuring) > 0
    _pool[pool_record.BUSY] = 0
    _measuring.clear()
    _note_launcher()
    if layer() == "omp":
        _stay_on_one_thread(_FORKED)
    elif busy:
        _stay_on_one_thread("the process was forked while another thread used the pool")
    elif layer() == "tbb" and threading.get_ident() != _launcher:  # who alone gets it through a fork
        _stay_on_one_thread("the process was forked by another thread than the one that started Numba's threads")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def layer() -> str | None:
    """Numba's threading layer, once it has been started."""
    numba = sys.modules.get("numba")
    try:
        return None if numba is None else str(numba.threading_layer())
    except (AttributeError, ValueError):
        return None


_TBB = "tbb12.dll" if sys.platform == "win32" else "libtbb.so.12"


def _load_tbb() -> None:
    """Load the library of the `tbb` wheel, which lies where the loader does not look, so that Numba finds it."""
    elsewhere = [Path(prefix, "lib", _TBB) for prefix in (sys.prefix, sys.base_prefix)]  # as conda has it
    for library in (*installed_tbb(), *filter(Path.exists, elsewhere)):
        with contextlib.suppress(OSError):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            return


def installed_tbb() -> Iterator[Path]:
    """The library of the `tbb` wheel, wherever pip put it: in an environment, for a user, in a folder."""
    from importlib import metadata

    for found in metadata.distributions(name="tbb"):
        for file in found.files or ():
            if file.name == _TBB:
                path = Path(str(found.locate_file(file)))
                if path.exists():
                    yield path.resolve()


def set_num_threads(n: SupportsIndex) -> None:
    """Set how many threads a call from Python may use.

    The setting is for the whole process and every Python thread. Small arrays use fewer, and a call that finds the
    pool busy with another runs on its own thread alone. What Numba's own parallel functions use is another setting,
    `numba.set_num_threads`.

    Parameters
    ----------
    n : int
        From 1 to ``numba.config.NUMBA_NUM_THREADS``, the number of processors unless the environment variable
        ``NUMBA_NUM_THREADS`` says otherwise.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is out of range.

    Warns
    -----
    RuntimeWarning
        If calls stay on one thread whatever is asked, which may be known only when threads are first wanted: on Numba's
        workqueue layer, which can not be shared; where Numba finds no threading layer; in a process forked from one
        that used OpenMP, or forked by another thread than the one that started the pool.

    Examples
    --------
    >>> import fastact
    >>> fastact.set_num_threads(1)
    >>> fastact.get_num_threads()
    1
    """
    count = operator.index(n)
    limit = numba_settings.threads()
    if not 1 <= count <= limit:
        raise ValueError(f"the number of threads must be between 1 and {limit}, got {count}")
    global _chosen
    _chosen = count > 1
    if _obstacle and count > 1:
        _warn_of_obstacle()
    else:
        _pool[pool_record.THREADS] = count


def get_num_threads() -> int:
    """Give how many threads a call from Python may use.

    Returns
    -------
    int
        What `set_num_threads` set; before that what the environment variable ``NUMBA_NUM_THREADS`` says, else the
        number of processors or, if that is less, the share of processors that a container has, rounded up. 1 where
        something is in the way of threads.

    Examples
    --------
    >>> import fastact
    >>> fastact.get_num_threads() >= 1
    True
    """
    return int(_pool[pool_record.THREADS])
