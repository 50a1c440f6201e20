"""The pool: work that is cut into parts, over threads, for one call of the process at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

from numba import prange, types

from .._runtime.pool_record import (
    BUSY,
    COUNTERS,
    FAN_OUT,
    FAN_OUT_TIME,
    GET_NUM_THREADS,
    LEAST_THREAD_TIME,
    MOST_THREADS,
    SET_NUM_THREADS,
    START,
    THREAD_TIME,
    THREADS,
)
from . import python
from .calls import ask, call
from .compiled import STRICT, compiled
from .float_state import in_float_environment
from .memory import LINE, at, fetch_and_add, try_lock, unlock

_PART_TIME = 4000  # ns: so long may the last thread be busy alone, and so little do the others wait for
_CALLS_TO_FORGET = 16
_MOST_PARTS = 32  # of a share, which may then take longer

# The words of a thread in a call; each has a line of its own.
_TAKEN = 0  #: parts of its share that are taken
_BEGUN = 1  #: when it began


class Shares(NamedTuple):
    """How work is cut: each thread has a share of its own, of so many parts."""

    threads: int
    parts: int


@compiled(**STRICT)
def shares(pool_address, time):
    """The shares of work that takes one thread so many ns.

    Of t threads it takes time / t + f + h t, which is least at the root of time / h. Where h grew because threads came
    late, as they do where those of another library keep the processors busy, calls that stay on one thread make it
    shrink, so that more are tried again.
    """
    if pool_address == 0:
        return Shares(1, 1)
    pool = at(pool_address, types.intp)
    cost, least = pool[THREAD_TIME], pool[LEAST_THREAD_TIME]
    threads = min(pool[THREADS], MOST_THREADS, int(math.sqrt(time / cost)))
    if threads > 1 and time > time / threads + pool[FAN_OUT_TIME] + cost * threads:
        return Shares(threads, max(1, min(_MOST_PARTS, int(time / (threads * _PART_TIME)))))
    if time > 4 * least:
        pool[THREAD_TIME] = cost - (cost - least) // _CALLS_TO_FORGET
    return Shares(1, 1)


@compiled(**STRICT)
def time_on_one(pool_address, time, threads):
    """About how many ns work takes on one thread that took so many shared out over some: the inverse of `shares`."""
    if threads > 1:
        pool = at(pool_address, types.intp)
        time = max(time, (time - pool[FAN_OUT_TIME] - pool[THREAD_TIME] * threads) * threads)
    return max(1, time)


@compiled(**STRICT)
def part(total, parts, index, unit):
    """First and end of a part: as many units as the others have or one more, the last perhaps not whole."""
    units = (total + unit - 1) // unit
    return min(total, units * index // parts * unit), min(total, units * (index + 1) // parts * unit)


@compiled(**STRICT)
def run(pool_address, modes, function, job, cut):
    """Call the C function `function(job, i)` for each part, on the pool's threads or, if it is busy, on this one.

    It runs in these floating-point modes; the environment of the thread is restored afterwards.
    """
    if cut.threads > 1 and try_lock(pool_address + 8 * BUSY):
        pool = at(pool_address, types.intp)
        if pool[FAN_OUT] == 0:
            call(pool[START], (0, 0, 0, 0))
        started = pool[FAN_OUT] != 0
        if started:
            call(pool[FAN_OUT], (pool_address, modes, function, job, cut.threads, cut.parts))
        unlock(pool_address + 8 * BUSY)
        if started:
            return
    for i in range(cut.threads * cut.parts):
        in_float_environment(modes, function, (job, i))


def fan_out(pool_address, modes, function, job, threads, parts):
    """The parts of a job over threads, each of which takes its own share and then from those of others.

    So the call never waits for a thread that comes late: its parts are done by then.
    """
    pool = at(pool_address, types.intp)
    users_choice = ask(pool[GET_NUM_THREADS])
    counters = pool[COUNTERS]
    for share in range(threads):
        at(counters + share * LINE, types.intp)[_TAKEN] = 0
    call(pool[SET_NUM_THREADS], (min(threads, users_choice),))
    start = python.clock()
    _each_share(modes, function, job, threads, parts, counters)
    call(pool[SET_NUM_THREADS], (users_choice,))
    late = 0
    for share in range(threads):
        late += at(counters + share * LINE, types.intp)[_BEGUN] - start
    # If they came late by s_i it took (time + sum of s_i) / t; twice that, or it would be tried every few calls where
    # they do not come at all. One call does not tell much.
    cost = pool[THREAD_TIME]
    cost += (min(2 * (late // threads - pool[FAN_OUT_TIME]) // threads, 4 * cost) - cost) // 4
    pool[THREAD_TIME] = max(cost, pool[LEAST_THREAD_TIME])


@compiled(parallel=True, **STRICT)
def _each_share(modes, function, job, threads, parts, counters):
    for thread in prange(threads):
        at(counters + thread * LINE, types.intp)[_BEGUN] = python.clock()
        for i in range(threads):
            share = (thread + i) % threads
            part = fetch_and_add(counters + share * LINE)
            while part < parts:
                in_float_environment(modes, function, (job, share * parts + part))
                part = fetch_and_add(counters + share * LINE)


FAN_OUT_SIGNATURE = types.void(*[types.intp] * 6)
PART_SIGNATURE = types.void(types.CPointer(types.intp), types.intp)
