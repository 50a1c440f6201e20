"""The activations called from Python, against plain NumPy."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import fastact

from . import plain_numpy
from .timing import relative_time


def is_activation(name: str) -> bool:
    """Whether a public name is a ufunc, or a function that fills in a default of one."""
    found = getattr(fastact, name)
    return isinstance(found, np.ufunc) or "ufunc_kwargs" in inspect.signature(found).parameters


NAMES = tuple(filter(is_activation, fastact.__all__))
#: Of each kind of kernel one, with which every way to call is measured; of the others only the kernels are.
KINDS = ("leaky_relu", "prelu", "relu", "sigmoid", "tanh")
OTHERS = tuple(name for name in NAMES if name not in KINDS)
IMPLEMENTATIONS = ("fastact", "numpy")
DTYPES = ("float16", "float32", "float64")
SMALL, SIZES = (1, 100), (10_000, 1_000_000)
LAYOUTS = ("in place", "new output", "every second", "transposed", "where")
ELEMENTS = 1_000_000  # that a sample goes through


def function(name: str, implementation: str) -> Callable[..., Any]:
    found = getattr(fastact if implementation == "fastact" else plain_numpy, name, None)
    if found is None:
        raise NotImplementedError(name)
    return found  # type: ignore[no-any-return]


def takes_slope(name: str) -> bool:
    """Whether an activation has to be given its second input."""
    return getattr(getattr(fastact, name, None), "nin", 1) == 2


def defaults(name: str, dtype: str) -> list[Any]:
    """The second input where it has a default."""
    found = getattr(fastact, name)
    if isinstance(found, np.ufunc):
        return []
    return [np.array(inspect.signature(found).parameters["alpha"].default, dtype)]


@functools.cache
def inputs(dtype: str, shape: tuple[int, ...]) -> Any:
    numbers = np.random.default_rng(0).normal(scale=2, size=shape)  # the exponential of none is beyond float16
    return numbers.astype(dtype)


@functools.cache
def case(name: str, dtype: str, layout: str, n: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of a call on n elements."""
    side = int(n**0.5)
    x = inputs(dtype, (side, side) if layout in ("transposed", "slope per column") else (n,))
    if name == "logit":
        x = np.abs(x) % x.dtype.type(1)
    slopes = (np.linspace(0, 1, side) if layout == "slope per column" else np.array(0.25)).astype(dtype)
    out = np.empty_like(x)
    keywords: dict[str, Any] = {"out": out}
    if layout == "in place":
        x = out
        out[:] = 1  # a number that no activation takes to subnormal ones
    elif layout == "new output":
        keywords = {}
    elif layout == "every second":
        x = inputs(dtype, (2 * n,))[::2]
    elif layout == "transposed":
        x = x.T
    elif layout == "where":
        keywords["where"] = inputs("float64", (n,)) > 0
    return ((x, slopes) if takes_slope(name) else (x,)), keywords


class Small:
    """Calls on a few elements, into a given output."""

    params = (KINDS, DTYPES, SMALL, IMPLEMENTATIONS)
    param_names = ("function", "dtype", "n", "implementation")

    def setup(self, name: str, dtype: str, n: int, implementation: str) -> None:
        self.function = function(name, implementation)
        (self.operands, keywords) = case(name, dtype, "contiguous", n)
        self.out = keywords["out"]
        self.function(*self.operands, out=self.out)

    def time_ten_thousand_calls(self, name: str, dtype: str, n: int, implementation: str) -> None:
        function, operands, out = self.function, self.operands, self.out
        for _ in itertools.repeat(None, 10_000):
            function(*operands, out=out)


class _MillionElements:
    """Calls that go through a million elements together."""

    def prepare(self, call: Callable[..., Any], operands: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.function, self.operands, self.keywords = call, operands, keywords
        self.calls = ELEMENTS // operands[0].size
        call(*operands, **keywords)

    def time_million_elements(self, *parameters: Any) -> None:
        for _ in itertools.repeat(None, self.calls):
            self.function(*self.operands, **self.keywords)


class Array(_MillionElements):
    """Calls on many elements, into a given output."""

    params = (KINDS, DTYPES, SIZES, IMPLEMENTATIONS)
    param_names = ("function", "dtype", "n", "implementation")

    def setup(self, name: str, dtype: str, n: int, implementation: str) -> None:
        self.prepare(function(name, implementation), *case(name, dtype, "contiguous", n))


class Kernel(_MillionElements):
    """Calls on 10,000 elements, into a given output."""

    params = (OTHERS, ("float32", "float64"), IMPLEMENTATIONS)
    param_names = ("function", "dtype", "implementation")

    def setup(self, name: str, dtype: str, implementation: str) -> None:
        self.prepare(function(name, implementation), *case(name, dtype, "contiguous", 10_000))


class Derivative(_MillionElements):
    """Calls of derivatives on 10,000 elements, into a given output."""

    params = (("sigmoid", "relu", "gelu"), ("float32", "float64"))
    param_names = ("function", "dtype")

    def setup(self, name: str, dtype: str) -> None:
        call = function("derivative", "fastact")(function(name, "fastact"))
        self.prepare(call, *case(name, dtype, "contiguous", 10_000))


class Subnormal(_MillionElements):
    """Calls on 10,000 numbers that are subnormal, or whose results are: many processors compute them slowly."""

    params = (("sigmoid", "silu"), ("float32", "float64"), ("operands", "results"), ("kept", "flushed"))
    param_names = ("function", "dtype", "subnormal", "modes")

    def setup(self, name: str, dtype: str, subnormal: str, modes: str) -> None:
        tiny, numbers = float(np.finfo(dtype).tiny), inputs("float64", (10_000,))
        x = (numbers * tiny / 16 if subnormal == "operands" else np.log(tiny) - 5 - np.abs(numbers)).astype(dtype)
        if modes == "flushed":
            self.before = function("get_flush_subnormals", "fastact")()
            function("set_flush_subnormals", "fastact")(True)
        self.prepare(function(name, "fastact"), (x,), {"out": np.empty_like(x)})

    def teardown(self, name: str, dtype: str, subnormal: str, modes: str) -> None:
        if modes == "flushed":
            function("set_flush_subnormals", "fastact")(self.before)


class Layout(_MillionElements):
    """Calls on 10,000 elements in other places of memory."""

    params = (KINDS, ("float32", "float64"), LAYOUTS, IMPLEMENTATIONS)
    param_names = ("function", "dtype", "layout", "implementation")

    def setup(self, name: str, dtype: str, layout: str, implementation: str) -> None:
        self.prepare(function(name, implementation), *case(name, dtype, layout, 10_000))


class SlopePerColumn(_MillionElements):
    """`prelu` of 100 rows with a slope for each of 100 columns."""

    params = (("float32", "float64"), IMPLEMENTATIONS)
    param_names = ("dtype", "implementation")

    def setup(self, dtype: str, implementation: str) -> None:
        self.prepare(function("prelu", implementation), *case("prelu", dtype, "slope per column", 10_000))


class Own(_MillionElements):
    """An activation of the user's own, made by the decorator."""

    params = (("float32", "float64"), IMPLEMENTATIONS)
    param_names = ("dtype", "implementation")

    def setup(self, dtype: str, implementation: str) -> None:
        call = silu() if implementation == "fastact" else plain_numpy.silu
        self.prepare(call, *case("silu", dtype, "contiguous", 10_000))


@functools.cache
def silu() -> Callable[..., Any]:
    @fastact.activation
    def silu(x: Any) -> Any:
        return x * fastact.sigmoid(x)

    return silu


class Reduce:
    """A method of ufuncs that takes them element by element."""

    params = (("float32", "float64"),)
    param_names = ("dtype",)

    def setup(self, dtype: str) -> None:
        self.x, self.out = inputs(dtype, (100, 10_000)), np.empty(10_000, dtype)
        function("prelu", "fastact").reduce(self.x, out=self.out)  # type: ignore[attr-defined]

    def time_prelu_reduce(self, dtype: str) -> None:
        fastact.prelu.reduce(self.x, out=self.out)


class RelativeToNumpy:
    """Time divided by NumPy's, the two taking turns in one process, so that a noisy machine cancels out.

    It moves when NumPy does.
    """

    params = (NAMES, ("float32", "float64"), SIZES)
    param_names = ("function", "dtype", "n")

    def setup(self, name: str, dtype: str, n: int) -> None:
        if name in OTHERS and n != SIZES[0]:
            raise NotImplementedError("measured in cache")
        operands, keywords = case(name, dtype, "contiguous", n)
        self.ours, self.theirs = (
            functools.partial(function(name, implementation), *operands, **keywords)
            for implementation in IMPLEMENTATIONS
        )

    def track_time_relative_to_numpy(self, name: str, dtype: str, n: int) -> float:
        return relative_time(self.ours, self.theirs, rounds=60)

    track_time_relative_to_numpy.unit = "time / NumPy's time"  # type: ignore[attr-defined]


class Error:
    """The largest error, in units in the last place, against a wider type."""

    params = (NAMES, DTYPES)
    param_names = ("function", "dtype")

    def setup(self, name: str, dtype: str) -> None:
        self.function = function(name, "fastact")
        if (name, dtype) == ("gelu", "float64"):
            raise NotImplementedError("there is no wider error function")
        self.wider = np.longdouble if dtype == "float64" else np.float64
        if np.finfo(self.wider).eps >= np.finfo(dtype).eps:
            raise NotImplementedError("no wider type on this machine")

    def track_max_ulp(self, name: str, dtype: str) -> float:
        wider = self.wider
        operands, _ = case(name, dtype, "new output", 100_000)
        wide = [operand.astype(wider) for operand in (*operands, *defaults(name, dtype))]
        with np.errstate(all="ignore"):
            right = function(name, "numpy")(*wide)
        place = np.spacing(np.abs(right).astype(dtype)).astype(wider)
        return float(np.max(np.abs(self.function(*operands).astype(wider) - right) / place))

    track_max_ulp.unit = "ULP"  # type: ignore[attr-defined]
