"""The lock of all that is loaded, and a fork that waits for those who compile or load.

Nobody who holds this lock waits for another: a thread that compiles holds Numba's and may come to load something, so
Numba's is taken first wherever both are wanted. A child process gets a copy of what its parent holds, but not the
thread that would release it, so both are taken while a process is copied.
"""

from __future__ import annotations

import os
import threading
from typing import Any

lock = threading.RLock()

_locks: list[Any] = [lock]
_held: list[list[Any]] = []


def take_before_ours(outer: Any) -> None:
    """Say that another lock comes before ours in the order, and is to be waited for before a fork."""
    _locks.insert(0, outer)


def _before_fork() -> None:
    locks = list(_locks)
    for each in locks:
        each.acquire()
    _held.append(locks)


def _after_fork() -> None:
    for each in reversed(_held.pop()):
        each.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
