"""The pool: work that is cut into parts, over threads, for one call of the process at a time."""

from __future__ import annotations

from numba import prange, types

from .._runtime.pool_record import BUSY, FAN_OUT, GET_NUM_THREADS, SET_NUM_THREADS, START
from .calls import ask, call
from .compiled import STRICT, compiled
from .memory import at, try_lock, unlock


@compiled(**STRICT)
def run(pool_address, function, job, parts):
    """Call the C function `function(job, i)` for each part, on the pool's threads or, if it is busy, on this one."""
    if parts > 1 and try_lock(pool_address + 8 * BUSY):
        pool = at(pool_address, types.intp)
        if pool[FAN_OUT] == 0:
            call(pool[START], (0, 0, 0, 0))
        started = pool[FAN_OUT] != 0
        if started:
            call(pool[FAN_OUT], (pool_address, function, job, parts))
        unlock(pool_address + 8 * BUSY)
        if started:
            return
    for i in range(parts):
        call(function, (job, i))


def fan_out(pool_address, function, job, parts):
    """The parts of a job, each on a thread."""
    pool = at(pool_address, types.intp)
    users_choice = ask(pool[GET_NUM_THREADS])
    call(pool[SET_NUM_THREADS], (min(parts, users_choice),))
    _each_part(function, job, parts)
    call(pool[SET_NUM_THREADS], (users_choice,))


@compiled(parallel=True, **STRICT)
def _each_part(function, job, parts):
    for i in prange(parts):
        call(function, (job, i))


FAN_OUT_SIGNATURE = types.void(*[types.intp] * 4)
PART_SIGNATURE = types.void(types.CPointer(types.intp), types.intp)
