"""Compile all that is ours for every level of processors, into the package: `python -m fastact._compiler.ahead`.

It runs when a wheel is built (`setup.py`). Each level has a process of its own, because Numba compiles for one
processor from the first time on. Nothing of it is run: this processor may lack what a level has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .._runtime import neuron, registry, store, ufunc
from .._runtime.derivative import derivative
from .._runtime.levels import LEVELS, Level


def compile_everything() -> None:
    """Every level in a process of its own, all at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(_in_a_process, LEVELS))


def _in_a_process(level: Level) -> None:
    of_users = ("NUMBA_", "FASTACT_")
    with tempfile.TemporaryDirectory() as cache:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(of_users)} | {
            "NUMBA_CACHE_DIR": cache,
            **level.settings(),
        }
        command = [sys.executable, "-W", "error::RuntimeWarning", "-m", __spec__.name, level.name]
        subprocess.run(command, env=environment, check=True)  # noqa: S603
        for written in (Path(cache) / "fastact").glob("ask-*.o"):  # the same for any processor
            shutil.copy(written, store.AHEAD)


def _compile(level: Level) -> None:
    store.level_ahead = level
    for row in list(registry.rows.values()):
        derivative(row.face)
    ufunc.load_all()
    neuron.load_all()
    store.load_own("fan_out")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        compile_everything()
    else:
        _compile(next(level for level in LEVELS if level.name == sys.argv[1]))
