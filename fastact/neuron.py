"""The fused neuron: `activation(x @ weights + bias)`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.core import errors
from numba.extending import overload
from numba.np import numpy_support

from . import fused
from .activations import leaky_relu, prelu, relu, sigmoid, tanh
from .kernels import dense
from .kernels.bits import STRICT, is_given, like
from .overloads import can_be_passed
from .ufunc import find

#: Activations by name; None is the identity.
ACTIVATIONS: dict[str, Any] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "linear": None,
}

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_FEW_PRODUCTS = 100_000  # at most so many are quicker on one thread


def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    activation: str | Callable[..., Any] | None = "sigmoid",
    alpha: float = 0.01,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """
    Weighted sum, bias and activation of one neuron or of a layer, ``activation(x @ weights + bias)``.

    Parameters
    ----------
    x : array_like, shape (k,) or (..., n, k)
        The inputs; a row for each sample.
    weights : array_like, shape (k,) or (k, m)
        The weights of one neuron or, a column for each, of m neurons.
    bias : array_like, shape () or (m,), optional
        Added to the weighted sums.
    activation : str, callable or None, optional
        ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"`` or ``"linear"``; one of this package's functions; a
        function of one input made by `fastact.activation`; or None, which is linear.
    alpha : float, optional
        The slope below zero, used by leaky_relu alone.
    out : ndarray, optional
        Where the result goes.

    Returns
    -------
    ndarray or scalar
        As from `numpy.matmul`: a scalar for ``(k) @ (k)``, ``(n,)`` for ``(n, k) @ (k)``, ``(m,)`` for
        ``(k) @ (k, m)``, ``(..., n, m)`` for ``(..., n, k) @ (k, m)``. float16 is computed in float32 and rounded at
        the end; other types promote as in NumPy.

    Raises
    ------
    ValueError
        If the shapes do not match, or the name of the activation is unknown.
    TypeError
        If an operand is no array of real numbers, if the activation is none of the above, or if the result can not be
        cast to the type of `out`.

    Notes
    -----
    The sum is BLAS's: its error is at most about ``k * eps`` times the sum of the absolute products, and the activation
    adds its own (see there).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> x = np.array([1.0, 2.0, 3.0, 2.5, 1.5])
    >>> w = np.array([0.2, 0.8, -0.5, 1.0, 0.4])
    >>> fastact.neuron(x, w, -1.0, "relu").round(6)
    np.float64(2.4)
    >>> fastact.neuron(np.ones((4, 5)), np.full((5, 2), 0.1), activation="tanh").shape
    (4, 2)
    """
    if _alike(x, weights, bias, out):
        return _neuron_alike(x, weights, bias, activation, alpha, out)  # the usual case, short of the questions below
    return _neuron(
        _real(x, "x"),
        _real(weights, "weights"),
        bias if isinstance(bias, (int, float)) else _real(bias, "bias"),  # a Python number takes the type of the arrays
        _unary(activation, alpha),
        out,
    )


def _alike(x: Any, weights: Any, bias: Any, out: Any) -> bool:
    """Whether all are of one float type that needs no promotion, and `out` is fit to work in."""
    if not (type(x) is type(weights) is np.ndarray and x.ndim and 1 <= weights.ndim <= 2):
        return False
    dtype = x.dtype
    if not ((dtype is _FLOAT32 or dtype is _FLOAT64) and weights.dtype is dtype):
        return False
    kind = type(bias)
    if kind is np.ndarray:
        if bias.dtype is not dtype or bias.shape not in ((), weights.shape[1:]):
            return False
    elif kind is not float and kind is not int and kind is not dtype.type:
        return False
    return out is None or (
        type(out) is np.ndarray
        and out.dtype is dtype
        and out.shape == x.shape[:-1] + weights.shape[1:]
        and not (kind is np.ndarray and np.may_share_memory(out, bias))
    )


def _neuron_alike(x: Any, weights: Any, bias: Any, activation: Any, alpha: Any, out: Any) -> Any:
    if x.ndim == weights.ndim == 1 and x.size == weights.size and out is None:
        function = _unary(activation, alpha)
        z = x.dot(weights) + bias  # for a few inputs the quickest, and the time is all in the calls
        return z if function is None else function(z)
    if weights.ndim == 1 < x.ndim and x.size <= _FEW_PRODUCTS and x.strides[-1] == x.itemsize:
        if weights.strides[0] != x.itemsize:
            weights = weights.copy()
        rows, takes_alpha = _rows_of(_chosen(activation))
        if takes_alpha:
            return rows(x, weights, bias, float(alpha), out=out)
        return rows(x, weights, bias, out=out)
    function = _unary(activation, alpha)
    z = np.matmul(x, weights, out=out)
    np.add(z, bias, out=z)
    return z if function is None else function(z, out=z)


@functools.cache
def _rows_of(chosen: Any) -> tuple[np.ufunc, bool]:
    """The generalised ufunc of an activation that `_chosen` gave, and whether it takes alpha."""
    takes_alpha = chosen is leaky_relu or chosen is prelu
    return fused.of_rows(None if chosen is None else find(prelu if takes_alpha else chosen)), takes_alpha


def _neuron(x: Any, weights: Any, bias: Any, function: Callable[..., Any] | None, out: Any) -> Any:
    _check_bias(np.shape(bias), weights)
    summed = np.result_type(x, weights, bias)
    resulting = summed if function is None else function(np.empty(0, summed)).dtype
    if np.result_type(x, weights) == np.float16:
        x, weights = x.astype(np.float32), weights.astype(np.float32)
    working = np.result_type(x, weights, bias)
    in_place = False
    if out is not None:
        _check_out(out, x, weights, resulting)
        in_place = out.dtype == working and not any(np.may_share_memory(out, o) for o in (x, weights, bias))
    z = np.matmul(x, weights, out=out if in_place else None, dtype=working)
    z = np.add(z, bias, out=out if in_place else None, dtype=working)
    if function is not None:
        z = function(z, out=out if in_place else None)
    if out is None:
        return z.astype(resulting, copy=False)
    if not in_place:
        np.copyto(out, z, casting="same_kind")
    return out


def _unary(activation: Any, alpha: Any) -> Callable[..., Any] | None:
    """The activation as a ufunc-like function of one input and `out`."""
    chosen = _chosen(activation)
    if chosen is leaky_relu or chosen is prelu:
        slope = float(alpha)
        return lambda z, out=None: prelu(z, slope, out=out)
    return chosen


def _chosen(activation: Any) -> Callable[..., Any] | None:
    """The activation that a name stands for or that is given as a function, or None for the linear one."""
    if isinstance(activation, str):
        try:
            return cast("Callable[..., Any] | None", ACTIVATIONS[activation])
        except KeyError:
            names = ", ".join(ACTIVATIONS)
            raise ValueError(f"unknown activation {activation!r}; the names are {names}") from None
    if activation is None or activation is leaky_relu or activation is prelu:
        return activation
    if isinstance(activation, np.ufunc) and find(activation) is not None and activation.nin == 1:
        return activation
    raise TypeError(
        f"the activation must be a name, None or a function of one input made by fastact.activation, got {activation!r}"
    )


def _real(value: Any, name: str) -> Any:
    """An array of real numbers, or a Python number as it is: that takes the type of the arrays."""
    if isinstance(value, (int, float)) and name == "bias":
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"neuron: {name} must hold real numbers of at most 64 bits, got {array.dtype}")
    return array


def _check_bias(shape: tuple[int, ...], weights: npt.NDArray[Any]) -> None:
    if weights.ndim > 2:
        raise ValueError(f"neuron: weights must have shape (k,) or (k, m), got {weights.shape}")
    if shape not in ((), weights.shape[1:]):
        raise ValueError(f"neuron: bias must be a number or have shape {weights.shape[1:]}, got {shape}")


def _check_out(out: Any, x: npt.NDArray[Any], weights: npt.NDArray[Any], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"neuron: out must be an array, got {type(out).__name__}")
    shape = x.shape[:-1] + weights.shape[1:]
    if out.shape != shape:
        raise ValueError(f"neuron: out must have shape {shape}, got {out.shape}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"neuron: cannot cast the result from {dtype} to {out.dtype} with casting rule 'same_kind'")
    if not out.flags.writeable:
        raise ValueError("neuron: out is read-only")


@functools.cache
def _scalar_activation(activation: Any) -> Any:
    """The activation as a compiled scalar function of a sum and a slope."""
    if activation is None:
        return njit(**STRICT)(lambda z, alpha: z)
    if activation is leaky_relu or activation is prelu:
        return njit(**STRICT)(lambda z, alpha: prelu(z, like(z, alpha)))
    return njit(**STRICT)(lambda z, alpha: activation(z))


def _named_in_type(activation: Any) -> Any:
    """The activation that an argument's Numba type stands for."""
    if activation is None or isinstance(activation, (str, types.NoneType)):
        return activation if isinstance(activation, str) else None
    if isinstance(activation, types.Omitted):
        return activation.value
    if isinstance(activation, types.StringLiteral):
        return activation.literal_value
    if isinstance(activation, types.Function):
        return activation.typing_key
    raise errors.RequireLiteralValue("neuron: inside @njit the activation must be a literal name, a function or None")


def _compiled_type(*operands: Any) -> Any:
    """The type of a compiled neuron: arrays promote, scalars follow, and integers become float64."""
    dtypes = []
    for operand in operands:
        if isinstance(operand, types.Array):
            if not isinstance(operand.dtype, (types.Integer, types.Float, types.Boolean)):
                raise errors.TypingError(f"neuron: expected arrays of real numbers, got {operand}")
            dtypes.append(numpy_support.as_dtype(operand.dtype))
    common = np.result_type(*dtypes)
    if common == np.float16:
        raise errors.TypingError("neuron: Numba has no float16 inside @njit; use float32")
    return common.type if common.kind == "f" else np.float64


@overload(neuron, jit_options=STRICT, strict=False)
def _neuron_compiled(
    x: Any, weights: Any, bias: Any = 0.0, activation: Any = "sigmoid", alpha: Any = 0.01, out: Any = None
) -> Any:
    if not (isinstance(x, types.Array) and isinstance(weights, types.Array) and weights.ndim in (1, 2)):
        raise errors.TypingError(f"neuron: expected x and weights to be arrays, (k,) or (k, m), got {x} and {weights}")
    real = _compiled_type(x, weights, bias)
    zero = real(0)
    chosen = _named_in_type(activation)
    try:
        _unary(chosen, 0.0)
    except (TypeError, ValueError) as error:
        raise errors.TypingError(str(error)) from None
    finish = _scalar_activation(ACTIVATIONS[chosen] if isinstance(chosen, str) else chosen)
    bias_per_neuron = isinstance(bias, types.Array)
    if bias_per_neuron and (weights.ndim, bias.ndim) != (2, 1):
        raise errors.TypingError(
            "neuron: bias must be a number, or an array of shape (m,) with weights of shape (k, m)"
        )
    has_out = is_given(out)
    ndim = x.ndim + weights.ndim - 2
    if has_out and not (isinstance(out, types.Array) and out.ndim == ndim and ndim > 0):
        raise errors.TypingError(f"neuron: out must be an array of {ndim} dimensions, got {out}")
    if has_out and ndim > 2 and out.layout != "C":
        raise errors.TypingError("neuron: inside @njit an out of more than 2 dimensions must be contiguous")

    def one_sum(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        dense.check_inner(x.size, weights.size)
        return finish(dense.dot(x, weights, like(zero, bias)), alpha)

    def one_neuron(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        dense.check_inner(x.shape[-1], weights.size)
        z = out if has_out else np.empty(x.shape[:-1], real)
        dense.check_out(z.shape, x.shape[:-1])
        rows, sums = dense.as_matrix(x), dense.as_vector(z)
        for i in range(sums.size):
            sums[i] = dense.dot(rows[i], weights, like(zero, bias))
        for i in range(sums.size):
            sums[i] = finish(sums[i], alpha)
        return z

    def layer(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        dense.check_inner(x.shape[-1], weights.shape[0])
        shape = x.shape[:-1] + weights.shape[1:]
        z = out if has_out else np.empty(shape, real)
        dense.check_out(z.shape, shape)
        dense.check_bias(bias, weights.shape[1])
        sums = dense.as_matrix(z)
        dense.fill_rows(sums, bias)
        add_product(dense.as_matrix(x), weights, sums)
        for i in range(sums.shape[0]):
            for j in range(sums.shape[1]):
                sums[i, j] = finish(sums[i, j], alpha)
        return z

    add_product = dense.add_product_by_columns if weights.layout == "F" else dense.add_product
    if ndim == 0:
        return one_sum
    return one_neuron if weights.ndim == 1 else layer


can_be_passed(neuron)
