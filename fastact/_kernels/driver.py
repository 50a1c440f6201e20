"""The driver: how the inner loop of an activation meets the memory of a NumPy array.

Every ufunc of the package enters through `drive`, compiled once. An inner loop is SIMD only on contiguous memory
that does not overlap, so it is only ever handed such memory: operands that are not are copied block by block
through scratch memory on the stack, which stays in the first-level cache. The driver knows the loop by its
address and learns the rest from a record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from numba import types

from .._runtime import pool_record
from .._runtime.loop_record import FEWEST, FUNCTION, INPUTS, ITEM_SIZE, LOOP_ITEM_SIZE, PART, POOL, STREAM
from . import pool, python
from .calls import call
from .compiled import STRICT, always_inlined, compiled, not_inlined, widest_vectors
from .float_state import enter_default_float_state, leave_float_state
from .half import float_to_half, half_to_float
from .memory import LINE, address_of, at, copy, copy_line_of_every, elements, operands, stack, stream_fence, stream_line
from .turns import for_each

WORDS = types.CPointer(types.intp)
byte, half_word, word, double_word = types.uint8, types.uint16, types.uint32, types.uint64

# A job describes a call of a ufunc that is cut into parts, spans of its elements.
ADDRESSES, STRIDES, COUNT, RECORD = 0, 1, 2, 3  #: what NumPy handed to `drive`
FIRST = 4  #: element, from which on the parts are
PARTS = 5  #: each of whole blocks of `_BLOCK` but the last
BLOCK = 6  #: elements of a block
BUFFERED = 7  #: bit i says that operand i is copied through scratch memory
STREAMED = 8  #: whether the blocks of the output leave past the caches
JOB_WORDS = 9
_JOB_SPACE = JOB_WORDS * 8

#: ns that calls take at least that may be shared out, and the divisor for what is measured of that: to read the clock
#: twice and compute in two parts takes 150.
TIMED, MEASURED = 4500, 4
_WHATEVER = sys.maxsize

_SCRATCH = 16 * 1024  # bytes for all operands of a block: half of the smallest first-level cache
_BLOCK = 1024  # elements at most
_HALVES_SPACE = _BLOCK * 2
_BLOCK_STEP = 16  # blocks of a multiple of this many elements start on a line of every operand
_MAX_OPERANDS = 64  # NumPy's limit; so many operands of a step each fit the scratch memory
_SCRATCH_SPACE = _SCRATCH + _MAX_OPERANDS * LINE  # each operand starts on a line
_POINTER_SPACE = _MAX_OPERANDS * 8


def inner_loop(kernel: Callable[..., Any], inputs: int, real: Any) -> Callable[..., None]:
    """`loop(addresses, n)` that applies a scalar function to contiguous operands of type `real`."""

    @compiled(**STRICT)
    def apply(i, sources, destination):
        always_inlined()  # given as an option, the kernel of a user would inherit it
        destination[i] = kernel(*elements(sources, i))

    apply_to_all = for_each(apply)

    def loop(addresses, n):
        apply_to_all(n, (operands(addresses, real, inputs), at(addresses[inputs], real)))

    return loop


@compiled(**STRICT)
def copy_strided(source, source_stride, destination, destination_stride, n, kind):
    """Copy n numbers of a type between strided places that do not overlap."""
    not_inlined()  # it would be unrolled wherever it is called
    for i in range(n):
        at(destination + i * destination_stride, kind)[0] = at(source + i * source_stride, kind)[0]


@compiled(**STRICT)
def fill(source, destination, n, kind):
    """Write a number to n places, one after the other."""
    not_inlined()
    widest_vectors()
    value = at(source, kind)[0]
    for i in range(n):
        at(destination, kind)[i] = value


def _copy_every(step: int) -> Any:
    """`copy(source, destination, n, kind, size)` of every `step`-th number to contiguous memory, by vectors."""

    @compiled(**STRICT)
    def copy_every(source, destination, n, kind, size):
        not_inlined()
        widest_vectors()
        i = 0
        while i + LINE // size < n:
            copy_line_of_every(source + i * step * size, destination + i * size, kind, step)
            i += LINE // size
        copy_strided(source + i * step * size, step * size, destination + i * size, size, n - i, kind)

    return copy_every


_copy_second, _copy_third, _copy_fourth, _copy_reversed = (_copy_every(step) for step in (2, 3, 4, -1))


@compiled(**STRICT)
def copy_from(source, stride, destination, n, kind, size):
    """Copy n numbers of a type from strided to contiguous memory."""
    if stride == 0:
        fill(source, destination, n, kind)
    elif stride == 2 * size:
        _copy_second(source, destination, n, kind, size)
    elif stride == 3 * size:
        _copy_third(source, destination, n, kind, size)
    elif stride == 4 * size:
        _copy_fourth(source, destination, n, kind, size)
    elif stride == -size:
        _copy_reversed(source, destination, n, kind, size)
    else:
        copy_strided(source, stride, destination, size, n, kind)


@compiled(**STRICT)
def move(source, source_stride, destination, destination_stride, n, size):
    """Copy n items of `size` bytes between strided places that do not overlap."""
    if source_stride == size and destination_stride == size:
        copy(source, destination, n * size)
    elif destination_stride == size and size == 4:
        copy_from(source, source_stride, destination, n, word, size)
    elif destination_stride == size and size == 8:
        copy_from(source, source_stride, destination, n, double_word, size)
    elif size == 4:
        copy_strided(source, source_stride, destination, destination_stride, n, word)
    elif size == 8:
        copy_strided(source, source_stride, destination, destination_stride, n, double_word)
    elif size == 2:
        copy_strided(source, source_stride, destination, destination_stride, n, half_word)
    else:
        copy_strided(source, source_stride, destination, destination_stride, n, byte)


@compiled(**STRICT)
def _widen(source, scratch, n):
    """Contiguous float16 to float32."""
    not_inlined()
    widest_vectors()
    halves, floats = at(source, half_word), at(scratch, types.float32)
    for i in range(n):
        floats[i] = half_to_float(halves[i])


@compiled(**STRICT)
def _narrow(scratch, destination, n):
    """Contiguous float32 to float16."""
    not_inlined()
    widest_vectors()
    floats, halves = at(scratch, types.float32), at(destination, half_word)
    for i in range(n):
        halves[i] = float_to_half(floats[i])


@compiled(**STRICT)
def gather(source, stride, scratch, n, record):
    """Copy n elements to scratch memory, in the type that the loop takes."""
    size = record[ITEM_SIZE]
    if size == record[LOOP_ITEM_SIZE]:
        move(source, stride, scratch, size, n, size)
    elif stride == size:
        _widen(source, scratch, n)
    else:
        halves = stack(_HALVES_SPACE)
        for first in range(0, n, _BLOCK):
            count = min(_BLOCK, n - first)
            copy_from(source + first * stride, stride, halves, count, half_word, size)
            _widen(halves, scratch + first * 2 * size, count)


@compiled(**STRICT)
def scatter(scratch, destination, stride, n, record, streamed):
    """Copy n results from scratch memory, in the type of the output."""
    size = record[ITEM_SIZE]
    if size != record[LOOP_ITEM_SIZE]:
        if stride == size:
            _narrow(scratch, destination, n)
        else:
            halves = stack(_HALVES_SPACE)
            for first in range(0, n, _BLOCK):
                count = min(_BLOCK, n - first)
                _narrow(scratch + first * 2 * size, halves, count)
                copy_strided(halves, size, destination + first * stride, stride, count, half_word)
    elif streamed and destination % LINE == 0:
        whole = n * size // LINE * LINE
        for offset in range(0, whole, LINE):
            stream_line(scratch + offset, destination + offset)
        copy(scratch + whole, destination + whole, n * size - whole)
    else:
        move(scratch, size, destination, stride, n, size)


@compiled(**STRICT)
def _independent(source, source_stride, destination, destination_stride, n, size):
    """Whether no element of the output shares memory with another element of the input."""
    source_end = source + (n - 1) * source_stride
    destination_end = destination + (n - 1) * destination_stride
    if max(source, source_end) + size <= min(destination, destination_end):
        return True
    if max(destination, destination_end) + size <= min(source, source_end):
        return True
    if source_stride != destination_stride:
        return False
    # Equal strides: the same memory, or interleaved as the columns of one array are.
    period = abs(source_stride)
    offset = (destination - source) % period if period >= size else 0
    return (source == destination and period >= size) or size <= offset <= period - size


def part(job, index):
    """One part of a call, block by block."""
    state = enter_default_float_state()
    addresses, strides = at(job[ADDRESSES], types.intp), at(job[STRIDES], types.intp)
    record = at(job[RECORD], types.intp)
    buffered, streamed = job[BUFFERED], job[STREAMED]
    first, stop = pool.part(job[COUNT] - job[FIRST], job[PARTS], index, _BLOCK)
    first, stop = job[FIRST] + first, job[FIRST] + stop
    block = min(job[BLOCK], stop - first)
    inputs = record[INPUTS]
    loop = record[FUNCTION]
    loop_size = record[LOOP_ITEM_SIZE]
    scratch = stack(_SCRATCH_SPACE)
    room = (block * loop_size + LINE - 1) // LINE * LINE
    pointers_address = stack(_POINTER_SPACE)
    pointers = at(pointers_address, types.intp)
    result = addresses[inputs]
    if streamed != 0 and first < stop:
        # The first block ends on a line of the output, so that all others start on one.
        head = -(result + first * strides[inputs]) % LINE // record[ITEM_SIZE]
        length = min(head if head > 0 else block, stop - first)
    else:
        length = min(block, stop - first)
    start = first
    while start < stop:
        for i in range(inputs):
            source = addresses[i] + start * strides[i]
            if buffered >> i & 1:
                buffer = scratch + i * room
                # One value for all elements is spread over the block once, unless the output overwrites it.
                if strides[i] != 0 or block == 1 or start == first:
                    gather(source, strides[i], buffer, length if strides[i] != 0 else block, record)
                source = buffer
            pointers[i] = source
        destination = result + start * strides[inputs]
        if buffered >> inputs & 1:
            buffer = scratch + inputs * room
            pointers[inputs] = buffer
            call(loop, (pointers_address, length))
            scatter(buffer, destination, strides[inputs], length, record, streamed != 0)
        else:
            pointers[inputs] = destination
            call(loop, (pointers_address, length))
        start += length
        length = min(block, stop - start)
    if streamed != 0:
        stream_fence()
    leave_float_state(state)


@compiled(**STRICT)
def fewest_shared(record):
    """How many elements a call has at least that may be shared out."""
    if record[POOL] == 0 or at(record[POOL], types.intp)[pool_record.THREADS] == 1:
        return _WHATEVER
    return max(record[FEWEST], 2 * _BLOCK)


@compiled(**STRICT)
def shares_of_rest(job, record, first, rest):
    """Compute the only part that a job has so far, of `first` elements; gives how to share out the rest.

    That it is measured in each call takes account of where the operands lie.
    """
    start = python.clock()
    call(record[PART], (address_of(job), 0))
    time = max(1, python.clock() - start)
    record[FEWEST] = max(record[FEWEST], first * TIMED // time)
    return pool.shares(record[POOL], time / first * rest)


def drive(addresses, dimensions, strides, record):
    """The C function behind every ufunc: NumPy hands it one-dimensional operands of n elements."""
    n = dimensions[0]
    inputs = record[INPUTS]
    size = record[ITEM_SIZE]
    result, result_stride = addresses[inputs], strides[inputs]
    converted = size != record[LOOP_ITEM_SIZE]
    buffered = 0
    sequential = n > 1 and abs(result_stride) < size
    for i in range(inputs):
        if n > 1 and not _independent(addresses[i], strides[i], result, result_stride, n, size):
            sequential = True
        if converted or (n > 1 and (strides[i] != size or addresses[i] == result)):
            buffered |= 1 << i
    if converted or (n > 1 and result_stride != size):
        buffered |= 1 << inputs
    streamed = 0
    if not sequential and result_stride == size and not converted and n * size >= record[STREAM]:
        buffered |= 1 << inputs
        streamed = 1
    fewest = fewest_shared(record)
    if buffered == 0 and n <= fewest and not sequential:
        state = enter_default_float_state()
        call(record[FUNCTION], (address_of(addresses), n))
        leave_float_state(state)
        return
    block = n
    if sequential:
        block = 1
    elif buffered != 0:
        block = min(n, _BLOCK, _SCRATCH // (record[LOOP_ITEM_SIZE] * (inputs + 1)) // _BLOCK_STEP * _BLOCK_STEP)
    job_address = stack(_JOB_SPACE)
    job = at(job_address, types.intp)
    job[ADDRESSES], job[STRIDES] = address_of(addresses), address_of(strides)
    job[COUNT], job[RECORD] = n, address_of(record)
    job[FIRST], job[PARTS], job[BLOCK], job[BUFFERED], job[STREAMED] = 0, 1, block, buffered, streamed
    cut = pool.Shares(1, 1)
    if n > fewest and not sequential:
        first = max(_BLOCK, fewest // MEASURED // _BLOCK * _BLOCK)
        job[COUNT] = first
        cut = shares_of_rest(job, record, first, n - first)
        job[FIRST], job[COUNT], job[PARTS] = first, n, cut.threads * cut.parts
    pool.run(record[POOL], record[PART], job_address, cut)


#: The C signatures of the entry points.
LOOP_SIGNATURE = types.void(WORDS, types.intp)
DRIVE_SIGNATURE = types.void(WORDS, WORDS, WORDS, WORDS)
