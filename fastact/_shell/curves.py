"""The curves of the activations, with lines through zero, and on request their derivatives and errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._runtime import registry
from .._runtime.derivative import derivative
from .._runtime.registry import Row
from . import decimals, errors, pictures

Array = npt.NDArray[Any]

PANELS = ("derivative", "error")

_ALPHA = 0.1  # large enough to be seen
_POINTS, _SAMPLES = 1001, 401
_LARGEST = float(np.finfo(np.float32).max)


def draw(
    path: str | Path,
    functions: Sequence[str],
    alpha: float | None = None,
    limits: tuple[float, float] = (-5.0, 5.0),
    panels: Sequence[str] = (),
) -> None:
    """Write a picture of activations.

    Parameters
    ----------
    path : str or Path
        The file; its ending chooses the format (`.png`, `.svg`, ...).
    functions : sequence of str
        The names of functions that may be called with x alone.
    alpha : float, optional
        What follows x, where something does; by default large enough to be seen.
    limits : tuple of two floats, optional
        The least and the largest x.
    panels : sequence of str, optional
        Of `PANELS`: what is drawn below each curve.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the ending is of no known format, the limits are no finite numbers of float32, the lower first, a function is
        NaN between them, or there is an alpha that is not finite, or that none of the functions takes.
    FileNotFoundError
        If there is no such folder.
    """
    low, high = limits
    if not -_LARGEST <= low < high <= _LARGEST:
        raise ValueError(f"the range must be two finite numbers of float32, the lower first, got {low} {high}")
    if alpha is not None and not abs(alpha) <= _LARGEST:
        raise ValueError(f"alpha must be a finite number of float32, got {alpha}")
    if alpha is not None and not any(registry.rows[name].defaults for name in functions):
        raise ValueError(f"alpha is a second input, which none of {', '.join(functions)} has")
    pictures.check(path)
    columns = math.ceil(math.sqrt(len(functions)))
    lines = math.ceil(len(functions) / columns)
    shares = (2.4, *[1.6] * len(panels))
    figure = pictures.figure(3.2 * columns, sum(shares) * lines)
    grid = figure.subplots(len(shares) * lines, columns, squeeze=False, height_ratios=shares * lines)
    for axes in grid.flat:
        axes.set_visible(False)
    for place, name in enumerate(functions):
        row = registry.rows[name]
        inside = max(low, row.domain[0]), min(high, row.domain[1])
        if inside[0] >= inside[1]:
            raise ValueError(f"{name} is NaN from {low} to {high}")
        others = [(max(default, _ALPHA) if alpha is None else alpha) for default in row.defaults]
        line, column = divmod(place, columns)
        curve, *below = grid[line * len(shares) : (line + 1) * len(shares), column]
        _draw_function(curve, row, row.face, others, inside, pictures.BLUE)
        curve.set_title(", alpha = ".join([name, *map(str, others)]))
        for panel, axes in zip(panels, below, strict=True):
            if panel == "derivative":
                _draw_function(axes, row, derivative(row.face), others, inside, pictures.VERMILION)
                axes.set_ylabel("derivative")
            else:
                _draw_errors(axes, row, others, inside)
                axes.set_ylabel("error, float32\n(ULP)")
    figure.savefig(path)


def _draw_function(
    axes: Any, row: Row, function: Any, others: list[float], limits: tuple[float, float], colour: str
) -> None:
    x = _within(row, np.linspace(*limits, _POINTS))
    axes.plot(x, function(x, *others), color=colour, linewidth=2.5)
    _lines_through_zero(axes, limits)
    least, most = axes.get_ylim()
    axes.set_ylim(min(least, -0.1), max(most, 1.1))  # two flat curves are told apart


def _draw_errors(axes: Any, row: Row, others: list[float], limits: tuple[float, float]) -> None:
    """In float32, at numbers that are nothing particular."""
    x = _within(row, np.random.default_rng(0).uniform(*limits, _SAMPLES).astype(np.float32))
    rounded = [np.float32(other) for other in others]
    y = row.face(x, *rounded)
    with decimals.digits():
        found = [errors.largest(y[i : i + 1], [errors.exact(row, value, *rounded)]) for i, value in enumerate(x)]
    axes.scatter(x, found, color=pictures.GREEN, s=4)
    axes.axhline(row.ulp.float32, color=pictures.GREY, linewidth=1, linestyle="--")  # what is promised
    _lines_through_zero(axes, limits)


def _within(row: Row, x: Array) -> Array:
    result: Array = x[(x > row.domain[0]) & (x < row.domain[1])]
    return result


def _lines_through_zero(axes: Any, limits: tuple[float, float]) -> None:
    """Instead of a frame; the numbers stand at the edge, where no curve runs through them."""
    axes.set_visible(True)
    axes.set_xlim(limits)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.axhline(0, color="black", linewidth=0.8, zorder=1)
    if limits[0] < 0 < limits[1]:
        axes.axvline(0, color="black", linewidth=0.8, zorder=1)
