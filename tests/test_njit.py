"""The same names inside `@njit`: same numbers, same types, SIMD."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba import njit, prange

import fastact
import fastact as fa
from fastact import sigmoid
from fastact._runtime import numba_settings

from .cases import long_but_for
from .processes import run
from .reference import ACTIVATIONS, Array, patterns


@njit
def call_all(x):  # type: ignore[no-untyped-def]
    return fa.sigmoid(x), fastact.tanh(x), fa.relu(x), fa.leaky_relu(x), fa.leaky_relu(x, 0.2), fa.prelu(x, 0.5)


def expected_all(x: Any) -> tuple[Any, ...]:
    return fa.sigmoid(x), fa.tanh(x), fa.relu(x), fa.leaky_relu(x), fa.leaky_relu(x, 0.2), fa.prelu(x, 0.5)


@pytest.mark.parametrize("x", [1.5, np.float32(-1.5), np.float32(np.nan), -2, np.int32(3)])
def test_scalars(x: Any) -> None:
    for got, expected in zip(call_all(x), expected_all(x), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((), np.float32), ((7,), np.float32), ((2, 3, 4), np.float32), ((), np.int32), ((7,), np.int32)],
)
def test_arrays(shape: tuple[int, ...], dtype: Any) -> None:
    x = np.asarray(np.random.default_rng(3).normal(scale=3, size=shape)).astype(dtype)
    for view in (x, x.T, x[..., ::2] if x.ndim else x):
        for got, expected in zip(call_all(view), expected_all(view), strict=True):
            np.testing.assert_array_equal(got, expected, strict=view.ndim > 0)  # Numba returns float32 as float


def test_float32_stays_float32() -> None:
    @njit
    def scalar_type(x, alpha):  # type: ignore[no-untyped-def]
        result = np.empty(4, np.float64)
        values = (fa.sigmoid(x), fa.tanh(x), fa.leaky_relu(x), fa.leaky_relu(x, alpha))
        for i in range(4):
            result[i] = values[i]
        return result, values

    scalar_type(np.float32(0.1), 0.3)
    types = scalar_type.nopython_signatures[0].return_type[1].types
    assert set(types) == {numba.float32}


@pytest.mark.long
def test_out_argument() -> None:
    @njit
    def into(x, out):  # type: ignore[no-untyped-def]
        fa.sigmoid(x, out)
        first = out.copy()
        fa.leaky_relu(x, 0.1, out)
        second = out.copy()
        fa.prelu(x, 0.3, out)
        third = out.copy()
        fa.leaky_relu(x, out=out)
        return first, second, third

    x = np.linspace(-3, 3, 50).astype(np.float32).reshape(5, 10)
    out = np.empty_like(x)
    first, second, third = into(x, out)
    np.testing.assert_array_equal(first, fa.sigmoid(x))
    np.testing.assert_array_equal(second, fa.leaky_relu(x, 0.1))
    np.testing.assert_array_equal(third, fa.prelu(x, 0.3))
    np.testing.assert_array_equal(out, fa.leaky_relu(x))


def test_prelu_broadcasts() -> None:
    @njit
    def channels(x, alpha):  # type: ignore[no-untyped-def]
        return fa.prelu(x, alpha)

    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    alpha = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    np.testing.assert_array_equal(channels(x, alpha), fa.prelu(x, alpha), strict=True)


FUNCTIONS: tuple[Callable[..., Any], ...] = (fa.sigmoid, fa.tanh, fa.relu, fa.leaky_relu)
FLAGS: list[dict[str, Any]] = [
    {},
    {"fastmath": True},
    {"error_model": "numpy"},
    {"parallel": True},
    {"boundscheck": True},
]


@pytest.mark.parametrize("flags", long_but_for(FLAGS[1:3], FLAGS), ids=str)
def test_same_bits_whatever_the_callers_flags(flags: dict[str, Any]) -> None:
    @njit(**flags)
    def loop(x, out):  # type: ignore[no-untyped-def]
        for i in prange(x.size):
            out[0, i] = fa.sigmoid(x[i])
            out[1, i] = fa.tanh(x[i])
            out[2, i] = fa.relu(x[i])
            out[3, i] = fa.leaky_relu(x[i])

    @njit(**flags)
    def arrays(x):  # type: ignore[no-untyped-def]
        return fa.sigmoid(x), fa.tanh(x), fa.relu(x), fa.leaky_relu(x)

    for dtype, bits in ((np.float32, np.uint32), (np.float64, np.uint64)):
        if dtype is np.float32:
            x = patterns(np.float32, step=2039)
        else:
            x = np.random.default_rng(5).integers(0, 2**64 - 1, 2_000_000, np.uint64).view(np.float64)
        out = np.empty((4, x.size), dtype)
        loop(x, out)
        for got, whole, function in zip(out, arrays(x), FUNCTIONS, strict=True):
            expected: Array = function(x)
            np.testing.assert_array_equal(got, expected)  # NaN payloads aside
            np.testing.assert_array_equal(whole, expected)
            number = ~np.isnan(expected) & (expected != 0)
            np.testing.assert_array_equal(got[number].view(bits), expected[number].view(bits))


def test_a_loop_over_a_scalar_call_is_simd() -> None:
    features = numba_settings.processor()[1].split(",")
    if "+avx2" not in features:
        pytest.skip("the packed instructions of this processor are not known to the test")

    @njit
    def loop(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = sigmoid(x[i])

    x = np.zeros(10, np.float32)
    loop(x, np.empty_like(x))
    (assembly,) = loop.inspect_asm().values()
    assert "vfmadd" in assembly
    packed = [line for line in assembly.splitlines() if "vfmadd" in line and "ps" in line]
    assert any("ymm" in line or "zmm" in line for line in packed)


def test_a_loop_over_tanh_looks_up_in_registers() -> None:
    if "+avx512f" not in numba_settings.processor()[1].split(","):
        pytest.skip("this processor does not look up in registers")

    @njit
    def loop(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = fa.tanh(x[i])

    x = np.zeros(10, np.float32)
    loop(x, np.empty_like(x))
    (optimised,) = loop.inspect_llvm().values()
    assert re.search(r"call <(8|16) x float> @fastact_tanh", optimised)


def test_inside_parallel_functions() -> None:
    @njit(parallel=True)
    def rows(x, out):  # type: ignore[no-untyped-def]
        for i in prange(x.shape[0]):
            out[i] = fa.tanh(x[i])
            for j in range(x.shape[1]):
                out[i, j] = fa.leaky_relu(out[i, j], 0.3)
        return fa.sigmoid(out)

    x = np.random.default_rng(0).normal(size=(300, 40)).astype(np.float32)
    out = np.empty_like(x)
    result = rows(x, out)
    np.testing.assert_array_equal(out, fa.leaky_relu(fa.tanh(x), 0.3))
    np.testing.assert_array_equal(result, fa.sigmoid(out))


@pytest.mark.parametrize("bad", [np.ones(3, np.complex128), "text", np.ones(3, np.float16), None])
def test_bad_types_say_so(bad: Any) -> None:
    with pytest.raises(numba.TypingError, match="sigmoid"):
        call_all(bad)


def test_float16_says_why() -> None:
    with pytest.raises(numba.TypingError, match="no float16 inside @njit"):
        call_all(np.ones(3, np.float16))


@njit
def by_keyword(x, alpha, out):  # type: ignore[no-untyped-def]
    a = fa.sigmoid(x, out=out[0])
    b = fa.prelu(x, alpha, out=out[1])
    c = fa.leaky_relu(x, out=out[2])
    d = fa.leaky_relu(x, alpha=0.3, out=out[3])
    return a, b, c, d, fa.tanh(x, out=None), fa.tanh(x, None), fa.leaky_relu(x, 0.2, None)


def test_output_by_keyword() -> None:
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(0).normal(size=50).astype(dtype)
        out = np.empty((4, 50), dtype)
        results = by_keyword(x, x[::-1].copy(), out)
        expected = [fa.sigmoid(x), fa.prelu(x, x[::-1]), fa.leaky_relu(x), fa.leaky_relu(x, 0.3)]
        expected += [fa.tanh(x), fa.tanh(x), fa.leaky_relu(x, 0.2)]
        for got, right in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, right)
        np.testing.assert_array_equal(out, expected[:4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: fa.sigmoid(x, where=x > 0), "inside @njit got an unexpected keyword argument 'where'"),
        (lambda x: fa.sigmoid(x, x, x), "inside @njit too many positional arguments"),  # type: ignore[call-overload]
        (lambda x: fa.prelu(x), "inside @njit missing a required argument"),  # type: ignore[call-overload]
    ],
)
def test_calls_that_can_not_be_say_why(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(numba.TypingError, match=message):
        njit(call)(np.ones(3))


@njit
def apply(act, x):  # type: ignore[no-untyped-def]
    return act(x), act(x[0])


@njit
def apply_with_output(act, x, out):  # type: ignore[no-untyped-def]
    act(x, out=out)


@njit(parallel=True)
def apply_in_parallel(act, x):  # type: ignore[no-untyped-def]
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = act(x[i])
    return out


@njit
def apply_layer(layer, act, x, w):  # type: ignore[no-untyped-def]
    return layer(x, w, 0.5, act)


@fastact.activation
def swish(x):  # type: ignore[no-untyped-def]
    return x * sigmoid(x)


PASSED = [fa.sigmoid, fa.tanh, fa.relu, fa.leaky_relu, swish]


@pytest.mark.parametrize("act", long_but_for([fa.relu, swish], PASSED))
def test_our_functions_as_arguments(act: Callable[..., Any]) -> None:
    x = np.random.default_rng(0).normal(size=30)
    whole, first = apply(act, x)
    np.testing.assert_array_equal(whole, act(x))
    assert first == act(x[0])
    out = np.empty_like(x)
    apply_with_output(act, x, out)
    np.testing.assert_array_equal(out, act(x))
    np.testing.assert_array_equal(apply_in_parallel(act, x), act(x))
    np.testing.assert_allclose(apply_layer(fa.neuron, act, x.reshape(5, 6), x[:6]), act(x.reshape(5, 6) @ x[:6] + 0.5))


def test_other_functions_stay_no_arguments() -> None:
    for other in (np.add, lambda x: x):
        with pytest.raises(numba.TypingError):
            apply(other, np.ones(3))


def test_arguments_in_functions_that_numba_caches(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        "import numba\n@numba.njit(cache=True)\ndef apply(act, x):\n    return act(x)\n"
    )
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import fastact, numpy as np, module
for act in (fastact.sigmoid, fastact.tanh, fastact.leaky_relu):
    print(module.apply(act, 0.5) == act(0.5))
print(sum(module.apply.stats.cache_hits.values()))
"""
    right = ["True"] * 3
    assert [run(code, tmp_path / "cache").split() for _ in range(2)] == [[*right, "0"], [*right, "3"]]


@njit
def prelu_of(x, alpha):  # type: ignore[no-untyped-def]
    return fa.prelu(x, alpha), fa.prelu(x + 0, alpha) * 1


@njit(parallel=True)
def prelu_in_parallel(x, alpha):  # type: ignore[no-untyped-def]
    return fa.prelu(x, alpha), fa.prelu(x + 0, alpha) * 1


@pytest.mark.parametrize("function", [prelu_of, prelu_in_parallel])
def test_arrays_of_two_types_promote(function: Callable[..., Any]) -> None:
    for x_type, a_type in ((np.float32, np.float64), (np.int8, np.float64), (np.float64, np.float32)):
        x = np.array([-3.0, -100.0, 5.0]).astype(x_type)
        alpha = np.array([0.1, 1e30, 0.1]).astype(a_type)
        for got in function(x, alpha):
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, fa.prelu(x, alpha))
    for got in function(np.float32(-3), np.array([0.1, 1e30])):
        np.testing.assert_array_equal(got, fa.prelu(np.float32(-3), np.array([0.1, 1e30])))


def test_integers_with_a_slope_are_float64() -> None:
    for dtype in (np.int8, np.uint8, np.int16, np.int64, np.bool_):
        x = np.array([0, 1, 1]).astype(dtype) if dtype in (np.uint8, np.bool_) else np.array([-3, 0, 2], dtype)
        for got in (njit(lambda x: fa.leaky_relu(x))(x), njit(lambda x: fa.prelu(x, 0.01))(x)):
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, fa.leaky_relu(x.astype(float)))


@njit
def tanh_into(x, out):  # type: ignore[no-untyped-def]
    return fa.tanh(x, out)


@njit
def leaky_into(x, out):  # type: ignore[no-untyped-def]
    return fa.leaky_relu(x, 0.01, out)


@pytest.mark.parametrize("function", long_but_for([fa.leaky_relu], [fa.tanh, fa.leaky_relu]))
def test_output_that_overlaps_inside_njit(function: Callable[..., Any]) -> None:
    compiled: Any = tanh_into if function is fa.tanh else leaky_into
    line, square = np.linspace(-1, 1, 40), np.linspace(-1, 1, 36).reshape(6, 6)
    views: list[tuple[Array, Callable[[Array], Array], Callable[[Array], Array]]] = [
        (line, lambda a: a[:-1], lambda a: a[1:]),
        (line, lambda a: a[1:], lambda a: a[:-1]),
        (line, lambda a: a[::-1], lambda a: a),
        (line, lambda a: a, lambda a: a),
        (line, lambda a: a[:20], lambda a: a[::2]),
        (square, lambda a: a.T, lambda a: a),
        (square, lambda a: a[0], lambda a: a),
        (square, lambda a: a[:, :1], lambda a: a),
        (square, lambda a: a[::-1, 1:], lambda a: a[:, :-1]),
    ]
    for memory, x_of, out_of in views if function is fa.tanh else views[:5]:
        memory = memory.copy()
        expected = np.broadcast_to(function(x_of(memory).copy()), out_of(memory).shape)
        compiled(x_of(memory), out_of(memory))
        np.testing.assert_array_equal(out_of(memory), expected)


@pytest.mark.long
def test_output_of_another_shape_or_type_inside_njit() -> None:
    refused: list[Any] = [((9,), (3,)), ((3,), (9,)), ((2, 9), (9,)), ((2, 3), (3, 2)), ((3,), (1,))]
    taken: list[Any] = [((3,), (2, 3)), ((1, 3), (2, 3)), ((1,), (4,)), ((0,), (0,)), ((), (3,))]
    for x_shape, out_shape in refused:
        out = np.full(out_shape, 7.0)
        with pytest.raises(ValueError, match="out"):
            tanh_into(np.ones(x_shape), out)
        assert (out == 7).all()
    for x_shape, out_shape in taken:
        out = np.full(out_shape, 7.0)
        tanh_into(np.ones(x_shape), out)
        np.testing.assert_array_equal(out, fa.tanh(1.0))
    single = np.zeros(3, np.float32)
    tanh_into(np.full(3, 0.5), single)
    np.testing.assert_array_equal(single, fa.tanh(np.full(3, 0.5)).astype(np.float32))
    for dtype in (int, bool):
        with pytest.raises(numba.TypingError, match="cannot cast the result from float64"):
            tanh_into(np.ones(3), np.zeros(3, dtype))
    with pytest.raises(numba.TypingError, match="out must be an array"):
        tanh_into(np.ones(3), 1.0)


@njit(parallel=True)
def whole_array_in_parallel(act, x):  # type: ignore[no-untyped-def]
    return act(x) + 1


def test_an_argument_applied_to_an_array_in_parallel() -> None:
    x = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(whole_array_in_parallel(fa.sigmoid, x), fa.sigmoid(x) + 1)


@pytest.mark.long
def test_numbas_cache_tells_activations_of_one_name_apart(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        "import numba\n@numba.njit(cache=True)\ndef apply(act, x):\n    return act(x)\n"
    )
    code = """
import sys; sys.path.insert(0, {path!r})
import fastact, numpy as np, module
import collections
Unseen = collections.namedtuple('Unseen', 'first')
def make(unseen):
    @fastact.activation
    def act(x):
        return {factor} * x + unseen[0]
    return act
@fastact.activation
def act(x):
    return {factor} * x
assert module.apply(act, 1.0) == {factor}
for add in (0.0, 5.0):
    assert module.apply(make(Unseen(add)), 1.0) == {factor} + add
    assert module.apply(make((add,)), 1.0) == {factor} + add
assert module.apply(fastact.tanh, 1.0) == np.tanh(1.0)
print(sum(module.apply.stats.cache_hits.values()))
"""
    hits = [run(code.format(path=str(tmp_path), factor=factor), tmp_path / "cache").strip() for factor in (2, 3, 2, 3)]
    assert hits == ["0", "1", "4", "4"]


@pytest.mark.parametrize("dtype", long_but_for([np.float32], [np.float32, np.float64]))
@pytest.mark.parametrize("name", long_but_for(["gelu", "prelu"], ACTIVATIONS))
def test_the_same_bits_by_every_way(name: Any, dtype: Any) -> None:
    function = ACTIVATIONS[name]
    x = np.concatenate([np.random.default_rng(0).normal(scale=8, size=1000), np.linspace(0, 1, 200)]).astype(dtype)

    @njit(fastmath=True)
    def ways(x):  # type: ignore[no-untyped-def]
        each = np.empty_like(x)
        for i in range(x.size):
            each[i] = function(x[i])
        return each, function(x), fa.neuron(x.reshape(-1, 1), np.ones(1, x.dtype), 0.0, function)

    expected = function(x)
    for found in ways(x):
        np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(fa.neuron(x[:, None], np.ones(1, dtype), 0.0, name), expected, strict=True)
    np.testing.assert_array_equal([function(number) for number in x[:50]], expected[:50])
    np.testing.assert_array_equal(function(np.repeat(x, 2)[::2]), expected)
