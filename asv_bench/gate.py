"""Say whether a change makes anything slower: `python asv_bench/gate.py BASE [HEAD]`.

Both revisions are built by asv into environments of their own, and asv runs the benchmarks of the checkout there, one
thread on one processor. A round measures every benchmark in both, one right after the other, the first in turns. What
looks slower is measured again, in more rounds and with the environments exchanged, because the same code in another
place may be some percent slower. It is named only if the interval of the median ratio of head to base lies above the
threshold.

Exit status: 0 nothing is slower, 1 something is, 2 a benchmark failed or nothing was measured.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent

THRESHOLD = 1.05
CONFIDENCE = 0.98
FIRST_ROUNDS, SECOND_ROUNDS = 7, 15
SECONDS = 240.0  # for each of the two looks; fewer rounds are made where they would take longer
FEWEST_ROUNDS = 6  # of which the extremes are an interval of 97 %
ONE_THREAD = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
NOT_OURS = {"numpy", "by hand"}  # values of a parameter: the time of something else
LEFT_OUT = r"Threads|import_numba|threaded|compiled$"  # more than one thread, another package, or slow
#: How often a benchmark is called in a run, at least and at most, and for how many seconds.
REPEAT = {"time": (3, 10, 0.03), "timeraw": (1, 1, 0.0)}


class Cell(NamedTuple):
    """One benchmark with one choice of its parameters."""

    name: str
    choice: int
    label: str


class Side:
    """A revision, built and installed."""

    def __init__(self, conf: Any, repo: Any, environment: Any, commit: str) -> None:
        self.environment, self.commit, self._conf = environment, commit, conf
        environment.create()
        environment.install_project(conf, repo, commit)
        self.spawner: Any = None

    def start(self) -> None:
        """A new process to measure in, so that the addresses in it differ from round to round."""
        from asv import runner

        self.spawner = runner.get_spawner(self.environment, self._conf.benchmark_dir, "forkserver")
        success, output = self.spawner.preimport()
        if not success:
            raise Failure(f"the benchmarks can not be imported at {self.commit[:8]}:\n{output}")

    def stop(self) -> None:
        self.spawner.close()

    def seconds(self, benchmark: dict[str, Any], cell: Cell, processor: int | None) -> float | None:
        """The least time of a call; None where the revision lacks what is measured."""
        from asv import runner

        kind = "timeraw" if ".timeraw_" in cell.name else "time"
        parameters: dict[str, Any] = {"repeat": REPEAT[kind], "rounds": 1, "warmup_time": 0}
        if processor is not None:
            parameters["cpu_affinity"] = [processor]
        result = runner.run_benchmark(
            {"timeout": self._conf.default_benchmark_timeout} | benchmark,
            self.spawner,
            profile=False,
            selected_idx={cell.choice},
            extra_params=parameters,
        )
        if result.errcode:
            raise Failure(f"{cell.label} failed at {self.commit[:8]}:\n{result.stderr}")
        samples = result.samples[cell.choice]
        return min(samples) if samples else None


class Failure(Exception):
    """A benchmark that failed, or nothing to measure."""


class Verdict(NamedTuple):
    """What the rounds say of a cell."""

    label: str
    base: float  #: seconds, the median of the rounds
    head: float
    ratio: float  #: the median of head / base
    low: float
    high: float
    rounds: int


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="a revision")
    parser.add_argument(
        "head", nargs="?", help="a revision; by default what is checked out, with changes and new files"
    )
    parser.add_argument("--only", metavar="REGEX", default="", help="benchmarks whose name and parameters match")
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help=f"ratio that is slower ({THRESHOLD})")
    parser.add_argument("--thorough", action="store_true", help="three times as many rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a summary there, for a pull request")
    options = parser.parse_args(arguments)
    files = [path and path.absolute() for path in (options.json, options.markdown)]
    os.chdir(HERE)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        first, second = compare(options)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 2
    except Exception:  # such as a revision that asv can not build: Python would end with 1, as if something were slower
        traceback.print_exc()
        return 2
    slower = [verdict for verdict in second if verdict.low > options.threshold]
    lines = list(summary(first, slower, options.threshold))
    print("\n".join(lines))
    if files[0]:
        looks = {"first": [v._asdict() for v in first], "second": [v._asdict() for v in second]}
        figures = looks | {"slower": [v.label for v in slower]}
        files[0].write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if files[1]:
        files[1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if slower else 0


def compare(options: argparse.Namespace) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts of the first look, and those of the second."""
    project = Project([commit_of(options.base), commit_of(options.head) if options.head else checked_out()])
    times = 3 if options.thorough else 1
    sides = project.sides()
    benchmarks = project.benchmarks(sides[1])
    cells = [cell for cell in all_cells(benchmarks) if re.search(options.only, cell.label)]
    first = look(sides, benchmarks, cells, FIRST_ROUNDS * times, SECONDS * times)
    if not first:
        raise Failure("nothing was measured")
    # Half of the threshold, so that what is slower is not lost to noise here.
    suspects = [cell for cell, verdict in first.items() if verdict.ratio > 1 + (options.threshold - 1) / 2]
    second: dict[Cell, Verdict] = {}
    if suspects:
        second = look(project.sides(exchanged=True), benchmarks, suspects, SECOND_ROUNDS * times, SECONDS * times)
    return list(first.values()), list(second.values())


class Project:
    """The two revisions, and two environments of asv for them."""

    def __init__(self, commits: list[str]) -> None:
        from asv import config, environment, repo

        self._commits = commits
        self._conf = config.Config.load("asv.conf.json")
        self._conf.matrix = self._conf.matrix | {"env": {"FASTACT_GATE": ["1", "2"]}}
        self._repo = repo.get_repo(self._conf)
        self._environments = list(environment.get_environments(self._conf, None))
        if len(self._environments) != 2:
            raise Failure("asv.conf.json must leave one choice of Python and requirements")

    def sides(self, exchanged: bool = False) -> list[Side]:
        """Base and head, each in its environment or in that of the other."""
        environments = self._environments[:: -1 if exchanged else 1]
        return [
            Side(self._conf, self._repo, environment, commit)
            for environment, commit in zip(environments, self._commits, strict=True)
        ]

    def benchmarks(self, side: Side) -> Any:
        from asv import benchmarks

        return benchmarks.Benchmarks.discover(self._conf, self._repo, [side.environment], [side.commit])


def commit_of(revision: str) -> str:
    try:
        return git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError:
        raise Failure(f"{revision} is no revision") from None


def checked_out() -> str:
    """A commit with what is in the working tree, new files too; it is on no branch, and the index stays as it is."""
    if not git("status", "--porcelain"):
        return commit_of("HEAD")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        git("read-tree", "HEAD", index=index)
        git("add", "--all", ":/", index=index)
        tree = git("write-tree", index=index)
    identity = ("-c", "user.name=gate", "-c", "user.email=gate@localhost")
    return git(*identity, "commit-tree", tree, "-p", "HEAD", "-m", "What is checked out")


def git(*arguments: str, index: Path | None = None) -> str:
    environment = os.environ | ({"GIT_INDEX_FILE": str(index)} if index else {})
    command = ["git", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603
    return done.stdout.strip()


def all_cells(benchmarks: Any) -> Iterator[Cell]:
    for name, benchmark in sorted(benchmarks.items()):
        if benchmark["type"] != "time" or re.search(LEFT_OUT, name):
            continue
        for index, values in enumerate(itertools.product(*benchmark["params"])):
            shown = [value.strip("'") for value in values]
            if not NOT_OURS & set(shown):
                yield Cell(name, index, f"{name}({', '.join(shown)})")


def look(sides: list[Side], benchmarks: Any, cells: list[Cell], rounds: int, seconds: float) -> dict[Cell, Verdict]:
    """Measure cells in rounds; those that a revision lacks are left out."""
    pairs: dict[Cell, list[tuple[float, float]]] = {cell: [] for cell in cells}
    failures: list[str] = []
    start = time.monotonic()
    for done in range(rounds):
        if done >= FEWEST_ROUNDS and (time.monotonic() - start) * (done + 1) / done > seconds:
            break
        processor = quietest_processor()
        with contextlib.ExitStack() as stack:
            for side in sides:
                side.start()
                stack.callback(side.stop)
            for number, cell in enumerate(list(pairs)):
                progress(f"round {done + 1} of {rounds}: {number + 1} of {len(pairs)}")
                order = (0, 1) if (number + done) % 2 else (1, 0)
                try:
                    measured = {i: sides[i].seconds(benchmarks[cell.name], cell, processor) for i in order}
                except Failure as failure:
                    failures.append(str(failure))
                    continue
                base, head = measured[0], measured[1]
                if base is None or head is None:
                    del pairs[cell]
                else:
                    pairs[cell].append((base, head))
        if failures:
            raise Failure("\n".join(failures))
    progress("")
    return {cell: verdict(cell.label, measured) for cell, measured in pairs.items()}


def verdict(label: str, pairs: Sequence[tuple[float, float]]) -> Verdict:
    """The median of the ratios with an interval that supposes nothing of how they are distributed.

    The median lies between the k-th smallest and the k-th largest of n unless fewer than k lie on one side of it, and
    how many do so is distributed as heads among n tosses.
    """
    ratios = sorted(head / base for base, head in pairs)
    n, k = len(ratios), 1
    while 1 - 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n >= CONFIDENCE:
        k += 1
    base, head = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Verdict(label, base, head, statistics.median(ratios), ratios[k - 1], ratios[n - k], n)


def quietest_processor() -> int | None:
    """The one of ours with the least to do in the last moments; None where the system does not say."""
    try:
        ours = os.sched_getaffinity(0)
        before = idle_times()
        time.sleep(0.2)
        after = idle_times()
    except (AttributeError, OSError):
        return None
    return max(sorted(ours), key=lambda processor: after[processor] - before[processor])


def idle_times() -> dict[int, int]:
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return {int(line.split()[0][3:]): int(line.split()[4]) for line in lines if re.match(r"cpu\d", line)}


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def summary(first: list[Verdict], slower: list[Verdict], threshold: float) -> Iterator[str]:
    ratios = sorted(verdict.ratio for verdict in first)
    least, middle, most = ratios[0], statistics.median(ratios), ratios[-1]
    yield f"{len(slower)} of {len(first)} benchmarks are slower by more than {threshold - 1:.0%}."
    yield f"Ratios of head to base at the first look: {least:.3f} to {most:.3f}, {middle:.3f} in the median."
    if slower:
        yield ""
        yield "| slower | base | head | ratio | interval |"
        yield "|---|--:|--:|--:|--:|"
        for v in sorted(slower, key=lambda v: -v.ratio):
            yield f"| {v.label} | {shown(v.base)} | {shown(v.head)} | {v.ratio:.3f} | {v.low:.3f} to {v.high:.3f} |"


def shown(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


if __name__ == "__main__":
    sys.exit(main())
