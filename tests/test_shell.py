"""The shell face."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastact
from fastact.__main__ import main
from fastact._shell import measure, pictures

from .processes import run
from .reference import ROWS


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "fastact", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_SECONDS", 0.001)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The pictures that are drawn."""
    figure, made = pictures.figure, []

    def remembered(*size: float) -> Any:
        made.append(figure(*size))
        return made[-1]

    monkeypatch.setattr(pictures, "figure", remembered)
    return made


@pytest.mark.long
@pytest.mark.usefixtures("quick")
def test_main_job(capsys: pytest.CaptureFixture[str]) -> None:
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
    path = tmp_path / f"curves.{ending}"
    done = shell("plot", str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")


@pytest.mark.usefixtures("quick")
def test_bench(tmp_path: Path, drawn: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    functions = ["tanh", "softmax", "logsumexp", "neuron"]
    chosen = ["--function", *functions, "--size", "65", "1e6", "--type", "float16", "float32"]
    assert main(["bench", *chosen, "--picture", str(tmp_path / "bars.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    found = [tuple(line.split()[:3]) for line in lines[4:]]
    types = ("float16", "float32")
    whole_rows = ("64", "1,000,000")
    sizes = {"tanh": ("65", "1,000,000"), "softmax": whole_rows, "logsumexp": whole_rows, "neuron": whole_rows}
    assert found == [(name, dtype, size) for name in sizes for dtype in types for size in sizes[name]]
    assert (tmp_path / "bars.png").exists()
    panels = drawn[0].axes
    assert [axes.get_title() for axes in panels] == [f"{t}, {n} elements" for t in types for n in ("65", "1,000,000")]
    for axes, lines_of in zip(panels, [lines[first::4] for first in range(4, 8)], strict=True):
        assert [label.get_text() for label in axes.get_yticklabels()] == list(sizes)
        theirs, ours = ([bar.get_width() for bar in bars] for bars in axes.containers)
        printed = [[float(word) for word in line.split()[3:5]] for line in lines_of]
        np.testing.assert_allclose(np.transpose([theirs, ours]), printed, atol=6e-4)


@pytest.mark.usefixtures("quick")
def test_bench_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    errors = {"relu": 0, "gelu": 2.1, "softmax": 3.4, "log_softmax": 3, "logsumexp": 3.9, "neuron": 9}
    before = fastact.get_num_threads()
    try:
        assert main(["bench", "--json", "--function", *errors, "--size", "128", "--threads", "1"]) == 0
    finally:
        fastact.set_num_threads(before)
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert printed.err == ""
    assert document["config"]["threads"].startswith("1 of ")
    assert [(row["function"], row["dtype"], row["elements"]) for row in document["measurements"]] == [
        (name, dtype, 128) for name in errors for dtype in ("float32", "float64")
    ]
    for row in document["measurements"]:
        assert row["numpy_ns"] > 0 < row["fastact_ns"]
        assert 0 <= row["fastact_ulp"] <= errors[row["function"]]
        assert row["numpy_ulp"] >= 0.5 or row["function"] == "relu"


def test_progress_where_somebody_looks_on() -> None:
    code = """
import io, sys
from fastact import __main__
from fastact._shell import measure
measure._SECONDS = 0.001
class Terminal(io.StringIO):
    def isatty(self):
        return True
for arguments, shows in ((["--json"], True), ([], False)):
    sys.stderr, sys.stdout = Terminal(), Terminal()
    code = __main__.main(["bench", "--function", "relu", "relu", "--size", "9", *arguments])
    bar, sys.stderr, sys.stdout = sys.stderr.getvalue(), sys.__stderr__, sys.__stdout__
    assert (code, "/2 " in bar) == (0, shows), bar
"""
    run(code)


def test_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert main(["cache"]) == 0  # where there is no folder yet
    folder = tmp_path / "fastact"
    folder.mkdir()
    key, own = "0123456789abcdef" * 2, folder / "notes.txt"
    own.write_text("not ours")
    for days, name in enumerate((f"old-{key}.o", f".{key[:16]}.tmp", f"new-{key}.o")):
        (folder / name).write_bytes(bytes(1_000_000))
        used = time.time() - (10 - 4 * days) * 86400
        os.utime(folder / name, (used, used))
    (folder / f"link-{key}.o").symlink_to(own)
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [f"folder   {folder}", "entries  3", "size     3.0 MB"]
    assert main(["cache", "clear", "--days", "7"]) == 0
    assert capsys.readouterr().out == "removed  1 of 3 entries, 1.0 MB\n"
    assert main(["cache", "clear"]) == 0
    assert {path.name for path in folder.iterdir()} == {"notes.txt", f"link-{key}.o"}


def test_a_reader_that_has_enough() -> None:
    command = [sys.executable, "-m", "fastact", "config"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (process.wait(), process.stderr.read()) == (141, b"")


def test_what_is_drawn(tmp_path: Path, drawn: list[Any]) -> None:
    chosen = ["--function", "logit", "leaky_relu", "tanh", "--alpha", "0.2", "--range", "-8", "8"]
    assert main(["plot", str(tmp_path / "curves.svg"), *chosen, "--panel", "derivative", "error"]) == 0
    shown = [axes for axes in drawn[0].axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown if axes.get_title()] == ["logit", "leaky_relu, alpha = 0.2", "tanh"]
    assert len(shown) == 9
    by_name = {axes.get_title(): axes for axes in shown}
    assert by_name["logit"].get_xlim() == (0, 1)
    assert by_name["tanh"].get_xlim() == (-8, 8)
    x, y = by_name["leaky_relu, alpha = 0.2"].lines[0].get_data()
    np.testing.assert_allclose(y, np.where(x > 0, x, x * 0.2))
    below = [axes for axes in shown if axes.get_ylabel() == "derivative"]
    x, y = below[2].lines[0].get_data()
    np.testing.assert_allclose(y, 1 / np.cosh(x) ** 2)
    for axes in shown:
        if "error" in axes.get_ylabel():
            assert 0 < axes.collections[0].get_offsets()[:, 1].max() <= axes.lines[0].get_ydata()[0]


def test_the_range_may_be_wide(tmp_path: Path) -> None:
    chosen = ["--function", "sigmoid", "elu", "--alpha", "-1e-3", "--range", "-1e20", "1e3", "--panel", "error"]
    assert main(["plot", str(tmp_path / "curves.svg"), *chosen]) == 0


def test_mistakes(tmp_path: Path) -> None:
    assert shell("no-such-command").returncode == 2
    for wrong in (["--function", "cosh"], ["--size", "0"], ["--type", "int8"], ["--threads", "none"]):
        with pytest.raises(SystemExit, match="2"):
            main(["bench", *wrong])
    assert main(["bench", "--threads", "100000"]) == 1
    for picture in ("bars.xyz", "bars", "no-such-folder/bars.png"):
        assert main(["bench", "--picture", str(tmp_path / picture)]) == 1
    for days in ("-1", "nan", "inf"):
        with pytest.raises(SystemExit, match="2"):
            main(["cache", "clear", "--days", days])
    assert main(["plot", str(tmp_path / "curves.svg"), "--function", "sigmoid", "--alpha", "0.5"]) == 1
    for wrong in (["--range", "5", "5"], ["--range", "0", "1e39"], ["--range", "2", "3"], ["--alpha", "nan"]):
        assert main(["plot", str(tmp_path / "curves.svg"), *wrong]) == 1
    assert not list(tmp_path.iterdir())
    done = shell("plot", str(tmp_path / "curves.xyz"))
    assert done.returncode == 1
    assert done.stderr.startswith("fastact: ")
    assert len(done.stderr.splitlines()) == 1
