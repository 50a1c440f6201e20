"""The activations, one by one: their time, and their error on hard numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import fastact
from fastact._runtime import registry
from fastact._shell import decimals, errors

from .libraries import fresh, jax_in_float64, jitted, onnx_graph, torch_with
from .work import Array, Made, Work, empty, expect_close, placed, table_of_errors, table_of_times

FUNCTIONS = tuple(registry.of_x_alone())
ALPHA = {"leaky_relu": 2.0**-7, "elu": 1.0}  # the same number in every type
TYPES = ("float32", "float64")
SIZES = (1, 100, 10_000, 100_000, 1_000_000, 10_000_000)
LAYOUTS = ("in place", "new output", "every second", "transposed")
HARD = "hard numbers"
CHECKED = 100


class Cell(NamedTuple):
    function: str
    dtype: str
    n: int
    layout: str


def cells(few: bool, threads: int) -> list[Cell]:
    if few:
        places = [(10_000 if threads == 1 else 1_000_000, "out given")]
    else:
        places = [(n, "out given") for n in SIZES] + [(1_000_000, layout) for layout in LAYOUTS]
    types = TYPES if few else ("float16", *TYPES)
    return [Cell(function, dtype, *place) for dtype in types for place in places for function in FUNCTIONS]


def hard_cells(few: bool, threads: int) -> list[Cell]:
    return [Cell(function, dtype, 150 if few else 1500, HARD) for dtype in TYPES for function in FUNCTIONS]


class Problem:
    """Numbers normally distributed with deviation 3, folded into the function's domain; or hard ones."""

    def __init__(self, cell: Cell) -> None:
        self.cell, self.row = cell, registry.rows[cell.function]
        self.alpha = [ALPHA[cell.function]] if self.row.defaults else []
        dtype = np.dtype(cell.dtype)
        if cell.layout == HARD:
            self.x = errors.samples(self.row, dtype, cell.n)
        else:
            x = np.random.default_rng(0).normal(scale=3, size=cell.n)
            self.x = arranged(placed(errors.within(self.row, x).astype(dtype)), cell.layout)
        self.checked = self.x.ravel()[: None if cell.layout == HARD else CHECKED].copy()  # before a call in place

    def output(self) -> Array:
        return self.x if self.cell.layout == "in place" else empty(self.x.shape, self.x.dtype)

    def error(self, result: Array) -> float:
        """The largest error of some of the results, of all if the numbers are hard."""
        y = result.ravel()[: self.checked.size]
        with decimals.digits():
            right = [errors.exact(self.row, number, *self.alpha) for number in self.checked]
            error = errors.largest(y, right) if np.isfinite(y).all() else float("inf")
        if self.cell.layout != HARD:
            expect_close(self.cell, y, np.array([float(number) for number in right]))
        return error


def arranged(x: Array, layout: str) -> Array:
    """The numbers as a layout has them in memory."""
    if layout == "every second":
        return placed(np.repeat(x, 2))[::2]
    if layout == "transposed":
        return x.reshape(1000, -1).T
    return x


def into(problem: Problem, call: Callable[..., Any]) -> Made:
    """A call that takes x, what comes after it, and an output, which may be None for a new one."""
    if problem.cell.layout == "new output":
        return fresh(functools.partial(call, problem.x, *problem.alpha, out=None))
    out = problem.output()
    return functools.partial(call, problem.x, *problem.alpha, out=out), (lambda: out)


def of_fastact(problem: Problem, threads: int) -> Made:
    fastact.set_num_threads(threads)
    return into(problem, problem.row.face)


def of_numpy(problem: Problem, threads: int) -> Made:
    plain = problem.row.numpy
    alpha = [problem.x.dtype.type(number) for number in problem.alpha]
    if problem.cell.layout == "in place" and problem.cell.function not in ("sigmoid", "tanh", "relu"):
        return None  # the others read x again
    if problem.cell.layout == "new output":
        return fresh(lambda: plain(problem.x, *alpha, np.empty_like(problem.x)))
    out = problem.output()
    return (lambda: plain(problem.x, *alpha, out)), (lambda: out)


def of_scipy(problem: Problem, threads: int) -> Made:
    import scipy.special

    name = {"sigmoid": "expit", "log_sigmoid": "log_expit", "logit": "logit", "softplus": "softplus"}
    function = getattr(scipy.special, name.get(problem.cell.function, ""), None)
    return None if function is None or problem.cell.dtype == "float16" else into(problem, function)


EXPRESSIONS = {
    "sigmoid": "one / (one + exp(-x))",
    "tanh": "tanh(x)",
    "relu": "where(x > zero, x, zero)",
    "leaky_relu": "where(x > zero, x, alpha * x)",
    "elu": "where(x > zero, x, alpha * expm1(x))",
    "hard_sigmoid": "where(x > three, one, where(x < -three, zero, (x + three) / six))",
    "hard_silu": "where(x > three, x, where(x < -three, zero, x * (x + three) / six))",
    "silu": "x / (one + exp(-x))",
    "gelu_tanh": "half * x * (one + tanh(a * (x + b * x * x * x)))",
    "softplus": "log1p(exp(-abs(x))) + where(x > zero, x, zero)",
    "log_sigmoid": "where(x < zero, x, zero) - log1p(exp(-abs(x)))",
    "logit": "log(x / (one - x))",
    "mish": "x * tanh(log1p(exp(x)))",
}


def of_numexpr(problem: Problem, threads: int) -> Made:
    expression = EXPRESSIONS.get(problem.cell.function)
    if expression is None or problem.cell.dtype == "float16":
        return None
    import numexpr

    numexpr.set_num_threads(threads)
    numbers = {"zero": 0, "half": 0.5, "one": 1, "three": 3, "six": 6, "a": (2 / np.pi) ** 0.5, "b": 0.044715}
    numbers["alpha"] = ALPHA.get(problem.cell.function, 0)
    names = {name: problem.x.dtype.type(number) for name, number in numbers.items()}

    def call(x: Array, *_: float, out: Array | None) -> Any:
        return numexpr.evaluate(expression, names | {"x": x}, out=out, casting="same_kind")

    return into(problem, call)


def of_torch(problem: Problem, threads: int) -> Made:
    torch = torch_with(threads)
    more = torch._C._nn  # what `torch.nn.functional` calls, with an output
    calls: dict[str, tuple[Any, dict[str, Any]]] = {
        "sigmoid": (torch.sigmoid, {}),
        "tanh": (torch.tanh, {}),
        "relu": (torch.clamp_min, {"min": 0}),
        "leaky_relu": (more.leaky_relu, {"negative_slope": ALPHA["leaky_relu"]}),
        "elu": (more.elu, {}),
        "hard_sigmoid": (more.hardsigmoid, {}),
        "hard_silu": (more.hardswish, {}),
        "silu": (more.silu, {}),
        "gelu": (more.gelu, {}),
        "gelu_tanh": (more.gelu, {"approximate": "tanh"}),
        "softplus": (more.softplus, {}),
        "log_sigmoid": (more.log_sigmoid, {}),
        "logit": (torch.logit, {}),
        "mish": (torch.ops.aten.mish.out, {}),
    }
    function, keywords = calls[problem.cell.function]
    if problem.cell.layout == "new output":
        new: dict[str, tuple[Any, dict[str, Any]]] = {"mish": (more.mish, {}), "relu": (torch.relu, {})}
        function, keywords = new.get(problem.cell.function, (function, keywords))
        call = functools.partial(function, torch.from_numpy(problem.x), **keywords)
        return call, (lambda: call().numpy())
    out = problem.output()
    return functools.partial(function, torch.from_numpy(problem.x), **keywords, out=torch.from_numpy(out)), (
        lambda: out
    )


def of_jax(problem: Problem, threads: int) -> Made:
    if problem.cell.layout not in ("out given", "new output", HARD):  # its arrays are immutable and contiguous
        return None
    jax = jax_in_float64()
    nn = jax.nn
    function = {
        "sigmoid": nn.sigmoid,
        "tanh": jax.numpy.tanh,
        "relu": nn.relu,
        "leaky_relu": functools.partial(nn.leaky_relu, negative_slope=ALPHA["leaky_relu"]),
        "elu": nn.elu,
        "hard_sigmoid": nn.hard_sigmoid,
        "hard_silu": nn.hard_silu,
        "silu": nn.silu,
        "gelu": functools.partial(nn.gelu, approximate=False),
        "gelu_tanh": nn.gelu,
        "softplus": nn.softplus,
        "log_sigmoid": nn.log_sigmoid,
        "logit": jax.scipy.special.logit,
        "mish": nn.mish,
    }[problem.cell.function]
    return jitted(function, problem.x)


def of_onnxruntime(problem: Problem, threads: int) -> Made:
    if problem.cell.layout not in ("out given", HARD):
        return None
    operators: dict[str, tuple[str, dict[str, Any]]] = {
        "sigmoid": ("Sigmoid", {}),
        "tanh": ("Tanh", {}),
        "relu": ("Relu", {}),
        "leaky_relu": ("LeakyRelu", {"alpha": ALPHA["leaky_relu"]}),
        "elu": ("Elu", {}),
        "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
        "hard_silu": ("HardSwish", {}),
        "silu": ("Swish", {}),
        "gelu": ("Gelu", {}),
        "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
        "softplus": ("Softplus", {}),
        "mish": ("Mish", {}),
    }
    if problem.cell.function not in operators:
        return None
    operator, attributes = operators[problem.cell.function]
    return onnx_graph([(operator, ["x"], "y", attributes)], problem.x, np.empty_like(problem.x), threads)


LIBRARIES: dict[str, Callable[[Problem, int], Made]] = {
    "fastact": of_fastact,
    "numpy": of_numpy,
    "scipy": of_scipy,
    "numexpr": of_numexpr,
    "torch": of_torch,
    "jax": of_jax,
    "onnxruntime": of_onnxruntime,
}


def times(rows: list[dict[str, Any]]) -> Iterator[str]:
    labels = {"function": "---", "dtype": "---", "n": "--:", "layout": "---"}
    return table_of_times(rows, LIBRARIES, labels, lambda row: int(row["n"]))


def errors_of(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"The largest error in ULP among {rows[0]['n']:,} numbers of both signs and every magnitude"
    yield ""
    yield from table_of_errors(rows, LIBRARIES)


WORK = Work(cells, Problem, LIBRARIES, times, turn=0.02)
ACCURACY = Work(hard_cells, Problem, LIBRARIES, errors_of, turn=0, rounds=0, one_thread=True)
