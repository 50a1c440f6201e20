"""The floating-point state of a caller: arrays are computed under the default one, and it is there again afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import platform
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numba import njit

import fastact
from fastact._runtime import registry
from fastact._runtime.capi import _c_maths
from fastact._runtime.softmax import faces

from .cases import long_but_for

_IS_ARM = platform.machine().lower() in ("aarch64", "arm64")
_STATES = ("upward", "downward", "toward zero", "flushing")
_MODES = {"upward": 0x800, "downward": 0x400, "toward zero": 0xC00}
_ARM_MODES = {"upward": 0x400000, "downward": 0x800000, "toward zero": 0xC00000}
_WORDS = 64  # more than any fenv_t has
_MODES_AT = 0 if _IS_ARM else 7  # in glibc's


@contextlib.contextmanager
def _state(name: str) -> Iterator[Callable[[], int]]:
    """A state of the C library's; gives what tells the modes of now, without the flags."""
    library, before = _c_maths(), (ctypes.c_uint32 * _WORDS)()

    def now() -> int:
        environment = (ctypes.c_uint32 * _WORDS)()
        library.fegetenv(environment)
        return int(environment[_MODES_AT]) & ~0x3F

    library.fegetenv(before)
    try:
        if name == "flushing":  # of results and operands that are subnormal
            changed = (ctypes.c_uint32 * _WORDS)(*before)
            changed[_MODES_AT] |= 1 << 24 if _IS_ARM else 0x8040
            library.fesetenv(changed)
        else:
            assert library.fesetround((_ARM_MODES if _IS_ARM else _MODES)[name]) == 0
        yield now
    finally:
        library.fesetenv(before)


def _same_in(state: str, function: Callable[..., Any], *operands: Any) -> None:
    """A function gives the same bits in a state as in the default one, and leaves the state as it was."""
    expected = np.array(function(*operands), copy=True)
    with _state(state) as now:
        before = now()
        result = function(*operands)
        after = now()
    bits = f"u{expected.itemsize}"  # of NaN, too
    np.testing.assert_array_equal(np.array(result).view(bits), expected.view(bits))
    assert after == before


def _hard(dtype: str, *shape: int) -> Any:
    """Numbers of all sizes, subnormal ones among them, whose functions are subnormal too."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 4, shape)
    x[..., ::5] = -rng.uniform(80, 110, x[..., ::5].shape)
    x[..., 1::7] *= np.finfo(dtype).tiny / 8
    return x.astype(dtype)


_ACTIVATIONS = long_but_for(("prelu", "tanh", "own"), [*registry.rows, "own"])


def _own() -> Any:
    @fastact.activation
    def own(x):  # type: ignore[no-untyped-def]
        return x * 0.1 + fastact.tanh(x)

    return own


def _called(name: str) -> tuple[Any, tuple[float, ...]]:
    function = _own() if name == "own" else getattr(fastact, name)
    takes_slope = name in registry.rows and registry.rows[name].activation.inputs == 2
    return function, (0.1,) if takes_slope else ()


@pytest.mark.parametrize("name", _ACTIVATIONS)
def test_activations(name: str) -> None:
    function, slope = _called(name)
    plain, into = njit(lambda x, *slope: function(x, *slope)), njit(lambda x, out, *slope: function(x, *slope, out))
    for state, dtype in itertools.product(_STATES, "fd"):
        x = _hard(dtype, 9, 67)
        _same_in(state, function, x, *np.array(slope, dtype))  # a number would be converted by NumPy
        _same_in(state, plain, x, *slope)
        _same_in(state, into, x, np.empty_like(x), *slope)
        _same_in(state, into, x[:, ::2], np.empty_like(x)[:, ::2], *slope)
        _same_in(state, into, x[0], np.empty_like(x), *slope)
    _same_in("upward", into, _hard("d", 9, 67), np.empty((9, 67), "f"), *slope)


@pytest.mark.parametrize("name", long_but_for(("softmax",), faces))
def test_functions_along_an_axis(name: str) -> None:
    function = getattr(fastact, name)
    plain, into = njit(lambda x: function(x)), njit(lambda x, out: function(x, -1, out))
    for state, dtype in itertools.product(_STATES, "fd"):
        x = _hard(dtype, 9, 67)
        out = np.empty(9 if name == "logsumexp" else (9, 67), "f")
        _same_in(state, function, x)
        _same_in(state, function, x.T)
        _same_in(state, plain, x)
        _same_in(state, into, x, out)
        _same_in(state, plain, np.arange(12).reshape(3, 4) + 2**60)


@pytest.mark.parametrize("columns", [None, 1, 9], ids=str)
@pytest.mark.parametrize("rows", long_but_for((5,), [None, 5]), ids=str)
def test_neuron(rows: int | None, columns: int | None) -> None:
    def neuron(x, weights, bias, alpha):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, weights, bias, "prelu", alpha)

    compiled = njit(neuron)
    into = njit(lambda x, weights, bias, alpha, out: fastact.neuron(x, weights, bias, "prelu", alpha, out))
    for state, dtype in itertools.product(_STATES, "fd"):
        x = _hard(dtype, 67) if rows is None else _hard(dtype, rows, 67)
        weights = _hard(dtype, 67) if columns is None else _hard(dtype, 67, columns)
        for function in (neuron, compiled):
            _same_in(state, function, x, weights, 0.1, 0.3)
        _same_in(state, compiled, x.astype("d"), weights, 0.1, 0.3)
        _same_in(state, compiled, np.arange(67) + 2**60, weights, 0.1, 0.3)
        if rows is not None:
            out = np.empty((rows,) if columns is None else (rows, columns), "f")
            _same_in(state, into, x, weights, 0.1, 0.3, out)


def test_chained_activations() -> None:
    """A function of a function's result is not computed number by number in the caller's state."""
    _same_in("upward", njit(lambda x: fastact.tanh(fastact.sigmoid(x))), _hard("d", 1000))


@contextlib.contextmanager
def _flushing() -> Iterator[None]:
    fastact.set_flush_subnormals(True)
    try:
        yield
    finally:
        fastact.set_flush_subnormals(False)


def _as_flushed(x: Any) -> Any:
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, np.copysign(x.dtype.type(0), x), x)


def _check_flushing(function: Callable[..., Any], *operands: Any) -> None:
    """Flushed, a function gives what it gives of zeros instead of subnormal operands, and zeros instead of others."""
    expected = np.array(function(*map(_as_flushed, operands)))
    state = np.geterr()
    with _flushing(), _state("upward") as now:
        before = now()
        result = np.array(function(*operands))
        after = now()
    assert (after, np.geterr()) == (before, state)
    tiny = np.finfo(expected.dtype).tiny
    # What rounds up to the least normal number, or down from it, may be flushed before that.
    normal = ~(np.abs(expected) <= tiny * 1.000001)
    np.testing.assert_array_max_ulp(result[normal], expected[normal], 4)  # of those near it the residuals are flushed
    far = np.abs(expected) > 8 * tiny
    np.testing.assert_array_max_ulp(result[far], expected[far], 1)
    assert not np.any(result[~normal & (np.abs(result) != tiny)])


@pytest.mark.parametrize("name", long_but_for(("sigmoid", "silu"), registry.rows))
def test_subnormals_are_flushed(name: str) -> None:
    function, slope = _called(name)
    for dtype, n in itertools.product("fd", (67, 50_000)):
        operands = _hard(dtype, n), *np.array(slope, dtype)
        _check_flushing(function, *operands)
        _check_flushing(function, operands[0][::-2], *operands[1:])


@pytest.mark.parametrize("name", faces)
def test_subnormals_are_flushed_along_an_axis(name: str) -> None:
    for dtype, rows in itertools.product("fd", (3, 2000)):
        _check_flushing(getattr(fastact, name), _hard(dtype, rows, 67))


def test_subnormals_are_flushed_in_neurons() -> None:
    for dtype, rows, columns in itertools.product("fd", (1, 300), (1, 100)):
        x, w = _hard(dtype, rows, 67), np.tanh(_hard(dtype, 67, columns)) * np.finfo(dtype).tiny * 0.9
        assert np.any(fastact.neuron(x, w, 0.0, "linear"))
        with _flushing():
            np.testing.assert_array_equal(fastact.neuron(x, w, 0.0, "linear"), 0)


def test_compiled_callers_and_halves_keep_subnormals() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    results = fastact.tanh(halves)
    x = _hard("f", 1000)
    compiled, expected = njit(lambda x: fastact.silu(x)), fastact.silu(x)
    with _flushing():
        assert fastact.get_flush_subnormals()
        np.testing.assert_array_equal(compiled(x), expected)
        np.testing.assert_array_equal(fastact.tanh(halves), results)
    assert not fastact.get_flush_subnormals()
    np.testing.assert_array_equal(fastact.silu(x), expected)


@pytest.mark.parametrize("flush", [1, None, "yes", np.ones(2)], ids=repr)
def test_what_is_no_bool(flush: Any) -> None:
    with pytest.raises(TypeError, match="True or False"):
        fastact.set_flush_subnormals(flush)


def test_an_exception_leaves_the_state() -> None:
    into = njit(lambda x, out: fastact.tanh(x, out))
    with _state("upward") as now:
        before = now()
        with pytest.raises(ValueError, match="broadcast"):
            into(np.ones(3), np.ones(4))
        after = now()
    assert after == before
