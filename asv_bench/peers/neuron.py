"""The neuron on whole layers, beside what the machine can do at most."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import fastact
from fastact._runtime import registry

from .libraries import fresh, jax_in_float64, jitted, onnx_graph, torch_with
from .machine_limits import limits
from .work import Array, Made, Work, empty, faster, placed, present, tables_by_threads

SHAPES = (
    (64, 784, 128),
    (1024, 256, 256),
    (100_000, 16, 8),
    (100_000, 64, 64),
    (3000, 48, 32),
    (4096, 1024, 1024),
    (1, 784, 128),
    (256, 100, 10),
    (512, 512, 2048),
    (1000, 64, 1),
    (10_000, 1000, 1),
    (100_000, 64, 1),
    (1, 5, 1),
)
ACTIVATIONS = ("sigmoid", "tanh", "relu")
TYPES = ("float32", "float64")
LARGEST_RANDOM = 2000  # rows, inputs and neurons at most


class Cell(NamedTuple):
    n: int
    k: int
    m: int
    dtype: str
    activation: str


def cells(few: bool, threads: int) -> list[Cell]:
    pairs = [("float32", "sigmoid"), ("float64", "relu")] if few else [(t, a) for t in TYPES for a in ACTIVATIONS]
    return [Cell(*shape, *pair) for pair in pairs for shape in SHAPES]


def random_cells(few: bool, threads: int) -> list[Cell]:
    generator = np.random.default_rng(0)
    sizes = np.exp(generator.uniform(0, np.log(LARGEST_RANDOM + 1), (20 if few else 200, 3))).astype(int).tolist()
    return [Cell(n, k, m, str(generator.choice(TYPES)), str(generator.choice(ACTIVATIONS))) for n, k, m in sizes]


class Problem:
    """The operands of a cell: the same in every process."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        generator = np.random.default_rng(0)
        self.x = placed(generator.standard_normal((cell.n, cell.k)).astype(cell.dtype))
        self.w = placed((generator.standard_normal((cell.k, cell.m)) / cell.k**0.5).astype(cell.dtype))
        self.b = placed(generator.standard_normal(cell.m).astype(cell.dtype))
        if cell.m == 1:
            self.w, self.b = self.w[:, 0], self.b[0]
        if (cell.n, cell.m) == (1, 1):
            self.x = self.x[0]

    def error(self, result: Array) -> float:
        """The largest error in places of 1, which must be small."""
        expected = self.expected()
        error = np.abs(result.reshape(expected.shape) - expected).max() / np.finfo(self.cell.dtype).eps
        if result.dtype != self.x.dtype or not error <= 4 * max(8, self.cell.k):
            raise SystemExit(f"wrong results of {self.cell}: up to {error} places of 1 from what is right")
        return float(error)

    def expected(self) -> Array:
        z = self.x.astype(np.float64) @ self.w.astype(np.float64) + np.asarray(self.b, np.float64)
        return np.asarray(registry.rows[self.cell.activation].definition(np, z))

    def output(self) -> Array | None:
        """An array for the result, where it is one."""
        return None if self.x.ndim == self.w.ndim == 1 else empty(self.x.shape[:-1] + self.w.shape[1:], self.x.dtype)


def of_fastact(problem: Problem, threads: int) -> Made:
    fastact.set_num_threads(threads)
    x, w, b, out = problem.x, problem.w, problem.b, problem.output()
    name: Any = problem.cell.activation
    if out is None:
        return fresh(lambda: fastact.neuron(x, w, b, name))
    return (lambda: fastact.neuron(x, w, b, name, out=out)), (lambda: out)


def of_numpy(problem: Problem, threads: int) -> Made:
    x, w, b, name, out = problem.x, problem.w, problem.b, problem.cell.activation, problem.output()
    if out is None:
        calls = {
            "sigmoid": lambda: 1 / (1 + np.exp(-(np.dot(x, w) + b))),
            "tanh": lambda: np.tanh(np.dot(x, w) + b),
            "relu": lambda: np.maximum(np.dot(x, w) + b, 0),
        }
        return fresh(calls[name])
    finish = registry.rows[name].numpy

    def call() -> Any:
        np.matmul(x, w, out=out)
        np.add(out, b, out=out)
        return finish(out, out)

    return fresh(call)


def of_torch(problem: Problem, threads: int) -> Made:
    torch = torch_with(threads)
    x, w = torch.from_numpy(problem.x), torch.from_numpy(problem.w)
    b = torch.from_numpy(np.atleast_1d(problem.b))
    finish = {"sigmoid": torch.sigmoid_, "tanh": torch.tanh_, "relu": torch.relu_}[problem.cell.activation]
    if x.ndim == 1:
        return fresh(lambda: finish(torch.dot(x, w).add_(b[0])))
    out = torch.from_numpy(problem.output())
    if w.ndim == 1:
        return (lambda: finish(torch.addmv(b, x, w, out=out))), out.numpy
    return (lambda: finish(torch.addmm(b, x, w, out=out))), out.numpy


def of_jax(problem: Problem, threads: int) -> Made:
    jax = jax_in_float64()
    finish = {"sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh, "relu": jax.nn.relu}[problem.cell.activation]
    return jitted(lambda x, w, b: finish(x @ w + b), problem.x, problem.w, problem.b)


def of_onnxruntime(problem: Problem, threads: int) -> Made:
    if problem.x.ndim == 1:
        return None
    m = problem.cell.m
    finish = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}[problem.cell.activation]
    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gemm", ["x", "w", "b"], "s", {}),
        (finish, ["s"], "y", {}),
    ]
    out = empty((problem.cell.n, m), problem.x.dtype)
    constants = {"w": problem.w.reshape(-1, m), "b": np.atleast_1d(problem.b)}
    return onnx_graph(nodes, problem.x, out, threads, constants)


LIBRARIES: dict[str, Callable[[Problem, int], Made]] = {
    "fastact": of_fastact,
    "numpy": of_numpy,
    "torch": of_torch,
    "jax": of_jax,
    "onnxruntime": of_onnxruntime,
}


def shown_us(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    us = seconds * 1e6
    return f"{us:.3f}" if us < 1 else f"{us:.1f}" if us < 100 else f"{us:,.0f}"


def tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    names = present(rows, LIBRARIES)
    yield "us per call; how much faster fastact is than the fastest other; its share of the multiply-adds that the"
    yield "machine can do, and of the bytes that it can read (x read once and the result written once)"

    def line(row: dict[str, Any]) -> list[str]:
        times, n, k, m = row["seconds"], row["n"], row["k"], row["m"]
        seconds = times["fastact"]
        peak = 2 * n * k * m / seconds / 1e9 / row["limits"]["gflops"]
        moved = (n * k + n * m) * np.dtype(row["dtype"]).itemsize / seconds / 1e9 / row["limits"]["gbytes"]
        shown = [shown_us(times.get(name)) for name in names]
        labels = [f"({n:,}, {k:,}) → {m:,}", row["dtype"], row["activation"]]
        return [*labels, *shown, faster(times), f"{peak:.0%}", f"{moved:.0%}"]

    numbers = dict.fromkeys([*names, "faster", "of peak", "of memory"], "--:")
    yield from tables_by_threads(rows, {"(n, k) → m": "---", "type": "---", "activation": "---"} | numbers, line)


def worst(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The layers in which fastact gains least."""
    for threads in sorted({row["threads"] for row in rows}):
        same = [row for row in rows if row["threads"] == threads]
        ranked = sorted(
            (row["seconds"]["numpy"] / row["seconds"]["fastact"], *(row[f] for f in Cell._fields)) for row in same
        )
        median = statistics.median(gain for gain, *_ in ranked)
        yield f"{threads} thread{'s' * (threads > 1)}: NumPy takes {median:.2f} times as long in the median; the worst"
        for gain, n, k, m, dtype, activation in ranked[:5]:
            yield f"  ({n}, {k}) → {m} {dtype} {activation}: {gain:.2f}"


WORK = Work(cells, Problem, LIBRARIES, tables, turn=0.02, limits=lambda cell, threads: limits(cell.dtype, threads))
AGAINST_NUMPY = {name: LIBRARIES[name] for name in ("fastact", "numpy")}
RANDOM_LAYERS = Work(random_cells, Problem, AGAINST_NUMPY, worst, turn=0.02)
