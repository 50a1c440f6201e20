"""Real processes, each with a time limit: what could hang or die must not take the test suite along."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from fastact._runtime import store

LIMIT = 100  # seconds

#: Uses all that is kept.
EVERYTHING = "import numpy as np, fastact; fastact.tanh(np.zeros(10**6)); fastact.warmup()"


def start(code: str, cache: Path | str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code to its end, with a compiled-code store of its own if `cache` names one."""
    variables = os.environ | environment
    if cache is not None:
        variables["NUMBA_CACHE_DIR"] = str(cache)
    return subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False, timeout=LIMIT
    )


def run(code: str, cache: Path | str | None = None, **environment: str) -> str:
    """What Python code printed; it must end well and warn of nothing."""
    done = start(f"import warnings; warnings.simplefilter('error', RuntimeWarning)\n{code}", cache, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def filled_store(cache: Path) -> Path:
    """A compiled-code store of its own with all that there is, copied from the one that all tests use."""
    code = f"""
from fastact._runtime import store
place, used = store._place, []
store._place = lambda *arguments, **keywords: used.append(place(*arguments, **keywords)) or used[-1]
{EVERYTHING}
print(*(entry.path for entry in used if entry.path), sep="\\n")
"""
    folder = cache / store.folder().name
    folder.mkdir()
    for entry in set(run(code).splitlines()):
        shutil.copy2(entry, folder)
    run("import fastact", cache)  # what the import keeps
    return cache
