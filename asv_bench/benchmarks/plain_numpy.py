"""The same work in plain NumPy, with as few temporaries as it can do it."""

from __future__ import annotations

import math
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


def elu(x: Any, alpha: Any = 1.0, out: Any = None) -> Any:
    """For factors from 0 to 1."""
    out = np.minimum(x, x.dtype.type(0), out=out)
    np.expm1(out, out=out)
    if np.any(alpha != 1):
        np.multiply(out, alpha, out=out)
    return np.maximum(x, out, out=out)


def hard_sigmoid(x: Any, out: Any = None) -> Any:
    out = np.add(x, 3, out=out)
    np.clip(out, 0, 6, out=out)
    return np.divide(out, 6, out=out)


def hard_silu(x: Any, out: Any = None) -> Any:
    out = hard_sigmoid(x, out)
    return np.multiply(x, out, out=out)


def silu(x: Any, out: Any = None) -> Any:
    divisor = np.negative(x)
    np.exp(divisor, out=divisor)
    np.add(divisor, 1, out=divisor)
    return np.divide(x, divisor, out=out)


_each_erfc = np.frompyfunc(math.erfc, 1, 1)


def gelu(x: Any, out: Any = None) -> Any:
    """By Python's error function: NumPy has none."""
    out = np.multiply(x, -math.sqrt(0.5), out=out)
    out[...] = _each_erfc(out)
    np.multiply(out, x, out=out)
    return np.divide(out, 2, out=out)


def gelu_tanh(x: Any, out: Any = None) -> Any:
    slope = np.sqrt(8 / (4 * np.arctan(x.dtype.type(1))))
    out = np.multiply(x, x, out=out)
    np.multiply(out, slope * 44715 / 1_000_000, out=out)
    np.add(out, slope, out=out)
    np.multiply(out, x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.divide(x, out, out=out)


def _log_of_1_plus_decay(x: Any, out: Any = None) -> Any:
    out = np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    return np.log1p(out, out=out)


def softplus(x: Any, out: Any = None) -> Any:
    out = _log_of_1_plus_decay(x, out)
    return np.add(out, np.maximum(x, x.dtype.type(0)), out=out)


def log_sigmoid(x: Any, out: Any = None) -> Any:
    out = _log_of_1_plus_decay(x, out)
    return np.subtract(np.minimum(x, x.dtype.type(0)), out, out=out)


def logit(x: Any, out: Any = None) -> Any:
    out = np.subtract(1, x, out=out)
    np.divide(x, out, out=out)
    return np.log(out, out=out)


def mish(x: Any, out: Any = None) -> Any:
    out = softplus(x, out)
    np.tanh(out, out=out)
    return np.multiply(x, out, out=out)


def softmax(x: Any, axis: int = -1) -> Any:
    out = x - x.max(axis, keepdims=True)
    np.exp(out, out=out)
    return np.divide(out, out.sum(axis, keepdims=True), out=out)


def log_softmax(x: Any, axis: int = -1) -> Any:
    out = x - x.max(axis, keepdims=True)
    return np.subtract(out, np.log(np.exp(out).sum(axis, keepdims=True)), out=out)


def logsumexp(x: Any, axis: int = -1) -> Any:
    largest = x.max(axis, keepdims=True)
    out = x - largest
    return np.log(np.exp(out, out=out).sum(axis)) + largest.squeeze(axis)


def neuron(x: Any, w: Any, b: Any, activation: Callable[..., Any], out: Any = None) -> Any:
    if out is None:
        return activation(np.dot(x, w) + b)
    np.matmul(x, w, out=out)
    np.add(out, b, out=out)
    return activation(out, out=out)
