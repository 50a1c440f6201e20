"""One lock for all that is compiled or loaded, and a fork that waits for it.

It is Numba's own: a thread that compiles holds that lock and may come to load a loop of this package, so with a lock
of our own two threads could wait for each other. A child process gets a copy of what its parent holds, but not the
thread that would release it, so nobody may be compiling while the process is copied.
"""

from __future__ import annotations

import os

from numba.core.compiler_lock import global_compiler_lock as lock

__all__ = ["lock"]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
