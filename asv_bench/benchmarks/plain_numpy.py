"""The same work in plain NumPy, with as few temporaries as it can do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def sigmoid(x: Any, out: Any = None, where: Any = True) -> Any:
    if np.ndim(x) == 0:
        return 1 / (1 + np.exp(-x))
    out = np.negative(x, out=out, where=where)
    np.exp(out, out=out, where=where)
    np.add(out, 1, out=out, where=where)
    return np.divide(1, out, out=out, where=where)


def tanh(x: Any, out: Any = None, where: Any = True) -> Any:
    return np.tanh(x, out=out, where=where)


def relu(x: Any, out: Any = None, where: Any = True) -> Any:
    return np.maximum(x, x.dtype.type(0), out=out, where=where)


def prelu(x: Any, slopes: Any, out: Any = None, where: Any = True) -> Any:
    """For slopes from 0 to 1."""
    scaled = np.multiply(x, slopes, out=None if out is x else out, where=where)
    return np.maximum(x, scaled, out=scaled if out is None else out, where=where)


def leaky_relu(x: Any, alpha: Any = 0.01, out: Any = None, where: Any = True) -> Any:
    return prelu(x, x.dtype.type(alpha), out, where)


def silu(x: Any, out: Any = None) -> Any:
    divisor = np.negative(x)
    np.exp(divisor, out=divisor)
    np.add(divisor, 1, out=divisor)
    return np.divide(x, divisor, out=out)


def neuron(x: Any, w: Any, b: Any, activation: Callable[..., Any], out: Any = None) -> Any:
    if out is None:
        return activation(np.dot(x, w) + b)
    np.matmul(x, w, out=out)
    np.add(out, b, out=out)
    return activation(out, out=out)
