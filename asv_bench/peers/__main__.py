"""Time fastact against other libraries on the same work, which are measured where they are installed.

NumPy, SciPy, NumExpr, PyTorch, JAX and ONNX Runtime (`pip install -e ".[peers]"`), each by its quickest eager call,
into a given output where it has one. Each library has a process of its own, and all others are stopped while it has
its turn, because their idle threads would spin. They take turns of some milliseconds; a time is the median of all
calls. Operands and outputs begin at a cache line, or as far behind one as is asked for: NumPy itself puts large arrays
16 bytes behind one; JAX keeps copies of its own. Every result is compared with one of more digits before it is timed.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from . import activations, along_axis, neuron
from .work import OFFSET
from .workers import measured, serve

WORKS = {
    "activations": activations.WORK,
    "accuracy": activations.ACCURACY,
    "along_axis": along_axis.WORK,
    "neuron": neuron.WORK,
    "random_layers": neuron.RANDOM_LAYERS,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m asv_bench.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("--quick", action="store_true", help="a few cells alone")
    parser.add_argument("--offset", type=int, default=0, metavar="BYTES", help="from a cache line to the operands")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write the tables and the numbers there")
    parser.add_argument("--library", help=argparse.SUPPRESS)  # set for the processes that measure
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work = WORKS[arguments.work]
    if arguments.library:
        serve(work, arguments.library, arguments.threads)
        return
    os.environ[OFFSET] = str(arguments.offset)
    rows: list[dict[str, Any]] = []
    for threads in [1] if work.one_thread else sorted({1, os.cpu_count() or 1}):
        rows += measured(arguments.work, work, work.cells(arguments.quick, threads), threads)
    text = "\n".join(work.tables(rows)) + "\n"
    print(text, end="")
    if arguments.save:
        (arguments.save / f"{arguments.work}.md").write_text(text, encoding="utf-8")
        (arguments.save / f"{arguments.work}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
