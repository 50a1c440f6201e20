from collections.abc import Callable
from typing import Any, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

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

__version__: str

sigmoid: np.ufunc
tanh: np.ufunc
relu: np.ufunc
prelu: np.ufunc

def leaky_relu(x: npt.ArrayLike, /, alpha: npt.ArrayLike = 0.01, out: Any = None, **ufunc_kwargs: Any) -> Any: ...
def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    activation: str | Callable[..., Any] | None = "sigmoid",
    alpha: npt.ArrayLike = 0.01,
    out: npt.NDArray[Any] | tuple[npt.NDArray[Any]] | None = None,
) -> Any: ...
@overload
def activation(function: Callable[..., Any], /) -> np.ufunc: ...
@overload
def activation(*, integers: bool = False, memory_bound: bool = False) -> Callable[[Callable[..., Any]], np.ufunc]: ...
def set_num_threads(n: SupportsIndex) -> None: ...
def get_num_threads() -> int: ...
def warmup() -> None: ...
def show_config() -> None: ...
