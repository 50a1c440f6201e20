"""What the documentation says is run: docstrings and every Python block of the README."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

import fastact

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("name", fastact.__all__)
def test_docstrings(name: str) -> None:
    text: str = getattr(fastact, name).__doc__
    assert "Examples\n--------" in text.replace("    ", "")
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert test.examples
    before = fastact.get_num_threads()
    results = doctest.DocTestRunner(verbose=False).run(test)
    fastact.set_num_threads(before)
    assert results.failed == 0


def test_readme_blocks_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(BLOCKS) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "readme"}
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), names)  # noqa: S102


def test_types_are_complete() -> None:
    assert (Path(fastact.__file__).parent / "py.typed").exists()
