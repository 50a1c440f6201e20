"""The corner of the package that speaks C: ufuncs and functions made from C functions, and C functions from Python's.

NumPy's C API is reached through its documented capsules; what is used of it is part of its stable ABI.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import linker, store
from .linker import Code

_forever: list[Any] = []  # C holds bare pointers into these


class LoopTable:
    """The arrays that NumPy keeps pointers into: one C function and one data pointer for each loop of a ufunc.

    The ufunc keeps its table.
    """

    def __init__(self, function: int, types: Sequence[str]) -> None:
        self._functions = (ctypes.c_void_p * len(types))(*[function] * len(types))
        self._data = (ctypes.c_void_p * len(types))()
        self._types = ctypes.create_string_buffer(bytes(np.dtype(t).num for signature in types for t in signature))

    def set_data(self, index: int, data: int) -> None:
        """What the function of a loop is given beside the operands."""
        self._data[index] = data

    def set_function(self, index: int, function: int) -> None:
        """What the ufunc calls for a loop from now on: NumPy reads the table at every call."""
        self._functions[index] = function

    def ufunc(self, owner: Any, name: str, doc: str, inputs: int, signature: str | None = None) -> np.ufunc:
        """The ufunc of these loops, of `inputs` inputs and one output, without an identity; if it has a signature, a
        generalised one.

        It keeps `owner`, who has what the data pointers lead to.
        """
        texts = [ctypes.c_char_p(text.encode() if text is not None else None) for text in (name, doc, signature)]
        made: np.ufunc = _from_functions()(
            ctypes.addressof(self._functions),
            ctypes.addressof(self._data),
            ctypes.addressof(self._types),
            len(self._data),
            inputs,
            1,
            -1,
            texts[0],
            texts[1],
            0,
            texts[2],
        )
        _keep(made, ctypes.addressof(self._functions), (owner, self, texts))
        return made


class _Ufunc(ctypes.Structure):
    """PyUFuncObject after its head, up to what is of use here."""

    _fields_ = (
        ("nin_nout_nargs_identity", ctypes.c_int * 4),
        ("functions", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("ntypes_reserved1", ctypes.c_int * 2),
        ("name_types_doc", ctypes.c_void_p * 3),
        ("ptr", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
    )


def _keep(ufunc: np.ufunc, functions: int, owned: Any) -> None:
    """Let a ufunc own an object, as those of `numpy.frompyfunc` own a function, in the field that it has for it."""
    fields = _Ufunc.from_address(id(ufunc) + object.__basicsize__)
    if fields.functions != functions or fields.obj is not None:  # it lies elsewhere
        _forever.append(owned)
        return
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(owned))
    fields.obj = id(owned)
    if not gc.is_tracked(ufunc):  # NumPy does not expect it to be in a cycle
        ctypes.pythonapi.PyObject_GC_Track(ctypes.py_object(ufunc))


@functools.cache
def _from_functions() -> Callable[..., Any]:
    """PyUFunc_FromFuncAndDataAndSignature."""
    pointer, integer, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    arguments = [pointer, pointer, pointer, integer, integer, integer, integer, text, text, integer, text]
    return ctypes.PYFUNCTYPE(ctypes.py_object, *arguments)(_api("_UFUNC_API")[31])


def new_array_function() -> int:
    """The address of PyArray_NewFromDescr."""
    return int(_api("_ARRAY_API")[94])


def new_scalar_function() -> int:
    """The address of PyArray_Scalar."""
    return int(_api("_ARRAY_API")[60])


@functools.cache
def _api(name: str) -> Any:
    """A table of NumPy's C API."""
    from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return ctypes.cast(get_pointer(getattr(_multiarray_umath, name), None), ctypes.POINTER(ctypes.c_void_p))


class _MethodDefinition(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_FASTCALL = 0x80


def builtin(name: str, function: int, owner: Any) -> Callable[..., Any]:
    """A function of Python's made from a C function `PyObject *function(owner, PyObject **arguments, Py_ssize_t n)`."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    definition = _definitions.get((name, function)) or _definitions.setdefault(
        (name, function), _MethodDefinition(name.encode(), function, _FASTCALL, None)
    )
    made: Callable[..., Any] = make(ctypes.addressof(definition), owner, None)
    return made


_definitions: dict[tuple[str, int], _MethodDefinition] = {}  # C holds bare pointers to them


# A function of C that asks a function of Python's; {callable} holds its address.
_ASKING = """
@format = private constant [5 x i8] c"nnnn\\00"
@{callable} = external global ptr
declare i32 @fegetenv(ptr)
declare i32 @fesetenv(ptr)
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare ptr @PyErr_Occurred()
declare ptr @PyObject_CallFunction(ptr, ptr, ...)
declare i64 @PyLong_AsSsize_t(ptr)
declare void @Py_DecRef(ptr)
define void @{symbol}(ptr %a, ptr %b, ptr %c, ptr %d) {{
  %environment = alloca [64 x i64]
  %saved = call i32 @fegetenv(ptr %environment)
  %state = call i32 @PyGILState_Ensure()
  %pending = call ptr @PyErr_Occurred()
  %raised = icmp ne ptr %pending, null
  br i1 %raised, label %failed, label %ask
ask:
  %callable = load ptr, ptr @{callable}
  %result = call ptr (ptr, ptr, ...) @PyObject_CallFunction(ptr %callable, ptr @format, ptr %a, ptr %b, ptr %c, ptr %d)
  %nothing = icmp eq ptr %result, null
  br i1 %nothing, label %failed, label %answered
answered:
  %address = call i64 @PyLong_AsSsize_t(ptr %result)
  call void @Py_DecRef(ptr %result)
  br label %done
failed:
  br label %done
done:
  %next = phi i64 [ %address, %answered ], [ 0, %failed ]
  call void @PyGILState_Release(i32 %state)
  %restored = call i32 @fesetenv(ptr %environment)
  %proceed = icmp sgt i64 %next, 0
  br i1 %proceed, label %go_on, label %stop
go_on:
  %function = inttoptr i64 %next to ptr
  call void %function(ptr %a, ptr %b, ptr %c, ptr %d)
  br label %stop
stop:
  ret void
}}
"""


def c_function(function: Callable[[int, int, int, int], int], name: str, stays: bool = True) -> Code:
    """A C function of four words that asks a Python function how to go on.

    The Python function is given the words and gives the address of the C function that is to be called with them, or
    0. Unlike a ctypes callback it leaves an exception set, as a C function of Python's own does: NumPy looks for one
    after an inner loop, so the caller of the ufunc sees it. The floating-point environment is left as it was,
    because NumPy would take a flag that the Python code raised for one of its loop.

    No two functions of the process may have the same name.
    """
    place = ctypes.c_void_p(id(function))
    callable_name = f"fastact_callable_{name}"
    for symbol in ("fegetenv", "fesetenv"):
        linker.make_known(symbol, ctypes.cast(getattr(_c_maths(), symbol), ctypes.c_void_p).value or 0)
    linker.make_known(callable_name, ctypes.addressof(place))
    code = store.load_written(f"ask-{name}", _ASKING.replace("{callable}", callable_name), stays)
    code.refers_to = refers_to = (function, place)
    if stays:  # beyond the end of this module: what has ufuncs may be destroyed after it
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(refers_to))
    return code


@functools.cache
def _c_maths() -> ctypes.CDLL:
    """The library that has fegetenv and fesetenv."""
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    if sys.platform == "darwin":
        return ctypes.CDLL(None)
    return ctypes.CDLL("libm.so.6")
