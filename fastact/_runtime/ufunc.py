"""`activation`: a scalar function becomes a NumPy ufunc that also works inside `@njit`."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import re
import sys
import types as python_types
import warnings
from collections.abc import Callable
from typing import Any, overload

import numba
import numpy as np
from numba import types

from .._compiler import overloads, requirements
from .._compiler.literals import typed_literals
from .._kernels import driver, pool
from .._kernels.bits import STRICT, compiled
from . import fingerprint, sources, store, threads
from .capi import LoopTable, c_function
from .locks import lock

_INTEGERS = "bBhHiIlLqQ"
_FLOATS = "efd"

#: Outputs of memory-bound loops of at least this many bytes are written past the caches, which spares reading them
#: first. Measured: 1.4 times as fast from 64 MB on, a tenth slower at 16 MB; loops that compute more lose by it.
STREAM_BYTES = 32 << 20
_NEVER = sys.maxsize

_loops: dict[int, Loop] = {}
_activations: dict[np.ufunc, Activation] = {}


class Loop:
    """The loop of an activation for one type, which C knows by the address of its record; loaded when first called."""

    def __init__(self, owner: Activation, code: str) -> None:
        dtype = np.dtype(code)
        computed = np.dtype(np.float32) if code == "e" else dtype
        self.name = f"{owner.name} of {dtype}"
        self.record = driver.new_words(driver.RECORD_WORDS)
        self.record[driver.INPUTS] = owner.inputs
        self.record[driver.ITEM_SIZE] = dtype.itemsize
        self.record[driver.LOOP_ITEM_SIZE] = computed.itemsize
        self.record[driver.STREAM] = STREAM_BYTES if owner.memory_bound else _NEVER
        self._owner = owner
        self._type = numba.from_dtype(computed)
        self._function = 0

    @property
    def address(self) -> int:
        """Of the record."""
        return int(self.record.ctypes.data)

    def belongs_to(self, table: LoopTable, index: int) -> None:
        """Say where the ufunc keeps the function that it calls for this loop."""
        self._table, self._index = table, index

    def load(self) -> int:
        """Make the loop ready; gives the C function that serves it from now on."""
        with lock:
            if self._function == 0:
                try_out_numba()
                self.record[driver.POOL] = threads.pool_address()
                self.record[driver.SPAN] = _span()
                self.record[driver.GRAIN] = _NEVER if self._owner.runs_as_python else threads.GRAIN
                self.inner()
                self._function = _driver()
                self._table.set_function(self._index, self._function)
        return self._function

    def inner(self) -> int:
        """The address of `loop(addresses, n)`."""
        with lock:
            if self.record[driver.LOOP] == 0:
                self.record[driver.LOOP] = self._owner.compile(self._type)
        return int(self.record[driver.LOOP])


class Activation:
    """What stands behind the ufunc of an activation."""

    def __init__(self, function: Callable[..., Any], integers: bool, memory_bound: bool) -> None:
        self.function = _python_function(function)
        if not isinstance(self.function, python_types.FunctionType):
            raise TypeError(f"an activation is made of a Python function, not of {function!r}")
        self.memory_bound = memory_bound
        self.name = self.function.__name__
        self.inputs = _count_inputs(self.function)
        self._typed = typed_literals(self.function)
        self.kernel = compiled(**STRICT)(self._typed)
        codes = _INTEGERS + _FLOATS if integers else _FLOATS
        self.loops = [Loop(self, code) for code in codes]
        self._codes = codes
        signatures = [code * (self.inputs + 1) for code in codes]
        table = LoopTable(_first_call(), [loop.address for loop in self.loops], signatures)
        for index, loop in enumerate(self.loops):
            loop.belongs_to(table, index)
            _loops[loop.address] = loop
        self.ufunc = table.ufunc(self.name, inspect.cleandoc(self.function.__doc__ or ""), self.inputs)
        with contextlib.suppress(AttributeError):  # NumPy below 2.3 has no place for it; pickle then searches for it
            self.ufunc.__module__ = self.function.__module__
        _activations[self.ufunc] = self
        overloads.register(self.ufunc, self.element, self.version)

    @property
    def runs_as_python(self) -> bool:
        """Whether the user wants to follow the function in Python. Ours are of what Python has no word for."""
        return bool(numba.config.DISABLE_JIT) and not fingerprint.is_of_this_package(self.function)

    def compile(self, numba_type: Any) -> int:
        """The address of the inner loop for a type."""
        if self.runs_as_python:
            return c_function(self._python_loop(numba_type))

        def build() -> Any:
            self._check_result(numba_type)
            loop = driver.inner_loop(self.kernel, self.inputs, numba_type)
            entry = numba.cfunc(driver.LOOP_SIGNATURE, **STRICT)(loop)
            self._check_raises(entry.inspect_llvm())
            return entry

        depends_on = fingerprint.of(self.function, _python_function)
        key = None if depends_on is None else f"{numba_type}".encode() + depends_on
        return store.load(f"{self.name}-{numba_type}", key, build)

    def loop(self, code: str) -> Loop:
        """The loop for the type with this character code."""
        return self.loops[self._codes.index(code)]

    @functools.cache  # noqa: B019 - an activation lives as long as the process
    def loop_for_callers(self, numba_type: Any) -> Any:
        """`loop(addresses, n)` for a type, compiled for callers inside `@njit`."""
        loop = compiled(**STRICT)(driver.inner_loop(self.kernel, self.inputs, numba_type))
        return self._checked(loop, driver.LOOP_SIGNATURE.args)

    @functools.cache  # noqa: B019 - an activation lives as long as the process
    def kernel_for_callers(self, numba_type: Any) -> Any:
        """The function of numbers of a type, compiled for callers inside `@njit`."""
        return self._checked(self.kernel, (numba_type,) * self.inputs)

    def _checked(self, function: Any, signature: Any) -> Any:
        function.compile(signature)
        self._check_raises(function.inspect_llvm(signature))
        return function

    def version(self) -> bytes | None:
        """Bytes that change with what the activation computes, or None if that can not be told."""
        package, own = sources.imported(), fingerprint.of(self.function, _python_function)
        return None if package is None or own is None else package + own + str(self.ufunc.types).encode()

    def _python_loop(self, numba_type: Any) -> Callable[..., int]:
        dtype = np.dtype(str(numba_type))

        def loop(addresses: int, n: int, *_: int) -> int:
            pointers = (ctypes.c_ssize_t * (self.inputs + 1)).from_address(addresses)
            memory = [(ctypes.c_char * (n * dtype.itemsize)).from_address(pointer) for pointer in pointers]
            arrays = [np.ndarray(n, dtype, memoryview(buffer)) for buffer in memory]
            for i in range(n):
                result = self.function(*[array[i] for array in arrays[:-1]])
                if dtype.kind in "iu" and not isinstance(result, (int, np.integer)):
                    raise self._not_an_integer(type(result).__name__, dtype)
                arrays[-1][i] = result
            return 0

        return loop

    def _check_result(self, numba_type: Any) -> None:
        """Refuse a kernel that gives an integer loop something else, of which storing it would lose a part."""
        if isinstance(numba_type, types.Integer):
            self.kernel.compile((numba_type,) * self.inputs)
            result = self.kernel.overloads[(numba_type,) * self.inputs].signature.return_type
            if not isinstance(result, types.Integer):
                raise self._not_an_integer(result, numba_type)

    def _check_raises(self, code: str) -> None:
        # A C function makes the exception itself, any other function says which it is.
        if "numba_unpickle" in code or re.search(r"store .*%excinfo", code):
            raise TypeError(
                f"{self.name}() can raise an exception, and there is nobody to catch it inside a loop over an "
                "array: let it return a value (NaN, say) for every input"
            )

    def _not_an_integer(self, result: Any, given: Any) -> TypeError:
        return TypeError(
            f"{self.name}() gives {result} for {given}: with integers=True an activation gives integers for integers"
        )

    @functools.cache  # noqa: B019 - an activation lives as long as the process
    def element(self, numba_type: Any) -> Any:
        """The function for callers inside `@njit`: compiled for scalars of a type, spread over arrays by Numba."""
        self._check_result(numba_type)
        options = {name: STRICT[name] for name in ("fastmath", "boundscheck")}  # the error model is NumPy's there
        function = numba.vectorize([numba_type(*[numba_type] * self.inputs)], **options)(self._typed)
        for compiled_function in function._dispatcher.overloads.values():
            self._check_raises(compiled_function.library.get_llvm_str())
        return function


def _python_function(value: Any) -> Any:
    """The function that a compiled one was made from; anything else as it is."""
    if isinstance(value, np.ufunc) and value in _activations:
        return _activations[value].function
    return getattr(value, "py_func", value)


def _count_inputs(function: Callable[..., Any]) -> int:
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"an activation takes a fixed number of inputs, not {parameter}")
        if parameter.default is not parameter.empty:
            raise TypeError(f"the inputs of an activation have no defaults, as ufuncs have none: {parameter}")
    if not parameters:
        raise TypeError("an activation takes at least one input")
    return len(parameters)


_tried_out = not requirements.is_untried(numba.__version__)


def try_out_numba() -> None:
    """On a Numba that is newer than those tried, compare one loop with NumPy before any other is used."""
    global _tried_out
    if _tried_out:
        return
    _tried_out = True
    x = np.linspace(-3, 3, 50)
    found = Activation(lambda x: x / (2 + x * x), integers=False, memory_bound=False).ufunc(x[::-1])
    if not np.array_equal(found, (x / (2 + x * x))[::-1]):
        _tried_out = False
        raise RuntimeError(f"fastact gives wrong numbers with numba {numba.__version__}: install an older numba")
    newest = ".".join(map(str, requirements.NEWEST_TRIED))
    warnings.warn(
        f"fastact was tried with numba up to {newest}, and this is {numba.__version__}; a short test passed",
        RuntimeWarning,
        stacklevel=2,
    )


@functools.cache
def _driver() -> int:
    return store.load_own("drive", driver.DRIVE_SIGNATURE, driver.drive)


@functools.cache
def _span() -> int:
    return store.load_own("span", pool.PART_SIGNATURE, driver.span)


@functools.cache
def _first_call() -> int:
    """The C function that a ufunc calls for a loop that is not loaded yet."""

    def first_call(addresses: int, dimensions: int, strides: int, record: int) -> int:
        return _loops[record].load()

    return c_function(first_call)


def find(ufunc: np.ufunc) -> Activation | None:
    """The activation behind a ufunc, if it is one."""
    return _activations.get(ufunc)


def load_all() -> None:
    """Compile or load every loop that there is, and warn of each that can not be."""
    for loop in list(_loops.values()):
        try:
            loop.load()
        except Exception as error:
            warnings.warn(f"fastact: {loop.name} can not be compiled: {error}", RuntimeWarning, stacklevel=3)


@overload
def activation(function: Callable[..., Any], /) -> np.ufunc: ...


@overload
def activation(*, integers: bool = False, memory_bound: bool = False) -> Callable[[Callable[..., Any]], np.ufunc]: ...


def activation(
    function: Callable[..., Any] | None = None, /, *, integers: bool = False, memory_bound: bool = False
) -> np.ufunc | Callable[[Callable[..., Any]], np.ufunc]:
    """Make a NumPy ufunc of a scalar function, SIMD and threads included.

    Parameters
    ----------
    function : callable
        A function of one or more numbers that gives a number, written in what Numba's nopython mode compiles. It may
        call other activations. It must not raise. Numbers that are written in it take the type of its inputs, so that
        ``0.5 * x`` is float32 for float32; so do global Python numbers.
    integers : bool, optional
        Whether integers keep their type. By default they are converted to a float type, as by `numpy.tanh`.
    memory_bound : bool, optional
        Whether the function computes so little that a large array takes the time of reading and writing it, as relu
        does; large results are then written past the caches.

    Returns
    -------
    numpy.ufunc
        With a loop for each of float16 (computed in float32 and rounded once), float32 and float64, and the name and
        docstring of the function. Inside `@njit` it takes scalars and arrays, and `out` after its inputs or by name.
        Nothing is compiled before the first call; the compiled code is kept for later processes.

    Raises
    ------
    TypeError
        If the function has no inputs, defaults, or a variable number of inputs; at the first call, if it can raise
        an exception, or if it gives something else than an integer for integers that are to keep their type.
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
        return lambda scalar_function: Activation(scalar_function, integers, memory_bound).ufunc
    return Activation(function, integers, memory_bound).ufunc
