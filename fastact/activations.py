"""The activations: one declaration each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from .kernels import scalar
from .kernels.bits import STRICT
from .ufunc import activation


@activation
def sigmoid(x):  # type: ignore[no-untyped-def]
    """Logistic sigmoid, 1 / (1 + exp(-x))."""
    return scalar.sigmoid(x)


@activation
def tanh(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent."""
    return scalar.tanh(x)


@activation(integers=True)
def relu(x):  # type: ignore[no-untyped-def]
    """Rectified linear unit, max(x, 0)."""
    return scalar.relu(x)


@activation
def prelu(x, alpha):  # type: ignore[no-untyped-def]
    """Parametric rectified linear unit."""
    return scalar.prelu(x, alpha)


def leaky_relu(x: npt.ArrayLike, /, alpha: npt.ArrayLike = 0.01, out: Any = None, **kwargs: Any) -> Any:
    """Leaky rectified linear unit."""
    return prelu(x, alpha, out=out, **kwargs)


@overload(leaky_relu, jit_options=STRICT, strict=False)
def _leaky_relu_compiled(x: Any, alpha: Any = 0.01, out: Any = None) -> Any:
    if isinstance(out, np.ndarray):
        pass
    return lambda x, alpha=0.01, out=None: prelu(x, alpha)
