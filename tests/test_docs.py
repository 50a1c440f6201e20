"""What the documentation says is run: docstrings and every Python block of the README."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

import fastact
from fastact._runtime import registry, softmax

from .processes import FIND_TESTS, ROOT, run

README = ROOT / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def accuracy_table() -> str:
    """Of the README, as the rows have it."""
    lines = ["| | float16 | float32 | float64 | both without FMA |", "|---|---|---|---|---|"]
    bounds = {name: row.ulp for name, row in registry.rows.items()} | softmax.bounds
    for name, ulp in bounds.items():
        lines.append(f"| `{name}` | " + " | ".join(f"{error:g}" for error in ulp) + " |")
    return "\n".join(lines)


def run_docstring(name: str) -> None:
    """Whatever it prints differs from what the docstring says is printed."""
    test = doctest.DocTestParser().get_doctest(getattr(fastact, name).__doc__, {}, name, None, None)
    assert test.examples, "no examples"
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


@pytest.mark.parametrize("name", fastact.__all__)
def test_docstrings(name: str) -> None:
    if name == "warmup":  # compiles whatever the process has made
        run(f"{FIND_TESTS}from tests.test_docs import *\nrun_docstring('warmup')")
    else:
        run_docstring(name)


def test_readme_blocks_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(BLOCKS) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "readme"}
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), names)  # noqa: S102


def test_what_is_promised_is_tested() -> None:
    promises = README.read_text(encoding="utf-8").partition("## What it promises")[2].partition("\n## ")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)`", row)
        assert named, row
        for module in named + [f"{name}.py" for name in re.findall(r"`python -m tests\.(\w+)`", row)]:
            assert (ROOT / "tests" / module).exists(), module


def test_every_name_has_a_page() -> None:
    reference = (ROOT / "docs" / "reference.rst").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^   (\w+)$", reference, re.MULTILINE)) == fastact.__all__


def test_table_of_limits() -> None:
    kernels = (ROOT / "fastact" / "_kernels" / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `(\w+)` \| (float\d+) \| [\d.]+ \| ([\d.]+) \|", kernels, re.MULTILINE)
    types = ("float32", "float64")
    assert found == [
        (name, dtype, f"{getattr(row.ulp, dtype):g}") for dtype in types for name, row in registry.rows.items()
    ]


def test_types_are_complete() -> None:
    assert (Path(fastact.__file__).parent / "py.typed").exists()
