"""Times that a benchmark takes by itself."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_time(call: Callable[[], Any]) -> float:
    time.sleep(0.3)  # until idle threads sleep
    return statistics.median(seconds(call) for _ in range(60))


def relative_time(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> float:
    """The median ratio of two calls that take turns; the first rounds warm up."""
    return statistics.median([seconds(ours) / seconds(theirs) for _ in range(rounds)][3:])
