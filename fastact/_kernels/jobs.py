"""A job: a layer of neurons to compute, described by words, in parts that threads compute on their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import types

from . import pool, python
from .calls import call
from .compiled import STRICT, compiled
from .float_state import in_default_float_environment
from .memory import LINE, address_of, at, stack
from .vectors import FEW_ROWS

# The words of a job. Strides are in bytes.
X, X_ROW, X_STEP = 0, 1, 2  #: from row to row, and along k
W, W_STEP, W_COLUMN = 3, 4, 5  #: along k, and from column to column
BIAS, BIAS_COLUMN = 6, 7
SLOPE, SLOPE_COLUMN = 8, 9  #: the second input of the activation, where it has one
Z, Z_ROW = 10, 11  #: its columns are contiguous
ROWS, K, COLUMNS = 12, 13, 14
LOOP, INPUTS = 15, 16  #: address of the activation's `loop(addresses, n)`, and how many inputs it has
PART = 17  #: address of `Layer.part`
POOL = 18  #: address of the words of the pool, 0 for one thread
ROW_PARTS, COLUMN_PARTS = 19, 20
SCRATCH, SCRATCH_PART = 21, 22  #: address of memory on a line, and how many bytes of it each part has
RATE, UNTIMED = 23, 24  #: addresses of what the neuron's record knows of the time of the layer
EXPECTED_TIME = 25  #: ns that it is likely to take on one thread, where there is a pool
CACHE, SHARED_CACHE = 26, 27  #: bytes of the second-level cache, and of the third
MODES = 28  #: floating-point modes in which it is computed
WORDS = 29
SPACE = WORDS * 8  #: bytes

_STACK_SCRATCH = 16 * 1024  # a caller's thread may have a stack of 64 KiB
_TIMED_EVERY = 2500  # ns of calls on one thread; to read the clock twice takes 50
_SINGLE_USE_IS_DEARER = 4  # a product takes so much longer where every number of x or of the weights serves only one
_WORK_OF_ACTIVATION = 16  # in products
_LEAST_EXPECTED = 100  # ns, so that no call is taken for a cheap one for good


class Layer(NamedTuple):
    """What Numba compiles for one type: for several neurons, or for one."""

    size: int  #: bytes of a number
    plan: Callable[..., Any]  #: `plan(job, threads)` sets the parts and how much scratch memory each needs
    part: Callable[..., Any]  #: `part(job, index)` computes a part


@compiled(**STRICT)
def work(job, size):
    """What a job takes, in bytes of products."""
    single_use = job[COLUMNS] == 1 or job[ROWS] < FEW_ROWS
    products = job[K] * (_SINGLE_USE_IS_DEARER if single_use else 1) + _WORK_OF_ACTIVATION
    return job[ROWS] * job[COLUMNS] * products * size


@compiled(**STRICT)
def up(n, unit):
    """The next multiple from n of `unit`, a power of two."""
    return (n + unit - 1) & -unit


@compiled(**STRICT)
def expected_time(job, size):
    """How many ns a job is likely to take on one thread."""
    return work(job, size) * 1000 // at(job[RATE], types.intp)[0]


@compiled(**STRICT)
def _start_timing(job):
    """The time where a job is to be timed, or 0: what it costs depends on the processor, the shape and the numbers."""
    untimed = at(job[UNTIMED], types.intp)
    untimed[0] += max(job[EXPECTED_TIME], _LEAST_EXPECTED)
    return python.clock() if untimed[0] >= _TIMED_EVERY else 0


@compiled(**STRICT)
def _end_timing(job, size, start, threads):
    """Learn from a job how much is computed in a us."""
    time = pool.time_on_one(job[POOL], python.clock() - start, threads)
    at(job[RATE], types.intp)[0] = max(1, work(job, size) * 1000 // time)
    at(job[UNTIMED], types.intp)[0] = 0


def runner(layer: Layer, compute: Callable[..., Any]) -> Callable[..., Any]:
    """`run(job)` that computes all of a job by `compute(job, parts)`; it gives 1, or 0 where there is no memory."""
    plan, size = layer.plan, layer.size

    def run(job):
        threads, start = 1, 0
        if job[POOL] != 0:
            threads = pool.shares(job[POOL], job[EXPECTED_TIME]).threads
            start = _start_timing(job)
        plan(job, threads)
        parts = job[ROW_PARTS] * job[COLUMN_PARTS]
        needed = parts * job[SCRATCH_PART]
        memory = 0
        job[SCRATCH] = stack(_STACK_SCRATCH)
        if needed > _STACK_SCRATCH:
            memory = python.allocate(needed + LINE)
            if memory == 0:
                return 0
            job[SCRATCH] = up(memory, LINE)
        compute(job, parts)
        if memory != 0:
            python.free(memory)
        if start != 0:
            _end_timing(job, size, start, parts)
        return 1

    return run


@compiled(**STRICT)
def over_threads(job, parts):
    """`compute` by the address of `part`, on the pool where there are several."""
    pool.run(job[POOL], job[MODES], job[PART], address_of(job), pool.Shares(parts, 1))


def on_this_thread(layer: Layer) -> Callable[..., Any]:
    """`compute` for callers inside `@njit`: the one part, compiled in."""
    part = compiled(**STRICT)(layer.part)
    compute: Callable[..., Any] = compiled(**STRICT)(lambda job, parts: in_default_float_environment(part, (job, 0)))
    return compute


@compiled(**STRICT)
def activate(job, sums, slopes, z, n):
    """The activation of n contiguous sums, into z."""
    addresses_address = stack(24)
    addresses = at(addresses_address, types.intp)
    addresses[0] = sums
    addresses[1] = slopes
    addresses[job[INPUTS]] = z
    call(job[LOOP], (addresses_address, n))


RUN_SIGNATURE = types.intp(types.CPointer(types.intp))
