"""Calls of the neuron, drawn at random: to the bit what each row gives alone, and that right to the stated bound."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numba
import numpy as np
from hypothesis import strategies as st
from numba import njit, types

import fastact

from .large_calls import threads_for_nothing
from .memory import Wanted, assert_rows, assert_untouched, laid_out, layouts, overlapping, real_numbers, some_places
from .reference import Array

#: Lengths at which tiles, blocks and sums go another way.
LENGTHS = sorted({n + d for n in (1, 8, 12, 14, 16, 32, 48, 64, 128, 256, 512, 1024) for d in (-1, 0, 1)})
WIDE = (8191, 8193, 16_384, 16_385, 20_001)  #: past what is swept over at once
PRODUCTS = 1 << 21  #: of a call at most; it is shared out from about a million on

NAMES = ("linear", "linear", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "gelu")
WITH_ALPHA = ("leaky_relu", "prelu", "elu")
TYPES = "fffdddeei?Bq"


class Operands(NamedTuple):
    """Of a call."""

    x: Array
    weights: Array
    bias: Any
    name: str
    alpha: Any

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What is handed over: a slope where the activation has one."""
        return self if self.name in WITH_ALPHA else self[:4]

    @property
    def wanted(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of the result."""
        bias = float(self.bias) if isinstance(self.bias, int) else self.bias
        dtype = np.result_type(self.x, self.weights, bias)
        return self.x.shape[:-1] + self.weights.shape[1:], dtype if dtype.kind == "f" else np.dtype(np.float64)


@st.composite
def operands(draw: Any, codes: str, axes: int, weights_axes: int, plain: bool = False, x_code: str = "") -> Operands:
    """Of types, numbers of axes and memory; x may be of another type than the others."""
    length = st.one_of(st.integers(0, 20), st.integers(0, 70), st.sampled_from(LENGTHS))
    outer = tuple(draw(st.integers(0, 3)) for _ in range(axes - 2))
    k, m = draw(length), draw(length)
    if draw(st.integers(0, 9)) == 0:
        k, m = draw(st.permutations((draw(st.sampled_from(WIDE)), draw(st.integers(0, 20)))))
    columns = (m,) if weights_axes == 2 else ()
    rows = min(draw(st.one_of(length, st.just(3000))), PRODUCTS // max(1, math.prod((*outer, k, *columns))))
    code = draw(st.sampled_from(codes))
    is_mixed = draw(st.integers(0, 3)) == 0

    def array(shape: tuple[int, ...], own: str = "") -> Array:
        dtype = np.dtype(own or (draw(st.sampled_from(codes)) if is_mixed else code))
        made, _ = laid_out(shape, dtype, draw(layouts(shape, of_result=False, plain=plain)))
        made[...] = draw(real_numbers(shape, dtype))
        made.flags.writeable = draw(st.booleans())
        return made

    def number() -> Any:
        return (
            draw(st.sampled_from((0.0, 0.5, -1.25, 3)))
            if draw(st.booleans())
            else array(draw(st.sampled_from(((), columns))))
        )

    x, weights = array((*outer, rows, k) if axes > 1 else (k,), x_code), array((k, *columns))
    return Operands(x, weights, number(), draw(st.sampled_from(NAMES)), number())


any_operands = st.tuples(st.just(TYPES), st.sampled_from((1, 2, 2, 2, 3, 4)), st.integers(1, 2)).flatmap(
    lambda drawn: operands(*drawn)
)


def alone(given: Operands) -> dict[tuple[int, ...], Array]:
    """What some of the rows give, each alone, of operands that lie one after the other."""
    _, dtype = given.wanted
    working = np.result_type(dtype, np.float32)
    x, weights = (np.array(operand, working, order="C") for operand in (given.x, given.weights))
    bias, alpha = (np.asarray(operand).astype(working) for operand in (given.bias, given.alpha))
    results = {}
    for place in some_places(x.shape[:-1]):
        z = np.asarray(fastact.neuron(x[place], weights, bias, None))
        assert_bound(z, x[place], weights, bias)
        further = (alpha,) if given.name in WITH_ALPHA else ()
        results[place] = z if given.name == "linear" else getattr(fastact, given.name)(z, *further)
    return results


def assert_bound(found: Array, row: Array, weights: Array, bias: Array) -> None:
    """Against float64; of float64 the reference may be as far off as the result."""
    unit = np.finfo(found.dtype).eps / (2 if found.dtype == np.float32 else 1)
    with np.errstate(all="ignore"):
        row, weights, bias = (operand.astype(np.float64) for operand in (row, weights, bias))
        expected = row @ weights + bias
        bound = (row.size + 1) * unit * (np.abs(row) @ np.abs(weights) + np.abs(bias))
        right = np.abs(found - expected) <= bound
    finite = np.isfinite(expected)
    assert right[finite].all()
    np.testing.assert_array_equal(found[~finite], expected[~finite])


def check_call(data: Any) -> None:
    """From Python, into a given result or not."""
    given = data.draw(any_operands)
    shape, dtype = given.wanted
    large = threads_for_nothing(data.draw(st.booleans()))
    if data.draw(st.booleans()):
        with np.errstate(all="raise"), large:
            found = fastact.neuron(*given.arguments)
        assert (np.shape(found), found.dtype) == (shape, dtype)
        assert_rows(found, alone(given), dtype)
        return
    kind = np.dtype(data.draw(st.sampled_from("efd"))) if data.draw(st.integers(0, 3)) == 0 else dtype
    out, memory = laid_out(shape, kind, data.draw(layouts(shape, of_result=True)))
    before = memory.copy()
    with large:
        assert fastact.neuron(*given.arguments, out=out) is out
    assert_untouched(memory, before, out)
    assert_rows(out, alone(given), dtype, kind)


def check_overlap(data: Any) -> None:
    """Into memory that one of the operands lies in."""
    given = data.draw(any_operands)
    arrays = [name for name, operand in given._asdict().items() if isinstance(operand, np.ndarray)]
    shape, dtype = given.wanted
    of_result = Wanted(shape, dtype, data.draw(layouts(shape, of_result=True)))
    given, out, memory = data.draw(in_one(given, arrays, of_result))
    before, expected = memory.copy(), alone(given)
    with threads_for_nothing(data.draw(st.booleans())):
        fastact.neuron(*given.arguments, out=out)
    assert_untouched(memory, before, out)
    assert_rows(out, expected, dtype)


@st.composite
def in_one(
    draw: Any, given: Operands, names: list[str], of_result: Wanted, plain: bool = False
) -> tuple[Operands, Array, Array]:
    """Operands one of which lies where the result does, the result, and the memory."""
    which = draw(st.sampled_from(names))
    source = getattr(given, which)
    layout = draw(layouts(source.shape, of_result=False, plain=plain))
    mine = Wanted(source.shape, source.dtype.newbyteorder("="), layout)
    shared, out, memory = draw(overlapping(mine, of_result, plain=plain))
    shared[...] = source
    return given._replace(**{which: shared}), out, memory


@functools.cache
def compiled(x_code: str, code: str, axes: int, weights_axes: int) -> Any:
    """A caller inside `@njit`, of arrays in any memory."""
    number = numba.from_dtype(np.dtype(code))
    weights, bias = (types.Array(number, rank, "A", readonly=True) for rank in (weights_axes, 1))
    x = types.Array(numba.from_dtype(np.dtype(x_code)), axes, "A", readonly=True)
    out = types.Array(number, axes + weights_axes - 2, "A")
    if weights_axes == 1:
        bias = number

    def of_number(x, weights, bias):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, weights, bias, "tanh")

    def of_array(x, weights, bias, out):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, weights, bias, "tanh", out=out)

    return njit([(x, weights, bias, out)])(of_array) if out.ndim else njit([(x, weights, bias)])(of_number)


def check_compiled(data: Any) -> None:
    """From `@njit`, where memory is aligned and has its bytes in the order of the processor."""
    kinds = (("f", "f", 2, 2), ("d", "d", 2, 1), ("q", "d", 1, 2), ("f", "f", 1, 1), ("h", "f", 3, 2))
    x_code, code, axes, weights_axes = data.draw(st.sampled_from(kinds))
    given = data.draw(operands(code, axes, weights_axes, plain=True, x_code=x_code))
    shape, dtype = given.wanted
    bias = np.full(shape[-1:], 0.5, dtype) if weights_axes == 2 else dtype.type(0.5)
    given = given._replace(bias=bias, name="tanh")
    call = compiled(x_code, code, axes, weights_axes)
    if not shape:
        assert_rows(dtype.type(call(*given[:3])), alone(given), dtype)
        return
    of_result = Wanted(shape, dtype, data.draw(layouts(shape, of_result=True, plain=True)))
    if data.draw(st.booleans()):
        out, memory = laid_out(*of_result)
    else:
        given, out, memory = data.draw(in_one(given, ["x", "weights"], of_result, plain=True))
    before, expected = memory.copy(), alone(given)
    call(*given[:3], out)
    assert_untouched(memory, before, out)
    assert_rows(out, expected, dtype)


CHECKS = {"neuron": check_call, "neuron into its operands": check_overlap, "neuron in @njit": check_compiled}
