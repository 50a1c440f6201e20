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


def hold_while_forking(each: Any) -> None:
    """Let a fork wait for a lock. What is asked for last is taken first."""
    held: list[bool] = []  # another thread may come here between the two ends of a fork

    def before() -> None:
        each.acquire()
        held.append(True)

    def after() -> None:
        if held:
            held.pop()
            each.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)


hold_while_forking(lock)
