"""Where the package can not work it says so, instead of crashing or hanging."""

from __future__ import annotations

import sys

import pytest

from .processes import run, start

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
