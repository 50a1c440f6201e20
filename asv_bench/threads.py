"""Whether more threads are ever slower than one: `python -m asv_bench.threads`.

Each cell is the time of a call that may use all threads by that of one that may not, results written to the same
array, medians of calls that take turns. With `--beside`, each call follows a product of another library, whose idle
threads may still spin then.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
from collections.abc import Iterator

import numpy as np

import fastact

from .peers.work import Call
from .peers.workers import turn

SIZES = [digit * 10**power for power in range(3, 7) for digit in (1, 2, 5)] + [10**7]
FUNCTIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "mish")
TYPES = ("float32", "float64")
BATCH_SECONDS, BATCHES = 2e-3, 15
MOST = fastact.get_num_threads()


@fastact.activation
def softsign(x):  # type: ignore[no-untyped-def]
    """An activation of a user's."""
    return x / (1 + abs(x))


def calls(n: int, dtype: str) -> Iterator[tuple[str, Call]]:
    """What is timed, on n numbers."""
    x = np.random.default_rng(0).normal(scale=2, size=n).astype(dtype)
    out = np.empty_like(x)
    for function in (*(getattr(fastact, name) for name in FUNCTIONS), softsign):
        yield function.__name__, functools.partial(function, x, out=out)
    rows, results = x.reshape(-1, 100), out.reshape(-1, 100)
    yield "softmax", functools.partial(fastact.softmax, rows, out=results)
    k, m = 50, 20
    weights, sums = np.ones((k, m), dtype), np.empty((n // k, m), dtype)
    yield "neuron", functools.partial(fastact.neuron, x.reshape(-1, k), weights, out=sums)


def product(library: str) -> Call:
    """A product of square matrices on all threads of a library."""
    a = np.ones((300, 300), np.float32)
    if library == "numpy":
        result = np.empty_like(a)
        return lambda: np.matmul(a, a, out=result)
    if library == "torch":
        import torch

        tensor = torch.from_numpy(a)
        return lambda: torch.mm(tensor, tensor)
    import jax

    array = jax.numpy.asarray(a)
    multiply = jax.jit(lambda x: x @ x)
    return lambda: multiply(array).block_until_ready()


def ratio(call: Call, before: Call | None) -> float:
    """The median time with all threads by that with one."""
    found: dict[int, list[float]] = {1: [], MOST: []}
    for _ in range(BATCHES):
        for threads, spent in found.items():
            fastact.set_num_threads(threads)
            spent += turn(call, BATCH_SECONDS, before)
    return statistics.median(found[MOST]) / statistics.median(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", choices=["numpy", "torch", "jax"])
    arguments = parser.parse_args()
    if MOST == 1:
        sys.exit("there is only one thread")
    before = product(arguments.beside) if arguments.beside else None
    print(f"Time with {MOST} threads by that with one{f', beside {arguments.beside}' if before else ''}")
    print(f"{'':20}" + "".join(f"{n:>7.0e}" for n in SIZES))
    worst = (0.0, "")
    for dtype in TYPES:
        rows: dict[str, list[float]] = {}
        for n in SIZES:
            for name, call in calls(n, dtype):
                rows.setdefault(name, []).append(ratio(call, before))
                worst = max(worst, (rows[name][-1], f"{name} {dtype} at {n:,}"))
        for name, ratios in rows.items():
            print(f"{name:12}{dtype}" + "".join(f"{value:7.2f}" for value in ratios))
    print(f"largest: {worst[0]:.2f}, {worst[1]}")


if __name__ == "__main__":
    main()
