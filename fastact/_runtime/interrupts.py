"""Ctrl-C while code is made.

Neither Numba nor LLVM bears an exception at any moment: llvmlite's callbacks drop it, and a registry that Numba reads
just then is closed for good, so that nothing compiles any more.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_are_deferred = False  # by the main thread, the only one that is interrupted


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Answer an interrupt at the end, but a second one at once."""
    global _are_deferred
    answer, thread = signal.getsignal(signal.SIGINT), threading.get_ident()
    if thread != threading.main_thread().ident or _are_deferred or not callable(answer):
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []

    def wait(number: int, frame: FrameType | None) -> None:
        if waiting or threading.get_ident() != thread:  # in a child process, of which another thread is the main one
            answer(number, frame)
        waiting.append((number, frame))

    signal.signal(signal.SIGINT, wait)
    _are_deferred = True
    try:
        yield
    finally:
        _are_deferred = False
        signal.signal(signal.SIGINT, answer)
        if waiting:
            answer(*waiting.pop())
