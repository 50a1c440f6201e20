"""Time the neuron against other libraries on the same work: `python -m asv_bench.neuron_peers`.

NumPy, PyTorch, JAX and ONNX Runtime take part where they are installed (`pip install -e ".[peers]"`), each by its
quickest call, into a given output where it has one. Each library has a process of its own, and all others are stopped
while it has its turn, because their idle threads would spin. They take turns of some milliseconds; a number is the
median of all calls. Every result is compared with NumPy's in float64 before it is timed. What the machine can do at
most, in multiply-adds and in bytes from memory, is measured in the same run.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asv_bench.peers import Array, Call, Made, limited_to, tables_by_threads, turn

ROOT = Path(__file__).parent.parent
LIBRARIES = ("fastact", "numpy", "torch", "jax", "onnxruntime")
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
TURN = 0.02  # seconds
ROUNDS = 7
SWEPT_SIZE = 2000  # rows, inputs and neurons at most


class Cell(NamedTuple):
    n: int
    k: int
    m: int
    dtype: str
    activation: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write neuron_peers.md and neuron_peers.json there")
    parser.add_argument("--quick", action="store_true", help="sigmoid in float32 and relu in float64 alone")
    parser.add_argument(
        "--sweep", type=int, metavar="N", help="print the worst of N random layers against NumPy alone instead"
    )
    parser.add_argument("--library", help=argparse.SUPPRESS)  # set for the processes that measure
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.library:
        serve(arguments.library, arguments.threads)
        return
    counts = sorted({1, os.cpu_count() or 1})
    if arguments.sweep:
        for threads in counts:
            print("\n".join(worst(measured(random_cells(arguments.sweep), threads, ("fastact", "numpy")), threads)))
        return
    rows: list[dict[str, Any]] = []
    pairs = (
        [("float32", "sigmoid"), ("float64", "relu")]
        if arguments.quick
        else [(t, a) for t in TYPES for a in ACTIVATIONS]
    )
    for threads in counts:
        rows += measured([Cell(*shape, *pair) for pair in pairs for shape in SHAPES], threads, LIBRARIES)
    lines = list(tables(rows))
    print("\n".join(lines))
    if arguments.save:
        (arguments.save / "neuron_peers.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (arguments.save / "neuron_peers.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


class Worker:
    """A process with one library, stopped unless it is asked something."""

    def __init__(self, library: str, threads: int) -> None:
        command = [sys.executable, "-m", "asv_bench.neuron_peers", "--library", library, "--threads", str(threads)]
        self.library = library
        self.process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=limited_to(threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ask(None)

    def ask(self, question: Any) -> Any:
        assert self.process.stdin is not None  # noqa: S101 - it has pipes
        assert self.process.stdout is not None  # noqa: S101
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.library} ended")
        os.kill(self.process.pid, signal.SIGSTOP)
        return json.loads(answer)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def random_cells(count: int) -> list[Cell]:
    generator = np.random.default_rng(0)
    sizes = np.exp(generator.uniform(0, np.log(SWEPT_SIZE + 1), (count, 3))).astype(int).tolist()
    return [Cell(n, k, m, str(generator.choice(TYPES)), str(generator.choice(ACTIVATIONS))) for n, k, m in sizes]


def worst(rows: Iterator[dict[str, Any]], threads: int) -> Iterator[str]:
    """The layers in which fastact gains least."""
    ranked = sorted((row["us"]["numpy"] / row["us"]["fastact"], Cell(*(row[f] for f in Cell._fields))) for row in rows)
    median = statistics.median(gain for gain, _ in ranked)
    yield f"{threads} thread{'s' * (threads > 1)}: NumPy takes {median:.2f} times as long in the median; the worst"
    for gain, cell in ranked[:5]:
        yield f"  ({cell.n}, {cell.k}) → {cell.m} {cell.dtype} {cell.activation}: {gain:.2f}"


def measured(cells: list[Cell], threads: int, libraries: Sequence[str]) -> Iterator[dict[str, Any]]:
    workers = [Worker(library, threads) for library in libraries if importlib.util.find_spec(library)]
    try:
        for cell in cells:
            present = [worker for worker in workers if worker.ask({"prepare": cell})]
            times: dict[str, list[float]] = {worker.library: [] for worker in present}
            for _ in range(ROUNDS):
                for worker in present:
                    times[worker.library] += worker.ask({"turn": TURN})
            row = cell._asdict() | {"threads": threads, "limits": workers[0].ask({"limits": cell.dtype})}
            row["us"] = {library: statistics.median(values) * 1e6 for library, values in times.items()}
            print(*cell, threads, {name: round(us, 2) for name, us in row["us"].items()}, file=sys.stderr)
            yield row
    finally:
        for worker in workers:
            worker.end()


def serve(library: str, threads: int) -> None:
    """Answer the questions of a `Worker`, line by line, on as many processors as threads: JAX knows no other limit."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    call: Call = lambda: None  # noqa: E731
    for line in sys.stdin:
        question = json.loads(line)
        answer: Any = True
        if question is None:
            pass
        elif "prepare" in question:
            made = MAKERS[library](Problem(Cell(*question["prepare"])), threads)
            answer = made is not None
            if made is not None:
                call, result = made
                call()
                check(library, Problem(Cell(*question["prepare"])), np.asarray(result()))
        elif "turn" in question:
            answer = turn(call, question["turn"])
        else:
            answer = limits(question["limits"], threads)
        print(json.dumps(answer), flush=True)


class Problem:
    """The operands of a cell: the same in every process."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        generator = np.random.default_rng(0)
        self.x = generator.standard_normal((cell.n, cell.k)).astype(cell.dtype)
        self.w = (generator.standard_normal((cell.k, cell.m)) / cell.k**0.5).astype(cell.dtype)
        self.b = generator.standard_normal(cell.m).astype(cell.dtype)
        if cell.m == 1:
            self.w, self.b = self.w[:, 0].copy(), self.b[0]
        if (cell.n, cell.m) == (1, 1):
            self.x = self.x[0]

    def expected(self) -> Array:
        z = self.x.astype(np.float64) @ self.w.astype(np.float64) + np.asarray(self.b, np.float64)
        functions: dict[str, Callable[[Any], Any]] = {
            "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
            "tanh": np.tanh,
            "relu": lambda z: np.maximum(z, 0),
        }
        return np.asarray(functions[self.cell.activation](z))

    def output(self) -> Array | None:
        """An array for the result, where it is one."""
        return None if self.x.ndim == self.w.ndim == 1 else np.empty(self.x.shape[:-1] + self.w.shape[1:], self.x.dtype)


def check(library: str, problem: Problem, result: Array) -> None:
    """End unless a result has the type and, near enough, the values that are expected."""
    expected = problem.expected()
    tolerance = float(np.finfo(problem.cell.dtype).eps) * 4 * max(8, problem.cell.k)
    if result.dtype != problem.x.dtype or not (np.abs(result.reshape(expected.shape) - expected) <= tolerance).all():
        raise SystemExit(f"{library}: wrong result of {problem.cell}")


# How each library is called.


def of_fastact(problem: Problem, threads: int) -> Made:
    import fastact

    fastact.set_num_threads(threads)
    x, w, b, out = problem.x, problem.w, problem.b, problem.output()
    name: Any = problem.cell.activation
    if out is None:
        neuron = fastact.neuron
        return (lambda: neuron(x, w, b, name)), (lambda: neuron(x, w, b, name))
    return (lambda: fastact.neuron(x, w, b, name, out=out)), (lambda: out)


def of_numpy(problem: Problem, threads: int) -> Made:
    x, w, b, name, out = problem.x, problem.w, problem.b, problem.cell.activation, problem.output()
    if out is None:
        calls = {
            "sigmoid": lambda: 1 / (1 + np.exp(-(np.dot(x, w) + b))),
            "tanh": lambda: np.tanh(np.dot(x, w) + b),
            "relu": lambda: np.maximum(np.dot(x, w) + b, 0),
        }
        return calls[name], calls[name]
    z = out

    def call() -> None:
        np.matmul(x, w, out=z)
        np.add(z, b, out=z)
        if name == "sigmoid":
            np.negative(z, out=z)
            np.exp(z, out=z)
            np.add(z, 1, out=z)
            np.divide(1, z, out=z)
        elif name == "tanh":
            np.tanh(z, out=z)
        else:
            np.maximum(z, 0, out=z)

    return call, (lambda: z)


def of_torch(problem: Problem, threads: int) -> Made:
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    x, w = torch.from_numpy(problem.x), torch.from_numpy(problem.w)
    b = torch.from_numpy(np.atleast_1d(problem.b))
    finish = {"sigmoid": torch.sigmoid_, "tanh": torch.tanh_, "relu": torch.relu_}[problem.cell.activation]
    if x.ndim == 1:
        return (lambda: finish(torch.dot(x, w).add_(b[0]))), (lambda: finish(torch.dot(x, w).add_(b[0])).numpy())
    out = torch.empty((problem.cell.n, problem.cell.m) if w.ndim == 2 else problem.cell.n, dtype=x.dtype)
    if w.ndim == 1:
        return (lambda: finish(torch.addmv(b, x, w, out=out))), out.numpy
    return (lambda: finish(torch.addmm(b, x, w, out=out))), out.numpy


@functools.cache
def compiled_by_jax(activation: str) -> Callable[..., Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    finish = {"sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh, "relu": jax.nn.relu}[activation]
    made: Callable[..., Any] = jax.jit(lambda x, w, b: finish(x @ w + b))
    return made


def of_jax(problem: Problem, threads: int) -> Made:
    call = compiled_by_jax(problem.cell.activation)
    import jax

    operands = [jax.numpy.asarray(operand) for operand in (problem.x, problem.w, problem.b)]
    return (lambda: call(*operands).block_until_ready()), (lambda: call(*operands))


def of_onnxruntime(problem: Problem, threads: int) -> Made:
    import onnx
    import onnx.numpy_helper
    import onnxruntime
    from onnx import TensorProto, helper

    if problem.x.ndim == 1:
        return None
    n, _, m, dtype, activation = problem.cell
    element = TensorProto.FLOAT if dtype == "float32" else TensorProto.DOUBLE
    weights = problem.w.reshape(-1, m)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["s"]),
        helper.make_node({"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}[activation], ["s"], ["y"]),
    ]
    constants = [onnx.numpy_helper.from_array(a, name) for a, name in ((weights, "w"), (np.atleast_1d(problem.b), "b"))]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", element, list(problem.x.shape))],
        [helper.make_tensor_value_info("y", element, [n, m])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    out = np.empty((n, m), dtype)
    binding = session.io_binding()
    binding.bind_cpu_input("x", problem.x)
    binding.bind_output("y", "cpu", 0, out.dtype.type, [n, m], out.ctypes.data)
    return (lambda: session.run_with_iobinding(binding)), (lambda: out)


MAKERS: dict[str, Callable[[Problem, int], Made]] = {
    "fastact": of_fastact,
    "numpy": of_numpy,
    "torch": of_torch,
    "jax": of_jax,
    "onnxruntime": of_onnxruntime,
}


def limits(dtype: str, threads: int) -> dict[str, float]:
    """What the machine does at most now: 10^9 operations a second in registers, and bytes read from memory."""
    operations, memory, chains = limit_kernels(dtype)
    data = limit_data()
    turns = 200_000
    best = {"gflops": 0.0, "gbytes": 0.0}
    for _ in range(3):
        start = time.perf_counter()
        operations(threads, turns)
        middle = time.perf_counter()
        memory(data, threads)
        end = time.perf_counter()
        best["gflops"] = max(best["gflops"], threads * turns * chains * 2 / (middle - start) / 1e9)
        best["gbytes"] = max(best["gbytes"], data.nbytes / (end - middle) / 1e9)
    return best


@functools.cache
def limit_data() -> Array:
    return np.ones(1 << 25)


@functools.cache
def limit_kernels(dtype: str) -> tuple[Callable[..., Any], Callable[..., Any], int]:
    """`operations(threads, turns)` of so many multiply-adds a turn and thread, and `memory(data, threads)`."""
    import numba
    from llvmlite import ir
    from numba.extending import intrinsic

    from fastact._kernels import vectors

    real = numba.from_dtype(np.dtype(dtype))
    lanes, chains = vectors.lanes(real), 12
    bytes_a_turn = chains * vectors.processor().vector_bytes

    def summed(step: Callable[..., Any]) -> Any:
        """An intrinsic that repeats a step on vectors of sums, given an address and how often, and adds them up."""

        @intrinsic  # type: ignore[untyped-decorator]
        def function(typingctx: Any, address: Any, turns: Any) -> Any:
            def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                inside = vectors.Vectors(builder, real)
                sums = [ir.Constant(inside.type, [float(i + 1)] * lanes) for i in range(chains)]
                _, *sums = inside.repeat(arguments[1], [arguments[0], *sums], functools.partial(step, inside))
                total = functools.reduce(builder.fadd, sums)
                number = builder.extract_element(total, ir.IntType(32)(0))
                return context.cast(builder, number, real, numba.float64)

            return numba.float64(numba.intp, numba.intp), codegen

        return function

    def multiply_add(inside: Any, values: list[Any]) -> list[Any]:
        half = ir.Constant(inside.type, [0.5] * lanes)
        return [values[0], *[inside.multiply_add(value, half, half) for value in values[1:]]]

    def read(inside: Any, values: list[Any]) -> list[Any]:
        address, *sums = values
        numbers = [inside.load(inside.offset(address, i * inside.bytes)) for i in range(chains)]
        return [inside.offset(address, bytes_a_turn), *map(inside.builder.fadd, sums, numbers)]

    multiply_adds, additions = summed(multiply_add), summed(read)

    @numba.njit(parallel=True)
    def operations(threads, turns):  # type: ignore[no-untyped-def]
        total = 0.0
        for _ in numba.prange(threads):
            total += multiply_adds(0, turns)
        return total

    @numba.njit(parallel=True)
    def memory(data, threads):  # type: ignore[no-untyped-def]
        total = 0.0
        turns = data.nbytes // bytes_a_turn // threads
        for t in numba.prange(threads):
            total += additions(data.ctypes.data + t * turns * bytes_a_turn, turns)
        return total

    operations(1, 1)
    memory(limit_data(), 1)
    return operations, memory, chains * lanes


def shown_us(us: float | None) -> str:
    if us is None:
        return "–"
    return f"{us:.3f}" if us < 1 else f"{us:.1f}" if us < 100 else f"{us:,.0f}"


def tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    present = [library for library in LIBRARIES if any(library in row["us"] for row in rows)]
    yield "us per call; how much faster fastact is than the fastest other; its share of the multiply-adds that the"
    yield "machine can do, and of the bytes that it can read (x read once and the result written once)"

    def line(row: dict[str, Any]) -> list[str]:
        times, n, k, m = row["us"], row["n"], row["k"], row["m"]
        others = min((us for name, us in times.items() if name != "fastact"), default=float("nan"))
        seconds = times["fastact"] / 1e6
        peak = 2 * n * k * m / seconds / 1e9 / row["limits"]["gflops"]
        moved = (n * k + n * m) * np.dtype(row["dtype"]).itemsize / seconds / 1e9 / row["limits"]["gbytes"]
        shown = [shown_us(times.get(name)) for name in present]
        labels = [f"({n:,}, {k:,}) → {m:,}", row["dtype"], row["activation"]]
        return [*labels, *shown, f"{others / times['fastact']:.2f}", f"{peak:.0%}", f"{moved:.0%}"]

    numbers = dict.fromkeys([*present, "faster", "of peak", "of memory"], "--:")
    yield from tables_by_threads(rows, {"(n, k) → m": "---", "type": "---", "activation": "---"} | numbers, line)


if __name__ == "__main__":
    main()
