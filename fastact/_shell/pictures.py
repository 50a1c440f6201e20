"""What pictures have in common: who draws them, and in which colours."""

from __future__ import annotations

from pathlib import Path
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


def check(path: str | Path) -> None:
    """Raise an error where no picture can be written to a file: before it takes time to have something to draw."""
    known = library().figure.Figure().canvas.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in known:
        raise ValueError(f"the picture's file must end in one of .{', .'.join(known)}, got {str(path)!r}")
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(Path(path).parent)!r} for the picture")


def figure(width: float, height: float) -> Any:
    """A picture of so many inches."""
    return library().figure.Figure(figsize=(width, height), layout="constrained")
