"""The lock of all that is loaded, and a fork that waits for those who compile or load.

Nobody who holds this lock waits for another: a thread that compiles holds Numba's and may come to load something, so
Numba's is taken first wherever both are wanted. A child process gets a copy of what its parent holds, but not the
thread that would release it, so both are taken while a process is copied.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from .interrupts import deferred

lock = threading.RLock()


def hold_while_forking(each: Any) -> None:
    """Let a fork wait for a lock. What is asked for last is taken first."""
    held: list[int] = []  # by which threads: another may come here between the two ends of a fork

    def before() -> None:
        with deferred():  # an exception would be dropped, and the fork go on
            each.acquire()
            held.append(threading.get_ident())

    def after() -> None:
        if threading.get_ident() in held:
            held.remove(threading.get_ident())
            each.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)


hold_while_forking(lock)
