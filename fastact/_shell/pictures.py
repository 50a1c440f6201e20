"""What pictures have in common: who draws them, and in which colours."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's colours, which colour-blind readers tell apart too.
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"


def library() -> Any:
    """What draws; an ImportError says how it is installed."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError("drawing needs matplotlib: pip install 'fastact[plot]'") from error
    return matplotlib


def figure(width: float, height: float) -> Any:
    """A picture of so many inches."""
    return library().figure.Figure(figsize=(width, height), layout="constrained")
