"""The driver: how the inner loop of an activation meets the memory of a NumPy array.

Every ufunc of the package enters through `drive`, compiled once. An inner loop is SIMD only on contiguous memory
that does not overlap, so it is only ever handed such memory: operands that are not are copied block by block
through scratch memory on the stack, which stays in the first-level cache. The driver knows the loop by its
address and learns the rest from a record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange, types

from .bits import (
    STRICT,
    address_of,
    ask,
    at,
    call,
    compiled,
    copy,
    elements,
    enter_default_float_state,
    float_to_half,
    half_to_float,
    leave_float_state,
    operands,
    stack,
    stream_fence,
    stream_line,
    try_lock,
    unlock,
    widest_vectors,
)

WORDS = types.CPointer(types.intp)
byte, half_word, word, double_word = types.uint8, types.uint16, types.uint32, types.uint64

# A record describes one inner loop; it is the `data` pointer of NumPy's loop.
LOOP = 0  #: address of `loop(addresses, n)`
INPUTS = 1  #: number of inputs; there is one output
ITEM_SIZE = 2  #: bytes of an element in NumPy's memory
LOOP_ITEM_SIZE = 3  #: bytes of an element as the loop sees it: 4 where float16 is computed in float32
GRAIN = 4  #: fewest elements worth a thread
STREAM = 5  #: outputs of at least this many bytes go past the caches
POOL = 6  #: address of the process-wide words below
RECORD_WORDS = 7

# What all records share.
THREADS = 0  #: threads that a call may use
BUSY = 1  #: 1 while a call has the pool
FAN_OUT = 2  #: address of `fan_out`, 0 until threads are first wanted
START = 3  #: address of the function that sets FAN_OUT
SPAN = 4  #: address of `span`
GET_NUM_THREADS = 5  #: address of Numba's function that tells how many threads the parallel loops of this thread use
SET_NUM_THREADS = 6  #: address of the one that sets it
POOL_WORDS = 7

_SCRATCH = 16 * 1024  # bytes for all operands of a block: half of the smallest first-level cache
_BLOCK = 1024  # elements at most
_BLOCK_STEP = 16  # blocks of a multiple of this many elements start on a line of every operand
_MAX_OPERANDS = 64  # NumPy's limit; so many operands of a step each fit the scratch memory
_LINE = 64
_SCRATCH_SPACE = _SCRATCH + _MAX_OPERANDS * _LINE  # each operand starts on a line
_POINTER_SPACE = _MAX_OPERANDS * 8


def inner_loop(kernel: Callable[..., Any], inputs: int, real: Any) -> Callable[..., None]:
    """`loop(addresses, n)` that applies a scalar function to contiguous operands of type `real`."""

    def loop(addresses, n):
        widest_vectors()
        sources = operands(addresses, real, inputs)
        destination = at(addresses[inputs], real)
        for i in range(n):
            destination[i] = kernel(*elements(sources, i))

    return loop


@compiled(**STRICT)
def _copy_strided(source, source_stride, destination, destination_stride, n, kind):
    for i in range(n):
        at(destination + i * destination_stride, kind)[0] = at(source + i * source_stride, kind)[0]


@compiled(**STRICT)
def move(source, source_stride, destination, destination_stride, n, size):
    """Copy n items of `size` bytes between strided places that do not overlap."""
    if source_stride == size and destination_stride == size:
        copy(source, destination, n * size)
    elif size == 4:
        _copy_strided(source, source_stride, destination, destination_stride, n, word)
    elif size == 8:
        _copy_strided(source, source_stride, destination, destination_stride, n, double_word)
    elif size == 2:
        _copy_strided(source, source_stride, destination, destination_stride, n, half_word)
    else:
        _copy_strided(source, source_stride, destination, destination_stride, n, byte)


@compiled(**STRICT)
def _gather(source, stride, scratch, n, record):
    size = record[ITEM_SIZE]
    if size == record[LOOP_ITEM_SIZE]:
        move(source, stride, scratch, size, n, size)
    elif stride == size:
        halves, floats = at(source, half_word), at(scratch, types.float32)
        for i in range(n):
            floats[i] = half_to_float(halves[i])
    else:
        floats = at(scratch, types.float32)
        for i in range(n):
            floats[i] = half_to_float(at(source + i * stride, half_word)[0])


@compiled(**STRICT)
def _scatter(scratch, destination, stride, n, record, streamed):
    size = record[ITEM_SIZE]
    if size != record[LOOP_ITEM_SIZE]:
        floats = at(scratch, types.float32)
        if stride == size:
            halves = at(destination, half_word)
            for i in range(n):
                halves[i] = float_to_half(floats[i])
        else:
            for i in range(n):
                at(destination + i * stride, half_word)[0] = float_to_half(floats[i])
    elif streamed and destination % _LINE == 0:
        whole = n * size // _LINE * _LINE
        for offset in range(0, whole, _LINE):
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


def span(addresses, strides, first, stop, record, block, through, streamed):
    """Elements first:stop of a call, block by block.

    Bit i of `through` says that operand i goes through scratch memory, `streamed` that the blocks of the output leave
    past the caches.
    """
    state = enter_default_float_state()
    inputs = record[INPUTS]
    loop = record[LOOP]
    loop_size = record[LOOP_ITEM_SIZE]
    scratch = stack(_SCRATCH_SPACE)
    room = (block * loop_size + _LINE - 1) // _LINE * _LINE
    pointers_address = stack(_POINTER_SPACE)
    pointers = at(pointers_address, types.intp)
    result = addresses[inputs]
    if streamed != 0 and first < stop:
        # The first block ends on a line of the output, so that all others start on one.
        head = -(result + first * strides[inputs]) % _LINE // record[ITEM_SIZE]
        length = min(head if head > 0 else block, stop - first)
    else:
        length = min(block, stop - first)
    start = first
    while start < stop:
        for i in range(inputs):
            source = addresses[i] + start * strides[i]
            if through >> i & 1:
                buffer = scratch + i * room
                # One value for all elements is spread over the block once, unless the output overwrites it.
                if strides[i] != 0 or block == 1 or start == first:
                    _gather(source, strides[i], buffer, length if strides[i] != 0 else block, record)
                source = buffer
            pointers[i] = source
        destination = result + start * strides[inputs]
        if through >> inputs & 1:
            buffer = scratch + inputs * room
            pointers[inputs] = buffer
            call(loop, (pointers_address, length))
            _scatter(buffer, destination, strides[inputs], length, record, streamed != 0)
        else:
            pointers[inputs] = destination
            call(loop, (pointers_address, length))
        start += length
        length = min(block, stop - start)
    if streamed != 0:
        stream_fence()
    leave_float_state(state)


def drive(addresses, dimensions, strides, record):
    """The C function behind every ufunc: NumPy hands it one-dimensional operands of n elements."""
    n = dimensions[0]
    inputs = record[INPUTS]
    size = record[ITEM_SIZE]
    result, result_stride = addresses[inputs], strides[inputs]
    converted = size != record[LOOP_ITEM_SIZE]
    through = 0
    sequential = n > 1 and abs(result_stride) < size
    for i in range(inputs):
        if n > 1 and not _independent(addresses[i], strides[i], result, result_stride, n, size):
            sequential = True
        if converted or (n > 1 and (strides[i] != size or addresses[i] == result)):
            through |= 1 << i
    if converted or (n > 1 and result_stride != size):
        through |= 1 << inputs
    streamed = 0
    if not sequential and result_stride == size and not converted and n * size >= record[STREAM]:
        through |= 1 << inputs
        streamed = 1
    block = n
    if sequential:
        block = 1
    elif through != 0:
        block = min(n, _BLOCK, _SCRATCH // (record[LOOP_ITEM_SIZE] * (inputs + 1)) // _BLOCK_STEP * _BLOCK_STEP)
    if not sequential and n >= 2 * record[GRAIN]:
        pool = at(record[POOL], types.intp)
        threads = min(pool[THREADS], n // record[GRAIN])
        if threads > 1 and try_lock(record[POOL] + 8 * BUSY):
            if pool[FAN_OUT] == 0:
                call(pool[START], (0, 0, 0, 0))
            if pool[FAN_OUT] != 0:
                shared = (
                    address_of(addresses),
                    address_of(strides),
                    n,
                    address_of(record),
                    block,
                    through,
                    streamed,
                    threads,
                    record[POOL],
                )
                call(pool[FAN_OUT], shared)
                unlock(record[POOL] + 8 * BUSY)
                return
            unlock(record[POOL] + 8 * BUSY)
    arguments = (address_of(addresses), address_of(strides), 0, n, address_of(record), block, through, streamed)
    call(at(record[POOL], types.intp)[SPAN], arguments)


def fan_out(addresses, strides, n, record, block, through, streamed, threads, pool_address):
    """The elements of a call in one chunk for each of `threads` threads."""
    pool = at(pool_address, types.intp)
    users_choice = ask(pool[GET_NUM_THREADS])
    call(pool[SET_NUM_THREADS], (min(threads, users_choice),))
    _fan_out_chunks(addresses, strides, n, record, block, through, streamed, threads, pool[SPAN])
    call(pool[SET_NUM_THREADS], (users_choice,))


@compiled(parallel=True, **STRICT)
def _fan_out_chunks(addresses, strides, n, record, block, through, streamed, threads, span_address):
    chunk = (n + threads - 1) // threads
    chunk += -chunk % _BLOCK
    for i in prange(threads):
        first = min(n, i * chunk)
        stop = min(n, first + chunk)
        length = min(block, stop - first)
        call(span_address, (addresses, strides, first, stop, record, length, through, streamed))


#: The C signatures of the entry points.
LOOP_SIGNATURE = types.void(WORDS, types.intp)
SPAN_SIGNATURE = types.void(WORDS, WORDS, types.intp, types.intp, WORDS, *[types.intp] * 3)
DRIVE_SIGNATURE = types.void(WORDS, WORDS, WORDS, WORDS)
FAN_OUT_SIGNATURE = types.void(*[types.intp] * 9)


def new_words(count: int) -> Any:
    """Words that compiled code reads by address; whoever makes them keeps them."""
    return np.zeros(count, dtype=np.intp)
