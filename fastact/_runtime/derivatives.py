"""The derivatives of the activations with respect to x: a definition for each, by the name of the activation.

They are made when `fastact.derivative` is asked for them.
"""

from __future__ import annotations

from typing import Any

from . import registry
from .registry import Ulp, derivative


@derivative(ulp=Ulp(float16=0.51, float32=1.5, float64=1.5, unfused=3))
def sigmoid(m: Any, x: Any) -> Any:
    """``exp(-x) / (1 + exp(-x))**2``."""
    decay = m.exp(-abs(x))
    return decay / (1 + decay) ** 2


@derivative(ulp=Ulp(float16=0.51, float32=1.5, float64=1.5, unfused=3))
def tanh(m: Any, x: Any) -> Any:
    """``1 - tanh(x)**2``."""
    return 4 * sigmoid(m, 2 * x)


_EXACT = Ulp(float16=0, float32=0, float64=0, unfused=0)


@derivative(ulp=_EXACT, memory_bound=True)
def relu(m: Any, x: Any) -> Any:
    """1 where `x` is positive, else 0, at 0 too."""
    return m.where(x > 0, 1, 0)


@derivative(ulp=_EXACT, memory_bound=True)
def prelu(m: Any, x: Any, alpha: Any) -> Any:
    """1 where `x` is positive, else `alpha`, at 0 too."""
    return m.where(x > 0, 1, alpha)


@derivative(kernel="prelu_derivative", ulp=_EXACT, memory_bound=True)
def leaky_relu(m: Any, x: Any, alpha: Any = 0.01) -> Any:
    """1 where `x` is positive, else `alpha`, at 0 too."""
    return m.where(x > 0, 1, alpha)


@derivative(ulp=Ulp(float16=0.51, float32=2, float64=2, unfused=2.5))
def elu(m: Any, x: Any, alpha: Any = 1.0) -> Any:
    """1 where `x` is positive, else ``alpha * exp(x)``, at 0 too."""
    return m.where(x > 0, 1, alpha * m.exp(m.where(x > 0, 0, x)))


@derivative(ulp=Ulp(float16=0.51, float32=0.5, float64=0.5, unfused=0.5), memory_bound=True)
def hard_sigmoid(m: Any, x: Any) -> Any:
    """1 / 6 between -3 and 3, else 0, at these two too."""
    return m.where(abs(x) < 3, 1 + 0 * x, 0 * x) / 6


@derivative(ulp=Ulp(float16=0.51, float32=1.5, float64=1.5, unfused=2), memory_bound=True, crossing=-1.5)
def hard_silu(m: Any, x: Any) -> Any:
    """``(2 * x + 3) / 6`` between -3 and 3, 0 below, 1 above."""
    return m.where(x <= -3, 0, m.where(x >= 3, 1, (2 * x + 3) / 6))


def _gate(m: Any, x: Any, z: Any, slope: Any) -> Any:
    """Of x sigmoid(z), where z has this slope."""
    decay = m.exp(-abs(z))
    bell = abs(x) * slope * decay / (1 + decay) ** 2
    return m.where(x < 0, decay / (1 + decay) - bell, 1 / (1 + decay) + bell)


@derivative(ulp=Ulp(float16=0.51, float32=1.7, float64=1.7, unfused=4), crossing=-1.278464542761074)
def silu(m: Any, x: Any) -> Any:
    """``s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    return _gate(m, x, x, 1)


@derivative(ulp=Ulp(float16=0.51, float32=3, float64=3, unfused=5), crossing=-0.7517915246935645)
def gelu(m: Any, x: Any) -> Any:
    """``Phi(x) + x * exp(-x**2 / 2) / sqrt(2 * pi)`` with the normal distribution function ``Phi``."""
    return m.erfc(-x / m.sqrt(2)) / 2 + x * m.exp(-x * x / 2) / m.sqrt(2 * m.pi)


@derivative(ulp=Ulp(float16=0.51, float32=2, float64=2, unfused=4), crossing=-0.7524614220710162)
def gelu_tanh(m: Any, x: Any) -> Any:
    """``s * (1 + x * (1 - s) * z')`` with ``s = sigmoid(z)`` and ``z = sqrt(8 / pi) * (x + 0.044715 * x**3)``."""
    scale = m.sqrt(8 / m.pi)
    z = scale * (x + 44715 * x**3 / 1000000)
    return _gate(m, x, z, scale * (1 + 3 * 44715 * x**2 / 1000000))


@derivative(kernel="sigmoid", ulp=registry.rows["sigmoid"].ulp)
def softplus(m: Any, x: Any) -> Any:
    """`sigmoid`."""
    return 1 / (1 + m.exp(-x))


@derivative(ulp=registry.rows["sigmoid"].ulp)
def log_sigmoid(m: Any, x: Any) -> Any:
    """`sigmoid` of ``-x``."""
    return 1 / (1 + m.exp(x))


@derivative(ulp=Ulp(float16=0.51, float32=1, float64=1, unfused=3))
def logit(m: Any, x: Any) -> Any:
    """``1 / (x * (1 - x))``."""
    return 1 / (x * (1 - x))


@derivative(ulp=Ulp(float16=0.51, float32=3, float64=3, unfused=6), crossing=-1.1924)
def mish(m: Any, x: Any) -> Any:
    """``t + x * (1 - t**2) * sigmoid(x)`` with ``t = tanh(softplus(x))``."""
    t = m.tanh(m.where(x > 0, x, 0) + m.log1p(m.exp(-abs(x))))
    return t + x * (1 - t * t) / (1 + m.exp(-x))


def __getattr__(name: str) -> Any:
    """The derivative by its own name, by which it is pickled."""
    if name.endswith("_derivative") and name.removesuffix("_derivative") in registry.derivatives:
        return registry.derivatives[name.removesuffix("_derivative")]().face
    raise AttributeError(name)
