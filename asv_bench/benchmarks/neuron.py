"""Time and memory of the neuron against plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fastact

#: Rows and inputs, and neurons: those of `asv_bench.neuron_peers`.
_SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "(5) -> 1": ((5,), (5,)),
    "(1000, 64) -> 1": ((1000, 64), (64,)),
    "(10000, 1000) -> 1": ((10_000, 1000), (1000,)),
    "(100000, 64) -> 1": ((100_000, 64), (64,)),
    "(1, 784) -> 128": ((1, 784), (784, 128)),
    "(256, 100) -> 10": ((256, 100), (100, 10)),
    "(64, 784) -> 128": ((64, 784), (784, 128)),
    "(3000, 48) -> 32": ((3000, 48), (48, 32)),
    "(1024, 256) -> 256": ((1024, 256), (256, 256)),
    "(512, 512) -> 2048": ((512, 512), (512, 2048)),
    "(4096, 1024) -> 1024": ((4096, 1024), (1024, 1024)),
    "(100000, 16) -> 8": ((100_000, 16), (16, 8)),
    "(100000, 64) -> 64": ((100_000, 64), (64, 64)),
}
_LAYERS = {"float32 sigmoid": np.float32, "float64 relu": np.float64}


def _layer(shapes: str, layer: str, implementation: str) -> Callable[[], Any]:
    """A call; into a given output where the result is an array."""
    x_shape, w_shape = _SHAPES[shapes]
    generator = np.random.default_rng(0)
    dtype, activation = _LAYERS[layer], layer.split()[1]
    x = generator.normal(size=x_shape).astype(dtype)
    w = (generator.normal(size=w_shape) / np.sqrt(w_shape[0])).astype(dtype)
    b = generator.normal(size=w_shape[1:]).astype(dtype)[()]
    out = np.empty(x_shape[:-1] + w_shape[1:], dtype) if len(x_shape) > 1 else None
    if implementation == "fastact":
        return lambda: fastact.neuron(x, w, b, activation, out=out)
    if activation == "sigmoid":
        return lambda: np.divide(1, 1 + np.exp(-(x @ w + b)), out=out)
    return lambda: np.maximum(x @ w + b, 0, out=out)


class Neuron:
    """One call."""

    params = (tuple(_SHAPES), tuple(_LAYERS), ("fastact", "numpy"))
    param_names = ("shapes", "layer", "implementation")

    def setup(self, shapes: str, layer: str, implementation: str) -> None:
        self.call = _layer(shapes, layer, implementation)
        self.call()

    def time_call(self, shapes: str, layer: str, implementation: str) -> None:
        self.call()


class NeuronMemory:
    """The most memory of a process that makes one call: operands and output are the same for both."""

    params = (("(100000, 64) -> 64", "(4096, 1024) -> 1024"), tuple(_LAYERS), ("fastact", "numpy"))
    param_names = ("shapes", "layer", "implementation")

    def setup(self, shapes: str, layer: str, implementation: str) -> None:
        self.call = _layer(shapes, layer, implementation)

    def peakmem_call(self, shapes: str, layer: str, implementation: str) -> None:
        self.call()
