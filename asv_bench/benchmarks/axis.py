"""Functions along an axis called from Python, against plain NumPy."""

from __future__ import annotations

import itertools

from .activations import ELEMENTS, IMPLEMENTATIONS, function, inputs
from .timing import relative_time

FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
DTYPES = ("float32", "float64")
SHAPES = {"(1000, 10)": (1000, 10), "(100, 100)": (100, 100), "(20, 50000)": (20, 50_000)}


class AlongAxis:
    """Calls along the last axis that go through a million elements together."""

    params = (FUNCTIONS, DTYPES, tuple(SHAPES), IMPLEMENTATIONS)
    param_names = ("function", "dtype", "shape", "implementation")

    def setup(self, name: str, dtype: str, shape: str, implementation: str) -> None:
        self.x, self.function = inputs(dtype, SHAPES[shape]), function(name, implementation)
        self.function(self.x)

    def time_million_elements(self, name: str, dtype: str, shape: str, implementation: str) -> None:
        for _ in itertools.repeat(None, ELEMENTS // self.x.size):
            self.function(self.x)


class Columns:
    """A call along the first axis of a million elements."""

    params = (FUNCTIONS, DTYPES, IMPLEMENTATIONS)
    param_names = ("function", "dtype", "implementation")

    def setup(self, name: str, dtype: str, implementation: str) -> None:
        self.x, self.function = inputs(dtype, (1000, 1000)), function(name, implementation)
        self.function(self.x, 0)

    def time_million_elements(self, name: str, dtype: str, implementation: str) -> None:
        self.function(self.x, 0)


class AlongAxisRelativeToNumpy:
    """Time divided by NumPy's, in turns in one process. It moves when NumPy does."""

    params = (FUNCTIONS, DTYPES)
    param_names = ("function", "dtype")

    def setup(self, name: str, dtype: str) -> None:
        self.x = inputs(dtype, (100, 100))
        self.functions = [function(name, implementation) for implementation in IMPLEMENTATIONS]

    def track_time_relative_to_numpy(self, name: str, dtype: str) -> float:
        ours, theirs = (lambda call=call: call(self.x) for call in self.functions)
        return relative_time(ours, theirs, rounds=31)

    track_time_relative_to_numpy.unit = "time / NumPy's time"  # type: ignore[attr-defined]
