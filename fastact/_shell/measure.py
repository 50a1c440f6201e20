"""Time and error beside plain NumPy, on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .subjects import all_subjects

TYPES = ("float16", "float32", "float64")

_SECONDS = 0.1  # of calls for each comparison


class Measurement(NamedTuple):
    """A function of numbers of a type, by plain NumPy and by fastact, with `out=` given on both sides."""

    function: str
    dtype: str
    size: int  #: that was asked for
    elements: int  #: that were computed: what works on rows has whole ones
    numpy_ns: float  #: median time per element
    fastact_ns: float
    numpy_ulp: float  #: the largest error that was found, in units in the last place
    fastact_ulp: float

    @property
    def ratio(self) -> float:
        """NumPy's time by ours."""
        return self.numpy_ns / self.fastact_ns


def compare(functions: Sequence[str], dtypes: Sequence[str], sizes: Sequence[int]) -> Iterator[Measurement]:
    """Measure each function in each type at each size, one after the other."""
    subjects = all_subjects()
    for name in functions:
        subject = subjects[name]
        for dtype in map(np.dtype, dtypes):
            found = subject.errors(dtype)
            for size in sizes:
                elements = subject.elements(size)
                times = _times(*subject.calls(dtype, elements), subject.turn, subject.pause)
                numpy_ns, fastact_ns = (seconds / elements * 1e9 for seconds in times)
                yield Measurement(name, str(dtype), size, elements, numpy_ns, fastact_ns, *found)


def _times(theirs: Callable[[], Any], ours: Callable[[], Any], turn: float, pause: float) -> tuple[float, float]:
    """The median times of two calls that take turns of some seconds, so that both meet the same machine."""
    times: tuple[list[float], list[float]] = ([], [])
    with np.errstate(all="ignore"):
        theirs(), ours()
        busy = 0.0
        while busy < _SECONDS or len(times[0]) < 5:
            for call, measured in zip((theirs, ours), times, strict=True):
                if pause:
                    time.sleep(pause)
                spent = 0.0
                while not spent or spent < turn:
                    start = time.perf_counter()
                    call()
                    measured.append(time.perf_counter() - start)
                    spent += measured[-1]
                busy += spent
    return statistics.median(times[0]), statistics.median(times[1])
