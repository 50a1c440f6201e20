"""Python's and NumPy's objects as compiled code sees them: functions of the C API, and where the fields lie.

The layout of an array and of its descriptor is part of NumPy's stable binary interface, that of a float of Python's.
"""

from __future__ import annotations

import sys
from typing import Any

from numba import types
from numba.extending import intrinsic

from .compiled import STRICT, compiled
from .memory import at, stack

_WORD = types.intp

allocate = types.ExternalFunction("PyMem_RawMalloc", _WORD(_WORD))
free = types.ExternalFunction("PyMem_RawFree", types.void(_WORD))
new_reference = types.ExternalFunction("Py_IncRef", types.void(_WORD))
drop_reference = types.ExternalFunction("Py_DecRef", types.void(_WORD))
raise_no_memory = types.ExternalFunction("PyErr_NoMemory", _WORD())
pending_error = types.ExternalFunction("PyErr_Occurred", _WORD())
release_interpreter = types.ExternalFunction("PyEval_SaveThread", _WORD())
take_interpreter = types.ExternalFunction("PyEval_RestoreThread", types.void(_WORD))

if sys.version_info >= (3, 13):
    _read_clock = types.ExternalFunction("PyTime_PerfCounterRaw", types.int32(_WORD))

    @compiled(**STRICT)
    def clock():
        """The time in ns."""
        place = stack(8)
        _read_clock(place)
        return at(place, _WORD)[0]
else:
    clock = types.ExternalFunction("_PyTime_GetPerfCounter", _WORD())

#: Bytes before what a type adds to an object; the last word of them is the type.
HEAD = object.__basicsize__
ALIGNED, WRITEABLE = 0x100, 0x400  #: flags of an array
_NATIVE = ord("=")


def _field(offset: int, kind: Any) -> Any:
    """The intrinsic that reads a field of an object, given the object's address."""

    @intrinsic
    def read(typingctx: Any, thing: Any) -> Any:
        result = kind if isinstance(kind, types.CPointer) else types.intp

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            stored = context.get_value_type(kind)
            address = builder.add(arguments[0], arguments[0].type(offset))
            return context.cast(builder, builder.load(builder.inttoptr(address, stored.as_pointer())), kind, result)

        return result(types.intp), codegen

    return read


word = _field(0, types.intp)  #: what an address points to
type_of = _field(HEAD - 8, types.intp)

# Of an array
data = _field(HEAD, types.intp)
ndim = _field(HEAD + 8, types.int32)
shape = _field(HEAD + 16, types.CPointer(types.intp))
strides = _field(HEAD + 24, types.CPointer(types.intp))
_descriptor = _field(HEAD + 40, types.intp)
flags = _field(HEAD + 48, types.int32)

# Of its descriptor
_byte_order = _field(HEAD + 10, types.uint8)
_type_number = _field(HEAD + 12, types.int32)


@compiled(**STRICT)
def type_number(array):
    """NumPy's number of the type of the elements, or -1 where their bytes are in another order than the processor's."""
    descriptor = _descriptor(array)
    return _type_number(descriptor) if _byte_order(descriptor) == _NATIVE else -1


@compiled(**STRICT)
def extent(array, size):
    """The lowest address of an array and the one after its highest, given the bytes of an element."""
    first = end = data(array)
    lengths, steps = shape(array), strides(array)
    for i in range(ndim(array)):
        if lengths[i] == 0:
            return first, first
        reach = (lengths[i] - 1) * steps[i]
        first += min(0, reach)
        end += max(0, reach)
    return first, end + size


@compiled(**STRICT)
def rows(array, count):
    """The first `count` dimensions as one: its length and stride, or length -1 where they lie at no one distance."""
    lengths, steps = shape(array), strides(array)
    length, stride = 1, 0
    for i in range(count - 1, -1, -1):
        if lengths[i] == 1:
            continue
        if length == 1:
            stride = steps[i]
        elif length > 1 and steps[i] != length * stride:
            return -1, 0
        length *= lengths[i]
    return length, stride
