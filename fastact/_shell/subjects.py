"""What can be measured: the activations, the functions along an axis and the neuron, each beside plain NumPy."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from .._runtime import registry, softmax
from .._runtime.neuron import neuron
from . import decimals, errors

Array = npt.NDArray[Any]
Calls = tuple[Callable[[], Any], Callable[[], Any]]  #: by plain NumPy and by fastact

ROW = 64  #: numbers in each row of what works on rows
NEURON = "neuron"  # one with `sigmoid`

SAMPLES = 1_500
_SAMPLED_ROWS = SAMPLES // 10


class Subject(ABC):
    """A function that is measured."""

    turn = pause = 0.0  #: seconds that its calls take in turns, and the time before each turn

    def elements(self, size: int) -> int:
        """How many numbers are computed, of so many that are asked for."""
        return size

    @abstractmethod
    def calls(self, dtype: np.dtype[Any], elements: int) -> Calls:
        """Computations of so many numbers, with `out=` given."""

    @abstractmethod
    def errors(self, dtype: np.dtype[Any]) -> tuple[float, float]:
        """The largest error of NumPy's and of ours in some samples."""


class _Activation(Subject):
    def __init__(self, row: registry.Row) -> None:
        self._row = row

    def calls(self, dtype: np.dtype[Any], elements: int) -> Calls:
        row = self._row
        x = errors.within(row, np.random.default_rng(0).normal(scale=3, size=elements)).astype(dtype)
        ours, theirs = np.empty_like(x), np.empty_like(x)
        others = self._others(dtype)
        return lambda: row.numpy(x, *others, theirs), lambda: row.face(x, out=ours)

    def errors(self, dtype: np.dtype[Any]) -> tuple[float, float]:
        row = self._row
        x = errors.samples(row, dtype, SAMPLES)
        others = self._others(dtype)
        with np.errstate(all="ignore"):
            theirs = row.numpy(x, *others, np.empty_like(x))
        with decimals.digits():
            exact = [errors.exact(row, value, *others) for value in x]
            return errors.largest(theirs, exact), errors.largest(row.face(x), exact)

    def _others(self, dtype: np.dtype[Any]) -> list[Any]:
        return [dtype.type(default) for default in self._row.defaults]


class _OfRows(Subject):
    """What gives numbers for rows: `plain` and `ours` write them to `out`, `exact` has those of one row."""

    def __init__(
        self,
        plain: Callable[[Array, Array], Any],
        ours: Callable[..., Any],
        exact: Callable[[Array], list[Decimal]],
        *,
        reduces: bool,
    ) -> None:
        self._plain, self._ours, self._exact, self._reduces = plain, ours, exact, reduces

    def elements(self, size: int) -> int:
        return max(size // ROW, 1) * ROW

    def calls(self, dtype: np.dtype[Any], elements: int) -> Calls:
        x = _rows(dtype, elements // ROW)
        theirs, ours = self._results(x), self._results(x)
        return lambda: self._plain(x, theirs), lambda: self._ours(x, out=ours)

    def errors(self, dtype: np.dtype[Any]) -> tuple[float, float]:
        x = _rows(dtype, _SAMPLED_ROWS)
        theirs, ours = self._results(x), self._results(x)
        with np.errstate(all="ignore"):
            self._plain(x, theirs)
        self._ours(x, out=ours)
        with decimals.digits():
            exact = [number for row in x for number in self._exact(row)]
            return errors.largest(theirs.ravel(), exact), errors.largest(ours.ravel(), exact)

    def _results(self, x: Array) -> Array:
        return np.empty(x.shape[:1] if self._reduces else x.shape, x.dtype)


def _plain_softmax(x: Array, out: Array) -> None:
    np.subtract(x, x.max(axis=-1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(axis=-1, keepdims=True), out=out)


def _plain_log_softmax(x: Array, out: Array) -> None:
    np.subtract(x, x.max(axis=-1, keepdims=True), out=out)
    np.subtract(out, np.log(np.exp(out).sum(axis=-1, keepdims=True)), out=out)


def _plain_logsumexp(x: Array, out: Array) -> None:
    largest = x.max(axis=-1)
    np.log(np.exp(x - largest[:, np.newaxis]).sum(axis=-1), out=out)
    np.add(out, largest, out=out)


def _in_digits(row: Array) -> list[Decimal]:
    return [Decimal(float(number)) for number in row]


def _exact_softmax(row: Array) -> list[Decimal]:
    powers = [number.exp() for number in _in_digits(row)]
    total = sum(powers, Decimal(0))
    return [power / total for power in powers]


def _exact_logsumexp(row: Array) -> list[Decimal]:
    return [sum([number.exp() for number in _in_digits(row)], Decimal(0)).ln()]


def _exact_log_softmax(row: Array) -> list[Decimal]:
    (together,) = _exact_logsumexp(row)
    return [number - together for number in _in_digits(row)]


class _Neuron(_OfRows):
    # In a pause the idle threads of NumPy's product stop spinning, which would stand in our way.
    turn, pause = 0.02, 0.2


def _plain_neuron(x: Array, out: Array) -> None:
    w, bias = _weights(x.dtype)
    np.matmul(x, w, out=out)
    np.add(out, bias, out=out)
    registry.rows["sigmoid"].numpy(out, out)


def _neuron(x: Array, out: Array) -> None:
    w, bias = _weights(x.dtype)
    neuron(x, w, bias, "sigmoid", out=out)


def _exact_neuron(row: Array) -> list[Decimal]:
    w, bias = _weights(row.dtype)
    products = (number * weight for number, weight in zip(_in_digits(row), _in_digits(w), strict=True))
    return [registry.rows["sigmoid"].definition(decimals, sum(products, Decimal(float(bias))))]


def _rows(dtype: np.dtype[Any], count: int) -> Array:
    return np.random.default_rng(2).normal(size=(1 + count, ROW))[1:].astype(dtype)


@functools.cache
def _weights(dtype: np.dtype[Any]) -> tuple[Array, Any]:
    weights = np.random.default_rng(2).normal(size=ROW) / math.sqrt(ROW)  # of the row that `_rows` leaves out
    return weights.astype(dtype), dtype.type(0.1)


_ALONG_AXIS = {
    "softmax": (_plain_softmax, _exact_softmax),
    "log_softmax": (_plain_log_softmax, _exact_log_softmax),
    "logsumexp": (_plain_logsumexp, _exact_logsumexp),
}


def all_subjects() -> dict[str, Subject]:
    """By name; first those of one number."""
    subjects: dict[str, Subject] = {name: _Activation(row) for name, row in registry.of_x_alone().items()}
    for name, (plain, exact) in _ALONG_AXIS.items():
        subjects[name] = _OfRows(plain, softmax.faces[name], exact, reduces=name in softmax.REDUCTIONS)
    subjects[NEURON] = _Neuron(_plain_neuron, _neuron, _exact_neuron, reduces=True)
    return subjects
