"""Processes of a library each, which take turns."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .work import Call, Work

ROOT = Path(__file__).parent.parent.parent


class Worker:
    """A process with one library, stopped unless it is asked something."""

    def __init__(self, work: str, library: str, threads: int) -> None:
        command = [sys.executable, "-m", "asv_bench.peers", work, "--library", library, "--threads", str(threads)]
        self.library = library
        self.process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=limited_to(threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ask(None)

    def ask(self, question: Any) -> Any:
        assert self.process.stdin is not None  # noqa: S101 - it has pipes
        assert self.process.stdout is not None  # noqa: S101
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.library} ended")
        os.kill(self.process.pid, signal.SIGSTOP)
        return json.loads(answer)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def limited_to(threads: int) -> dict[str, str]:
    """The environment in which the libraries use so many threads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return environment


def measured(name: str, work: Work, cells: list[Any], threads: int) -> Iterator[dict[str, Any]]:
    """The cells with the error of each library, and the median time of its calls."""
    workers = [Worker(name, library, threads) for library in work.libraries if importlib.util.find_spec(library)]
    try:
        for cell in cells:
            errors = {worker.library: worker.ask({"prepare": cell}) for worker in workers}
            doing = [worker for worker in workers if errors[worker.library] is not None]
            times: dict[str, list[float]] = {worker.library: [] for worker in doing}
            for _ in range(work.rounds):
                for worker in doing:
                    times[worker.library] += worker.ask({"turn": work.turn})
            row = cell._asdict() | {
                "threads": threads,
                "ulp": {worker.library: errors[worker.library] for worker in doing},
            }
            row["seconds"] = {library: statistics.median(values) for library, values in times.items() if values}
            if work.limits:
                row["limits"] = workers[0].ask({"limits": cell})
            print(*cell, threads, {name: f"{t * 1e6:.3g} us" for name, t in row["seconds"].items()}, file=sys.stderr)
            yield row
    finally:
        for worker in workers:
            worker.end()


def serve(work: Work, library: str, threads: int) -> None:
    """Answer the questions of a `Worker`, line by line, on as many processors as threads: JAX knows no other limit."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    kind: Any = type(work.cells(True, threads)[0])
    call: Call = lambda: None  # noqa: E731
    for line in sys.stdin:
        question = json.loads(line)
        answer: Any = None
        if question is None:
            pass
        elif "prepare" in question:
            problem = work.problem(kind(*question["prepare"]))
            made = work.libraries[library](problem, threads)
            if made is not None:
                call, result = made
                call()
                answer = problem.error(np.asarray(result()))
        elif "turn" in question:
            answer = turn(call, question["turn"])
        elif work.limits:
            answer = work.limits(kind(*question["limits"]), threads)
        print(json.dumps(answer), flush=True)


def turn(call: Call, seconds: float, before: Call | None = None) -> list[float]:
    """How long each call took, of as many as take so many seconds together; `before` is called before each."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        if before is not None:
            before()
            start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def medians_in_turns(calls: Mapping[str, Call], seconds: float, rounds: int) -> dict[str, float]:
    """The median time of each call, of rounds in which each has so many seconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(0.2)  # in which the idle threads of the one before stop spinning
            times[name] += turn(call, seconds)
    return {name: statistics.median(taken) for name, taken in times.items()}
