"""The shell face of the package: `python -m fastact`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="fastact",
        description="Fast, exact activation functions. Without a command: a neuron on real numbers, then the time "
        "against plain NumPy and the largest error of each function on this machine.",
    )
    parser.add_argument("--version", action="version", version=f"fastact {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    plot = commands.add_parser("plot", help="draw the curves of the activations")
    plot.add_argument("file", help="where the picture goes: .png, .svg, .pdf")
    commands.add_parser("warmup", help="compile everything now and keep it for later processes")
    commands.add_parser("config", help="print versions, processor, threads and the folder of compiled code")
    chosen = parser.parse_args(arguments)
    try:
        _run(chosen)
    except (ImportError, OSError, ValueError) as error:
        print(f"fastact: {error}", file=sys.stderr)
        return 1
    return 0


def _run(chosen: argparse.Namespace) -> None:
    if chosen.command == "plot":
        from ._shell import curves

        curves.draw(chosen.file)
    elif chosen.command == "warmup":
        from ._runtime.warmup import warmup

        warmup()
    elif chosen.command == "config":
        from ._runtime.config import show_config

        show_config()
    else:
        from ._shell import report

        report.run()


if __name__ == "__main__":
    sys.exit(main())
