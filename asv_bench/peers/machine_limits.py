"""What the machine can do at most."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .work import Array


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
