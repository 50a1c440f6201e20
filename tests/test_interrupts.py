"""An interrupt waits for what compiles, which does not bear it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .processes import run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process can not send itself Ctrl-C there")

INTERRUPTED = """
import collections, os, signal, threading, time
import numba, numpy as np, fastact
one = collections.namedtuple("One", "value")(1)  # what this holds is not seen by keys, so nothing is kept
made = fastact.activation(lambda x: x + one.value)
fastact.relu(1.0)
compile, times = numba.cfunc, 1
def interrupted(*arguments, **keywords):
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    return compile(*arguments, **keywords)
numba.cfunc = interrupted
def refuse(*arguments, **keywords): raise AssertionError("compiled")
signal.signal(signal.SIGINT, signal.default_int_handler)
def is_raised():
    try:
        made(1.0)
    except KeyboardInterrupt:
        return True
"""


def test_it_waits(tmp_path: Path) -> None:
    code = """
made = fastact.activation(lambda x: x + 1)  # this is kept
assert is_raised()
numba.cfunc = refuse
assert made(1.0) == 2
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    run(INTERRUPTED + code, tmp_path)


def test_the_second_does_not_wait() -> None:
    code = """
times = 2
assert is_raised()
numba.cfunc = compile
assert made(1.0) == 2
"""
    run(INTERRUPTED + code)


def test_the_users_own_answer() -> None:
    code = """
answers = []
signal.signal(signal.SIGINT, lambda *details: answers.append(numba.cfunc))
assert made(1.0) == 2
assert answers == [interrupted]
signal.signal(signal.SIGINT, signal.SIG_IGN)
assert made(np.float32(1)) == 2
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
"""
    run(INTERRUPTED + code)


def test_other_threads_leave_it_alone() -> None:
    code = """
times = 0
seen = []
def watched(*arguments, **keywords):
    seen.append(signal.getsignal(signal.SIGINT))
    return compile(*arguments, **keywords)
numba.cfunc = watched
thread = threading.Thread(target=lambda: made(1.0))
thread.start()
thread.join()
assert seen == [signal.default_int_handler]
"""
    run(INTERRUPTED + code)
