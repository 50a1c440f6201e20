"""Fast, exact activation functions and a fused neuron for NumPy and Numba."""

from collections.abc import Callable
from typing import (
    Any,
    Literal,
    Protocol,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
    type_check_only,
)

import numpy as np
import numpy.typing as npt

__all__ = [
    "activation",
    "derivative",
    "elu",
    "gelu",
    "gelu_tanh",
    "get_flush_subnormals",
    "get_num_threads",
    "hard_sigmoid",
    "hard_silu",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logit",
    "logsumexp",
    "mish",
    "neuron",
    "prelu",
    "relu",
    "set_flush_subnormals",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    "warmup",
]

__version__: str

_Float = TypeVar("_Float", np.float16, np.float32, np.float64)
_Out = TypeVar("_Out", bound=npt.NDArray[Any])
_Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
_Name: TypeAlias = Literal[
    "elu",
    "gelu",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_silu",
    "leaky_relu",
    "log_sigmoid",
    "logit",
    "mish",
    "prelu",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
    "linear",
]

@type_check_only
class _Keywords(TypedDict, total=False):
    where: npt.ArrayLike
    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"] | None
    subok: bool

@type_check_only
class _OneInput(np.ufunc):  # type: ignore[misc]
    @overload
    def __call__(
        self,
        x: npt.ArrayLike,
        /,
        out: _Out | tuple[_Out],
        *,
        dtype: npt.DTypeLike | None = None,
        signature: str | tuple[npt.DTypeLike | None, ...] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: npt.NDArray[_Float],
        /,
        out: None = None,
        *,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> npt.NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        x: npt.ArrayLike,
        /,
        out: None = None,
        *,
        dtype: npt.DTypeLike | None = None,
        signature: str | tuple[npt.DTypeLike | None, ...] = ...,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _TwoInputs(np.ufunc):  # type: ignore[misc]
    @overload
    def __call__(
        self,
        x: npt.ArrayLike,
        alpha: npt.ArrayLike,
        /,
        out: _Out | tuple[_Out],
        *,
        dtype: npt.DTypeLike | None = None,
        signature: str | tuple[npt.DTypeLike | None, ...] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        x: npt.NDArray[_Float],
        alpha: np.float64,
        /,
        out: None = None,
        *,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> npt.NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        x: npt.NDArray[_Float],
        alpha: float | npt.NDArray[_Float],
        /,
        out: None = None,
        *,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> npt.NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        x: npt.ArrayLike,
        alpha: npt.ArrayLike,
        /,
        out: None = None,
        *,
        dtype: npt.DTypeLike | None = None,
        signature: str | tuple[npt.DTypeLike | None, ...] = ...,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _AlongAxis(Protocol):
    __name__: str
    @overload
    def __call__(self, x: npt.ArrayLike, axis: _Axis, out: _Out | tuple[_Out]) -> _Out: ...
    @overload
    def __call__(self, x: npt.ArrayLike, axis: _Axis = -1, *, out: _Out | tuple[_Out]) -> _Out: ...
    @overload
    def __call__(self, x: npt.NDArray[_Float], axis: _Axis = -1, out: None = None) -> npt.NDArray[_Float]: ...
    @overload
    def __call__(self, x: npt.ArrayLike, axis: _Axis = -1, out: None = None) -> Any: ...

@type_check_only
class _Parametric(Protocol):
    __name__: str
    @overload
    def __call__(
        self, x: npt.ArrayLike, /, alpha: npt.ArrayLike = ..., *, out: _Out | tuple[_Out], **ufunc_kwargs: Any
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: npt.ArrayLike, /, alpha: npt.ArrayLike, out: _Out | tuple[_Out], **ufunc_kwargs: Any
    ) -> _Out: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, x: npt.NDArray[_Float], /, alpha: np.float64, out: None = None
    ) -> npt.NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: npt.NDArray[_Float], /, alpha: float | npt.NDArray[_Float] = ..., out: None = None
    ) -> npt.NDArray[_Float]: ...
    @overload
    def __call__(
        self, x: npt.ArrayLike, /, alpha: npt.ArrayLike = ..., out: None = None, **ufunc_kwargs: Any
    ) -> Any: ...

elu: _Parametric
gelu: _OneInput
gelu_tanh: _OneInput
hard_sigmoid: _OneInput
hard_silu: _OneInput
leaky_relu: _Parametric
log_sigmoid: _OneInput
logit: _OneInput
mish: _OneInput
prelu: _TwoInputs
relu: _OneInput
sigmoid: _OneInput
silu: _OneInput
softplus: _OneInput
tanh: _OneInput

log_softmax: _AlongAxis
softmax: _AlongAxis

@overload
def logsumexp(x: npt.ArrayLike, axis: _Axis, out: _Out | tuple[_Out], keepdims: bool = False) -> _Out: ...
@overload
def logsumexp(x: npt.ArrayLike, axis: _Axis = -1, *, out: _Out | tuple[_Out], keepdims: bool = False) -> _Out: ...
@overload
def logsumexp(x: npt.ArrayLike, axis: _Axis = -1, out: None = None, keepdims: bool = False) -> Any: ...
@overload
def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    activation: _Name | Callable[..., Any] | None = "sigmoid",
    alpha: npt.ArrayLike = 0.01,
    *,
    out: _Out | tuple[_Out],
) -> _Out: ...
@overload
def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike,
    activation: _Name | Callable[..., Any] | None,
    alpha: npt.ArrayLike,
    out: _Out | tuple[_Out],
) -> _Out: ...
@overload
def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    activation: _Name | Callable[..., Any] | None = "sigmoid",
    alpha: npt.ArrayLike = 0.01,
    out: None = None,
) -> Any: ...
@overload
def activation(function: Callable[..., Any], /) -> np.ufunc: ...
@overload
def activation(
    *, integers: bool = False, memory_bound: bool = False, derivative: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], np.ufunc]: ...
@overload
def derivative(function: _OneInput, /) -> _OneInput: ...
@overload
def derivative(function: _TwoInputs, /) -> _TwoInputs: ...
@overload
def derivative(function: np.ufunc, /) -> np.ufunc: ...
@overload
def derivative(function: _Parametric, /) -> _Parametric: ...
def set_num_threads(n: SupportsIndex) -> None: ...
def get_num_threads() -> int: ...
def set_flush_subnormals(flush: bool) -> None: ...
def get_flush_subnormals() -> bool: ...
def warmup() -> None: ...
def show_config() -> None: ...
