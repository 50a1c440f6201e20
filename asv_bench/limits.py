"""What limits each function on one thread: `python -m asv_bench.limits`, for `fastact/_kernels/README.md`.

The compiled loop of a function is called by itself on numbers that lie in the first-level cache. Beside its time stand
the operations on vectors that its assembly has for each vector of results, without moves, and how many of them are
divisions. Three times are the least that a loop can take: that of as many multiply-adds, that of the divisions, and
that of reading and writing alone. The largest is the limit; its share of the time tells how near to it the function is.
All are measured in the same run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numba
import numpy as np

from fastact._compiler import loops
from fastact._kernels import driver
from fastact._kernels.calls import call
from fastact._kernels.compiled import INLINED, STRICT, compiled
from fastact._kernels.memory import LINE
from fastact._runtime import registry

from .peers.machine_limits import limits

BYTES = 8 * 1024  # of an operand
APART = BYTES + 5 * LINE  # a read at the distance of a page from a write may wait for it
REPEATS, ROUNDS = 100, 50


class Operations(NamedTuple):
    """On vectors, for each vector of results."""

    all: float
    divisions: float


@numba.njit(**STRICT)
def repeated(loop, addresses, n):  # type: ignore[no-untyped-def]
    """Call a loop, by its address, again and again."""
    for _ in range(REPEATS):
        call(loop, (addresses, n))


@compiled(**INLINED)
def one_operand(x):  # type: ignore[no-untyped-def]
    """Hardly anything but read and write."""
    return abs(x)


@compiled(**INLINED)
def two_operands(x, y):  # type: ignore[no-untyped-def]
    """Likewise."""
    return x + y


def nanoseconds(address: int, inputs: int, dtype: str) -> float:
    """The time of a loop for each element."""
    memory = np.empty(LINE + (inputs + 1) * APART, np.uint8)
    starts = -memory.ctypes.data % LINE + APART * np.arange(inputs + 1)
    n = BYTES // np.dtype(dtype).itemsize
    for place in starts.tolist():
        memory[place : place + BYTES].view(dtype)[:] = np.random.default_rng(place).normal(scale=2, size=n)
    addresses = memory.ctypes.data + starts
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        repeated(address, addresses.ctypes.data, n)
        best = min(best, time.perf_counter_ns() - start)
    return best / REPEATS / n


def reading_and_writing(inputs: int, dtype: str) -> float:
    """The time of a loop that does nothing else, for each element."""
    kernel = [one_operand, two_operands][inputs - 1]
    loop = numba.cfunc(driver.LOOP_SIGNATURE, **STRICT)(driver.inner_loop(kernel, inputs, getattr(numba, dtype)))
    return nanoseconds(loop.address, inputs, dtype)


def assembly_of_loop(kernel: Any, inputs: int, dtype: str) -> str:
    """The assembly of the inner loop of a function of numbers."""
    loop = driver.inner_loop(kernel, inputs, getattr(numba, dtype))
    (assembly,) = numba.njit(driver.LOOP_SIGNATURE, **STRICT)(loop).inspect_asm().values()
    return str(assembly)


def repeated_blocks(assembly: str) -> list[str]:
    """The bodies of the innermost loops in assembly of x86."""
    loops = re.findall(r"^(\.LBB\w+):((?:\n(?!\.LBB).*)*)\n\s+j\w+\s+\1\n", assembly, re.MULTILINE)
    return [body for _, body in loops]


def operations(assembly: str) -> Operations:
    """What the loop has that takes several vectors in turns."""
    counted = []
    for body in repeated_blocks(assembly):
        lines = [line.split(None, 1) for line in body.splitlines() if re.search(r"%[xyz]mm|%k\d", line)]
        moves = [operands for name, operands in lines if re.match(r"v?mov", name)]
        results = sum(1 for operands in moves if re.search(r"mm\d+, .*\((?!%rsp)", operands))
        if results:
            names = [name for name, _ in lines if not re.match(r"[vk]?mov", name)]
            divisions = sum(name.startswith(("vdiv", "div")) for name in names)
            counted.append((results, Operations(len(names) / results, divisions / results)))
    return max(counted)[1]


def table() -> Iterator[str]:
    """Lines of Markdown."""
    yield "| function | type | ns | ULP | operations | divisions | limit | share |"
    yield "|---|---|--:|--:|--:|--:|---|--:|"
    for dtype in ("float32", "float64"):
        machine = limits(dtype, 1)
        rest = {inputs: reading_and_writing(inputs, dtype) for inputs in (1, 2)}
        for row in registry.rows.values():
            activation = row.activation
            count = operations(assembly_of_loop(loops.kernel(activation), activation.inputs, dtype))
            times = {
                "operations": count.all * 2 / machine["gflops"],
                "division": count.divisions / machine["gdivisions"],
                "reading and writing": rest[activation.inputs],
            }
            spent = nanoseconds(activation.loop(np.dtype(dtype).char).inner(), activation.inputs, dtype)
            limit = max(times, key=lambda name: times[name])
            yield (
                f"| `{row.name}` | {dtype} | {spent:.3f} | {getattr(row.ulp, dtype):g} | {count.all:.0f} "
                f"| {count.divisions:.0f} | {limit} | {times[limit] / spent:.0%} |"
            )


def main() -> None:
    for line in table():
        print(line)


if __name__ == "__main__":
    main()
