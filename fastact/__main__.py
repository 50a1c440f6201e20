"""The shell face of the package: `python -m fastact`."""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from . import __version__
from ._runtime import config, registry, threads
from ._runtime.warmup import warmup
from ._shell import bars, cache, curves, measure, pictures, report, subjects
from ._shell.measure import Measurement

_INTERRUPTED, _PIPE_CLOSED = 130, 141  # as a shell has them of SIGINT and SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code: 0, 1 where it failed, 2 where it was called wrongly."""
    chosen = _parser().parse_args(arguments)
    try:
        for line in chosen.run(chosen):
            print(line, flush=True)
    except BrokenPipeError:  # of `fastact | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the end
        return _PIPE_CLOSED
    except (ImportError, MemoryError, OSError, ValueError) as error:
        print(f"fastact: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastact",
        description="Fast, exact activation functions. Without a command: a neuron on real numbers, then the time "
        "against plain NumPy and the largest error of each function on this machine.",
    )
    parser.add_argument("--version", action="version", version=f"fastact {__version__}")
    parser.set_defaults(run=lambda _: report.lines())
    commands = parser.add_subparsers(metavar="command")

    bench = commands.add_parser("bench", help="time and error of chosen functions, sizes and types")
    option = functools.partial(bench.add_argument, nargs="+")
    names, types, sizes = list(registry.of_x_alone()), list(measure.TYPES), [10_000, 1_000_000]
    timed = list(subjects.all_subjects())
    option("--function", choices=timed, default=timed, metavar="NAME", help=f"of {', '.join(timed)}; all by default")
    option("--type", choices=types, default=types[1:], metavar="TYPE", help=f"of {', '.join(types)}; the last two")
    option("--size", type=_count, default=sizes, metavar="N", help="how many elements; 10000 and 1000000")
    bench.add_argument("--threads", type=_count, metavar="N", help="how many; NumPy's product has threads of its own")
    bench.add_argument("--picture", metavar="FILE", help="draw the times as bars, too: .png, .svg, .pdf")
    bench.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    bench.set_defaults(run=_bench)

    plot = commands.add_parser("plot", help="draw the curves of the activations")
    plot.add_argument("file", help="where the picture goes: .png, .svg, .pdf")
    plot.add_argument("--function", nargs="+", choices=names, default=names, metavar="NAME", help="by default all")
    plot.add_argument(
        "--alpha", type=float, help="the second input of functions that have one; by default at least 0.1"
    )
    plot.add_argument("--range", nargs=2, type=float, default=(-5.0, 5.0), metavar=("LOW", "HIGH"), help="of x")
    plot.add_argument("--panel", nargs="+", choices=curves.PANELS, default=(), help="what is drawn below each curve")
    plot.set_defaults(run=_plot)
    plot._negative_number_matcher = re.compile(r"-\.?\d")  # -1e3 is one, too, as from Python 3.14 on

    compiling = commands.add_parser("warmup", help="compile everything now and keep it for later processes")
    compiling.set_defaults(run=_warmup)
    found = commands.add_parser("config", help="print versions, processor, threads and the folder of compiled code")
    found.set_defaults(run=lambda _: config.lines())

    kept = commands.add_parser("cache", help="what compiled code is kept; remove it")
    kept.add_argument("action", nargs="?", choices=["show", "clear"], default="show")
    kept.add_argument("--days", type=_days, default=0.0, metavar="N", help="clear what was not used for N days")
    kept.set_defaults(run=_cache)
    return parser


def _count(text: str) -> int:
    number = float(text)  # 1e6 is a number, too
    if number < 1 or not number.is_integer():
        raise ValueError(text)
    return int(number)


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < math.inf:
        raise ValueError(text)
    return days


# argparse says: invalid positive integer value
_count.__name__, _days.__name__ = "positive integer", "number of days"


def _bench(chosen: argparse.Namespace) -> Iterator[str]:
    if chosen.picture:
        pictures.check(chosen.picture)  # rather than after minutes
    if chosen.threads:
        threads.set_num_threads(chosen.threads)
    choices = [list(dict.fromkeys(choice)) for choice in (chosen.function, chosen.type, chosen.size)]
    measured: Iterable[Measurement] = measure.compare(*choices)
    if sys.stderr.isatty() and (chosen.json or not sys.stdout.isatty()):  # where no line tells how far it is
        measured = _with_progress(measured, math.prod(map(len, choices)))
    measured, again = itertools.tee(measured)
    if chosen.json:
        rows = [each._asdict() for each in measured]
        yield json.dumps({"config": config.found(), "measurements": rows}, indent=2)
    else:
        yield from report.chosen_lines(measured)
    if chosen.picture:
        bars.draw(chosen.picture, again)


def _with_progress(measured: Iterable[Measurement], count: int) -> Iterable[Measurement]:
    try:
        from tqdm import tqdm
    except ImportError:
        return measured
    bar: Iterable[Measurement] = tqdm(measured, total=count, leave=False)
    return bar


def _plot(chosen: argparse.Namespace) -> Iterable[str]:
    curves.draw(chosen.file, chosen.function, chosen.alpha, tuple(chosen.range), chosen.panel)
    return ()


def _warmup(_: argparse.Namespace) -> Iterable[str]:
    warmup()
    return ()


def _cache(chosen: argparse.Namespace) -> Iterable[str]:
    return cache.clear(chosen.days) if chosen.action == "clear" else cache.lines()


if __name__ == "__main__":
    sys.exit(main())
