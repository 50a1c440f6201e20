"""Time of the activations against plain NumPy, and what an import and a first call cost."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

import fastact
from fastact import report

fastact.warmup()

_SUBJECTS = {subject.name: subject for subject in report.SUBJECTS}
_SIZES = (1, 100, 10_000, 1_000_000)
_DTYPES = ("float16", "float32", "float64")
_INPUTS = {
    (dtype, n): np.random.default_rng(0).normal(scale=3, size=n).astype(dtype) for dtype in _DTYPES for n in _SIZES
}


class Activation:
    """One call with `out=`."""

    params = (tuple(_SUBJECTS), _DTYPES, _SIZES, ("fastact", "numpy"))
    param_names = ("function", "dtype", "n", "implementation")

    def setup(self, name: str, dtype: str, n: int, implementation: str) -> None:
        subject = _SUBJECTS[name]
        self.x = _INPUTS[dtype, n]
        self.out = np.empty_like(self.x)
        self.call: Any = subject.numpy if implementation == "numpy" else lambda x, out: subject.ours(x, out=out)

    def time_call(self, name: str, dtype: str, n: int, implementation: str) -> None:
        self.call(self.x, self.out)


class RelativeToNumpy:
    """Time divided by NumPy's, the two taking turns in one process, so that a noisy machine cancels out."""

    params = (tuple(_SUBJECTS), ("float32", "float64"), (10_000, 1_000_000))
    param_names = ("function", "dtype", "n")

    def track_time_relative_to_numpy(self, name: str, dtype: str, n: int) -> float:
        subject, x = _SUBJECTS[name], _INPUTS[dtype, n]
        ours, theirs = np.empty_like(x), np.empty_like(x)
        ratios = []
        for _ in range(60):
            start = time.perf_counter()
            subject.ours(x, out=ours)
            middle = time.perf_counter()
            subject.numpy(x, theirs)
            ratios.append((middle - start) / (time.perf_counter() - middle))
        return statistics.median(ratios)

    track_time_relative_to_numpy.unit = "time / NumPy's time"  # type: ignore[attr-defined]


class AlternatingWithBlas:
    """A matrix product and an activation in turn: the idle threads of one must not be in the way of the other's."""

    def track_time_relative_to_each_alone(self) -> float:
        matrix, x = np.ones((500, 500), np.float32), _INPUTS["float32", 1_000_000]
        product, out = np.empty_like(matrix), np.empty_like(x)

        def multiply() -> None:
            np.matmul(matrix, matrix, out=product)

        def activate() -> None:
            fastact.sigmoid(x, out=out)

        def both() -> None:
            multiply()
            activate()

        alone = _median_time(multiply), _median_time(activate)
        return _median_time(both) / sum(alone)

    track_time_relative_to_each_alone.unit = "time / sum of both alone"  # type: ignore[attr-defined]


def _median_time(call: Any) -> float:
    time.sleep(0.3)  # until idle threads sleep
    times = []
    for _ in range(60):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class Start:
    """A new process, with the compiled code in the store: what `import numba` costs is to be subtracted."""

    def timeraw_import_numba(self) -> str:
        return "import numba"

    def timeraw_import(self) -> str:
        return "import fastact"

    def timeraw_import_and_first_call(self) -> str:
        return "import numpy, fastact; fastact.sigmoid(numpy.zeros(10))"

    def timeraw_import_and_first_threaded_call(self) -> str:
        return "import numpy, fastact; fastact.sigmoid(numpy.zeros(1_000_000))"

    def timeraw_import_and_first_call_compiled(self) -> str:
        return (
            "import os, tempfile\n"
            "with tempfile.TemporaryDirectory() as empty:\n"
            "    os.environ['NUMBA_CACHE_DIR'] = empty\n"
            "    import numpy, fastact\n"
            "    fastact.sigmoid(numpy.zeros(10))\n"
        )
