"""A program that PyInstaller freezes has all of the package: modules, code that was compiled before, threads."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from fastact import _pyinstaller
from fastact._runtime import store

from .processes import HAS_TBB, copy_of_package, installed_in, run

#: What was compiled before is there.
NOTHING_IS_COMPILED = 'assert "numba" not in sys.modules and "fastact._compiler.compile" not in sys.modules'

PROGRAM = f"""
import sys
import numpy as np, fastact
x = np.linspace(-3, 3, 9)
print(fastact.sigmoid(x)[4], fastact.softmax(x).sum().round(12), fastact.neuron(x, x, 0.0, "relu"))
print(fastact.derivative(fastact.relu)(x).sum())
{NOTHING_IS_COMPILED}
fastact.set_num_threads(2)
print(fastact.tanh(np.zeros(10**6)).sum())
import numba
from fastact._compiler import compile
print(numba.njit(lambda x: fastact.relu(x))(2.0), fastact.activation(lambda x: x * 2.5)(2.0))
print(numba.threading_layer())
"""

#: What may be there for other tests, and what a program imports that uses it; each takes time.
NOT_NEEDED = ("IPython", "PIL", "dask", "matplotlib", "pandas", "scipy", "setuptools", "sklearn", "tkinter", "tqdm")


def test_pyinstaller_is_told_where_the_hook_is() -> None:
    (entry,) = metadata.distribution("fastact").entry_points.select(group="pyinstaller40")
    assert entry.load() is _pyinstaller.hook_folders
    (folder,) = _pyinstaller.hook_folders()
    assert Path(folder, "hook-fastact.py").is_file()


def test_a_frozen_program(tmp_path: Path) -> None:
    pytest.importorskip("PyInstaller")
    cache = (store.folder() or tmp_path / "fastact").parent
    copy_of_package(tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM)
    expected = run(PROGRAM.replace(NOTHING_IS_COMPILED, ""), cache, **installed_in(tmp_path))
    (hooks,) = _pyinstaller.hook_folders()  # of a wheel it finds them itself
    freeze = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", "--additional-hooks-dir", hooks]
    without = [f"--exclude-module={name}" for name in NOT_NEEDED]
    environment = os.environ | installed_in(tmp_path)
    subprocess.run([*freeze, *without, "program.py"], cwd=tmp_path, env=environment, check=True, timeout=400)
    elsewhere = {"HOME": str(tmp_path), "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        tmp_path / "dist" / "program" / "program",
        cwd="/",
        env=elsewhere,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", expected)
    assert not HAS_TBB or done.stdout.endswith("tbb\n")
