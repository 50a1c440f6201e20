"""What is right: the activations in a higher precision than the one tested, and the error in ULP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

import fastact

Array = npt.NDArray[Any]

mpmath.mp.dps = 50

#: The four activations as functions of one input, by name.
ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": fastact.sigmoid,
    "tanh": fastact.tanh,
    "relu": fastact.relu,
    "leaky_relu": fastact.leaky_relu,
}

#: The largest error that each docstring admits for float32 and float64, in ULP.
BOUNDS = {"sigmoid": 1.2, "tanh": 1.5, "relu": 0.0, "leaky_relu": 0.5}


def in_float64(name: str, x: Array) -> Array:
    """The activation of float32 or float16 numbers, right to at least 1e-15 of itself."""
    z = x.astype(np.float64)
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            return np.where(z < 0, np.exp(z) / (1 + np.exp(z)), 1 / (1 + np.exp(-z)))
        if name == "tanh":
            return np.tanh(z)
        if name == "relu":
            return np.maximum(z, 0)
        return np.where(z > 0, z, z * np.float64(x.dtype.type(0.01)))


def exact(name: str, x: float) -> Any:
    """The activation of one float64 number at 50 digits."""
    z = mpmath.mpf(x)
    if name == "sigmoid":
        return 1 / (1 + mpmath.exp(-z))
    if name == "tanh":
        return mpmath.tanh(z)
    if name == "relu":
        return max(z, mpmath.mpf(0))
    return z if z > 0 else z * mpmath.mpf(0.01)


def ulps(values: Array, right: Array) -> Array:
    """How far values are from right ones of a wider type, in units of the last place of the right one rounded."""
    with np.errstate(all="ignore"):
        place = np.spacing(np.abs(right.astype(values.dtype))).astype(np.float64)
        error = np.abs(values.astype(np.float64) - right) / place
    same = (values == right.astype(values.dtype)) | (np.isnan(values) & np.isnan(right))
    return np.where(same & ~np.isfinite(error), 0.0, error)


def patterns(dtype: Any, step: int = 1) -> Array:
    """Every `step`-th bit pattern of float16 or float32."""
    bits = {2: np.uint16, 4: np.uint32}[np.dtype(dtype).itemsize]
    return np.arange(0, 2 ** (8 * np.dtype(dtype).itemsize), step, dtype=np.uint64).astype(bits).view(dtype)


def hard_float64(random: int = 2_000) -> Array:
    """Zero and its surroundings, every power of two and its neighbours, where exp's reduction and the functions
    change course, saturation, the subnormal range of sigmoid, and random numbers.
    """
    powers = 2.0 ** np.arange(-1074, 11)
    around = np.concatenate([powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf)])
    steps = np.log(2) * np.arange(0, 1080, 0.5)
    turns = np.concatenate([steps, np.nextafter(steps, 0), np.nextafter(steps, np.inf)])
    marks = np.array([18.7, 19.06, 22.0, 25.0, 36.0, 36.7, 37.4, 50.0, 100.0, 373.0, 700.0, 708.4, 709.8, 745.1, 745.2])
    low = np.linspace(708.0, 746.0, 400)
    generator = np.random.default_rng(0)
    spread = np.concatenate([generator.normal(scale=s, size=random // 4) for s in (0.01, 1.0, 5.0, 200.0)])
    x = np.concatenate([around, turns, marks, low, np.abs(spread)])
    return np.concatenate([x, -x])
