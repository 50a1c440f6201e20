"""The fused neuron: `activation(x @ weights + bias)`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numba import from_dtype, types
from numba.core import errors
from numba.extending import overload
from numba.np import numpy_support

from . import fused
from .activations import leaky_relu, prelu, relu, sigmoid, tanh
from .kernels import dense
from .kernels.bits import STRICT, compiled, is_given, like
from .overloads import can_be_passed, function_of
from .ufunc import find

#: Activations by name; None is the identity.
ACTIVATIONS: dict[str, Any] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "linear": None,
}

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_FEW_PRODUCTS = 100_000  # at most so many are quicker on one thread


def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    activation: str | Callable[..., Any] | None = "sigmoid",
    alpha: npt.ArrayLike = 0.01,
    out: npt.NDArray[Any] | tuple[npt.NDArray[Any]] | None = None,
) -> Any:
    """
    Weighted sum, bias and activation of one neuron or of a layer, ``activation(x @ weights + bias)``.

    Parameters
    ----------
    x : array_like, shape (k,) or (..., n, k)
        The inputs; a row for each sample. Integers and booleans are converted to float64 or, where another operand is
        of a float type, as NumPy promotes them with it.
    weights : array_like, shape (k,) or (k, m)
        The weights of one neuron or, a column for each, of m neurons.
    bias : array_like, shape () or (m,), optional
        Added to the weighted sums.
    activation : str, callable or None, optional
        ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"prelu"`` or ``"linear"``; one of this package's
        functions; a function of one input made by `fastact.activation`; or None, which is linear.
    alpha : array_like, shape () or (m,), optional
        The slope below zero, or one for each neuron; used by leaky_relu and prelu alone. It takes the type of the
        result.
    out : ndarray or tuple of one, optional
        Where the result goes. It may share memory with the operands.

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
        If an operand is no array of real numbers or is a masked array, if the activation is none of the above, or if
        the result can not be cast to the type of `out`.
    OverflowError
        If the bias or the slope is an integer that no float can hold.

    Notes
    -----
    The sum is BLAS's: its error is at most about ``k * eps`` times the sum of the absolute products, and the activation
    adds its own (see there). No floating-point warning is raised.

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
    into: Any = _only(out) if isinstance(out, tuple) else out
    start: Any = bias
    if isinstance(start, int):
        start = float(start)  # too large a number raises here, before anything is written
    chosen = _chosen(activation)
    if _alike(x, weights, start, into):
        return _neuron_alike(x, weights, start, chosen, alpha, into)  # the usual case, short of the questions below
    operands = _real(x, "x"), _real(weights, "weights"), _real(start, "bias")
    with np.errstate(all="ignore"):
        return _neuron(*operands, chosen, alpha, into)


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
    elif kind is not dtype.type and not (kind is float and (dtype is _FLOAT64 or _is_within_float32(bias))):
        return False
    return out is None or (
        type(out) is np.ndarray
        and out.dtype is dtype
        and out.shape == x.shape[:-1] + weights.shape[1:]
        and not (kind is np.ndarray and np.may_share_memory(out, bias))
    )


def _is_within_float32(number: float) -> bool:
    """Whether its conversion to float32 raises no floating-point flag but that of rounding."""
    return number == 0 or 1e-37 < abs(number) < 3e38


def _neuron_alike(x: Any, weights: Any, bias: Any, chosen: Any, alpha: Any, out: Any) -> Any:
    if weights.ndim == 1 and x.size <= _FEW_PRODUCTS and x.strides[-1] == x.itemsize:
        if weights.strides[0] != x.itemsize:
            weights = weights.copy()
        rows, takes_alpha = _rows_of(chosen)
        if takes_alpha:
            with np.errstate(all="ignore"):
                slope = _slope(alpha, weights, x.dtype)
            return rows(x, weights, bias, slope, out=out)
        return rows(x, weights, bias, out=out)
    with np.errstate(all="ignore"):
        function = _unary(chosen, alpha, weights, x.dtype, out)
        z = np.matmul(x, weights, out=out)
        z = np.add(z, bias, out=z if isinstance(z, np.ndarray) else None)
    return z if function is None else function(z, out=z if isinstance(z, np.ndarray) else None)


@functools.cache
def _rows_of(chosen: Any) -> tuple[np.ufunc, bool]:
    """The generalised ufunc of an activation that `_chosen` gave, and whether it takes alpha."""
    takes_alpha = _takes_slope(chosen)
    return fused.of_rows(None if chosen is None else find(prelu if takes_alpha else chosen)), takes_alpha


def _neuron(x: Any, weights: Any, bias: Any, chosen: Any, alpha: Any, out: Any) -> Any:
    _check_bias(np.shape(bias), weights)
    resulting = np.result_type(x, weights, bias)
    if resulting.kind != "f":
        resulting = _FLOAT64
    working = np.result_type(resulting, np.float32)
    x, weights = x.astype(working, copy=False), weights.astype(working, copy=False)
    bias = np.asarray(bias, dtype=working)
    in_place = False
    if out is not None:
        _check_out(out, x, weights, resulting)
        in_place = out.dtype == working and not any(np.may_share_memory(out, o) for o in (x, weights, bias))
    function = _unary(chosen, alpha, weights, working, out)
    into = out if in_place else None
    z = np.matmul(x, weights, out=into)
    z = np.add(z, bias, out=into)
    if function is not None:
        z = function(z, out=into)
    if out is None:
        return z.astype(resulting, copy=False)
    if not in_place:
        np.copyto(out, z.astype(resulting, copy=False), casting="same_kind")
    return out


def _unary(chosen: Any, alpha: Any, weights: Any, dtype: Any, out: Any) -> Callable[..., Any] | None:
    """What `_chosen` gave as a ufunc-like function of one input and `out`."""
    if chosen is not None:
        activation = find(prelu if _takes_slope(chosen) else chosen)
        assert activation is not None  # noqa: S101 - `_chosen` saw to it
        activation.loop(np.dtype(dtype).char).load()  # what can not be compiled raises before anything is written
    if not _takes_slope(chosen):
        return cast("Callable[..., Any] | None", chosen)
    slope = _slope(alpha, weights, dtype)
    if out is not None and np.may_share_memory(slope, out):
        slope = slope.copy()
    return lambda z, out=None: prelu(z, slope, out=out)


def _takes_slope(chosen: Any) -> bool:
    return chosen is leaky_relu or chosen is prelu


def _slope(alpha: Any, weights: Any, dtype: Any) -> npt.NDArray[Any]:
    """The slope in the type of the sum, or one for each neuron."""
    slope = np.asarray(float(alpha) if isinstance(alpha, int) else _real(alpha, "alpha"), dtype=dtype)
    if slope.shape not in ((), weights.shape[1:]):
        raise ValueError(f"neuron: alpha must be a number or have shape {weights.shape[1:]}, got {slope.shape}")
    return slope


def _only(out: tuple[Any, ...]) -> Any:
    if len(out) != 1:
        raise ValueError(f"neuron: a tuple for out must have one entry, got {len(out)}")
    return out[0]


def _chosen(activation: Any) -> Any:
    """The activation that a name stands for or that is given as a function, or None for the linear one."""
    if isinstance(activation, str):
        try:
            return ACTIVATIONS[activation]
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
    """An array of real numbers, or a Python float as it is: that takes the type of the arrays."""
    if type(value) is float and name == "bias":
        return value
    if isinstance(value, np.ma.MaskedArray) or (
        isinstance(value, (list, tuple)) and any(isinstance(item, np.ma.MaskedArray) for item in value)
    ):
        raise TypeError(f"neuron: {name} must not be a masked array; fill it first, as with {name}.filled(0)")
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
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"neuron: out must be an array, got {type(out).__name__}")
    shape = x.shape[:-1] + weights.shape[1:]
    if out.shape != shape:
        raise ValueError(f"neuron: out must have shape {shape}, got {out.shape}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"neuron: cannot cast the result from {dtype} to {out.dtype} with casting rule 'same_kind'")
    if not out.flags.writeable:
        raise ValueError("neuron: out is read-only")


@functools.cache
def _scalar_activation(chosen: Any) -> Any:
    """What `_chosen` gave as a compiled scalar function of a sum and a slope."""
    if chosen is None:
        return compiled(**STRICT)(lambda z, alpha: z)
    if _takes_slope(chosen):
        return compiled(**STRICT)(lambda z, alpha: prelu(z, like(z, alpha)))
    return compiled(**STRICT)(lambda z, alpha: chosen(z))


def _named_in_type(activation: Any) -> Any:
    """The activation that an argument's Numba type stands for."""
    if activation is None or isinstance(activation, (str, types.NoneType)):
        return activation if isinstance(activation, str) else None
    if isinstance(activation, types.Omitted):
        return activation.value
    if isinstance(activation, types.StringLiteral):
        return activation.literal_value
    if isinstance(activation, types.Function):
        return function_of(activation.typing_key)
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
    try:
        chosen = _chosen(_named_in_type(activation))
    except (TypeError, ValueError) as error:
        raise errors.TypingError(str(error)) from None
    finish = _scalar_activation(chosen)
    if isinstance(alpha, types.Array) and not _takes_slope(chosen):
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None: neuron(
            x, weights, bias, activation, 0.01, out
        )
    if isinstance(alpha, types.Array) and alpha.ndim == 0:
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None: neuron(
            x, weights, bias, activation, alpha[()], out
        )
    if isinstance(bias, types.Array) and bias.ndim == 0:
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None: neuron(
            x, weights, bias[()], activation, alpha, out
        )
    for name, operand in (("bias", bias), ("alpha", alpha)):
        if isinstance(operand, types.Array) and (weights.ndim, operand.ndim) != (2, 1):
            raise errors.TypingError(
                f"neuron: {name} must be a number, or an array of shape (m,) with weights of shape (k, m)"
            )
    if isinstance(out, types.BaseTuple) and len(out) == 1:
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None: neuron(
            x, weights, bias, activation, alpha, out[0]
        )
    has_out = is_given(out)
    ndim = x.ndim + weights.ndim - 2
    if has_out and not (isinstance(out, types.Array) and out.ndim == ndim and ndim > 0):
        raise errors.TypingError(f"neuron: out must be an array of {ndim} dimensions, got {out}")
    if has_out and not np.can_cast(real, numpy_support.as_dtype(out.dtype), "same_kind"):
        raise errors.TypingError(f"neuron: cannot cast the result from {np.dtype(real)} to {out.dtype}")
    # Rows of more dimensions are seen as one only where they are contiguous.
    direct = has_out and out.dtype == from_dtype(np.dtype(real)) and (ndim == weights.ndim or out.layout == "C")

    def one_sum(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        dense.check_inner(x.size, weights.size)
        return finish(dense.dot(x, weights, like(zero, bias)), alpha)

    @compiled(**STRICT)
    def one_neuron(x, weights, bias, alpha, z):
        rows, sums = dense.as_matrix(x), dense.as_vector(z)
        for i in range(sums.size):
            sums[i] = dense.dot(rows[i], weights, like(zero, bias))
        for i in range(sums.size):
            sums[i] = finish(sums[i], alpha)

    @compiled(**STRICT)
    def layer(x, weights, bias, alpha, z):
        sums = dense.as_matrix(z)
        dense.fill_rows(sums, bias)
        add_product(dense.as_matrix(x), weights, sums)
        for i in range(sums.shape[0]):
            for j in range(sums.shape[1]):
                sums[i, j] = finish(sums[i, j], dense.of_neuron(alpha, j))

    add_product = dense.add_product_by_columns if weights.layout == "F" else dense.add_product
    fill = one_neuron if weights.ndim == 1 else layer

    @compiled(**STRICT)
    def checked_shape(x, weights, bias, alpha):
        dense.check_inner(x.shape[-1], weights.shape[0])
        if weights.ndim == 2:
            dense.check_one_each(bias, weights.shape[1], "bias")
            dense.check_one_each(alpha, weights.shape[1], "alpha")
        return x.shape[:-1] + weights.shape[1:]

    def allocated(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        z = np.empty(checked_shape(x, weights, bias, alpha), real)
        fill(x, weights, bias, alpha, z)
        return z

    def through_another(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        shape = checked_shape(x, weights, bias, alpha)
        dense.check_out(out.shape, shape)
        z = np.empty(shape, real)
        fill(x, weights, bias, alpha, z)
        out[...] = z
        return out

    def into_out(x, weights, bias=0.0, activation="sigmoid", alpha=0.01, out=None):
        shape = checked_shape(x, weights, bias, alpha)
        dense.check_out(out.shape, shape)
        apart = dense.is_apart(out, x) and dense.is_apart(out, weights)
        if apart and dense.is_apart(out, bias) and dense.is_apart(out, alpha):
            fill(x, weights, bias, alpha, out)
        else:
            z = np.empty(shape, real)
            fill(x, weights, bias, alpha, z)
            out[...] = z
        return out

    if ndim == 0:
        return one_sum
    if has_out:
        return into_out if direct else through_another
    return allocated


can_be_passed(neuron)
