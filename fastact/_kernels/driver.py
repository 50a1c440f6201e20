"""The driver: how the inner loop of an activation meets the memory of a NumPy array.

Every ufunc of the package enters through `drive`, compiled once. An inner loop is SIMD only on contiguous memory, so it
is only ever handed such memory: operands that are not are copied block by block through scratch memory on the stack,
which stays in the first-level cache. Where an element of the output shares memory with another element of an input, one
element is computed after the other. The driver knows the loop by its address and learns the rest from a record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from numba import types

from .._runtime import pool_record
from .._runtime.loop_record import (
    FEWEST,
    FUNCTION,
    INPUTS,
    ITEM_SIZE,
    LOAD_PART,
    LOOP_ITEM_SIZE,
    MODES_ADDRESS,
    PART,
    POOL,
    STREAM,
    UNTIMED,
)
from . import pool, python
from .calls import call
from .compiled import STRICT, always_inlined, compiled, not_inlined, widest_vectors
from .float_state import clear_x87_flags, in_float_environment, x87_flags
from .half import float_to_half, half_to_float
from .memory import LINE, address_of, at, copy, elements, operands, stack, stream_fence, stream_line
from .strided import copy_items
from .turns import for_each

WORDS = types.CPointer(types.intp)
half_word = types.uint16

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
LEAST_SHARED = 2 * _BLOCK  # elements of a call that may be shared out, whatever they cost
_TIMED_EVERY = 32 * 1024  # elements of calls that are not shared out
_STREAM_BLOCK = 1024  # bytes: from larger ones the memory reads and writes in turns instead of at once
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


def without_x87_flags(loop: Callable[..., None]) -> Callable[..., None]:
    """A loop whose kernel may call C's library, but for the flags that this leaves."""
    compiled_loop = compiled(**STRICT)(loop)

    def without(addresses, n):
        before = x87_flags()
        compiled_loop(addresses, n)
        if x87_flags() != before:
            clear_x87_flags()

    return without


@compiled(**STRICT)
def copy_strided(source, source_stride, destination, destination_stride, n, kind):
    """Copy n numbers of a type between strided places that do not overlap."""
    not_inlined()  # it would be unrolled wherever it is called
    for i in range(n):
        at(destination + i * destination_stride, kind)[0] = at(source + i * source_stride, kind)[0]


@compiled(**STRICT)
def move(source, source_stride, destination, destination_stride, n, size):
    """Copy n items of `size` bytes between strided places that do not overlap."""
    not_inlined()
    widest_vectors()
    if source_stride == size and destination_stride == size:
        copy(source, destination, n * size)
    elif size == 4:
        copy_items(source, source_stride, destination, destination_stride, n, 4)
    elif size == 8:
        copy_items(source, source_stride, destination, destination_stride, n, 8)
    elif size == 2:
        copy_items(source, source_stride, destination, destination_stride, n, 2)
    else:
        copy_items(source, source_stride, destination, destination_stride, n, 1)


@compiled(**STRICT)
def gather(source, stride, scratch, n, record):
    """Copy n elements to scratch memory, in the type that the loop takes."""
    widest_vectors()
    size = record[ITEM_SIZE]
    if size == record[LOOP_ITEM_SIZE]:
        move(source, stride, scratch, size, n, size)
        return
    contiguous = stack(_HALVES_SPACE)
    done = 0
    while done < n:
        count = min(_BLOCK, n - done)
        place = source + done * stride
        if stride != size:
            move(place, stride, contiguous, size, count, size)
            place = contiguous
        halves, floats = at(place, half_word), at(scratch + done * 2 * size, types.float32)
        for i in range(count):
            floats[i] = half_to_float(halves[i])
        done += count


@compiled(**STRICT)
def scatter(scratch, destination, stride, n, record, streamed):
    """Copy n results from scratch memory, in the type of the output."""
    widest_vectors()
    size = record[ITEM_SIZE]
    if streamed and destination % LINE == 0:
        whole = n * size // LINE * LINE
        for offset in range(0, whole, LINE):
            stream_line(scratch + offset, destination + offset)
        copy(scratch + whole, destination + whole, n * size - whole)
        return
    if size == record[LOOP_ITEM_SIZE]:
        move(scratch, size, destination, stride, n, size)
        return
    contiguous = stack(_HALVES_SPACE)
    done = 0
    while done < n:
        count = min(_BLOCK, n - done)
        place = destination + done * stride
        floats = at(scratch + done * 2 * size, types.float32)
        halves = at(place if stride == size else contiguous, half_word)
        for i in range(count):
            halves[i] = float_to_half(floats[i])
        if stride != size:
            move(contiguous, size, place, stride, count, size)
        done += count


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


@compiled(**STRICT)
def _scratch_block(record):
    """How many elements of every operand the scratch memory has room for, or fewer."""
    return min(_BLOCK, _SCRATCH // (record[LOOP_ITEM_SIZE] * (record[INPUTS] + 1)) // _BLOCK_STEP * _BLOCK_STEP)


@compiled(**STRICT)
def _overwrites(addresses, inputs):
    """Whether the output is one of the inputs."""
    found = False
    for i in range(inputs):
        found |= addresses[i] == addresses[inputs]
    return found


@compiled(**STRICT)
def modes(record):
    """The floating-point modes in which a call computes."""
    return at(record[MODES_ADDRESS], types.intp)[0]


@compiled(**STRICT)
def fewest_shared(record):
    """How many elements a call has at least that may be shared out."""
    if record[POOL] == 0 or at(record[POOL], types.intp)[pool_record.THREADS] == 1:
        return _WHATEVER
    return max(record[FEWEST], LEAST_SHARED)


@compiled(**STRICT)
def start_timing(record, n, fewest):
    """The time where a call of n elements that is not shared out is to be timed, or 0.

    What an element costs may depend on its number, so this is never known for good. Of the cheapest function so many
    elements take 2.5 us, and to read the clock twice takes 0.05.
    """
    if n < LEAST_SHARED or fewest == _WHATEVER:
        return 0
    record[UNTIMED] += n
    if record[UNTIMED] < _TIMED_EVERY:
        return 0
    return python.clock()


@compiled(**STRICT)
def end_timing(record, n, start, threads=1):
    """Learn from what n elements took since `start` how many a call has at least that may be shared out."""
    time = pool.time_on_one(record[POOL], python.clock() - start, threads)
    record[FEWEST] = n * TIMED // time
    record[UNTIMED] = 0
    return time


@compiled(**STRICT)
def shares_of_rest(job, record, first, rest):
    """Compute the only part that a job has so far, of `first` elements; gives how to share out the rest.

    That it is measured in each call takes account of where the operands lie.
    """
    start = python.clock()
    in_float_environment(modes(record), record[PART], (address_of(job), 0))
    return pool.shares(record[POOL], end_timing(record, first, start) / first * rest)


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
        if converted or (n > 1 and strides[i] != size):
            buffered |= 1 << i
    if converted or (n > 1 and result_stride != size):
        buffered |= 1 << inputs
    fewest = fewest_shared(record)
    if buffered == 0 and n <= fewest and not sequential:
        start = start_timing(record, n, fewest)
        in_float_environment(modes(record), record[FUNCTION], (address_of(addresses), n))
        if start != 0:
            end_timing(record, n, start)
        return
    if record[PART] == 0:
        words = (address_of(addresses), address_of(dimensions), address_of(strides), address_of(record))
        call(record[LOAD_PART], words)
        return
    block = n
    if sequential:
        block = 1  # which is contiguous wherever it lies
        buffered = buffered if converted else 0
    elif buffered != 0:
        block = min(n, _scratch_block(record))
    job_address = stack(_JOB_SPACE)
    job = at(job_address, types.intp)
    job[ADDRESSES], job[STRIDES] = address_of(addresses), address_of(strides)
    job[COUNT], job[RECORD] = n, address_of(record)
    job[FIRST], job[PARTS], job[BLOCK], job[BUFFERED], job[STREAMED] = 0, 1, block, buffered, 0
    if n <= fewest or sequential:
        start = 0 if sequential else start_timing(record, n, fewest)
        in_float_environment(modes(record), record[PART], (job_address, 0))
        if start != 0:
            end_timing(record, n, start)
    else:
        first = max(_BLOCK, fewest // MEASURED // _BLOCK * _BLOCK)
        job[COUNT] = first
        cut = shares_of_rest(job, record, first, n - first)
        job[FIRST], job[COUNT], job[PARTS] = first, n, cut.threads * cut.parts
        if (
            n * size >= record[STREAM]
            and cut.threads > 1  # one alone does not saturate the memory
            and result_stride == size
            and not converted
            and not _overwrites(addresses, inputs)  # which has brought the output into the caches
        ):
            job[BUFFERED] |= 1 << inputs
            job[BLOCK] = min(_STREAM_BLOCK // size, _scratch_block(record))
            job[STREAMED] = 1
        pool.run(record[POOL], modes(record), record[PART], job_address, cut)


#: The C signatures of the entry points.
LOOP_SIGNATURE = types.void(WORDS, types.intp)
DRIVE_SIGNATURE = types.void(WORDS, WORDS, WORDS, WORDS)
