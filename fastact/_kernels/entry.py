"""The C function behind `neuron`: it takes the usual operands as they are and refuses all others.

Usual are arrays of one type, float32 or float64, whose rows lie at one distance; a bias and slopes that are such an
array, a Python float or a scalar of that type; and an output that has the right type and shape and lies apart.
"""

from __future__ import annotations

from numba import types

from .._runtime import neuron_record
from .._runtime.neuron_record import (
    ARRAY_TYPE,
    CACHE,
    DESCRIPTOR,
    FLOAT_TYPE,
    INPUTS,
    LOOP,
    MODES_ADDRESS,
    NEW_ARRAY,
    NEW_SCALAR,
    NONE,
    NOT_IMPLEMENTED,
    PART,
    POOL,
    RATE,
    RUN,
    SCALAR_TYPE,
    SHARED_CACHE,
    TYPES,
    UNTIMED,
)
from . import jobs, python
from .arrays import for_columns
from .calls import ask_word
from .compiled import STRICT, compiled
from .jobs import SPACE as JOB_SPACE
from .memory import address_of, at, copy, stack
from .python import data, ndim, new_reference, shape, strides, type_of, word

OPERANDS = 5  #: x, weights, bias, alpha, out
_TYPE_NUMBERS = tuple(dtype.num for dtype in TYPES)
_MAX_NDIM = 64
_DIMENSION_SPACE = _MAX_NDIM * 8
_TIME_WORTH_RELEASING = 5000  # ns; giving the interpreter up and taking it again takes 100


@compiled(**STRICT)
def _real(words, thing):
    """0 for a usual array of float32, 1 for one of float64, -1 for anything else."""
    if type_of(thing) != words[ARRAY_TYPE] or not python.flags(thing) & python.ALIGNED:
        return -1
    number = python.type_number(thing)
    return 0 if number == _TYPE_NUMBERS[0] else 1 if number == _TYPE_NUMBERS[1] else -1


@compiled(**STRICT)
def _for_columns(words, thing, real, columns, cell):
    """Address and stride of a bias or slopes, address 0 where they are unusual; a number is put into the cell."""
    if type_of(thing) == words[FLOAT_TYPE]:
        number = at(thing + python.HEAD, types.float64)[0]
        if real == 0:
            return for_columns(number, cell, types.float32)
        return for_columns(number, cell, types.float64)
    if type_of(thing) == words[SCALAR_TYPE + real]:
        copy(thing + python.HEAD, cell, 4 + 4 * real)
        return cell, 0
    if _real(words, thing) == real:
        if ndim(thing) == 0:
            return data(thing), 0
        if ndim(thing) == 1 and shape(thing)[0] == columns:
            return data(thing), strides(thing)[0]
    return 0, 0


@compiled(**STRICT)
def _operands(words, x, weights, bias, alpha, cells, job):
    """Describe the operands in the job; gives 0 or 1 as `_real`, or -1 where they are unusual."""
    real = _real(words, x)
    if real < 0 or ndim(x) == 0 or _real(words, weights) != real or not 1 <= ndim(weights) <= 2:
        return -1
    size = 4 + 4 * real
    last = ndim(x) - 1
    k = shape(x)[last]
    if shape(weights)[0] != k:
        return -1
    job[jobs.X], job[jobs.W], job[jobs.K] = data(x), data(weights), k
    job[jobs.ROWS], job[jobs.X_ROW] = python.rows(x, last)
    job[jobs.COLUMNS] = 1
    job[jobs.W_COLUMN] = size
    one_each = -1
    if ndim(weights) == 2:
        one_each = job[jobs.COLUMNS] = shape(weights)[1]
        if one_each > 1:
            job[jobs.W_COLUMN] = strides(weights)[1]
    job[jobs.X_STEP] = strides(x)[last] if k > 1 else size
    job[jobs.W_STEP] = strides(weights)[0] if k > 1 else size
    job[jobs.BIAS], job[jobs.BIAS_COLUMN] = _for_columns(words, bias, real, one_each, cells)
    if job[jobs.ROWS] < 0 or job[jobs.BIAS] == 0:
        return -1
    if words[INPUTS] == 2:
        job[jobs.SLOPE], job[jobs.SLOPE_COLUMN] = _for_columns(words, alpha, real, one_each, cells + 8)
        if job[jobs.SLOPE] == 0:
            return -1
    return real


@compiled(**STRICT)
def _apart(first, end, thing, words, size):
    """Whether an operand shares no memory with what begins and ends there; scalars have memory of their own."""
    if type_of(thing) != words[ARRAY_TYPE]:
        return True
    other_first, other_end = python.extent(thing, size)
    return end <= other_first or other_end <= first


@compiled(**STRICT)
def _output(words, out, x, weights, bias, alpha, real, job):
    """Describe a given output in the job; tells whether it is a usual one."""
    if _real(words, out) != real or not python.flags(out) & python.WRITEABLE:
        return False
    size = 4 + 4 * real
    leading = ndim(x) - 1
    if ndim(out) != leading + ndim(weights) - 1:
        return False
    for i in range(leading):
        if shape(out)[i] != shape(x)[i]:
            return False
    if ndim(weights) == 2:
        if shape(out)[leading] != job[jobs.COLUMNS]:
            return False
        if job[jobs.COLUMNS] > 1 and strides(out)[leading] != size:
            return False
    length, job[jobs.Z_ROW] = python.rows(out, leading)
    if length < 0:
        return False
    job[jobs.Z] = data(out)
    first, end = python.extent(out, size)
    if not (_apart(first, end, x, words, size) and _apart(first, end, weights, words, size)):
        return False
    if not _apart(first, end, bias, words, size):
        return False
    return words[INPUTS] < 2 or _apart(first, end, alpha, words, size)


@compiled(**STRICT)
def _new_array(words, x, weights, real, job):
    """A new reference to an array for the result, described in the job, or 0."""
    dimensions_address = stack(_DIMENSION_SPACE)
    dimensions = at(dimensions_address, types.intp)
    leading = ndim(x) - 1
    for i in range(leading):
        dimensions[i] = shape(x)[i]
    dimensions[leading] = job[jobs.COLUMNS]
    descriptor = words[DESCRIPTOR + real]
    new_reference(descriptor)  # which the array takes
    count = leading + ndim(weights) - 1
    result = ask_word(words[NEW_ARRAY], (words[ARRAY_TYPE], descriptor, count, dimensions_address, 0, 0, 0, 0))
    if result != 0:
        job[jobs.Z], job[jobs.Z_ROW] = data(result), job[jobs.COLUMNS] * (4 + 4 * real)
    return result


_layer = compiled(**STRICT)(neuron_record.layer)


@compiled(**STRICT)
def _computed(words, real, job):
    """Whether the layer was computed; if not, an exception is set."""
    layer = _layer(real, job[jobs.COLUMNS])
    job[jobs.LOOP], job[jobs.INPUTS], job[jobs.PART] = words[LOOP + real], words[INPUTS], words[PART + layer]
    job[jobs.POOL], job[jobs.CACHE], job[jobs.SHARED_CACHE] = words[POOL], words[CACHE], words[SHARED_CACHE]
    job[jobs.MODES] = at(words[MODES_ADDRESS], types.intp)[0]
    job[jobs.RATE] = address_of(words) + (RATE + layer) * 8
    job[jobs.UNTIMED] = address_of(words) + (UNTIMED + layer) * 8
    if job[jobs.ROWS] == 0 or job[jobs.COLUMNS] == 0:
        return True
    released = False
    if words[POOL] != 0:
        job[jobs.EXPECTED_TIME] = jobs.expected_time(job, 4 + 4 * real)
        released = job[jobs.EXPECTED_TIME] >= _TIME_WORTH_RELEASING
    thread = python.release_interpreter() if released else 0
    done = ask_word(words[RUN + layer], (address_of(job),))
    if released:
        python.take_interpreter(thread)
    if done == 0:
        python.raise_no_memory()
        return False
    return python.pending_error() == 0


def enter(entry, arguments, count):
    """`neuron(x, weights, bias, alpha, out)` as a C function of Python's; NotImplemented where something is unusual.

    `entry` is an array of the words of an activation.
    """
    words = at(data(entry), types.intp)
    x, weights, bias = word(arguments), word(arguments + 8), word(arguments + 16)
    alpha, out = word(arguments + 24), word(arguments + 32)
    job_address = stack(JOB_SPACE)
    job = at(job_address, types.intp)
    cells = stack(24)  # for a bias, a slope and a result that are numbers
    real = -1
    if count == OPERANDS:
        real = _operands(words, x, weights, bias, alpha, cells, job)
    refused = real < 0 or words[RUN + _layer(real, job[jobs.COLUMNS])] == 0
    given = out != words[NONE]
    if not refused and given:
        refused = not _output(words, out, x, weights, bias, alpha, real, job)
    if refused:
        new_reference(words[NOT_IMPLEMENTED])
        return words[NOT_IMPLEMENTED]
    result = 0
    if given:
        result = out
        new_reference(out)
    elif ndim(x) + ndim(weights) == 2:
        job[jobs.Z], job[jobs.Z_ROW] = cells + 16, 0
    else:
        result = _new_array(words, x, weights, real, job)
        if result == 0:
            return 0
    if not _computed(words, real, job):
        if result != 0:
            python.drop_reference(result)
        return 0
    if result == 0:
        return ask_word(words[NEW_SCALAR], (cells + 16, words[DESCRIPTOR + real], 0))
    return result


ENTER_SIGNATURE = types.intp(types.intp, types.intp, types.intp)
