"""Real processes, each with a time limit: what could hang or die must not take the test suite along."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import fastact
from fastact._runtime import numba_settings
from fastact._runtime.levels import Level, best

limit: float | None = 500  #: seconds; the commands that run for long have none

ROOT = Path(__file__).parent.parent

#: Lets a process import the tests; what is installed comes first.
FIND_TESTS = f"import sys; sys.path.append({str(ROOT)!r})\n"

#: Whether TBB has a wheel for this processor; then it has to be there.
HAS_TBB = platform.machine() in ("x86_64", "AMD64")

#: The level of this processor.
HERE = best(numba_settings.usable_features())

#: Calls every ufunc for each of its types.
EVERY_UFUNC = """
for name in fastact.__all__:
    function = getattr(fastact, name)
    if isinstance(function, np.ufunc):
        for types in function.types:
            operands, _, _ = types.partition("->")
            function(*[np.ones(50, code) for code in operands])
"""

#: `before(name, function)`: a function is called when a module is about to be executed.
BEFORE_MODULES = """
import sys
from importlib.machinery import PathFinder
class before:
    def __init__(self, name, function):
        self.name, self.function = name, function
        sys.meta_path.insert(0, self)
    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        def exec_module(module):
            self.function()
            execute(module)
        spec.loader.exec_module = exec_module
        return spec
"""

#: Uses all that is kept.
EVERYTHING = "import numpy as np, fastact; fastact.tanh(np.zeros(10**6)); fastact.warmup()"


def start(
    code: str, cache: Path | str | None = None, wrapper: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python code to its end, with a compiled-code store of its own if `cache` names one.

    `wrapper` is a command that runs the one that follows it. A test that asks for TBB where there is none is skipped.
    """
    if environment.get("NUMBA_THREADING_LAYER") == "tbb" and not HAS_TBB:
        pytest.skip("TBB has no wheel for this processor")
    variables = os.environ | environment
    if cache is not None:
        variables["NUMBA_CACHE_DIR"] = str(cache)
    command = [*wrapper, sys.executable, "-c", code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=limit)


def run(code: str, cache: Path | str | None = None, wrapper: Sequence[str] = (), **environment: str) -> str:
    """What Python code printed; it must end well, and each of its threads, and warn of nothing."""
    strict = "import warnings; warnings.simplefilter('error', RuntimeWarning)\n"
    done = start(strict + code, cache, wrapper, **environment)
    assert done.returncode == 0, done.stderr
    assert "Exception in thread" not in done.stderr, done.stderr
    return done.stdout


def said(code: str, cache: Path | str) -> str:
    """What is said on the error stream by code that ends well."""
    done = start(f"import warnings; warnings.simplefilter('always'); {code}", cache)
    assert done.returncode == 0, done.stderr
    return done.stderr


def files(cache: Path) -> dict[str, int]:
    """All that is kept, and when each was written."""
    return {str(p.relative_to(cache)): p.stat().st_mtime_ns for p in cache.rglob("*") if p.is_file()}


#: A compiler that refuses.
NO_COMPILER = """
import numba.core.compiler as compiler
def refuse(*arguments, **keywords): raise AssertionError("compiled")
compiler.compile_extra = refuse
"""


PACKAGE = Path(fastact.__file__).parent

#: What `relu` computes, in its source.
KERNEL = "return zero if x <= zero else x"


def copy_of_package(folder: Path) -> Path:
    """A copy of the sources in a folder, which may be changed."""
    without = shutil.ignore_patterns("__pycache__", "_machine_code")
    return Path(shutil.copytree(PACKAGE, folder / "fastact", ignore=without))


def edit(package: Path, new: str) -> None:
    """Let `relu` of a copy compute something else."""
    kernels = package / "_kernels" / "rectifiers.py"
    text = kernels.read_text()
    assert KERNEL in text
    kernels.write_text(text.replace(KERNEL, new))


def with_copy(package: Path, code: str) -> str:
    """Code that imports a copy."""
    return f"import sys; sys.path.insert(0, {str(package.parent)!r})\nimport fastact\n{code}"


def installed_in(folder: Path) -> dict[str, str]:
    """The variables of a process whose package is the one in a folder."""
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def on_level(level: Level, wheel: Path | None) -> dict[str, str]:
    """The variables of a process as it is on such a processor, of what is in a wheel or of what is compiled there."""
    return level.settings() | ({} if wheel is None else installed_in(wheel))


def skip_unless_it_runs(level: Level) -> None:
    """Skip a test of code for a level where the processor has not all of it."""
    if not numba_settings.usable_features().issuperset(level.features):
        pytest.skip("this processor can not run it")


def symbol_of(path: Path) -> str:
    """The symbol of the function whose code is in a file."""
    return "fastact_" + path.stem.rpartition("-")[2]


def filled_store(cache: Path) -> Path:
    """A compiled-code store of its own with all that there is, copied from the one that all tests use."""
    code = f"""
from fastact._runtime import store
taken, used = store._taken, []
store._taken = lambda place, *more, **options: used.append(place) or taken(place, *more, **options)
{EVERYTHING}
print(*(place.path for place in used if place.path and not place.is_ahead), sep="\\n")
"""
    folder = cache / "fastact"
    folder.mkdir()
    for entry in set(run(code).splitlines()):
        shutil.copy2(entry, folder)
    run("import fastact", cache)  # what the import keeps
    return cache
