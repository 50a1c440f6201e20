"""Time and error beside plain NumPy, on this machine."""

from __future__ import annotations

import decimal
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._runtime import registry
from .._runtime.neuron import neuron
from . import decimals, errors

Array = npt.NDArray[Any]

TYPES = ("float16", "float32", "float64")
NEURON = "neuron"  # `sigmoid` of rows of so many inputs
INPUTS = 64

SAMPLES = 1_500
_SECONDS = 0.1  # of calls for each comparison


class Measurement(NamedTuple):
    """A function of numbers of a type, by plain NumPy and by fastact, with `out=` given on both sides."""

    function: str
    dtype: str
    size: int  #: that was asked for
    elements: int  #: that were computed: a neuron has whole rows
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
    for name in functions:
        for dtype in map(np.dtype, dtypes):
            found = _neuron_errors(dtype) if name == NEURON else _errors(name, dtype)
            for size in sizes:
                if name == NEURON:
                    elements = max(size // INPUTS, 1) * INPUTS
                    # In a pause the idle threads of NumPy's product stop spinning, which would stand in our way.
                    times = _times(*_neuron_calls(dtype, elements // INPUTS), turn=0.02, pause=0.2)
                else:
                    elements, times = size, _times(*_calls(name, dtype, size))
                numpy_ns, fastact_ns = (seconds / elements * 1e9 for seconds in times)
                yield Measurement(name, str(dtype), size, elements, numpy_ns, fastact_ns, *found)


def _times(
    theirs: Callable[[], Any], ours: Callable[[], Any], turn: float = 0.0, pause: float = 0.0
) -> tuple[float, float]:
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


def _calls(name: str, dtype: np.dtype[Any], elements: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    row = registry.rows[name]
    x = errors.within(row, np.random.default_rng(0).normal(scale=3, size=elements)).astype(dtype)
    ours, theirs = np.empty_like(x), np.empty_like(x)
    others = [dtype.type(default) for default in row.defaults]
    return lambda: row.numpy(x, *others, theirs), lambda: row.face(x, out=ours)


def _errors(name: str, dtype: np.dtype[Any]) -> tuple[float, float]:
    row = registry.rows[name]
    x = errors.samples(row, dtype, SAMPLES)
    others = [dtype.type(default) for default in row.defaults]
    with np.errstate(all="ignore"):
        theirs = row.numpy(x, *others, np.empty_like(x))
    with decimals.digits():
        exact = [errors.exact(row, value, *others) for value in x]
        return errors.largest(theirs, exact), errors.largest(row.face(x), exact)


def _neuron_operands(dtype: np.dtype[Any], rows: int) -> tuple[Array, Array, Any]:
    generator = np.random.default_rng(2)
    w = (generator.normal(size=INPUTS) / math.sqrt(INPUTS)).astype(dtype)
    return generator.normal(size=(rows, INPUTS)).astype(dtype), w, dtype.type(0.1)


def _plain_neuron(x: Array, w: Array, bias: Any, out: Array) -> Array:
    np.matmul(x, w, out=out)
    np.add(out, bias, out=out)
    result: Array = registry.rows["sigmoid"].numpy(out, out)
    return result


def _neuron_calls(dtype: np.dtype[Any], rows: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    x, w, bias = _neuron_operands(dtype, rows)
    theirs, ours = np.empty(rows, dtype), np.empty(rows, dtype)
    return lambda: _plain_neuron(x, w, bias, theirs), lambda: neuron(x, w, bias, "sigmoid", out=ours)


def _neuron_errors(dtype: np.dtype[Any]) -> tuple[float, float]:
    x, w, bias = _neuron_operands(dtype, SAMPLES // 10)
    with decimals.digits():
        exact = []
        for row in x:
            products = (decimal.Decimal(float(a)) * decimal.Decimal(float(b)) for a, b in zip(row, w, strict=True))
            total = sum(products, decimal.Decimal(float(bias)))
            exact.append(registry.rows["sigmoid"].definition(decimals, total))
        theirs = _plain_neuron(x, w, bias, np.empty(len(x), dtype))
        return errors.largest(theirs, exact), errors.largest(neuron(x, w, bias, "sigmoid"), exact)
