"""Fast, exact activation functions and a fused neuron for NumPy and Numba."""

from ._runtime import sources  # isort: skip - before all that it reads
from ._compiler import (  # isort: skip - before anything that needs them
    requirements,  # noqa: F401
)
from ._compiler import njit_neuron  # noqa: F401 - what `neuron` is inside `@njit`
from ._runtime.activations import leaky_relu, prelu, relu, sigmoid, tanh
from ._runtime.configuration import show_config, warmup
from ._runtime.neuron import neuron
from ._runtime.threads import get_num_threads, set_num_threads
from ._runtime.ufunc import activation

__version__ = "0.1.0"

__all__ = [
    "activation",
    "get_num_threads",
    "leaky_relu",
    "neuron",
    "prelu",
    "relu",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "tanh",
    "warmup",
]

sources.seal()
