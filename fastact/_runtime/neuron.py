"""The fused neuron: `activation(x @ weights + bias)`."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import registry
from .activations import linear
from .arguments import only_out, refuse_masked
from .layer import Entry
from .neuron_record import TYPES
from .ufunc import Activation

#: This very object as `alpha` says that none was given: the activation's own default is taken then.
_SLOPE: Any = float("0.01")  # an object of its own: free-threaded Python has one for every 0.01 that is written


def names() -> tuple[str, ...]:
    """Of the activations that may be chosen."""
    return (*registry.rows, "linear")


def neuron(
    x: npt.ArrayLike,
    weights: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    activation: str | Callable[..., Any] | None = "sigmoid",
    alpha: npt.ArrayLike = _SLOPE,
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
        The name of one of this package's activations, as ``"sigmoid"``, or ``"linear"``; one of its functions; a
        function of one input made by `fastact.activation`; or None, which is linear.
    alpha : array_like, shape () or (m,), optional
        The second input of the activation, or one for each neuron: the slope below zero of leaky_relu and prelu (0.01
        by default) and the factor of elu (1 by default), in the type of the result. The other activations have none;
        of theirs the shape alone is looked at.
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
    The error of a sum is at most ``(k + 1) * eps / 2`` times the sum of the absolute products and the bias; the
    activation adds its own (see there). A row gives the same bits alone, in a batch, and on any number of threads. No
    floating-point warning is raised.

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
    try:
        entry = _entries.get(activation)
    except TypeError:  # it can not be hashed, and is no activation
        entry = None
    if entry is None:
        entry = _entry_of(activation)
    if alpha is _SLOPE:
        alpha = entry.alpha
    elif entry.inputs == 1 and type(alpha) is not float:  # an `out` in its place would be lost
        _check_for_columns(alpha, np.asarray(weights), "alpha")
    result = entry.call(x, weights, bias, alpha, out)
    if result is NotImplemented:
        with np.errstate(all="ignore"):
            return _unusual(entry, x, weights, bias, alpha, out)
    return result


_entries: dict[Any, Entry] = {}  # by the argument `activation`
_of_users: list[Any] = []  # the keys of activations that users made


def _entry_of(given: Any) -> Entry:
    activation, alpha = chosen_activation(given), default_alpha(given)
    found: Entry = activation.entries.get(alpha) or activation.entries.setdefault(alpha, Entry(activation, alpha))
    if not isinstance(activation.kernel, str):
        _of_users.append(given)
    _entries[given] = found
    return found


def _forget_users(phase: str, _: Any, entries: dict[Any, Entry] = _entries, of_users: list[Any] = _of_users) -> None:
    """Forget the activations of users where a garbage collection begins, so that it frees those that nobody else has.

    A ufunc can not be referred to weakly, and a table by identities took 65 ns more in each call.
    """
    while phase == "start" and of_users:
        entries.pop(of_users.pop(), None)


gc.callbacks.append(_forget_users)


def load_all() -> None:
    """Compile or load the neuron of every activation that has a name."""
    for name in names():
        entry = _entry_of(name)
        for dtype in TYPES:
            for columns in (1, 2):
                entry.load(dtype, columns)


def _unusual(entry: Entry, x: Any, weights: Any, bias: Any, alpha: Any, out: Any) -> Any:
    """The neuron of operands that the compiled function does not take as they are, or before it was loaded."""
    x, weights = _real(x, "x"), _real(weights, "weights")
    bias = float(bias) if isinstance(bias, int) else _real(bias, "bias")  # too large a number raises here
    _check_product(x, weights)
    _check_for_columns(bias, weights, "bias")
    resulting = np.result_type(x, weights, bias)
    if resulting.kind != "f":
        resulting = np.dtype(np.float64)
    working = np.result_type(resulting, np.float32)
    if entry.inputs == 2:
        alpha = float(alpha) if isinstance(alpha, int) else _real(alpha, "alpha")
        _check_for_columns(alpha, weights, "alpha")
    else:
        alpha = 0.0
    shape = x.shape[:-1] + weights.shape[1:]
    out = only_out("neuron", out)
    always_array, out = out is ..., None if out is ... else out
    if out is not None:
        _check_out(out, shape, resulting)
    entry.load(working, weights.shape[1] if weights.ndim == 2 else 1)
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) if x.ndim > 2 else x
    operands = [_fit(operand, working) for operand in (rows, weights, bias, alpha)]
    direct: Any = NotImplemented
    if out is not None and rows is x and working == resulting:
        direct = entry.call(*operands, np.asarray(out))
    if direct is not NotImplemented:
        return out
    result = entry.call(*operands, None)  # out is of another type or overlaps, or its rows are not whole
    if rows is not x:
        result = result.reshape(shape)
    result = result.astype(resulting, copy=False)
    if out is None:
        return np.asarray(result) if always_array else result
    np.copyto(out, result, casting="same_kind")
    return out


def _fit(operand: Any, dtype: np.dtype[Any]) -> Any:
    """The operand in a type and aligned; a Python float as it is."""
    return operand if isinstance(operand, float) else np.require(operand, dtype, "A")


def chosen_activation(activation: Any) -> Activation:
    """The activation that a name or None stands for or that is given as a function."""
    if activation is None:
        return linear
    if isinstance(activation, str):
        if activation == "linear":
            return linear
        if activation not in registry.rows:
            raise ValueError(f"unknown activation {activation!r}; the names are {', '.join(names())}")
        return registry.rows[activation].activation
    behind = registry.behind(activation)
    if behind is not None and (behind.inputs == 1 or registry.row_of(activation) is not None):
        return behind
    raise TypeError(
        f"the activation must be a name, None or a function of one input made by fastact.activation, got {activation!r}"
    )


def default_alpha(activation: Any) -> float:
    """The second input of an activation where none is given."""
    row = registry.rows.get(activation) or registry.row_of(activation)
    return row.defaults[0] if row is not None and row.defaults else _SLOPE


def _real(value: Any, name: str) -> Any:
    """An array of real numbers, or a Python float as it is: that takes the type of the arrays."""
    if type(value) is float and name in ("bias", "alpha"):
        return value
    refuse_masked("neuron", name, value, "0")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        given = "None" if value is None else f"{array.dtype}"
        hint = f"; did you mean activation={value!r}?" if isinstance(value, str) and name == "bias" else ""
        raise TypeError(f"neuron: {name} must hold real numbers of NumPy's types of up to 64 bits, got {given}{hint}")
    return array


def _check_product(x: npt.NDArray[Any], weights: npt.NDArray[Any]) -> None:
    if not 1 <= weights.ndim <= 2:
        raise ValueError(f"neuron: weights must have shape (k,) or (k, m), got {weights.shape}")
    if x.ndim == 0 or x.shape[-1] != weights.shape[0]:
        raise ValueError(
            f"neuron: the last dimension of x must be the first of weights, got shapes {x.shape} and {weights.shape}"
        )


def _check_for_columns(value: Any, weights: npt.NDArray[Any], name: str) -> None:
    shape = np.shape(value)
    if shape not in ((), weights.shape[1:]):
        raise ValueError(f"neuron: {name} must be a number or have shape {weights.shape[1:]}, got {shape}")


def _check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"neuron: out must be an array, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"neuron: out must have shape {shape}, got {out.shape}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"neuron: cannot cast the result from {dtype} to {out.dtype} with casting rule 'same_kind'")
    if not out.flags.writeable:
        raise ValueError("neuron: out is read-only")
