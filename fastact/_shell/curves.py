"""The curves of the activations, drawn as one looks at them: with axes through zero."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.activations import leaky_relu, relu, sigmoid, tanh

# Okabe and Ito's colours, which colour-blind readers tell apart too.
_CURVES: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("sigmoid", sigmoid, "#0072B2"),
    ("tanh", tanh, "#D55E00"),
    ("relu", relu, "#009E73"),
    ("leaky_relu, alpha = 0.1", lambda x: leaky_relu(x, 0.1), "#CC79A7"),
)


def draw(path: str | Path) -> None:
    """Write a picture of the four activations over -5 to 5.

    Parameters
    ----------
    path : str or Path
        The file; its ending chooses the format (`.png`, `.svg`, ...).

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the ending is of no known format.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("drawing needs matplotlib: pip install 'fastact[plot]'") from error

    x = np.linspace(-5, 5, 1001)
    figure = Figure(figsize=(8, 6), layout="constrained")
    for axes, (name, function, colour) in zip(figure.subplots(2, 2).flat, _CURVES, strict=True):
        y = function(x)
        axes.plot(x, y, color=colour, linewidth=2.5)
        axes.set_title(name)
        axes.set_xlim(-5, 5)
        low, high = min(-0.2, float(y.min())), max(1.0, float(y.max()))
        axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
        axes.spines[["left", "bottom"]].set_position("zero")
        axes.spines[["right", "top"]].set_visible(False)
        axes.grid(visible=True, alpha=0.25)
    figure.savefig(path)
