"""`activation`: a scalar function becomes a NumPy ufunc that also works inside `@njit`."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import itertools
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from . import door, float_modes, loop_record, numba_settings, sources, store, threads
from .capi import LoopTable, c_function
from .linker import Code
from .locks import lock

_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
_INTEGERS = "bBhHiIlLqQ"
_FLOATS = "efd"

#: Outputs of memory-bound loops of at least this many bytes are written past the caches, which spares reading them
#: first. Measured on Zen 5, two threads, 32 MB of last cache: from 20 to 160 MB 0.75 to 0.95 of the time, at 16 MB 0.9
#: to 1.2 times as long; on Zen 4 a tenth longer at 16 MB. Loops that compute more lose by it: of the float64 tanh
#: a tenth where two threads compute, a fifth where only one is free to.
STREAM_BYTES = 32 << 20
_NEVER = sys.maxsize

#: What every ufunc takes after its inputs.
_KEYWORDS = (
    inspect.Parameter("out", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None),
    *(
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in {
            "where": True,
            "casting": "same_kind",
            "order": "K",
            "dtype": None,
            "subok": True,
            "signature": None,
        }.items()
    ),
)

#: What loads the loop whose record has an address.
loops: weakref.WeakValueDictionary[int, TypedLoop] = weakref.WeakValueDictionary()

#: By the identity of the ufunc, which lives as long: one keeps the other.
_activations: weakref.WeakValueDictionary[int, Activation] = weakref.WeakValueDictionary()


class TypedLoop:
    """A loop for one type, which C knows by the address of its record; loaded when first called."""

    _driver: str

    def __init__(self, name: str, code: str, words: int, table: LoopTable, index: int) -> None:
        dtype = np.dtype(code)
        self._computed = np.dtype(np.float32) if code == "e" else dtype
        self._name, self._dtype = name, dtype
        self.record = np.zeros(words, np.intp)
        self.record[loop_record.ITEM_SIZE] = dtype.itemsize
        self.record[loop_record.LOOP_ITEM_SIZE] = self._computed.itemsize
        self._table, self._index = table, index
        address = int(self.record.ctypes.data)
        table.set_data(index, address)
        loops[address] = self

    @property
    def name(self) -> str:
        """What it is called in a message. NumPy takes 16 us to say the name of a type."""
        return f"{self._name} of {self._dtype}"

    def load(self) -> int:
        """Make the loop ready; gives the C function that serves it from now on."""
        raise NotImplementedError

    def load_part(self) -> int:
        """Make what the driver calls for parts of a call ready; gives the driver."""
        self.record[loop_record.PART] = _own(f"{self._driver}_part")
        return _own(self._driver)

    def _serve(self, keeps_to_a_thread: bool = False) -> int:
        self.record[loop_record.POOL] = 0 if keeps_to_a_thread else threads.pool_address()
        self.record[loop_record.MODES_ADDRESS] = float_modes.address(keeps_to_a_thread)
        self.record[loop_record.LOAD_PART] = _first_part()
        self._table.set_function(self._index, _own(self._driver))
        return _own(self._driver)


@functools.cache
def _own(kind: str) -> int:
    return store.load_own(kind)


class Loop(TypedLoop):
    """The loop of an activation for one type."""

    _driver = "drive"

    def __init__(self, owner: Activation, code: str, table: LoopTable, index: int) -> None:
        super().__init__(owner.name, code, loop_record.WORDS, table, index)
        self.record[loop_record.INPUTS] = owner.inputs
        self.record[loop_record.STREAM] = STREAM_BYTES if owner.memory_bound else _NEVER
        self.runs_as_python = False  # once it is loaded
        self._owner = owner

    def load(self) -> int:
        self.inner()
        return self._serve(self.runs_as_python)

    def inner(self) -> int:
        """The address of `loop(addresses, n)`."""
        if self.record[loop_record.FUNCTION] == 0:
            as_python = self._owner.runs_as_python
            code = self._owner.load(self._computed, as_python)
            with lock:
                if self.record[loop_record.FUNCTION] == 0:
                    self.runs_as_python = as_python
                    self._code = code
                    self.record[loop_record.FUNCTION] = code.address
        return int(self.record[loop_record.FUNCTION])


class Activation:
    """What stands behind the ufunc of an activation.

    `kernel` is a Python function of numbers, or the name of one in `_kernels.scalar`.
    """

    def __init__(
        self,
        kernel: str | types.FunctionType,
        name: str,
        doc: str,
        parameters: Sequence[str],
        integers: bool,
        memory_bound: bool,
    ) -> None:
        self.derivative: np.ufunc | None = None  #: which a user gave
        self.compiled: dict[Any, Any] = {}  #: what the half that compiles made of it
        self.entries: dict[float, Any] = {}  #: the layers of `neuron` with it, by the default of alpha
        self._compiled_by: dict[bytes, Any] = {}  # the values that its loops were compiled with, by digest
        self.kernel, self.name, self.parameters, self.memory_bound = kernel, name, parameters, memory_bound
        self.inputs = len(parameters)
        self._codes = _INTEGERS + _FLOATS if integers else _FLOATS
        table = LoopTable(first_call(), [code * (self.inputs + 1) for code in self._codes])
        self.loops = [Loop(self, code, table, index) for index, code in enumerate(self._codes)]
        self.ufunc = table.ufunc(self, name, doc, self.inputs)
        with contextlib.suppress(AttributeError):  # NumPy below 2.3 has no place for it; pickle then searches for it
            self.ufunc.__module__ = sources.PACKAGE if isinstance(kernel, str) else kernel.__module__
            self._describe(doc)
        _activations[id(self.ufunc)] = self

    def _describe(self, doc: str) -> None:
        """Call the inputs what they are called in the function, not x1, x2."""
        ufunc: Any = self.ufunc
        inputs = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in self.parameters]
        with contextlib.suppress(ValueError):  # an input has the name of a keyword
            ufunc.__signature__ = inspect.Signature([*inputs, *_KEYWORDS])
            ufunc.__doc__ = f"{self.name}{ufunc.__signature__}\n\n{doc}"

    @property
    def runs_as_python(self) -> bool:
        """Whether the user wants to follow the function in Python. Ours are of what Python has no word for."""
        return not isinstance(self.kernel, str) and numba_settings.jit_is_disabled()

    def options(self) -> dict[str, Any]:
        """How it was made, as `activation` is told."""
        integers = len(self._codes) > len(_FLOATS)
        return {"integers": integers, "memory_bound": self.memory_bound, "derivative": self.derivative}

    def loop(self, code: str) -> Loop:
        """The loop for the type with this character code."""
        return self.loops[self._codes.index(code)]

    def load(self, dtype: np.dtype[Any], as_python: bool) -> Code:
        """The inner loop for a type."""
        if as_python:
            return c_function(self._python_loop(dtype), f"loop_{next(_python_loops)}", stays=False)

        def source() -> bytes | None:
            own = self.source()
            return None if own is None else str(dtype).encode() + own

        values = self._values()
        code = store.load(f"{self.name}-{dtype}", source, "loop", self, str(dtype), stays=isinstance(self.kernel, str))
        if values is not None:
            self._compiled_by[values.digest] = values
        return code

    def source(self) -> bytes | None:
        """Bytes that change with the kernel, or None if it can not be told; those of ours do with the package."""
        return self.kernel.encode() if isinstance(self.kernel, str) else _fingerprint().of(self.kernel)

    def _values(self) -> Any:
        return None if isinstance(self.kernel, str) else _fingerprint().values_of(self.kernel)

    def computes_by_old_values(self) -> bool:
        """Whether a value has changed that the function reaches by name, since a loop was compiled by it."""
        now = self._values()
        return any(now is None or digest != now.digest for digest in self._compiled_by)

    def version(self, defaults: tuple[float, ...] = ()) -> bytes | None:
        """Bytes that change with what the activation computes, or None if that can not be told."""
        package, own = sources.imported(), self.source()
        return None if package is None or own is None else package + own + repr((self.ufunc.types, defaults)).encode()

    def _python_loop(self, dtype: np.dtype[Any]) -> Callable[..., int]:
        assert not isinstance(self.kernel, str)  # noqa: S101 - `runs_as_python` saw to it
        function = self.kernel

        def loop(addresses: int, n: int, *_: int) -> int:
            pointers = (ctypes.c_ssize_t * (self.inputs + 1)).from_address(addresses)
            memory = [(ctypes.c_char * (n * dtype.itemsize)).from_address(pointer) for pointer in pointers]
            arrays = [np.ndarray(n, dtype, memoryview(buffer)) for buffer in memory]
            for i in range(n):
                result = function(*[array[i] for array in arrays[:-1]])
                if dtype.kind in "iu" and not isinstance(result, (int, np.integer)):
                    raise self.not_an_integer(type(result).__name__, str(dtype))
                arrays[-1][i] = result
            return 0

        return loop

    def not_an_integer(self, result: str, given: str) -> TypeError:
        """What to raise where a loop of integers gives something else."""
        return TypeError(
            f"{self.name}() gives {result} for {given}: with integers=True an activation gives integers for integers"
        )


_python_loops = itertools.count()


def _fingerprint() -> types.ModuleType:
    with door.importing:
        from . import fingerprint  # the modules that take code apart are not needed for ours

    return fingerprint


def _of_function(
    function: Callable[..., Any], integers: bool, memory_bound: bool, derivative: Callable[..., Any] | None
) -> np.ufunc:
    python = getattr(function, "py_func", function)  # of a compiled one
    if not isinstance(python, types.FunctionType):
        raise TypeError(f"an activation is made of a Python function, not of {function!r}")
    if python.__code__.co_flags & _SUSPENDED:
        raise TypeError(f"{python.__name__} gives a coroutine or a generator: an activation gives a number")
    doc = inspect.getdoc(python) or ""
    parameters = _parameters(python)
    slope = None if derivative is None else _derivative(derivative, memory_bound)
    if slope is not None and slope.nin != len(parameters):
        raise TypeError(f"{python.__name__} takes {len(parameters)} inputs, and its derivative {slope.nin}")
    made = Activation(python, python.__name__, doc, parameters, integers, memory_bound)
    made.derivative = slope
    return made.ufunc


def _derivative(function: Callable[..., Any], memory_bound: bool) -> np.ufunc:
    if isinstance(function, np.ufunc):
        if find(function) is None:
            raise TypeError(f"a derivative is a Python function or an activation, not {function!r}")
        return function
    return _of_function(function, integers=False, memory_bound=memory_bound, derivative=None)


def _parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the inputs."""
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"an activation takes a fixed number of inputs, not {parameter}")
        if parameter.default is not parameter.empty:
            raise TypeError(f"the inputs of an activation have no defaults, as ufuncs have none: {parameter}")
    if not parameters:
        raise TypeError("an activation takes at least one input")
    return [parameter.name for parameter in parameters]


@functools.cache
def first_call() -> int:
    """The C function that a ufunc calls for a loop that is not loaded yet."""

    def load(addresses: int, dimensions: int, strides: int, record: int) -> int:
        return loops[record].load()

    return c_function(load, "load").address


@functools.cache
def _first_part() -> int:
    """The C function that a driver calls, instead of going on, where it wants its `part` and has it not."""

    def load_part(addresses: int, dimensions: int, strides: int, record: int) -> int:
        return loops[record].load_part()

    return c_function(load_part, "load_part").address


def find(ufunc: np.ufunc) -> Activation | None:
    """The activation behind a ufunc, if it is one."""
    return _activations.get(id(ufunc))


def load_all() -> None:
    """Compile or load every loop that there is, and warn of each that can not be."""
    for loop in list(loops.values()):
        try:
            loop.load()
            loop.load_part()
        except Exception as error:
            warnings.warn(f"fastact: {loop.name} can not be compiled: {error}", RuntimeWarning, stacklevel=3)


@overload
def activation(function: Callable[..., Any], /) -> np.ufunc: ...


@overload
def activation(
    *, integers: bool = False, memory_bound: bool = False, derivative: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], np.ufunc]: ...


def activation(
    function: Callable[..., Any] | None = None,
    /,
    *,
    integers: bool = False,
    memory_bound: bool = False,
    derivative: Callable[..., Any] | None = None,
) -> np.ufunc | Callable[[Callable[..., Any]], np.ufunc]:
    """Make a NumPy ufunc of a scalar function, SIMD and threads included.

    Parameters
    ----------
    function : callable
        A function of one or more numbers that gives a number, written in what Numba's nopython mode compiles. It may
        call other activations. It must not raise. Numbers that are written in it take the type of its inputs, so that
        ``0.5 * x`` is float32 for float32; so do global Python numbers. What it reaches by name it takes when it is
        compiled for a type, as by `numba.njit`, and does not look again.
    integers : bool, optional
        Whether integers keep their type. By default they are converted to a float type, as by `numpy.tanh`.
    memory_bound : bool, optional
        Whether the function computes so little that a large array takes the time of reading and writing it, as relu
        does; large results are then written past the caches.
    derivative : callable, optional
        The derivative with respect to the first input, for `fastact.derivative`: a function of the same inputs, written
        as `function` is, or an activation.

    Returns
    -------
    numpy.ufunc
        With a loop for each of float16 (computed in float32 and rounded once), float32 and float64, and the name and
        docstring of the function. Inside `@njit` it takes scalars and arrays, and `out` after its inputs or by name.
        Nothing is compiled before the first call; the compiled code is kept for later processes.

    Raises
    ------
    TypeError
        If the function has no inputs, defaults, or a variable number of inputs, or its derivative has another number;
        at the first call, if it can raise an exception, or if it gives something else than an integer for integers that
        are to keep their type.
    numba.errors.TypingError
        At the first call, if Numba can not compile the function.

    Notes
    -----
    The function is compiled with strict IEEE arithmetic, whatever the flags of an `@njit` caller, so that a result
    does not depend on how it was called.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> @fastact.activation
    ... def swish(x):
    ...     return x * fastact.sigmoid(x)
    >>> swish(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.2689,  0.    ,  0.7311])
    """
    if function is None:
        return lambda scalar_function: _of_function(scalar_function, integers, memory_bound, derivative)
    return _of_function(function, integers, memory_bound, derivative)
