"""The shell face."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastact
from fastact.__main__ import main
from fastact._shell import report

from .reference import ROWS


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "fastact", *arguments], capture_output=True, text=True, check=False)


def test_main_job(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(report, "_SECONDS", 0.001)
    assert main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    rows = [line.split() for line in lines if line.startswith(tuple(f"{name} " for name in (*ROWS, "neuron")))]
    rows = [row for row in rows if row[1].startswith("float")]
    assert {(row[0], row[1]) for row in rows} == {
        *((name, dtype) for name in ROWS for dtype in ("float16", "float32", "float64")),
        ("neuron", "float32"),
        ("neuron", "float64"),
    }
    for row in rows:
        assert float(row[-1]) < (4 if row[0] != "neuron" else 100)
    assert max(map(len, lines)) <= 80
    simulated = {words[0]: words[1:] for words in map(str.split, lines) if len(words) in (6, 7)}
    z = np.array([float(word) for word in simulated["sum"]])
    assert z == pytest.approx([1.48, -1.62, 1.65, 0.42, 0.72, 2.2])
    right = {"sigmoid": 1 / (1 + np.exp(-z)), "tanh": np.tanh(z), "elu": np.where(z > 0, z, np.expm1(z))}
    for name, numbers in right.items():
        assert [float(word) for word in simulated[name]] == pytest.approx(numbers, abs=1e-6)


def test_config_and_version() -> None:
    done = shell("config")
    assert done.returncode == 0
    for word in ("fastact", "numba", "threads", "code store"):
        assert word in done.stdout
    assert fastact.__version__ in shell("--version").stdout


def test_warmup() -> None:
    done = shell("warmup")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plot(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curves.{ending}"
    done = shell("plot", str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")


def test_mistakes(tmp_path: Path) -> None:
    assert shell("no-such-command").returncode == 2
    done = shell("plot", str(tmp_path / "curves.xyz"))
    assert done.returncode == 1
    assert done.stderr.startswith("fastact: ")
    assert len(done.stderr.splitlines()) == 1
