"""Real processes, each with a time limit: what could hang or die must not take the test suite along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIMIT = 100  # seconds


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
