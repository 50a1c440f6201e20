"""What the machine can do at most."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .work import Array


def limits(dtype: str, threads: int) -> dict[str, float]:
    """What the machine does at most now.

    10^9 operations of multiply-adds a second, 10^9 divisions a second, and 10^9 bytes a second read from memory.
    """
    kernels = limit_kernels(dtype)
    data = limit_data()
    turns = 200_000
    numbers = threads * turns * kernels.numbers
    best = {"gflops": 0.0, "gdivisions": 0.0, "gbytes": 0.0}
    for _ in range(3):
        for name, done, run, arguments in (
            ("gflops", 2 * numbers, kernels.multiply_adds, (threads, turns)),
            ("gdivisions", numbers, kernels.divisions, (threads, turns)),
            ("gbytes", data.nbytes, kernels.memory, (data, threads)),
        ):
            start = time.perf_counter()
            run(*arguments)
            best[name] = max(best[name], done / (time.perf_counter() - start) / 1e9)
    return best


@functools.cache
def limit_data() -> Array:
    return np.ones(1 << 25)


class Kernels(NamedTuple):
    """What keeps a part of the machine busy."""

    multiply_adds: Callable[..., Any]  #: `(threads, turns)`, of so many numbers a turn and thread
    divisions: Callable[..., Any]  #: likewise
    memory: Callable[..., Any]  #: `(data, threads)`
    numbers: int


@functools.cache
def limit_kernels(dtype: str) -> Kernels:
    """For numbers of a type."""
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

    def divide(inside: Any, values: list[Any]) -> list[Any]:
        three = ir.Constant(inside.type, [3.0] * lanes)
        return [values[0], *[inside.builder.fdiv(three, value) for value in values[1:]]]

    def read(inside: Any, values: list[Any]) -> list[Any]:
        address, *sums = values
        numbers = [inside.load(inside.offset(address, i * inside.bytes)) for i in range(chains)]
        return [inside.offset(address, bytes_a_turn), *map(inside.builder.fadd, sums, numbers)]

    def on_threads(step: Callable[..., Any]) -> Callable[..., Any]:
        operations = summed(step)

        @numba.njit(parallel=True)
        def run(threads, turns):  # type: ignore[no-untyped-def]
            total = 0.0
            for _ in numba.prange(threads):
                total += operations(0, turns)
            return total

        run(1, 1)
        return run  # type: ignore[no-any-return]

    additions = summed(read)

    @numba.njit(parallel=True)
    def memory(data, threads):  # type: ignore[no-untyped-def]
        total = 0.0
        turns = data.nbytes // bytes_a_turn // threads
        for t in numba.prange(threads):
            total += additions(data.ctypes.data + t * turns * bytes_a_turn, turns)
        return total

    memory(limit_data(), 1)
    return Kernels(on_threads(multiply_add), on_threads(divide), memory, chains * lanes)
