"""The curves of the activations, drawn as one looks at them: with axes through zero."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

from .._runtime import registry

# Okabe and Ito's colours, which colour-blind readers tell apart too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_ALPHA = 0.1  # large enough to be seen


def draw(path: str | Path) -> None:
    """Write a picture of the activations over -5 to 5.

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
    rows = registry.of_x_alone().values()
    lines = math.ceil(len(rows) / 2)
    figure = Figure(figsize=(8, 3 * lines), layout="constrained")
    places = figure.subplots(lines, 2, squeeze=False).flat
    for axes, row, colour in zip(places, rows, itertools.cycle(_COLOURS), strict=False):
        alpha = [max(default, _ALPHA) for default in row.defaults]
        low, high = row.domain
        inside = x[(x > low) & (x < high)]
        y = row.face(inside, *alpha)
        axes.plot(inside, y, color=colour, linewidth=2.5)
        axes.set_title(", alpha = ".join([row.name, *map(str, alpha)]))
        axes.set_xlim(-5, 5)
        least, most = min(-0.2, float(y.min())), max(1.0, float(y.max()))
        axes.set_ylim(least - 0.08 * (most - least), most + 0.08 * (most - least))
        axes.spines[["left", "bottom"]].set_position("zero")
        axes.spines[["right", "top"]].set_visible(False)
        axes.grid(visible=True, alpha=0.25)
    for axes in places:  # that are left
        axes.set_visible(False)
    figure.savefig(path)
