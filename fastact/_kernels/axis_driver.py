"""The driver of functions along an axis: how they meet the memory of NumPy's arrays.

The function is handed rows that are contiguous, or contiguous from row to row. Others, and those of float16, are copied
to contiguous memory and the results from there.
"""

from __future__ import annotations

from numba import types

from .._runtime import axis_record
from .._runtime.loop_record import FUNCTION, ITEM_SIZE, LOOP_ITEM_SIZE, PART, POOL
from . import pool, python
from .calls import call
from .compiled import STRICT, compiled, not_inlined
from .driver import MEASURED, TIMED, end_timing, fewest_shared, gather, modes, scatter, shares_of_rest, start_timing
from .memory import LINE, address_of, at, stack

# A job describes a call that is cut into parts, spans of rows.
X, X_ROW, X_STEP = 0, 1, 2  #: address and strides
Y, Y_ROW, Y_STEP = 3, 4, 5
COUNT, N = 6, 7  #: rows, and numbers of a row
RECORD = 8
PARTS = 9
UNIT = 10  #: a part has a multiple of so many rows, the last one more
SCRATCH = 11  #: address of memory for a row of each part, or 0
JOB_WORDS = 12
_JOB_SPACE = JOB_WORDS * 8

_SCRATCH = 16 * 1024  # bytes on the stack for rows that are copied
_LEAST_OTHERS = 8  # times as many rows as are measured; where rows are too long for that, the time is taken from before


@compiled(**STRICT)
def _is_direct(job, record):
    """Whether the function takes the rows where they are."""
    size = record[ITEM_SIZE]
    if size != record[LOOP_ITEM_SIZE]:
        return False
    if job[X_STEP] == size and job[Y_STEP] == size:
        return True
    return job[X_ROW] == size and job[Y_ROW] == size and job[COUNT] >= LINE // size


@compiled(**STRICT)
def _taken(job, record, count):
    """How many of the first `count` rows the function takes where they are: in place only whole vectors of columns."""
    if not _is_direct(job, record):
        return 0
    return count // job[UNIT] * job[UNIT] if job[X] == job[Y] else count


@compiled(**STRICT)
def _copied(job, record, index, x, y, count):
    """Rows that are copied to contiguous memory, and their results from there."""
    not_inlined()  # a stack without room for copies is enough for rows that are taken where they are
    n, size = job[N], record[LOOP_ITEM_SIZE]
    length = max(1, n) * size
    scratch, at_once = stack(_SCRATCH), _SCRATCH // length
    if job[SCRATCH] != 0:
        scratch, at_once = job[SCRATCH] + index * length, 1
    results = 1 if record[axis_record.REDUCES] != 0 else n
    done = 0
    while done < count:  # for a step, `range` has an exception, which can not be without Numba's runtime
        rows = min(at_once, count - done)
        for i in range(rows):
            gather(x + (done + i) * job[X_ROW], job[X_STEP], scratch + i * length, n, record)
        call(record[FUNCTION], (scratch, length, size, scratch, length, size, n, rows))
        for i in range(rows):
            scatter(scratch + i * length, y + (done + i) * job[Y_ROW], job[Y_STEP], results, record, False)
        done += rows


def part(job, index):
    """One part of a call."""
    record = at(job[RECORD], types.intp)
    units = job[COUNT] // job[UNIT]
    first = units * index // job[PARTS] * job[UNIT]
    stop = job[COUNT] if index + 1 == job[PARTS] else units * (index + 1) // job[PARTS] * job[UNIT]
    count = stop - first
    if count == 0:
        return
    x, y, n = job[X] + first * job[X_ROW], job[Y] + first * job[Y_ROW], job[N]
    done = _taken(job, record, count)
    if done > 0:
        call(record[FUNCTION], (x, job[X_ROW], job[X_STEP], y, job[Y_ROW], job[Y_STEP], n, done))
    if done < count:
        _copied(job, record, index, x + done * job[X_ROW], y + done * job[Y_ROW], count - done)


def drive(addresses, dimensions, strides, record):
    """The C function behind every function along an axis: NumPy hands it rows."""
    job_address = stack(_JOB_SPACE)
    job = at(job_address, types.intp)
    size = record[ITEM_SIZE]
    job[COUNT], job[N], job[RECORD] = dimensions[0], dimensions[1], address_of(record)
    job[X], job[Y] = addresses[0], addresses[1]
    job[X_ROW], job[Y_ROW] = strides[0], strides[1]
    single = job[N] <= 1
    job[X_STEP] = size if single else strides[2]
    job[Y_STEP] = size if single or record[axis_record.REDUCES] != 0 else strides[3]
    job[UNIT] = LINE // size if _is_direct(job, record) and job[X_STEP] != size else 1
    job[PARTS], job[SCRATCH] = 1, 0
    length = job[N] * record[LOOP_ITEM_SIZE]
    large = length > _SCRATCH and _taken(job, record, job[COUNT]) < job[COUNT]
    cut, fewest = pool.Shares(1, 1), fewest_shared(record)
    rows, measured = job[COUNT], False
    if rows * job[N] > fewest and rows >= 2 * job[UNIT]:
        first = (fewest // MEASURED // job[N] + 1) * job[UNIT]
        if large or first * _LEAST_OTHERS > rows:
            cut = pool.shares(record[POOL], rows * job[N] * TIMED / fewest)
        else:
            job[COUNT] = first
            cut, measured = shares_of_rest(job, record, first * job[N], (rows - first) * job[N]), True
            job[X] += first * job[X_ROW]
            job[Y] += first * job[Y_ROW]
            job[COUNT] = rows = rows - first
        most = (rows // job[UNIT] + cut.threads - 1) // cut.threads
        cut = pool.Shares(cut.threads, 1 if large else min(cut.parts, most))
        job[PARTS] = cut.threads * cut.parts
    if large:
        job[SCRATCH] = python.allocate(job[PARTS] * length)
        if job[SCRATCH] == 0:
            call(record[axis_record.NO_MEMORY], (0, 0, 0, 0))
            return
    start = 0
    if not measured:
        start = python.clock() if job[PARTS] > 1 else start_timing(record, rows * job[N], fewest)
    pool.run(record[POOL], modes(record), record[PART], job_address, cut)
    if start != 0:
        end_timing(record, rows * job[N], start, cut.threads)
    if job[SCRATCH] != 0:
        python.free(job[SCRATCH])
