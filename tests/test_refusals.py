"""Where the package can not work it says so, instead of crashing or hanging."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .processes import filled_store, run, start

REFUSE = "import ctypes\nif ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): raise SystemExit(77)  # PR_SET_MDWE\n"
USES = [
    f"{REFUSE}import numpy as np, fastact",
    f"import numpy as np, fastact\n{REFUSE}fastact.sigmoid(np.ones(3))",
    f"import numpy as np, fastact\n{REFUSE}fastact.softmax(np.ones(3))",
    f"import numpy as np, fastact\n{REFUSE}fastact.neuron(np.ones(3), np.ones(3))",
    f"import numpy as np, fastact\n{REFUSE}fastact.activation(lambda x: x + 1)(1.0)",
]


@pytest.mark.skipif(sys.platform != "linux", reason="a process can refuse itself executable memory on Linux")
@pytest.mark.parametrize("use", USES)
def test_executable_memory_is_refused(use: str) -> None:
    done = start(use)
    if done.returncode == 77:
        pytest.skip("this kernel can not refuse it")
    assert done.returncode == 1, done.stderr
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("PermissionError: [Errno 13] fastact runs machine code from memory"), done.stderr


def test_what_is_loaded_goes_on_where_executable_memory_is_refused_later() -> None:
    run(f"import numpy as np, fastact\nfastact.sigmoid(np.ones(3))\n{REFUSE}assert fastact.sigmoid(0.0) == 0.5")


def test_a_sub_interpreter_is_refused() -> None:
    code = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
one = interpreters.create()
result = interpreters.run_string(one, "import fastact")
if result is not None:
    raise ImportError(result.formatted)
"""
    done = start(code)
    assert done.returncode == 1
    # NumPy refuses it first from Python 3.12 on, where an interpreter has a lock of its own.
    assert "fastact serves the main interpreter of a process only" in done.stderr or "subinterpreters" in done.stderr


ON_A_SMALL_STACK = """
import threading, numpy as np, fastact
fastact.warmup() if {warm} else None
x, w = np.ones((3000, 300)), np.ones((300, 50))
calls = [
    lambda: fastact.sigmoid(x), lambda: fastact.sigmoid(x[:, ::2]), lambda: fastact.prelu(x.astype("f2"), x),
    lambda: fastact.sigmoid(x.ravel()[1:], out=x.ravel()[:-1]),
    *[lambda f=f, axis=axis, y=y: f(y, axis=axis) for f in (fastact.softmax, fastact.log_softmax, fastact.logsumexp)
      for axis in (0, 1, None) for y in (x, x.astype("f2"), x[:, ::2], x.reshape(3, -1))],
    lambda: fastact.neuron(x, w), lambda: fastact.neuron(x, w[:, 0]), lambda: fastact.neuron(x[0], w.repeat(40, 1)),
    lambda: fastact.neuron(x[:, ::2], w[::2], 0.5, "elu"), lambda: fastact.neuron(x.astype("f2"), w, w[0]),
]
failed = []
def work():
    for call in calls:
        try:
            call()
        except BaseException as error:
            failed.append(error)
threading.stack_size(64 * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert not failed, failed
"""


@pytest.mark.parametrize("warm", [True, False])
def test_on_a_thread_with_a_small_stack(warm: bool, tmp_path: Path) -> None:
    """Also where the call is the first one, which then leaves the pool to others."""
    run(ON_A_SMALL_STACK.format(warm=warm), filled_store(tmp_path), NUMBA_NUM_THREADS="2")


def test_a_small_stack_is_refused_to_the_compiler() -> None:
    code = """
import threading, fastact
said = []
def work():
    try:
        fastact.activation(lambda x: x + seldom[0])(1.0)
    except RuntimeError as error:
        said.append(str(error))
seldom = (1.0,)
threading.stack_size(64 * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert "the stack of this thread is too small" in said[0], said
"""
    run(code)
