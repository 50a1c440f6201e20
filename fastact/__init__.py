"""Fast, exact activation functions and a fused neuron for NumPy and Numba."""

from ._runtime import sources  # isort: skip - before all that it reads
from ._runtime import door
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
door.let_numba_know()
