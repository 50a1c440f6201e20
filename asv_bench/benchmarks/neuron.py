"""Time of the neuron against plain NumPy."""

from __future__ import annotations

import numpy as np

import fastact

_SHAPES = {
    "(5) @ (5)": ((5,), (5,)),
    "(10000, 64) @ (64)": ((10_000, 64), (64,)),
    "(1024, 256) @ (256, 256)": ((1024, 256), (256, 256)),
    "(100000, 64) @ (64, 64)": ((100_000, 64), (64, 64)),
}


class Neuron:
    """One call with the sigmoid."""

    params = (tuple(_SHAPES), ("float32", "float64"), ("fastact", "numpy"))
    param_names = ("shapes", "dtype", "implementation")

    def setup(self, shapes: str, dtype: str, implementation: str) -> None:
        generator = np.random.default_rng(0)
        x_shape, w_shape = _SHAPES[shapes]
        self.x = generator.normal(size=x_shape).astype(dtype)
        self.weights = (generator.normal(size=w_shape) / np.sqrt(w_shape[0])).astype(dtype)
        fastact.neuron(self.x, self.weights)

    def time_call(self, shapes: str, dtype: str, implementation: str) -> None:
        if implementation == "numpy":
            1 / (1 + np.exp(-(self.x @ self.weights + 0.5)))
        else:
            fastact.neuron(self.x, self.weights, 0.5)
