"""What is compared: problems, how each library does them, and the tables that are made of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

OFFSET = "FASTACT_PEERS_OFFSET"  #: environment variable: bytes from a cache line to each operand
LINE = 64  #: bytes of a cache line

Array = npt.NDArray[Any]
Call = Callable[[], Any]

#: How a library does a problem: a call, and where its result is. None if it does not do it.
Made = tuple[Call, Callable[[], Any]] | None


class Problem(Protocol):
    """The operands of a cell: the same in every process."""

    def error(self, result: Array) -> float:
        """The largest error of a result in units in the last place; inf for one that is no result."""


class Work(NamedTuple):
    """A kind of problems."""

    cells: Callable[[bool, int], list[Any]]  #: the problems, or a few of them, for so many threads, as named tuples
    problem: Callable[[Any], Problem]
    libraries: dict[str, Callable[[Any, int], Made]]  #: by name: how it does a problem on so many threads
    tables: Callable[[list[dict[str, Any]]], Iterator[str]]  #: of the measured cells
    turn: float  #: seconds for a library until the next has its turn
    rounds: int = 7  #: of turns; 0 if only errors are of interest
    one_thread: bool = False  #: whether that is enough
    limits: Callable[[Any, int], dict[str, float]] | None = None  #: of the machine, for a cell on so many threads


def empty(shape: int | tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """An array that begins `OFFSET` bytes behind the start of a cache line, the same for every library."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    offset = int(os.environ.get(OFFSET, "0"))
    memory = np.empty(size + LINE + offset, np.uint8)
    first = -memory.ctypes.data % LINE + offset
    return memory[first : first + size].view(dtype).reshape(shape)


def placed(values: Array) -> Array:
    """A copy in C order that begins where an `empty` array does."""
    array = empty(values.shape, values.dtype)
    array[...] = values
    return array


def tables_by_threads(
    cells: list[dict[str, Any]], columns: dict[str, str], line: Callable[[dict[str, Any]], list[str]]
) -> Iterator[str]:
    """A Markdown table for each number of threads, given the rule below each column's name and a cell's line."""
    for threads in sorted({cell["threads"] for cell in cells}):
        yield ""
        yield f"{threads} thread{'s' * (threads > 1)}"
        yield ""
        yield f"| {' | '.join(columns)} |"
        yield f"|{'|'.join(columns.values())}|"
        for cell in cells:
            if cell["threads"] == threads:
                yield f"| {' | '.join(line(cell))} |"


def present(cells: list[dict[str, Any]], libraries: dict[str, Any]) -> list[str]:
    """The libraries that did any of the cells."""
    return [name for name in libraries if any(name in cell["ulp"] for cell in cells)]


def faster(seconds: dict[str, float]) -> str:
    """How many times as long as fastact the fastest other takes."""
    others = min((time for name, time in seconds.items() if name != "fastact"), default=float("nan"))
    return f"{others / seconds['fastact']:.2f}"


def table_of_times(
    cells: list[dict[str, Any]], libraries: dict[str, Any], labels: dict[str, str], elements: Callable[[Any], int]
) -> Iterator[str]:
    """Times in ns per element."""
    names = present(cells, libraries)
    yield "ns per element, and how many times as long as fastact the fastest other takes"

    def line(cell: dict[str, Any]) -> list[str]:
        times = {name: seconds / elements(cell) * 1e9 for name, seconds in cell["seconds"].items()}
        shown = [f"{times[name]:.3g}" if name in times else "–" for name in names]
        return [
            *(f"{cell[key]:,}" if isinstance(cell[key], int) else cell[key] for key in labels),
            *shown,
            faster(times),
        ]

    yield from tables_by_threads(cells, labels | dict.fromkeys([*names, "faster"], "--:"), line)


def table_of_errors(cells: list[dict[str, Any]], libraries: dict[str, Any]) -> Iterator[str]:
    """The largest error of each function, type and library."""
    names = present(cells, libraries)
    yield f"| function | dtype | {' | '.join(names)} |"
    yield "|---|---|" + "--:|" * len(names)
    for dtype in dict.fromkeys(cell["dtype"] for cell in cells):
        for function in dict.fromkeys(cell["function"] for cell in cells):
            same = [cell["ulp"] for cell in cells if (cell["function"], cell["dtype"]) == (function, dtype)]
            worst = [max((ulp[name] for ulp in same if name in ulp), default=None) for name in names]
            yield f"| {function} | {dtype} | {' | '.join(map(_shown_ulp, worst))} |"


def _shown_ulp(error: float | None) -> str:
    """An error as tables have it."""
    if error is None:
        return "–"
    return f"{error:.2f}" if error < 100 else f"{error:.0f}" if error < 10_000 else f"{error:.0e}"


def expect_close(cell: Any, result: Array, right: Any) -> None:
    """End unless results are right beside 1, as those of every library should be.

    In float64 some have constants of float32.
    """
    tolerance = {2: 2e-3, 4: 1e-5, 8: 1e-8}[np.dtype(cell.dtype).itemsize]
    error = np.abs(result - right)
    if result.dtype != cell.dtype or not (error <= tolerance * np.maximum(1, np.abs(right))).all():
        raise SystemExit(f"wrong results of {cell}: up to {error.max()} from what is right")
