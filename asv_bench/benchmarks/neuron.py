"""The neuron called from Python, against plain NumPy."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from .activations import IMPLEMENTATIONS, function
from .timing import relative_time

# Calls a sample, shapes of x and of the weights.
CASES: dict[str, tuple[int, tuple[int, ...], tuple[int, ...]]] = {
    "10000 x (5) -> 1": (10_000, (5,), (5,)),
    "1000 x (1000, 64) -> 1": (1000, (1000, 64), (64,)),
    "(10000, 1000) -> 1": (1, (10_000, 1000), (1000,)),
    "(100000, 64) -> 1": (1, (100_000, 64), (64,)),
    "1000 x (1, 784) -> 128": (1000, (1, 784), (784, 128)),
    "10 x (1, 1000) -> 1000": (10, (1, 1000), (1000, 1000)),
    "100 x (256, 100) -> 10": (100, (256, 100), (100, 10)),
    "10 x (64, 784) -> 128": (10, (64, 784), (784, 128)),
    "10 x (3000, 48) -> 32": (10, (3000, 48), (48, 32)),
    "(1024, 256) -> 256": (1, (1024, 256), (256, 256)),
    "(512, 512) -> 2048": (1, (512, 512), (512, 2048)),
    "(4096, 1024) -> 1024": (1, (4096, 1024), (1024, 1024)),
    "(100000, 16) -> 8": (1, (100_000, 16), (16, 8)),
    "(100000, 64) -> 64": (1, (100_000, 64), (64, 64)),
}
LAYERS = {"float32 sigmoid": "float32", "float64 relu": "float64"}


def some(shape: tuple[int, ...], dtype: str, scale: float = 1) -> Any:
    """Numbers that are made sooner than random ones."""
    pattern = np.random.default_rng(0).normal(scale=scale, size=9973)
    return np.resize(pattern, shape).astype(dtype)


@functools.lru_cache(maxsize=2)
def layer(case: str, layer: str, implementation: str) -> Callable[[], Any]:
    """A call; into a given output where the result is an array."""
    _, x_shape, w_shape = CASES[case]
    dtype, activation = LAYERS[layer], layer.split()[1]
    x, w = some(x_shape, dtype), some(w_shape, dtype, w_shape[0] ** -0.5)
    b = some(w_shape[1:], dtype)[()]
    out = np.empty(x_shape[:-1] + w_shape[1:], dtype) if len(x_shape) > 1 else None
    neuron = function("neuron", implementation)
    named = activation if implementation == "fastact" else function(activation, implementation)
    return lambda: neuron(x, w, b, named, out=out)


class Neuron:
    """Calls."""

    params = (tuple(CASES), tuple(LAYERS), IMPLEMENTATIONS)
    param_names = ("shapes", "layer", "implementation")

    def setup(self, case: str, name: str, implementation: str) -> None:
        self.calls, self.call = CASES[case][0], layer(case, name, implementation)
        self.call()

    def time_calls(self, case: str, name: str, implementation: str) -> None:
        call = self.call
        for _ in itertools.repeat(None, self.calls):
            call()


class NeuronRelativeToNumpy:
    """Time divided by NumPy's, in turns in one process. It moves when NumPy does."""

    params = (tuple(CASES), tuple(LAYERS))
    param_names = ("shapes", "layer")

    def setup(self, case: str, name: str) -> None:
        self.ours, self.theirs = (layer(case, name, implementation) for implementation in IMPLEMENTATIONS)

    def track_time_relative_to_numpy(self, case: str, name: str) -> float:
        return relative_time(self.ours, self.theirs, rounds=13)

    track_time_relative_to_numpy.unit = "time / NumPy's time"  # type: ignore[attr-defined]


class NeuronMemory:
    """The most memory of a process that makes one call: operands and output are the same for both."""

    params = (("(100000, 64) -> 64", "(4096, 1024) -> 1024"), tuple(LAYERS), IMPLEMENTATIONS)
    param_names = ("shapes", "layer", "implementation")

    def setup(self, case: str, name: str, implementation: str) -> None:
        self.call = layer(case, name, implementation)

    def peakmem_call(self, case: str, name: str, implementation: str) -> None:
        self.call()
