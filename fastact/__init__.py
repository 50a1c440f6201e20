"""Fast, exact activation functions and a fused neuron for NumPy and Numba."""

from .activations import leaky_relu, prelu, relu, sigmoid, tanh
from .threads import get_num_threads, set_num_threads
from .ufunc import activation

__all__ = ["activation", "get_num_threads", "leaky_relu", "prelu", "relu", "set_num_threads", "sigmoid", "tanh"]
