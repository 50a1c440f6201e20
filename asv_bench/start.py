"""How long it takes until a first result is there: `python -m asv_bench.start`.

Each row is a new process, the rows take turns, and the least time of ten starts is shown; what is not installed is left
out. The rows of a wheel are there where fastact was installed from one that has machine code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from fastact._runtime import store

_STARTS = 10
_FIRST = "import numpy, fastact; fastact.sigmoid(numpy.zeros({}))"


class Row(NamedTuple):
    """A process."""

    code: str
    of_wheel: bool | None = None  #: whether the code that came with the package is taken; None: what else there is
    store_is_empty: bool = False


ROWS = {
    "Python": Row("pass"),
    "NumPy": Row("import numpy; numpy.tanh(numpy.zeros(10))"),
    "fastact from a wheel, first call ever": Row(_FIRST.format(10), of_wheel=True, store_is_empty=True),
    "fastact from a wheel, with threads": Row(_FIRST.format(1_000_000), of_wheel=True, store_is_empty=True),
    "fastact from a clone, first call ever": Row(_FIRST.format(10), of_wheel=False, store_is_empty=True),
    "fastact from a clone, later": Row(_FIRST.format(10), of_wheel=False),
    "fastact from a clone, with threads": Row(_FIRST.format(1_000_000), of_wheel=False),
    "scipy.special": Row("import numpy, scipy.special; scipy.special.expit(numpy.zeros(10))"),
    "Numba, import alone": Row("import numba"),
    "PyTorch": Row("import torch; torch.sigmoid(torch.zeros(10))"),
}


def milliseconds(row: Row) -> float | None:
    """One start; None where something is not installed."""
    environment = os.environ | {"FASTACT_NO_AOT": "1" if row.of_wheel is False else ""}
    with tempfile.TemporaryDirectory() as empty:
        if row.store_is_empty:
            environment["NUMBA_CACHE_DIR"] = empty
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", row.code], check=False, env=environment, stderr=subprocess.PIPE)  # noqa: S603
        spent = time.perf_counter() - start
    if done.returncode and b"ModuleNotFoundError" not in done.stderr:
        raise RuntimeError(f"{row.code}: {done.stderr.decode()}")
    return None if done.returncode else spent * 1000


def main() -> None:
    rows = {name: row for name, row in ROWS.items() if not row.of_wheel or store.level_name() is not None}
    found = {name: float("inf") for name, row in rows.items() if milliseconds(row) is not None}  # it fills the store
    for _ in range(_STARTS):
        for name, least in found.items():
            found[name] = min(least, milliseconds(rows[name]) or least)
    print(f"ms until a first result is there, least of {_STARTS} starts")
    for name, least in found.items():
        print(f"{name:40}{least:8.0f}")


if __name__ == "__main__":
    main()
