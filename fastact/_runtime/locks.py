"""One lock for all that is compiled or loaded, and a fork that waits for it.

It is Numba's own: a thread that compiles holds that lock and may come to load a loop of this package, so with a lock
of our own two threads could wait for each other. A child process gets a copy of what its parent holds, but not the
thread that would release it, so nobody may be compiling while the process is copied.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import numba
from numba.core.compiler_lock import global_compiler_lock as lock

__all__ = ["always_compiling", "lock"]


@contextlib.contextmanager
def always_compiling() -> Iterator[None]:
    """Compile in spite of NUMBA_DISABLE_JIT: it is there for users to follow their own functions in Python."""
    with lock:
        before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, 0
        try:
            yield
        finally:
            numba.config.DISABLE_JIT = before


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
