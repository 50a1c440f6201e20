"""Prove that the gate names what was slowed, and nothing else: `python -m asv_bench.prove_gate [NAME ...]`.

In a clone, one thing at a time is made slower and left uncommitted, as by somebody who works on it, and the gate is
asked whether it is slower than the last commit. It has to name every benchmark that rests on what was slowed, and none
that does not. `--unchanged N` compares the commit with itself so many times, which the threshold is calibrated by;
`--busy` keeps a processor busy meanwhile. A run of the gate takes five to ten minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .gate import git

ROOT = Path(__file__).parent.parent


class SlowDown(NamedTuple):
    """An edit that makes something slower, and patterns of the benchmarks that rest on it."""

    file: str
    old: str
    new: str
    slower: str  #: those that are slower by more than the threshold
    affected: str = "^$"  #: those that may be, for they spend a part of their time in it


# Products with powers of two are exact and stay in the machine code.
_IDLE = "    y = (y * k.two) * k.half\n"

SLOW_DOWNS = {
    "kernel": SlowDown(
        "fastact/_kernels/sigmoids.py",
        "    return fma(residual, c, y)\n",
        "    y = fma(residual, c, y)\n" + 2 * _IDLE + "    return y\n",
        slower=r"(Array|Layout|Scalars)\..*\(sigmoid, (?!.*(where|every|transposed))|Own|Arrays.*\(sigmoid, .*1000\)",
        affected="sigmoid",
    ),
    "layer": SlowDown(
        "fastact/_kernels/tiles.py",
        "                    shown = min(width, columns - panel)\n",
        "                    shown = min(width, columns - panel)\n"
        "                    few = max(rows * 3 // 10, min(rows, tile_rows[kind]))\n"
        "                    x_step, z_row = job[jobs.X_STEP], columns * size\n"
        "                    panel_rows(kind, x, x_row, x_step, w, w_step, k, start, sums, z_row, few, shown)\n",
        slower=r"\) -> (?!1,|1000,)",
    ),
    "small call": SlowDown(
        "fastact/_kernels/driver.py",
        "    n = dimensions[0]\n",
        "    for _ in range(12):\n        x87_flags()\n    n = dimensions[0]\n",
        slower=r"Small.* 1, |Layout.*where",
        affected="activations",
    ),
    "user's loop": SlowDown(
        "fastact/_compiler/overloads.py",
        "        operands = arguments[: len(given)]\n",
        "        operands = arguments[: len(given)]\n"
        "        builder.fence('acq_rel')\n",  # no loop over it is vectorised
        slower="Scalars|Own",
        affected="Arrays",
    ),
    "import": SlowDown(
        "fastact/__init__.py",
        "sources.seal()\n",
        "sources.seal()\n__import__('time').sleep(0.05)\n",
        slower=r"process\.Start\.timeraw",
    ),
}


class Outcome(NamedTuple):
    """What a run of the gate said."""

    status: int
    first: dict[str, Any]  #: verdicts of the first look by benchmark
    second: dict[str, Any]
    slower: set[str]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to slow ({', '.join(SLOW_DOWNS)}); default all")
    parser.add_argument("--unchanged", type=int, metavar="N", help="compare the commit with itself so many times")
    parser.add_argument("--busy", action="store_true", help="keep a processor busy meanwhile")
    options = parser.parse_args(arguments)
    names = options.names or ([] if options.unchanged else list(SLOW_DOWNS))
    proven = True
    with tempfile.TemporaryDirectory() as folder, busy_processor() if options.busy else contextlib.nullcontext():
        clone = Path(folder) / "clone"
        git("clone", "--quiet", str(ROOT), str(clone))
        for name in names:
            apply(SLOW_DOWNS[name], clone)
            proven &= is_right(name, SLOW_DOWNS[name], run_gate(clone))
            git("-C", str(clone), "checkout", "--quiet", ".")
        for number in range(options.unchanged or 0):
            proven &= is_quiet(number + 1, run_gate(clone))
    return 0 if proven else 1


def apply(slow_down: SlowDown, root: Path) -> None:
    path = root / slow_down.file
    text = path.read_text(encoding="utf-8")
    if text.count(slow_down.old) != 1:
        raise ValueError(f"{slow_down.file} has changed: what is to be slowed is not there once")
    path.write_text(text.replace(slow_down.old, slow_down.new), encoding="utf-8")


def run_gate(clone: Path) -> Outcome:
    figures = clone.parent / "figures.json"
    figures.unlink(missing_ok=True)
    command = [sys.executable, "asv_bench/gate.py", "HEAD", "--json", str(figures)]
    done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if not figures.exists():
        print(f"the gate ended with {done.returncode} and without figures")
        return Outcome(done.returncode, {}, {}, set())
    found = json.loads(figures.read_text(encoding="utf-8"))
    first, second = ({verdict["label"]: verdict for verdict in found[look]} for look in ("first", "second"))
    return Outcome(done.returncode, first, second, set(found["slower"]))


def is_right(name: str, slow_down: SlowDown, outcome: Outcome) -> bool:
    """Whether the gate named what it had to and no more; prints it."""
    due = {label for label in outcome.first if re.search(slow_down.slower, label)}
    allowed = due | {label for label in outcome.first if re.search(slow_down.affected, label)}
    missed, wrong = due - outcome.slower, outcome.slower - allowed
    ratios = sorted(outcome.second[label]["ratio"] for label in due - missed)
    print(f"{name}: {len(due) - len(missed)} of {len(due)} benchmarks that are slower were named", end="")
    print(f" (by {ratios[0]:.2f} to {ratios[-1]:.2f})" if ratios else "", end="")
    print(f", {len(outcome.slower - due - wrong)} that may be, and {len(wrong)} that are not.")
    for title, labels in (("missed", missed), ("wrong", wrong)):
        for label in sorted(labels):
            print(f"  {title}: {described(label, outcome)}")
    sys.stdout.flush()
    return bool(due) and not missed and not wrong and outcome.status == 1


def is_quiet(number: int, outcome: Outcome) -> bool:
    """Whether the gate named nothing; prints it."""
    first, second = (max((v["ratio"] for v in look.values()), default=1) for look in (outcome.first, outcome.second))
    low = max((v["low"] for v in outcome.second.values()), default=1)
    print(f"unchanged {number}: {len(outcome.slower)} of {len(outcome.first)} named; largest ratio {first:.3f}", end="")
    print(f", of the {len(outcome.second)} looked at again {second:.3f}, largest lower end {low:.3f}.")
    for label in sorted(outcome.slower):
        print(f"  wrong: {described(label, outcome)}")
    sys.stdout.flush()
    return not outcome.slower and outcome.status == 0


def described(label: str, outcome: Outcome) -> str:
    looks = (look[label] for look in (outcome.first, outcome.second) if label in look)
    return f"{label}: " + ", ".join(f"{v['ratio']:.3f} ({v['low']:.3f} to {v['high']:.3f})" for v in looks)


@contextlib.contextmanager
def busy_processor() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    with contextlib.suppress(AttributeError):
        os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    time.sleep(0.5)
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
