"""Fast, exact activation functions and a fused neuron for NumPy and Numba."""

from . import _sources  # isort: skip - before all that it reads
from . import (
    _requirements,  # noqa: F401 - before anything that needs them
    njit_neuron,  # noqa: F401 - what `neuron` is inside `@njit`
)
from .activations import leaky_relu, prelu, relu, sigmoid, tanh
from .configuration import show_config, warmup
from .neuron import neuron
from .threads import get_num_threads, set_num_threads
from .ufunc import activation

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

_sources.seal()
