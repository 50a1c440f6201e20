"""Thread policy: which pool, started when, how many threads a call may use."""

from __future__ import annotations

import contextlib
import ctypes
import operator
import os
import sys
from pathlib import Path
from typing import SupportsIndex

import llvmlite.binding as llvm
import numba

from . import store
from .capi import c_function
from .kernels import driver
from .kernels.bits import STRICT

#: Fewest elements worth a thread: below twice as many a second thread costs more than it saves.
GRAIN = 12_500

_pool = driver.new_words(driver.POOL_WORDS)
_pool[driver.THREADS] = numba.config.NUMBA_NUM_THREADS


def pool_address() -> int:
    """The address of the words that the driver reads; the first call makes them ready."""
    if _pool[driver.START] == 0:
        _pool[driver.SPAN] = store.load("span", b"", lambda: numba.cfunc(driver.SPAN_SIGNATURE, **STRICT)(driver.span))
        _pool[driver.START] = c_function(start)
    return int(_pool.ctypes.data)


def start(*_: int) -> None:
    """Start Numba's thread pool and load the code that shares a call out; the driver calls it when it wants threads."""
    if _pool[driver.FAN_OUT] != 0:
        return
    _load_tbb()
    # Where OpenMP serves: its workers spin after a loop and starve a BLAS that runs next. The library reads this when
    # it is loaded; a choice of the user's stands.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    numba.get_num_threads()  # starts the pool, without which the symbols that the code needs do not exist
    if numba.threading_layer() == "workqueue":
        # It aborts the process when two Python threads use it at once, and a call costs as much as the work.
        _pool[driver.THREADS] = 1
        return
    _pool[driver.GET_NUM_THREADS] = llvm.address_of_symbol("get_num_threads")
    _pool[driver.SET_NUM_THREADS] = llvm.address_of_symbol("set_num_threads")
    _pool[driver.FAN_OUT] = store.load(
        "fan_out", b"", lambda: numba.cfunc(driver.FAN_OUT_SIGNATURE, **STRICT)(driver.fan_out)
    )


def layer() -> str | None:
    """Numba's threading layer, once it has been started."""
    try:
        return str(numba.threading_layer())
    except ValueError:
        return None


def _load_tbb() -> None:
    """Load the library of the `tbb` wheel, which lies where the loader does not look, so that Numba finds it."""
    name = "tbb12.dll" if sys.platform == "win32" else "libtbb.so.12"
    for prefix in (sys.prefix, sys.base_prefix):
        for directory in ("lib", r"Library\bin"):
            library = Path(prefix, directory, name)
            if library.exists():
                with contextlib.suppress(OSError):
                    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
                    return


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

    Examples
    --------
    >>> import fastact
    >>> fastact.set_num_threads(1)
    >>> fastact.get_num_threads()
    1
    """
    count = operator.index(n)
    limit = numba.config.NUMBA_NUM_THREADS
    if not 1 <= count <= limit:
        raise ValueError(f"the number of threads must be between 1 and {limit}, got {count}")
    _pool[driver.THREADS] = count


def get_num_threads() -> int:
    """Give how many threads a call from Python may use.

    Returns
    -------
    int
        What `set_num_threads` set; before that the number of processors, or what the environment variable
        ``NUMBA_NUM_THREADS`` says. 1 on Numba's workqueue layer, which can not be shared.

    Examples
    --------
    >>> import fastact
    >>> fastact.get_num_threads() >= 1
    True
    """
    return int(_pool[driver.THREADS])
