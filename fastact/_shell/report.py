"""The main job of `python -m fastact`: a neuron on real numbers, then time and error on this machine."""

from __future__ import annotations

import decimal
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from .._runtime import registry
from .._runtime.neuron import neuron
from .._runtime.registry import Row
from .._runtime.threads import get_num_threads
from . import decimals, errors

Array = npt.NDArray[Any]

INPUTS = np.array([0.9, -1.4, 2.1, 0.3, -0.7])
WEIGHTS = np.array([1.2, 0.8, 0.5, -1.1, -1.6])
BIASES = np.array([0.4, -0.5, 0.6, 0.75, -0.4])

_IN_CACHE, _LARGE = 10_000, 1_000_000
_ROWS, _INPUTS_EACH = 10_000, 64
_SAMPLES = 1_500
_SECONDS = 0.1  # of calls for each comparison


def run(stream: TextIO | None = None) -> None:
    """Print the simulation and the table."""
    stream = stream or sys.stdout
    for line in _simulation():
        print(line, file=stream)
    for line in _table():
        print(line, file=stream, flush=True)


def _simulation() -> Iterator[str]:
    sums = INPUTS * WEIGHTS + BIASES
    bias = float(BIASES[0])
    rows = [row for row in registry.of_x_alone().values() if row.domain == (-math.inf, math.inf)]
    yield "Five inputs, each with its weight and bias; and one neuron on all five,"
    yield f"with the bias {bias}"
    yield ""
    for name, numbers in (("input", INPUTS), ("weight", WEIGHTS), ("bias", BIASES)):
        yield f"{name:12}" + "".join(f"{number:10.3f}" for number in numbers)
    yield _simulated("sum", sums, INPUTS @ WEIGHTS + bias)
    for row in rows:
        yield _simulated(row.name, row.face(sums), neuron(INPUTS, WEIGHTS, bias, row.name))
    yield ""


def _simulated(name: str, each: Array, together: float) -> str:
    return f"{name:12}" + "".join(f"{number:10.6f}" for number in (*each, together))


def _table() -> Iterator[str]:
    threads = get_num_threads()
    yield "Time against plain NumPy in ns per element, out= given on both sides;"
    yield f"{_IN_CACHE:,} elements run on 1 thread, {_LARGE:,} on up to {threads}."
    yield f"Error: the largest found in {_SAMPLES:,} samples, in ULP."
    yield ""
    yield f"{'':20}{f'{_IN_CACHE:,} elements':^22}{f'{_LARGE:,} elements':^22}{'error':>12}"
    yield f"{'function':13}{'type':7}" + f"{'NumPy':>7}{'fastact':>8}{'':>7}" * 2 + f"{'NumPy':>8}{'fastact':>8}"
    for row in registry.of_x_alone().values():
        for dtype in (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)):
            cells = [_compare(*_calls(row, dtype, n)) for n in (_IN_CACHE, _LARGE)]
            yield _line(row.name, str(dtype), cells, (_IN_CACHE, _LARGE), _errors(row, dtype))
    yield ""
    yield f"Neuron: {_ROWS:,} rows of {_INPUTS_EACH} inputs, sigmoid, us per call, up to {threads} threads"
    yield ""
    yield f"{'':20}{'time':^22}{'':22}{'error':>12}"
    yield f"{'':13}{'type':7}{'NumPy':>7}{'fastact':>8}{'':7}{'':22}{'NumPy':>8}{'fastact':>8}"
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        yield _neuron_row(dtype)


def _line(
    name: str, dtype: str, cells: list[tuple[float, float]], sizes: tuple[int, ...], found: tuple[float, float]
) -> str:
    text = f"{name:13}{dtype:7}"
    for (theirs, ours), n in zip(cells, sizes, strict=True):
        text += f"{theirs / n * 1e9:7.2f}{ours / n * 1e9:8.2f}{theirs / ours:6.1f}x"
    return text + f"{_ulp(found[0]):>8}{_ulp(found[1]):>8}"


def _ulp(error: float) -> str:
    return f"{error:.2f}" if error < 1000 else f"{error:.0e}"


def _calls(row: Row, dtype: np.dtype[Any], n: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    x = errors.within(row, np.random.default_rng(0).normal(scale=3, size=n)).astype(dtype)
    ours, theirs = np.empty_like(x), np.empty_like(x)
    others = [dtype.type(default) for default in row.defaults]
    return lambda: row.numpy(x, *others, theirs), lambda: row.face(x, out=ours)


def _compare(
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


def _errors(row: Row, dtype: np.dtype[Any]) -> tuple[float, float]:
    x = errors.samples(row, dtype, _SAMPLES)
    others = [dtype.type(default) for default in row.defaults]
    with np.errstate(all="ignore"):
        theirs = row.numpy(x, *others, np.empty_like(x))
    with decimals.digits():
        exact = [errors.exact(row, value, *others) for value in x]
        return errors.largest(theirs, exact), errors.largest(row.face(x), exact)


def _neuron_row(dtype: np.dtype[Any]) -> str:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(_ROWS, _INPUTS_EACH)).astype(dtype)
    w = (generator.normal(size=_INPUTS_EACH) / math.sqrt(_INPUTS_EACH)).astype(dtype)
    bias, sigmoid = dtype.type(0.1), registry.rows["sigmoid"]
    theirs, ours = np.empty(_ROWS, dtype), np.empty(_ROWS, dtype)

    def plain() -> Array:
        np.matmul(x, w, out=theirs)
        np.add(theirs, bias, out=theirs)
        result: Array = sigmoid.numpy(theirs, theirs)
        return result

    # In a pause the idle threads of NumPy's product stop spinning, which would stand in the way of ours.
    times = _compare(plain, lambda: neuron(x, w, bias, "sigmoid", out=ours), turn=0.02, pause=0.2)
    count = _SAMPLES // 10
    with decimals.digits():
        exact = []
        for row in x[:count]:
            products = (decimal.Decimal(float(a)) * decimal.Decimal(float(b)) for a, b in zip(row, w, strict=True))
            exact.append(sigmoid.definition(decimals, sum(products, decimal.Decimal(float(bias)))))
        found = errors.largest(theirs[:count], exact), errors.largest(ours[:count], exact)
    return (
        f"{'neuron':13}{dtype!s:7}{times[0] * 1e6:7.0f}{times[1] * 1e6:8.0f}{times[0] / times[1]:6.1f}x"
        f"{'':22}{_ulp(found[0]):>8}{_ulp(found[1]):>8}"
    )
