"""The asv suite covers the package and stands on its own, and the gate judges as it says."""

from __future__ import annotations

import ast
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastact
from asv_bench import gate, prove_gate
from asv_bench.benchmarks import activations

SUITE = Path(__file__).parent.parent / "asv_bench" / "benchmarks"
TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in SUITE.glob("*.py")]


def nodes() -> Iterator[ast.AST]:
    for tree in TREES:
        yield from ast.walk(tree)


def used_attributes() -> set[str]:
    """What the code of the suite takes from fastact, that in strings which other processes run included."""
    found = set()
    for node in nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fastact":
            found.add(node.attr)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {name for name in fastact.__all__ if name == node.value or f"fastact.{name}(" in node.value}
    return found - {"__all__"} | set(activations.NAMES)


def test_every_public_name_has_a_benchmark() -> None:
    assert used_attributes() == set(fastact.__all__)


def test_the_suite_measures_older_revisions() -> None:
    """It takes nothing from the package but public names, so that the suite of today runs with the package of then."""
    for node in nodes():
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("fastact")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("fastact.") for alias in node.names)


@pytest.mark.parametrize(("rounds", "k"), [(6, 1), (7, 1), (15, 3), (21, 5)])
def test_the_interval_of_a_verdict_covers_the_median(rounds: int, k: int) -> None:
    generator = np.random.default_rng(0)
    covered = []
    for _ in range(2000):
        ratios = generator.lognormal(sigma=0.05, size=rounds)
        verdict = gate.verdict("benchmark", [(2.0, 2.0 * ratio) for ratio in ratios.tolist()])
        np.testing.assert_allclose([verdict.low, verdict.high], np.sort(ratios)[[k - 1, rounds - k]])
        covered.append(verdict.low <= 1 <= verdict.high)
    assert np.mean(covered) >= 0.955


class Revision:
    """A side whose benchmarks take a known time, with noise."""

    def __init__(self, seconds: dict[str, Any]) -> None:
        self._seconds = seconds
        self._noise = itertools.cycle((1.0, 1.02, 0.99, 1.3, 1.01))

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def seconds(self, benchmark: dict[str, Any], cell: gate.Cell, processor: int | None) -> float | None:
        time = self._seconds[cell.label]
        if isinstance(time, Exception):
            raise time
        return None if time is None else float(time) * next(self._noise)


def looked(base: dict[str, Any], head: dict[str, Any]) -> dict[str, gate.Verdict]:
    cells = [gate.Cell(name, 0, name) for name in base]
    sides: Any = [Revision(base), Revision(head)]
    verdicts = gate.look(sides, dict.fromkeys(base), cells, 7, 60.0)
    return {cell.label: verdict for cell, verdict in verdicts.items()}


def test_a_look_finds_what_is_slower_and_leaves_out_what_is_new() -> None:
    base = {"slow": 1.0, "same": 1e-6, "new": None, "fast": 2.0}
    verdicts = looked(base, {"slow": 1.3, "same": 1e-6, "new": 1.0, "fast": 1.0})
    assert set(verdicts) == {"slow", "same", "fast"}
    assert 1.2 < verdicts["slow"].ratio < 1.4
    assert 0.95 < verdicts["same"].ratio < 1.05
    lines = list(gate.summary(list(verdicts.values()), [verdicts["slow"]], 1.05))
    assert lines[0] == "1 of 3 benchmarks are slower by more than 5%."
    assert "| slow | 1.02 s |" in lines[-1] or "| slow | 1.01 s |" in lines[-1]


def test_failures_are_all_told() -> None:
    failing = {"a": gate.Failure("a failed"), "b": 1.0, "c": gate.Failure("c failed")}
    with pytest.raises(gate.Failure, match="a failed\nc failed"):
        looked(dict.fromkeys(failing, 1.0), failing)


def test_exit_statuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for name in gate.ONE_THREAD:
        monkeypatch.setenv(name, "1")
    assert gate.main(["no-such-revision"]) == 2
    assert "no-such-revision is no revision" in capsys.readouterr().err
    monkeypatch.setattr(gate, "Project", lambda commits: 1 / 0)
    assert gate.main(["HEAD"]) == 2
    verdict = gate.verdict("one", [(1.0, 1.0)] * 7)
    slower = gate.verdict("two", [(1.0, 1.5)] * 7)
    for found, status in (([], 0), ([slower], 1)):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(gate, "compare", lambda options, found=found: ([verdict, slower], found))
        assert gate.main(["HEAD", "--json", "all.json", "--markdown", "all.md"]) == status
        assert (tmp_path / "all.json").exists()
        assert ("| two |" in (tmp_path / "all.md").read_text(encoding="utf-8")) == bool(status)


def test_what_is_checked_out_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)  # as a hook of git sets them
    gate.git("init", "--quiet")
    for name in ("kept", "changed", "added", "deleted", "ignored"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("ignored", encoding="utf-8")
    gate.git("add", "kept", "changed", "deleted", ".gitignore")
    gate.git("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message=first")
    (tmp_path / "added").unlink()
    head = gate.commit_of("HEAD")
    assert gate.checked_out() == head
    (tmp_path / "changed").write_text("new", encoding="utf-8")
    (tmp_path / "added").write_text("new", encoding="utf-8")
    (tmp_path / "deleted").unlink()
    before = gate.git("status", "--porcelain")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    commit = gate.checked_out()
    assert gate.git("diff", "--name-status", head, commit).split() == ["A", "added", "M", "changed", "D", "deleted"]
    assert gate.commit_of("HEAD") == head
    assert gate.git("status", "--porcelain") == before


@pytest.mark.parametrize("name", prove_gate.SLOW_DOWNS)
def test_what_is_slowed_to_prove_the_gate_is_there(name: str, tmp_path: Path) -> None:
    slow_down = prove_gate.SLOW_DOWNS[name]
    original = prove_gate.ROOT / slow_down.file
    copy = tmp_path / slow_down.file
    copy.parent.mkdir(parents=True)
    copy.write_text(original.read_text(encoding="utf-8"), encoding="utf-8")
    prove_gate.apply(slow_down, tmp_path)
    compile(copy.read_text(encoding="utf-8"), slow_down.file, "exec")
    with pytest.raises(ValueError, match="has changed"):
        prove_gate.apply(slow_down._replace(old=slow_down.new * 2), tmp_path)


def test_the_proof_tells_what_is_missed_and_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    slow_down = prove_gate.SlowDown("", "", "", slower="kernel", affected="layer")
    looked = {label: {"ratio": 1.3, "low": 1.2, "high": 1.4} for label in ("kernel a", "kernel b", "layer", "import")}

    def is_right(*slower: str) -> bool:
        return prove_gate.is_right("case", slow_down, prove_gate.Outcome(1, looked, looked, set(slower)))

    assert is_right("kernel a", "kernel b")
    assert is_right("kernel a", "kernel b", "layer")
    assert not is_right("kernel a", "layer")
    assert "missed: kernel b: 1.300 (1.200 to 1.400)" in capsys.readouterr().out
    assert not is_right("kernel a", "kernel b", "import")
    assert "wrong: import" in capsys.readouterr().out
    assert prove_gate.is_quiet(1, prove_gate.Outcome(0, looked, {}, set()))
    assert not prove_gate.is_quiet(1, prove_gate.Outcome(1, looked, looked, {"layer"}))
