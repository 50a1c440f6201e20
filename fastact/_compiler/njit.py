"""Our functions inside `@njit`: importing this makes them known to Numba."""

from __future__ import annotations

from typing import Any

from numba.core import errors
from numba.extending import overload

from .._kernels.bits import STRICT
from .._runtime import ufunc
from .._runtime.activations import NAME_OF_THE_SLOPE, leaky_relu, prelu
from . import neuron_overload, overloads  # noqa: F401 - `neuron` is overloaded by the import


@overload(leaky_relu, jit_options=STRICT, strict=False)
def _leaky_relu_compiled(x: Any, alpha: Any = 0.01, out: Any = None, negative_slope: Any = None) -> Any:
    if negative_slope is not None:
        raise errors.TypingError(NAME_OF_THE_SLOPE)
    return lambda x, alpha=0.01, out=None: prelu(x, alpha, out)


overloads.can_be_passed(leaky_relu)

ufunc.when_made.append(overloads.register)
for _activation in list(ufunc.activations.values()):
    overloads.register(_activation)
