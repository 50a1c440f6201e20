"""Compiled once, kept for every later process, and never in anybody's way. Each case runs real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastact

from .processes import run

USE = "import numpy as np, fastact; assert fastact.sigmoid(np.zeros(3))[0] == 0.5"
EVERYTHING = f"{USE}; fastact.tanh(np.zeros(10**6)); fastact.warmup()"
NO_COMPILER = """
import numba.core.compiler as compiler
def refuse(*arguments, **keywords): raise AssertionError("compiled")
compiler.compile_extra = refuse
"""


def files(cache: Path) -> dict[str, int]:
    return {str(p.relative_to(cache)): p.stat().st_mtime_ns for p in cache.rglob("*") if p.is_file()}


def test_import_compiles_nothing(tmp_path: Path) -> None:
    run(f"{NO_COMPILER}import fastact", tmp_path)
    assert files(tmp_path) == {}


def test_only_what_is_used_is_compiled(tmp_path: Path) -> None:
    run(USE, tmp_path)
    assert sorted(name.split("/")[-1].split("-")[0] for name in files(tmp_path)) == ["drive", "sigmoid", "span"]


def test_later_processes_compile_and_write_nothing(tmp_path: Path) -> None:
    run(EVERYTHING, tmp_path)
    before = files(tmp_path)
    assert before
    for _ in range(2):
        run(f"{NO_COMPILER}{EVERYTHING}", tmp_path)
        assert files(tmp_path) == before


USERS = """
import fastact, numpy as np
@fastact.activation
def swish(x):
    return {factor} * x * fastact.sigmoid(x)
print(swish(np.float64(0.5)))
"""


def test_users_activations_are_kept_too(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    cache = tmp_path / "cache"
    script.write_text(USERS.format(factor=1))
    run(script.read_text(), cache)
    before = files(cache)
    first = run(NO_COMPILER + script.read_text(), cache)
    assert files(cache) == before
    script.write_text(USERS.format(factor=2))
    second = run(script.read_text(), cache)
    assert float(second) == 2 * float(first)


def test_an_edit_of_any_source_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "fastact"
    shutil.copytree(Path(fastact.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fastact; print(fastact.relu(3.0))"
    cache = tmp_path / "cache"
    assert float(run(code, cache)) == 3
    kernels = package / "kernels" / "scalar.py"
    text = kernels.read_text()
    assert "return zero if x <= zero else x" in text
    kernels.write_text(text.replace("return zero if x <= zero else x", "return zero if x <= zero else x + x"))
    assert float(run(code, cache)) == 6


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "foreign"])
def test_a_damaged_entry_is_compiled_again(tmp_path: Path, damage: str) -> None:
    run(EVERYTHING, tmp_path)
    before = set(files(tmp_path))
    for name in before:
        path = tmp_path / name
        content = bytearray(path.read_bytes())
        if damage == "flipped":
            content[len(content) // 2] ^= 1
        path.write_bytes(
            {"empty": b"", "truncated": bytes(content[:-7]), "foreign": b"x" * 5000}.get(damage, bytes(content))
        )
    run(EVERYTHING, tmp_path)
    assert set(files(tmp_path)) == before
    run(f"{NO_COMPILER}{EVERYTHING}", tmp_path)


def test_no_folder_at_all(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    run(EVERYTHING, blocked / "below")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are access lists there")
def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    run(USE, tmp_path)
    before = files(tmp_path)
    (tmp_path / "fastact").chmod(0o777)
    code = f"import warnings; warnings.simplefilter('always'); {USE}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("others can write it") == 1
    assert files(tmp_path) == before


def test_an_unsupported_numba_is_named() -> None:
    from fastact import _requirements

    with pytest.raises(ImportError, match=r"needs numba >=0.68,<0.69 and found 0.99.0"):
        _requirements.check("0.99.0")
    _requirements.check("0.68.1rc1")
