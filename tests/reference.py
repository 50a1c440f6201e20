"""What is right: the activations in a higher precision than the one tested, and the error in ULP."""

from __future__ import annotations

import pickle
import platform
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import scipy.special

import fastact  # noqa: F401 - the rows are there when the package is
from fastact._runtime import derivatives, numba_settings, registry  # noqa: F401 - so are those of the derivatives
from fastact._runtime.registry import Row, Ulp

Array = npt.NDArray[Any]

mpmath.mp.dps = 50

ROWS: dict[str, Row] = registry.of_x_alone()

#: The activations as functions of one input, by name.
ACTIVATIONS: dict[str, Callable[..., Any]] = {name: row.face for name, row in ROWS.items()}

#: The activations of x alone and their derivatives, by the names of their functions of numbers.
FUNCTIONS: dict[str, Row] = ROWS | {
    f"{name}_derivative": registry.derivatives[name]() for name in ROWS if name in registry.derivatives
}


class Wide:
    """The functions of a definition, of arrays of float64."""

    exp, expm1, log, log1p, tanh, arctanh = np.exp, np.expm1, np.log, np.log1p, np.tanh, np.arctanh
    sqrt, where, pi, erfc = np.sqrt, np.where, np.pi, scipy.special.erfc


class Digits:
    """The functions of a definition, of numbers of mpmath's."""

    exp, expm1, log, log1p = mpmath.exp, mpmath.expm1, mpmath.log, mpmath.log1p
    tanh, arctanh, sqrt, pi, erfc = mpmath.tanh, mpmath.atanh, mpmath.sqrt, mpmath.pi, mpmath.erfc

    @staticmethod
    def where(condition: bool, x: Any, y: Any) -> Any:
        return x if condition else y


def in_float64(name: str, x: Array) -> Array:
    """The function of float32 or float16 numbers, right to at least 1e-13 of itself where it is `bounded`."""
    row, z = FUNCTIONS[name], x.astype(np.float64)
    with np.errstate(all="ignore"):
        result: Array = row.definition(Wide, z, *(float(x.dtype.type(default)) for default in row.defaults))
    return result


def exact(name: str, x: float, dtype: Any = np.float64) -> Any:
    """The function of one number of a type at 50 digits."""
    row = FUNCTIONS[name]
    defaults = (mpmath.mpf(float(np.dtype(dtype).type(default))) for default in row.defaults)
    return row.definition(Digits, mpmath.mpf(x), *defaults)


def bounded(name: str, x: Array) -> Array:
    """Those of the numbers at which a function is defined and finite, and the bounds of its row hold."""
    row = FUNCTIONS[name]
    low, high = row.domain
    x = x[np.isfinite(x) & (x > low) & (x < high)]
    return x if row.crossing is None else x[np.abs(x - x.dtype.type(row.crossing)) >= 0.3]


#: Whether this processor multiplies and adds with one rounding.
FUSED = platform.machine() != "x86_64" or "fma" in numba_settings.usable_features()


def bound(ulp: Ulp, dtype: Any) -> float:
    """The largest error of a type that is stated for this processor."""
    name = np.dtype(dtype).name
    return float(getattr(ulp, name if FUSED or name == "float16" else "unfused"))


def largest_error(x: Array, values: Array, exact: Callable[[float], Any]) -> tuple[float, float]:
    """The largest error of float64 values, in units of the last place of the exact one rounded, and where it is."""
    assert not np.isnan(values).any()
    worst = 0.0, 0.0
    for argument, value in zip(x.tolist(), values.tolist(), strict=True):
        right = exact(argument)
        if value != float(right) or np.isfinite(value):  # an inf may be the right number rounded
            place = float(np.spacing(abs(np.float64(float(right)))))
            worst = max(worst, (float(abs(mpmath.mpf(value) - right) / mpmath.mpf(place)), argument))
    return worst


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
    change course, saturation, where results are subnormal, and random numbers.
    """
    powers = 2.0 ** np.arange(-1074, 11)
    middle = np.concatenate([0.5 + powers[1015:1073], 0.5 - powers[1015:1073], 1 - powers[1015:1073]])
    around = np.concatenate([powers, middle, np.nextafter(powers, 0), np.nextafter(powers, np.inf)])
    steps = np.log(2) * np.arange(0, 1080, 0.5)
    turns = np.concatenate([steps, np.nextafter(steps, 0), np.nextafter(steps, np.inf)])
    marks = np.array([18.7, 19.06, 22.0, 25.0, 36.0, 36.7, 37.4, 50.0, 100.0, 373.0, 700.0, 708.4, 709.8, 745.1, 745.2])
    low = np.concatenate([np.linspace(708.0, 753.0, 400), np.linspace(36.0, 39.0, 100), np.linspace(20.0, 22.0, 100)])
    generator = np.random.default_rng(0)
    spread = np.concatenate([generator.normal(scale=s, size=random // 4) for s in (0.01, 1.0, 5.0, 200.0)])
    x = np.concatenate([around, turns, marks, low, np.abs(spread)])
    return np.concatenate([x, -x])


def pickled_and_back(function: Any) -> Any:
    """What comes of pickling a function. For a ufunc of NumPy's below 2.3 that looks into every module there is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pickle.loads(pickle.dumps(function))  # noqa: S301
