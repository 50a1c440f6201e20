"""Functions along an axis: `softmax`, `log_softmax`, `logsumexp`."""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_tuple

from . import axis_record, loop_record, store, ufunc
from .arguments import only_out, refuse_masked
from .capi import LoopTable, c_function
from .pickling import stands_behind
from .registry import FLOATS_KEPT, Ulp, stated

_CODES = "efd"
# In small calls it takes time to find this in NumPy, and a call of a helper 25 ns of 720: so the two functions whose
# results have the shape of `x` write the same condition for the usual case.
_array: type[npt.NDArray[Any]] = np.ndarray


#: The largest errors; of logsumexp in places of the largest number where that is further from 0 than the result.
bounds = {
    "softmax": Ulp(float16=0.51, float32=3.4, float64=3.4, unfused=4.5),
    "log_softmax": Ulp(float16=0.51, float32=3, float64=3, unfused=4),
    "logsumexp": Ulp(float16=0.51, float32=3.9, float64=3.9, unfused=5.5),
}


class _Loop(ufunc.TypedLoop):
    """The loop of a function for one type."""

    _driver = "drive_axis"

    def __init__(self, function: str, code: str, reduces: bool, table: LoopTable, index: int) -> None:
        super().__init__(function, code, axis_record.WORDS, table, index)
        self.record[axis_record.REDUCES] = reduces
        self._function = function

    def load(self) -> int:
        self.record[loop_record.FUNCTION] = store.load_own("along_axis", self._function, str(self._computed))
        self.record[axis_record.NO_MEMORY] = _no_memory()
        self.load_part()
        return self._serve()


@functools.cache
def _no_memory() -> int:
    """A C function that raises MemoryError."""

    def no_memory(*_: int) -> int:
        raise MemoryError

    return c_function(no_memory, "no_memory").address


def _gufunc(name: str, reduces: bool) -> np.ufunc:
    table = LoopTable(ufunc.first_call(), [code * 2 for code in _CODES])
    loops = [_Loop(name, code, reduces, table, index) for index, code in enumerate(_CODES)]
    return table.ufunc(loops, name, f"`fastact.{name}` along the last axis.", 1, "(n)->()" if reduces else "(n)->(n)")


#: Those that give a number for each row.
REDUCTIONS = ("logsumexp",)

gufuncs = {name: _gufunc(name, name in REDUCTIONS) for name in bounds}
_softmax, _log_softmax, _logsumexp = gufuncs.values()

_Axis = int | tuple[int, ...] | None
_Out = npt.NDArray[Any] | tuple[npt.NDArray[Any]] | None


_SAME_OF_ALL = {
    "operands": f"""x : array_like
    Real numbers of any shape. {FLOATS_KEPT}
axis : int, tuple of int or None, optional
    Along which the sum is taken; None is all axes. The last by default, along which it is quickest.
out : ndarray or tuple of one, optional
    Where the result goes.""",
    "wrong_type": """TypeError
    If `x` is complex, longdouble, an object or a string, or a masked array.""",
    "no_numbers": """ValueError
    If there are no numbers along the axis, as in SciPy.""",
    "promises": """A row gives the same bits alone, in an array
of any layout, and on any number of threads. No floating-point warning is raised.""",
}


def _documented(face: Callable[..., Any]) -> Callable[..., Any]:
    """Fill into a docstring what is the same of all, and the bounds."""
    if face.__doc__ is not None:
        face.__doc__ = inspect.cleandoc(face.__doc__).format(**_SAME_OF_ALL, errors=stated(bounds[face.__name__]))
    return face


@_documented
def softmax(x: npt.ArrayLike, axis: _Axis = -1, out: _Out = None) -> Any:
    """
    Exponentials divided by their sum, ``exp(x) / sum(exp(x))`` along an axis.

    Parameters
    ----------
    {operands}

    Returns
    -------
    ndarray or scalar
        Of the shape of `x`. It underflows gradually and nowhere overflows. NaN where a number is NaN or inf, or all are
        -inf.

    Raises
    ------
    {wrong_type}
    {no_numbers}

    Notes
    -----
    {errors} {promises}

    J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs", in *Neurocomputing*
    (1990); the sum with its rest by T. J. Dekker, "A floating-point technique for extending the available precision"
    (1971).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.softmax(np.array([[1.0, 2.0, 3.0], [1000.0, 1000.0, -np.inf]]))
    array([[0.09003057, 0.24472847, 0.66524096],
           [0.5       , 0.5       , 0.        ]])
    """
    if (
        type(axis) is int
        and type(x) is _array
        and x.ndim
        and x.size
        and (out is None or (type(out) is _array and out.shape == x.shape))
    ):
        return _softmax(x, out=out, axis=axis)
    return _general(_softmax, x, axis, out)


@_documented
def log_softmax(x: npt.ArrayLike, axis: _Axis = -1, out: _Out = None) -> Any:
    """
    Logarithm of `softmax`, ``x - log(sum(exp(x)))`` along an axis.

    Parameters
    ----------
    {operands}

    Returns
    -------
    ndarray or scalar
        Of the shape of `x`. NaN where a number is NaN, all are -inf, or one is inf; beside such a one others are -inf.

    Raises
    ------
    {wrong_type}
    {no_numbers}

    Notes
    -----
    {errors} Near 0 nothing is lost: float32 gives -2e-9 at the first of 20 and 0.
    {promises}

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.log_softmax(np.array([0.0, 30.0]))
    array([-3.00000000e+01, -9.35762297e-14])
    """
    if (
        type(axis) is int
        and type(x) is _array
        and x.ndim
        and x.size
        and (out is None or (type(out) is _array and out.shape == x.shape))
    ):
        return _log_softmax(x, out=out, axis=axis)
    return _general(_log_softmax, x, axis, out)


@_documented
def logsumexp(x: npt.ArrayLike, axis: _Axis = -1, out: _Out = None, keepdims: bool = False) -> Any:
    """
    Logarithm of the sum of exponentials, ``log(sum(exp(x)))`` along an axis.

    Parameters
    ----------
    {operands}
    keepdims : bool, optional
        Whether the axis stays, with length 1.

    Returns
    -------
    ndarray or scalar
        -inf where there are no numbers or all are -inf, inf where one is inf, NaN where one is NaN.

    Raises
    ------
    {wrong_type}

    Notes
    -----
    {errors} These are places of the result or, where that is
    nearer to 0 than the largest number, of that. {promises}

    P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and softmax functions", IMA Journal
    of Numerical Analysis 41 (2021).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.logsumexp(np.array([[1000.0, 1000.0], [0.0, -50.0]]))
    array([1.00069315e+03, 1.92874985e-22])
    """
    if (
        type(axis) is int
        and type(x) is _array
        and x.ndim
        and x.size
        and (out is None or (type(out) is _array and axis == -1 and not keepdims and out.shape == x.shape[:-1]))
    ):
        return _logsumexp(x, out=out, axis=axis, keepdims=bool(keepdims))
    return _general(_logsumexp, x, axis, out, keepdims=bool(keepdims))


def _general(gufunc: Any, x: Any, axis: Any, out: Any, **keywords: bool) -> Any:
    """The function of anything, along any axes."""
    name = gufunc.__name__
    refuse_masked(name, "x", x, "-np.inf")
    axis, out = _checked_axis(name, axis), only_out(name, out)
    along_one = isinstance(axis, int)
    if not hasattr(x, "__array_function__") and (keywords or not along_one or not hasattr(x, "__array_ufunc__")):
        x = np.asarray(x)  # it can keep its type only where the shape stays and it is asked for the whole work
    if along_one and np.ndim(x) > 0:
        shape = np.shape(x)
        if not keywords and shape[axis : axis + 1 or None] == (0,):
            raise ValueError(f"{name}: there are no numbers along axis {axis} of shape {shape}")
        if -len(shape) <= axis < len(shape):
            ones = (1,) if keywords.get("keepdims") else ()
            _check_out(name, out, shape if not keywords else shape[:axis] + ones + shape[len(shape[:axis]) + 1 :])
        return gufunc(x, out=out, axis=axis, **keywords)
    return _along_axes(gufunc, x, axis, out, **keywords)


def _checked_axis(name: str, axis: Any) -> int | tuple[int, ...] | None:
    if axis is None or type(axis) is int:
        return axis
    try:
        return tuple(map(operator.index, axis)) if isinstance(axis, tuple) else operator.index(axis)
    except TypeError:
        given = f"an array of shape {axis.shape}" if isinstance(axis, np.ndarray) else repr(axis)
        raise TypeError(
            f"{name}: axis must be an integer, a tuple of integers or None, got {given}; give out= by its name"
        ) from None


def _check_out(name: str, out: Any, shape: tuple[int, ...]) -> None:
    """NumPy would spread a result over a larger `out`."""
    if out is not None and out is not ... and np.shape(out) != shape:
        raise ValueError(f"{name}: out must have shape {shape}, got {np.shape(out)}")


def _along_axes(gufunc: Any, x: Any, axis: Any, out: Any, keepdims: bool | None = None) -> Any:
    """The function along several axes, or none: they are made one, the last."""
    if x.ndim == 0 and isinstance(axis, int) and axis in (-1, 0):
        axis = ()
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    others = moved.shape[: x.ndim - len(axes)]
    rows = moved.reshape(*others, math.prod(moved.shape[len(others) :]))
    if keepdims is None:
        if rows.shape[-1] == 0:
            raise ValueError(f"{gufunc.__name__}: there are no numbers along axis {axis} of shape {x.shape}")
        result = np.moveaxis(gufunc(rows).reshape(moved.shape), range(x.ndim - len(axes), x.ndim), axes)
    else:
        result = gufunc(rows)
        if keepdims:
            result = np.expand_dims(result, axes)
    if out is None:
        return result[()]
    if out is ...:
        return np.asanyarray(result)
    _check_out(gufunc.__name__, out, result.shape)
    np.copyto(out, result, casting="same_kind")
    return out


#: What users call.
faces: dict[str, Callable[..., Any]] = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}
for _name, _face in faces.items():
    stands_behind(_face, gufuncs[_name])
