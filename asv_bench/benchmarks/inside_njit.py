"""The functions inside other people's `@njit` code, against what they would write by hand."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

import fastact

from . import activations
from .activations import KINDS, OTHERS, case, inputs, takes_slope

IMPLEMENTATIONS = ("fastact", "by hand")
BY_HAND: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": lambda x: math.tanh(x),
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "prelu": lambda x, slope: x if x > 0 else slope * x,
}
_ROWS = 64


def function(name: str, implementation: str) -> Callable[..., Any]:
    if implementation == "by hand":
        if name not in BY_HAND:
            raise NotImplementedError(name)
        return njit(cache=True)(BY_HAND[name])  # type: ignore[no-any-return]
    return activations.function(name, implementation)


@functools.cache
def scalar_loop(name: str, implementation: str) -> Callable[..., None]:
    """`loop(x, out, times)` with a call for each number."""
    f = function(name, implementation)
    if takes_slope(name):

        @njit(cache=True)
        def loop_of_two(x, out, times):  # type: ignore[no-untyped-def]
            for _ in range(times):
                for i in range(x.size):
                    out[i] = f(x[i], 0.25)

        return loop_of_two  # type: ignore[no-any-return]

    @njit(cache=True)
    def loop(x, out, times):  # type: ignore[no-untyped-def]
        for _ in range(times):
            for i in range(x.size):
                out[i] = f(x[i])

    return loop  # type: ignore[no-any-return]


@functools.cache
def array_loop(name: str) -> Callable[..., None]:
    """`loop(x, out, times)` with a call for a row at a time."""
    f = function(name, "fastact")
    if takes_slope(name):

        @njit(cache=True)
        def loop_of_two(x, out, times):  # type: ignore[no-untyped-def]
            for i in range(times):
                f(x[i % _ROWS], 0.25, out[i % _ROWS])

        return loop_of_two  # type: ignore[no-any-return]

    @njit(cache=True)
    def loop(x, out, times):  # type: ignore[no-untyped-def]
        for i in range(times):
            f(x[i % _ROWS], out[i % _ROWS])

    return loop  # type: ignore[no-any-return]


@functools.cache
def neuron_loop(implementation: str, name: Any) -> Callable[..., None]:
    """`loop(x, w, b, out, times)` with a neuron for each row."""
    if implementation == "by hand":
        activation = function(name, implementation)

        @njit(cache=True)
        def by_hand(x, w, b, out, times):  # type: ignore[no-untyped-def]
            for _ in range(times):
                for i in range(x.shape[0]):
                    total = b
                    for p in range(w.size):
                        total += x[i, p] * w[p]
                    out[i] = activation(total)

        return by_hand  # type: ignore[no-any-return]

    @njit(cache=True)
    def loop(x, w, b, out, times):  # type: ignore[no-untyped-def]
        for _ in range(times):
            for i in range(x.shape[0]):
                out[i] = fastact.neuron(x[i], w, b, name)

    return loop  # type: ignore[no-any-return]


class Scalars:
    """A call for each number of an array."""

    params = (KINDS, ("float32", "float64"), (100, 10_000), IMPLEMENTATIONS)
    param_names = ("function", "dtype", "n", "implementation")

    def setup(self, name: str, dtype: str, n: int, implementation: str) -> None:
        self.loop = scalar_loop(name, implementation)
        self.x = inputs(dtype, (n,))
        self.out = np.empty_like(self.x)
        self.loop(self.x, self.out, 1)

    def time_million_elements(self, name: str, dtype: str, n: int, implementation: str) -> None:
        self.loop(self.x, self.out, 1_000_000 // n)


class OtherScalars:
    """A call for each number of an array of 10,000, of the kernels that `Scalars` leaves out."""

    params = (OTHERS, ("float32", "float64"))
    param_names = ("function", "dtype")

    def setup(self, name: str, dtype: str) -> None:
        self.loop = scalar_loop(name, "fastact")
        ((self.x,), keywords) = case(name, dtype, "contiguous", 10_000)
        self.out = keywords["out"]
        self.loop(self.x, self.out, 1)

    def time_million_elements(self, name: str, dtype: str) -> None:
        self.loop(self.x, self.out, 100)


class Arrays:
    """A call for each row of so many numbers."""

    params = (KINDS, ("float32", "float64"), (1, 10, 1000))
    param_names = ("function", "dtype", "n")

    def setup(self, name: str, dtype: str, n: int) -> None:
        self.loop = array_loop(name)
        self.x = inputs(dtype, (_ROWS, n))
        self.out = np.empty_like(self.x)
        self.loop(self.x, self.out, 1)

    def time_calls(self, name: str, dtype: str, n: int) -> None:
        """100,000 calls, of a thousand elements 1,000."""
        self.loop(self.x, self.out, 1000 if n == 1000 else 100_000)


class Neurons:
    """A neuron for each of 1000 rows, ten times."""

    params = (("sigmoid", "relu"), ("float32", "float64"), (5, 64), IMPLEMENTATIONS)
    param_names = ("activation", "dtype", "k", "implementation")

    def setup(self, name: str, dtype: str, k: int, implementation: str) -> None:
        self.loop = neuron_loop(implementation, name)
        self.x, self.w = inputs(dtype, (1000, k)), inputs(dtype, (k,))
        self.b, self.out = self.w[0], np.empty(1000, dtype)
        self.loop(self.x, self.w, self.b, self.out, 1)

    def time_ten_thousand_neurons(self, name: str, dtype: str, k: int, implementation: str) -> None:
        self.loop(self.x, self.w, self.b, self.out, 10)
