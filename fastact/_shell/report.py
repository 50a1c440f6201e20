"""The main job of `python -m fastact`: a neuron on real numbers, then time and error on this machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .._runtime import registry
from .._runtime.neuron import neuron
from .._runtime.threads import get_num_threads
from . import measure, subjects
from .measure import Measurement

INPUTS = np.array([0.9, -1.4, 2.1, 0.3, -0.7])
WEIGHTS = np.array([1.2, 0.8, 0.5, -1.1, -1.6])
BIASES = np.array([0.4, -0.5, 0.6, 0.75, -0.4])

_IN_CACHE, _LARGE = 10_000, 1_000_000
_NEURON_ROWS = 10_000


def lines() -> Iterator[str]:
    """The simulation and the table."""
    yield from _simulation()
    yield from _table()


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


def _simulated(name: str, each: npt.NDArray[Any], together: float) -> str:
    return f"{name:12}" + "".join(f"{number:10.6f}" for number in (*each, together))


def _table() -> Iterator[str]:
    threads = get_num_threads()
    yield "Time against plain NumPy in ns per element, out= given on both sides;"
    yield f"{_IN_CACHE:,} elements run on 1 thread, {_LARGE:,} on up to {threads}."
    yield f"Error: the largest found in {subjects.SAMPLES:,} samples, in ULP."
    yield ""
    yield f"{'':20}{f'{_IN_CACHE:,} elements':^22}{f'{_LARGE:,} elements':^22}{'error':>12}"
    yield f"{'function':13}{'type':7}" + f"{'NumPy':>7}{'fastact':>8}{'':>7}" * 2 + f"{'NumPy':>8}{'fastact':>8}"
    measured = measure.compare(list(registry.of_x_alone()), measure.TYPES, (_IN_CACHE, _LARGE))
    for in_cache, large in zip(measured, measured, strict=True):  # that come in turns
        times = "".join(f"{each.numpy_ns:7.2f}{each.fastact_ns:8.2f}{each.ratio:6.1f}x" for each in (in_cache, large))
        yield f"{large.function:13}{large.dtype:7}{times}{_errors(large)}"
    yield ""
    yield f"Neuron: {_NEURON_ROWS:,} rows of {subjects.ROW} inputs, sigmoid, us per call, up to {threads} threads"
    yield ""
    yield f"{'':20}{'time':^22}{'':22}{'error':>12}"
    yield f"{'':13}{'type':7}{'NumPy':>7}{'fastact':>8}{'':7}{'':22}{'NumPy':>8}{'fastact':>8}"
    for each in measure.compare([subjects.NEURON], measure.TYPES[1:], [_NEURON_ROWS * subjects.ROW]):
        theirs, ours = each.numpy_ns * each.elements / 1e3, each.fastact_ns * each.elements / 1e3
        yield f"{'neuron':13}{each.dtype:7}{theirs:7.0f}{ours:8.0f}{each.ratio:6.1f}x{'':22}{_errors(each)}"


def chosen_lines(measured: Iterable[Measurement]) -> Iterator[str]:
    """A table of what a user chose, a line for each measurement."""
    threads = get_num_threads()
    limit = "1 thread" if threads == 1 else f"up to {threads} threads"
    yield f"Time against plain NumPy in ns per element, out= given, {limit};"
    yield f"error in ULP. neuron, softmax, log_softmax, logsumexp: rows of {subjects.ROW} numbers."
    yield ""
    yield f"{'function':13}{'type':8}{'elements':>14}{'NumPy':>10}{'fastact':>10}{'':9}{'NumPy':>8}{'fastact':>8}"
    for each in measured:
        times = f"{each.numpy_ns:10.3f}{each.fastact_ns:10.3f}{each.ratio:8.1f}x"
        yield f"{each.function:13}{each.dtype:8}{each.elements:14,}{times}{_errors(each)}"


def _errors(measured: Measurement) -> str:
    found = (measured.numpy_ulp, measured.fastact_ulp)
    return "".join(f"{f'{ulp:.2f}' if ulp < 1000 else f'{ulp:.0e}':>8}" for ulp in found)
