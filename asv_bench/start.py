"""How long it takes until a first result is there: `python -m asv_bench.start`.

Each row is a new process, the rows take turns, and the least time of ten starts is shown; what is not installed is left
out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

_STARTS = 10
_FIRST = "import numpy, fastact; fastact.sigmoid(numpy.zeros({}))"

ROWS = {
    "Python": "pass",
    "NumPy": "import numpy; numpy.tanh(numpy.zeros(10))",
    "fastact": _FIRST.format(10),
    "fastact, with threads": _FIRST.format(1_000_000),
    "fastact, nothing compiled yet": _FIRST.format(10),
    "scipy.special": "import numpy, scipy.special; scipy.special.expit(numpy.zeros(10))",
    "Numba, import alone": "import numba",
    "PyTorch": "import torch; torch.sigmoid(torch.zeros(10))",
}
_COLD = "fastact, nothing compiled yet"


def milliseconds(row: str) -> float | None:
    """One start; None where something is not installed."""
    with tempfile.TemporaryDirectory() as empty:
        environment = os.environ | ({"NUMBA_CACHE_DIR": empty} if row == _COLD else {})
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", ROWS[row]], check=False, env=environment, stderr=subprocess.PIPE)  # noqa: S603
        spent = time.perf_counter() - start
    if done.returncode and b"ModuleNotFoundError" not in done.stderr:
        raise RuntimeError(f"{row}: {done.stderr.decode()}")
    return None if done.returncode else spent * 1000


def main() -> None:
    found = {row: least for row in ROWS if (least := milliseconds(row)) is not None}  # which also fills the store
    for row in found:
        found[row] = float("inf")
    for _ in range(_STARTS):
        for row, least in found.items():
            found[row] = min(least, milliseconds(row) or least)
    print(f"ms until a first result is there, least of {_STARTS} starts")
    for row, least in found.items():
        print(f"{row:32}{least:8.0f}")


if __name__ == "__main__":
    main()
