"""Measured times as bars: a panel for each type and size, a pair of bars for each function."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from . import pictures
from .measure import Measurement


def draw(path: str | Path, measured: Iterable[Measurement]) -> None:
    """Write a picture of what was measured; the ending of the file chooses the format."""
    panels: dict[str, list[Measurement]] = {}
    for each in measured:
        panels.setdefault(f"{each.dtype}, {each.size:,} elements", []).append(each)
    times = [ns for rows in panels.values() for each in rows for ns in (each.numpy_ns, each.fastact_ns)]
    # At least a decade and a bit: of less matplotlib labels the parts, which overlap.
    limits = min(times) / 2, max(max(times) * 3, min(times) * 6)
    most = max(map(len, panels.values()))
    figure = pictures.figure(4.5 * len(panels), 1.2 + 0.36 * most)
    for axes, (title, rows) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
        names = [each.function for each in rows]
        theirs, ours = [each.numpy_ns for each in rows], [each.fastact_ns for each in rows]
        axes.barh([place - 0.2 for place in range(len(rows))], theirs, 0.4, color=pictures.GREY, label="NumPy")
        axes.barh([place + 0.2 for place in range(len(rows))], ours, 0.4, color=pictures.BLUE, label="fastact")
        for place, each in enumerate(rows):
            longer = max(each.numpy_ns, each.fastact_ns)
            axes.text(longer, place, f" {each.ratio:.1f}×", verticalalignment="center")
        axes.set_yticks(range(len(rows)), names)
        axes.margins(y=0.01)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(limits)  # the same in each panel, so that bars are compared across them
        axes.set_xlabel("ns per element")
        axes.set_title(title)
        axes.spines[["right", "top"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path)
