"""Functions along the last axis of a matrix."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import fastact

from .libraries import fresh, jax_in_float64, jitted, onnx_graph, torch_with
from .work import Array, Made, Work, empty, expect_close, placed, table_of_errors, table_of_times

FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
TYPES = ("float32", "float64")
LENGTHS = (10, 100, 1000, 50_000)
ELEMENTS = (10_000, 1_000_000)  # at least a row


class Cell(NamedTuple):
    function: str
    dtype: str
    rows: int
    columns: int


def cells(few: bool, threads: int) -> list[Cell]:
    return [
        Cell(function, dtype, max(1, elements // length), length)
        for dtype in TYPES
        for elements in ([ELEMENTS[threads > 1]] if few else ELEMENTS)
        for length in LENGTHS
        for function in FUNCTIONS
    ]


class Problem:
    """Numbers normally distributed with deviation 3."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        x = np.random.default_rng(0).normal(scale=3, size=(cell.rows, cell.columns))
        self.x = placed(x.astype(cell.dtype))

    def output(self) -> Array:
        return empty(self.cell.rows if self.cell.function == "logsumexp" else self.x.shape, self.x.dtype)

    def error(self, result: Array) -> float:
        """The largest error."""
        right, magnitude = in_longdouble(self.cell.function, self.x)
        expect_close(self.cell, result, right)
        return ulps(result, right, magnitude)


def in_longdouble(name: str, x: Array) -> tuple[Any, Any]:
    """A function along the last axis, and where its places are taken: logsumexp's at the largest number where that is
    further from 0.
    """
    wide = x.astype(np.longdouble)
    m = wide.max(-1, keepdims=True)
    others = np.exp(wide - m)
    np.put_along_axis(others, wide.argmax(-1)[..., None], 0, -1)
    rest = others.sum(-1, keepdims=True)
    if name == "softmax":
        right = np.exp(wide - m) / (1 + rest)
    elif name == "log_softmax":
        right = wide - m - np.log1p(rest)
    else:
        right = (m + np.log1p(rest))[..., 0]
    return right, np.maximum(abs(right), abs(m[..., 0])) if name == "logsumexp" else abs(right)


def ulps(result: Array, right: Any, magnitude: Any) -> float:
    """The largest error of a result in places of a magnitude."""
    return float((abs(result.astype(np.longdouble) - right) / np.spacing(magnitude.astype(result.dtype))).max())


def of_fastact(problem: Problem, threads: int) -> Made:
    fastact.set_num_threads(threads)
    out = problem.output()
    return functools.partial(getattr(fastact, problem.cell.function), problem.x, out=out), (lambda: out)


def of_numpy(problem: Problem, threads: int) -> Made:
    x, out, work = problem.x, problem.output(), empty(problem.x.shape, problem.x.dtype)

    def softmax() -> None:
        np.subtract(x, x.max(-1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(-1, keepdims=True), out=out)

    def log_softmax() -> None:
        np.subtract(x, x.max(-1, keepdims=True), out=out)
        np.exp(out, out=work)
        np.subtract(out, np.log(work.sum(-1, keepdims=True)), out=out)

    def logsumexp() -> None:
        m = x.max(-1, keepdims=True)
        np.subtract(x, m, out=work)
        np.exp(work, out=work)
        np.log(work.sum(-1), out=out)
        np.add(out, m[:, 0], out=out)

    return {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}[problem.cell.function], lambda: out


def of_scipy(problem: Problem, threads: int) -> Made:
    import scipy.special

    return fresh(functools.partial(getattr(scipy.special, problem.cell.function), problem.x, axis=-1))


def of_torch(problem: Problem, threads: int) -> Made:
    torch = torch_with(threads)
    out = problem.output()
    x, y = torch.from_numpy(problem.x), torch.from_numpy(out)
    calls = {
        "softmax": lambda: torch._softmax(x, -1, False, out=y),
        "log_softmax": lambda: torch._log_softmax(x, -1, False, out=y),
        "logsumexp": lambda: torch.logsumexp(x, -1, out=y),
    }
    return calls[problem.cell.function], (lambda: out)


def of_jax(problem: Problem, threads: int) -> Made:
    jax = jax_in_float64()
    functions = {
        "softmax": jax.nn.softmax,
        "log_softmax": jax.nn.log_softmax,
        "logsumexp": functools.partial(jax.nn.logsumexp, axis=-1),
    }
    return jitted(functions[problem.cell.function], problem.x)


def of_onnxruntime(problem: Problem, threads: int) -> Made:
    nodes: dict[str, tuple[str, list[str], str, dict[str, Any]]] = {
        "softmax": ("Softmax", ["x"], "y", {"axis": -1}),
        "log_softmax": ("LogSoftmax", ["x"], "y", {"axis": -1}),
        "logsumexp": ("ReduceLogSumExp", ["x", "axes"], "y", {"keepdims": 0}),
    }
    constants = {"axes": np.array([-1])} if problem.cell.function == "logsumexp" else {}
    return onnx_graph([nodes[problem.cell.function]], problem.x, problem.output(), threads, constants)


LIBRARIES: dict[str, Callable[[Problem, int], Made]] = {
    "fastact": of_fastact,
    "numpy": of_numpy,
    "scipy": of_scipy,
    "torch": of_torch,
    "jax": of_jax,
    "onnxruntime": of_onnxruntime,
}


def tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    labels = {"function": "---", "dtype": "---", "rows": "--:", "columns": "--:"}
    yield from table_of_times(rows, LIBRARIES, labels, lambda row: row["rows"] * row["columns"])
    yield ""
    yield "The largest error of these results in ULP"
    yield ""
    yield from table_of_errors(rows, LIBRARIES)


WORK = Work(cells, Problem, LIBRARIES, tables, turn=0.02)
