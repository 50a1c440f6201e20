"""Time fastact against other libraries on the same work: `python asv_bench/peers.py`.

NumPy, SciPy, NumExpr, PyTorch, JAX and ONNX Runtime take part where they are installed (`pip install -e ".[peers]"`),
each by its quickest eager call, into a given output where it has one. Each number of threads gets a process of its own.
There the libraries take turns of some milliseconds, after a pause in which the idle threads of the one before stop
spinning, so that all meet the same machine; a number is the median of all calls. Outputs are compared before anything
is timed.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Call = Callable[[], Any]

FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu")
LIBRARIES = ("fastact", "numpy", "scipy", "numexpr", "torch", "jax", "onnxruntime")
SLOPE = 2.0**-7  # the same number in every type
SIZES = (1, 100, 10_000, 100_000, 1_000_000, 10_000_000)
LARGEST = 67_000_000
LAYOUTS = ("out given", "in place", "new output", "every second", "transposed")
TURN, PAUSE = 0.004, 0.01  # seconds
ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help=f"also {LARGEST:,} elements: takes 3 GB of memory")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write peers.md and peers.json there")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)  # set for the processes that measure
    arguments = parser.parse_args()
    if arguments.threads:
        for cell in measure(arguments.threads, arguments.full):
            print(json.dumps(cell), flush=True)
        return
    cells = []
    for threads in sorted({1, os.cpu_count() or 1}):
        cells += list(measured_by_a_process(threads, arguments.full))
    lines = list(tables(cells))
    print("\n".join(lines))
    if arguments.save:
        (arguments.save / "peers.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (arguments.save / "peers.json").write_text(json.dumps(cells, indent=1) + "\n", encoding="utf-8")


def measured_by_a_process(threads: int, full: bool) -> Iterator[dict[str, Any]]:
    command = [sys.executable, __file__, "--threads", str(threads)] + ["--full"] * full
    with subprocess.Popen(command, env=limited_to(threads), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        for line in process.stdout or ():
            cell = json.loads(line)
            print(*(cell[key] for key in ("function", "dtype", "layout", "n", "threads")), file=sys.stderr)
            yield cell
    if process.returncode:
        raise SystemExit(process.returncode)


def limited_to(threads: int) -> dict[str, str]:
    """The environment in which the libraries use so many threads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return environment


def measure(threads: int, full: bool) -> Iterator[dict[str, Any]]:
    libraries = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    sizes = (*SIZES, LARGEST) if full else SIZES
    for dtype in ("float32", "float64"):
        for function in FUNCTIONS:
            for layout, n in [("out given", n) for n in sizes] + [(layout, 1_000_000) for layout in LAYOUTS[1:]]:
                yield measure_cell(libraries, function, dtype, layout, n, threads)
    for function in FUNCTIONS:
        yield measure_cell(libraries, function, "float16", "out given", 1_000_000, threads)


def measure_cell(libraries: list[str], function: str, dtype: str, layout: str, n: int, threads: int) -> dict[str, Any]:
    x = arrangement(np.random.default_rng(0).normal(scale=3, size=n).astype(dtype), layout)
    calls, errors = {}, {}
    for library in libraries:
        made = MAKERS[library](function, x.copy() if layout == "in place" else x, layout, threads)
        if made is None:
            continue
        call, result = made
        call()
        errors[library] = check(library, function, x, np.asarray(result()))
        calls[library] = call
    times = take_turns(calls)
    return {
        "function": function,
        "dtype": dtype,
        "layout": layout,
        "n": n,
        "threads": threads,
        "ns_per_element": {library: seconds / n * 1e9 for library, seconds in times.items()},
        "ulp": errors,
    }


def arrangement(x: Array, layout: str) -> Array:
    if layout == "every second":
        return np.repeat(x, 2)[::2]
    if layout == "transposed":
        return np.ascontiguousarray(x.reshape(1000, -1)).T
    return x


def check(library: str, function: str, x: Array, y: Array) -> float:
    """The largest error in ULP among at most 100,000 of the results, which must be small beside 1."""
    x, y = x.ravel()[:100_000], y.ravel()[:100_000]
    wide: Any = np.longdouble if x.dtype == np.float64 else np.float64
    z: Any = x.astype(wide)
    if function == "sigmoid":
        right = 1 / (1 + np.exp(-z))
    elif function == "tanh":
        right = np.tanh(z)
    elif function == "relu":
        right = np.maximum(z, 0)
    else:
        right = np.where(z > 0, z, z * wide(x.dtype.type(SLOPE)))
    error: Any = np.abs(y.astype(wide) - right)
    tolerance = {2: 2e-3, 4: 1e-6, 8: 1e-14}[x.dtype.itemsize]
    if y.dtype != x.dtype or not (error <= tolerance * np.maximum(1, np.abs(right))).all():
        raise SystemExit(f"{library}: {function} of {x.dtype} is wrong by up to {error.max()}")
    return float((error / np.spacing(np.abs(right.astype(x.dtype))).astype(wide)).max())


def turn(call: Call, seconds: float) -> list[float]:
    """How long each call took, of as many as take so many seconds together."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        call()
        times.append(time.perf_counter() - start)
    return times


def take_turns(calls: dict[str, Call]) -> dict[str, float]:
    """The median time of a call for each library."""
    times: dict[str, list[float]] = {library: [] for library in calls}
    for _ in range(ROUNDS):
        for library, call in calls.items():
            time.sleep(PAUSE)
            times[library] += turn(call, TURN)
    return {library: statistics.median(measured) for library, measured in times.items()}


# How each library is called: a call, and where its result is. None if it does not have the cell.
Made = tuple[Call, Callable[[], Any]] | None


def into(call: Callable[[Array], Any], x: Array, layout: str) -> Made:
    """A call that takes an output."""
    out = x if layout == "in place" else np.empty_like(x, order="C")
    return (lambda: call(out)), (lambda: out)


def fresh(call: Call) -> Made:
    """A call that makes its output."""
    return call, call


def of_fastact(function: str, x: Array, layout: str, threads: int) -> Made:
    import fastact

    fastact.set_num_threads(threads)
    slope = x.dtype.type(SLOPE)
    if function == "leaky_relu":
        prelu = fastact.prelu
        if layout == "new output":
            return fresh(lambda: prelu(x, slope))
        return into(lambda out: prelu(x, slope, out=out), x, layout)
    ufunc = getattr(fastact, function)
    return fresh(lambda: ufunc(x)) if layout == "new output" else into(lambda out: ufunc(x, out=out), x, layout)


def of_numpy(function: str, x: Array, layout: str, threads: int) -> Made:
    slope, zero = x.dtype.type(SLOPE), x.dtype.type(0)

    def sigmoid(out: Array | None) -> Array:
        out = np.negative(x, out=out)
        np.exp(out, out=out)
        np.add(out, 1, out=out)
        np.divide(1, out, out=out)
        return out

    def leaky_relu(out: Array | None) -> Array:
        scaled = np.multiply(x, slope, out=None if out is x else out)
        result: Array = np.maximum(x, scaled, out=scaled if out is None else out)
        return result

    call: Callable[[Array | None], Array] = {
        "sigmoid": sigmoid,
        "tanh": lambda out: np.tanh(x, out=out),
        "relu": lambda out: np.maximum(x, zero, out=out),
        "leaky_relu": leaky_relu,
    }[function]
    return fresh(lambda: call(None)) if layout == "new output" else into(call, x, layout)


def of_scipy(function: str, x: Array, layout: str, threads: int) -> Made:
    if function != "sigmoid" or x.dtype == np.float16:
        return None
    from scipy.special import expit

    return fresh(lambda: expit(x)) if layout == "new output" else into(lambda out: expit(x, out=out), x, layout)


def of_numexpr(function: str, x: Array, layout: str, threads: int) -> Made:
    if x.dtype == np.float16:
        return None
    import numexpr

    numexpr.set_num_threads(threads)
    slope, zero, one = x.dtype.type(SLOPE), x.dtype.type(0), x.dtype.type(1)
    expression = {
        "sigmoid": "one / (one + exp(-x))",
        "tanh": "tanh(x)",
        "relu": "where(x > zero, x, zero)",
        "leaky_relu": "where(x > zero, x, slope * x)",
    }[function]
    names = {"x": x, "one": one, "zero": zero, "slope": slope}
    if layout == "new output":
        return fresh(lambda: numexpr.evaluate(expression, names))
    return into(lambda out: numexpr.evaluate(expression, names, out=out, casting="same_kind"), x, layout)


def of_torch(function: str, x: Array, layout: str, threads: int) -> Made:
    import torch

    torch.set_num_threads(threads)
    t = torch.from_numpy(x)
    if layout == "new output":
        make = {
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "relu": torch.relu,
            "leaky_relu": lambda t: torch.nn.functional.leaky_relu(t, SLOPE),
        }[function]
        return (lambda: make(t)), (lambda: make(t).numpy())
    out = t if layout == "in place" else torch.empty_like(t, memory_format=torch.contiguous_format)
    write = {
        "sigmoid": lambda: torch.sigmoid(t, out=out),
        "tanh": lambda: torch.tanh(t, out=out),
        "relu": lambda: torch.clamp_min(t, 0, out=out),
        "leaky_relu": lambda: torch.ops.aten.leaky_relu.out(t, SLOPE, out=out),
    }[function]
    return write, out.numpy


@functools.cache
def compiled_by_jax(function: str) -> Callable[[Any], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    leaky = functools.partial(jax.nn.leaky_relu, negative_slope=SLOPE)
    made: Callable[[Any], Any] = jax.jit(
        {"sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh, "relu": jax.nn.relu, "leaky_relu": leaky}[function]
    )
    return made


def of_jax(function: str, x: Array, layout: str, threads: int) -> Made:
    if layout not in ("out given", "new output"):  # its arrays are immutable and contiguous
        return None
    call = compiled_by_jax(function)
    import jax

    operand = jax.numpy.asarray(x)
    return fresh(lambda: call(operand).block_until_ready())


def of_onnxruntime(function: str, x: Array, layout: str, threads: int) -> Made:
    if layout != "out given":
        return None
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    operator = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "leaky_relu": "LeakyRelu"}[function]
    element = {"float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}[
        str(x.dtype)
    ]
    node = helper.make_node(operator, ["x"], ["y"], **({"alpha": SLOPE} if function == "leaky_relu" else {}))
    operands = [[helper.make_tensor_value_info(name, element, list(x.shape))] for name in "xy"]
    model = helper.make_model(
        helper.make_graph([node], "one", *operands), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error).upper() or "INVALID_GRAPH" in str(error).upper():
            return None
        raise
    out = np.empty_like(x)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, x.dtype.type, list(x.shape), out.ctypes.data)

    def call() -> Array:
        session.run_with_iobinding(binding)
        return out  # the binding does not keep it

    return fresh(call)


MAKERS: dict[str, Callable[[str, Array, str, int], Made]] = {
    "fastact": of_fastact,
    "numpy": of_numpy,
    "scipy": of_scipy,
    "numexpr": of_numexpr,
    "torch": of_torch,
    "jax": of_jax,
    "onnxruntime": of_onnxruntime,
}


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


def tables(cells: list[dict[str, Any]]) -> Iterator[str]:
    present = [library for library in LIBRARIES if any(library in cell["ns_per_element"] for cell in cells)]
    yield "ns per element, and how much faster fastact is than the fastest other"

    def line(cell: dict[str, Any]) -> list[str]:
        times = cell["ns_per_element"]
        shown = [f"{times[name]:.3g}" if name in times else "–" for name in present]
        best = min(value for name, value in times.items() if name != "fastact")
        labels = [str(cell[key]) for key in ("function", "dtype", "n", "layout")]
        return [*labels, *shown, f"{best / times['fastact']:.2f}"]

    numbers = dict.fromkeys([*present, "faster"], "--:")
    yield from tables_by_threads(cells, {"function": "---", "type": "---", "n": "--:", "memory": "---"} | numbers, line)
    yield ""
    yield "Largest error of the results above, in ULP (inputs normally distributed with deviation 3)"
    yield ""
    yield "| function | type | " + " | ".join(present) + " |"
    yield "|---|---|" + "--:|" * len(present)
    for dtype in ("float16", "float32", "float64"):
        for function in FUNCTIONS:
            same = [cell["ulp"] for cell in cells if (cell["function"], cell["dtype"]) == (function, dtype)]
            worst = [max((errors[name] for errors in same if name in errors), default=None) for name in present]
            yield f"| {function} | {dtype} | " + " | ".join("–" if e is None else f"{e:.3g}" for e in worst) + " |"


if __name__ == "__main__":
    main()
