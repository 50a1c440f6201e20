"""The neuron: every shape, type, stride and mistake, from Python and from `@njit`."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

import fastact

from .reference import ACTIVATIONS, Array

SHAPES = [
    ((5,), (5,)),
    ((7, 5), (5,)),
    ((5,), (5, 3)),
    ((7, 5), (5, 3)),
    ((2, 3, 5), (5,)),
    ((2, 3, 4, 5), (5, 3)),
    ((0, 5), (5, 3)),
    ((0, 5), (5,)),
    ((3, 0), (0, 2)),
    ((3, 0), (0,)),
    ((0,), (0,)),
    ((33, 70), (70, 19)),
    ((600, 5), (5,)),
    ((300, 400), (400,)),
]
TYPES = (np.float16, np.float32, np.float64)


def make(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def expected_neuron(x: Array, weights: Array, bias: Any, name: str, alpha: float = 0.01) -> Array:
    """In float64, rounded at the end."""
    z = x.astype(np.float64) @ weights.astype(np.float64) + np.asarray(bias, np.float64)
    if name == "linear":
        return np.asarray(z)
    if name == "leaky_relu":
        return np.where(z > 0, z, alpha * z)
    return np.asarray(ACTIVATIONS[name](z))


def tolerance(x: Array, weights: Array, bias: Any, dtype: Any) -> Array:
    """The bound of a dot product's rounding, k * eps * sum |x w|, which no activation here enlarges, and 4 ULP for the
    activation.
    """
    eps = float(np.finfo(dtype).eps)
    inner = eps if dtype != np.float16 else float(np.finfo(np.float32).eps)
    magnitude = np.abs(x.astype(np.float64)) @ np.abs(weights.astype(np.float64)) + np.abs(np.asarray(bias, np.float64))
    return np.asarray((x.shape[-1] + 2) * inner * magnitude + 4 * eps * (1 + magnitude))


@njit
def compiled_sigmoid(x, w, b):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, b)


@njit
def compiled_relu(x, w, b):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, bias=b, activation="relu")


@njit
def compiled_tanh(x, w, b):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, b, fastact.tanh)


@njit
def compiled_leaky(x, w, b, out):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, b, "leaky_relu", 0.2, out)


@njit
def compiled_linear(x, w, b):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, b, activation=None)


COMPILED = {"sigmoid": compiled_sigmoid, "relu": compiled_relu, "tanh": compiled_tanh, "linear": compiled_linear}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_shapes_and_types(x_shape: tuple[int, ...], w_shape: tuple[int, ...], dtype: Any) -> None:
    x, w = make(x_shape, dtype), make(w_shape, dtype, 1)
    for bias in (0.5, make(w_shape[1:], dtype, 2)):
        for name in ("sigmoid", "tanh", "relu", "leaky_relu", "linear"):
            expected = expected_neuron(x, w, bias, name)
            got = fastact.neuron(x, w, bias, name)
            assert got.dtype == dtype
            assert got.shape == expected.shape
            assert (np.abs(got - expected) <= tolerance(x, w, bias, dtype)).all()
            out = np.empty(expected.shape, dtype)
            assert fastact.neuron(x, w, bias, name, out=out) is out
            np.testing.assert_array_equal(out, got)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_inside_njit(x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> None:
    x, w = make(x_shape, np.float32), make(w_shape, np.float32, 1)
    biases = (0.5, make(w_shape[1:], np.float32, 2)) if len(w_shape) == 2 else (0.5,)
    for bias in biases:
        bound = tolerance(x, w, bias, np.float32)
        for weights in (w, np.asfortranarray(w)):
            for name, function in COMPILED.items():
                got = function(x, weights, bias)
                expected = expected_neuron(x, w, bias, name)
                assert np.shape(got) == expected.shape
                assert (np.abs(got - expected) <= bound).all(), name
        if bound.ndim:
            out = np.empty(bound.shape, np.float32)
            compiled_leaky(x, w, bias, out)
            assert (np.abs(out - expected_neuron(x, w, bias, "leaky_relu", 0.2)) <= bound).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["tanh", "leaky_relu", "linear"])
def test_one_neuron_on_any_memory(name: str, dtype: Any) -> None:
    space = make((700, 40), dtype)
    w = make((20,), dtype, 1)
    layouts = {
        "contiguous": space[:, :20].copy(),
        "columns": np.asfortranarray(space[:, :20]),
        "slice": space[:, 3:23],
        "every second": space[::2, ::2],
        "reversed": space[::-1, 19::-1],
        "broadcast": np.broadcast_to(space[:1, :20], (300, 20)),
        "unaligned": np.frombuffer(b"-" + space[:, :20].tobytes(), dtype, offset=1).reshape(-1, 20),
    }
    for layout, x in layouts.items():
        for weights in (w, np.repeat(w, 3)[::3], w[::-1]):
            expected = expected_neuron(x, weights, 0.25, name, 0.3)
            bound = tolerance(x, weights, 0.25, dtype)
            assert (np.abs(fastact.neuron(x, weights, 0.25, name, 0.3) - expected) <= bound).all(), layout
            every_third = np.full((x.shape[0], 3), 7, dtype)
            fastact.neuron(x, weights, 0.25, name, 0.3, out=every_third[:, 1])
            assert (np.abs(every_third[:, 1] - expected) <= bound).all(), layout
            assert (every_third[:, ::2] == 7).all()
    x = layouts["contiguous"]
    expected = expected_neuron(x, w, 0.25, name, 0.3)
    bound = tolerance(x, w, 0.25, dtype)
    fastact.neuron(x, w, 0.25, name, 0.3, out=x[:, 4])
    assert (np.abs(x[:, 4] - expected) <= bound).all()


def test_the_slope_does_not_promote() -> None:
    x, w = make((4, 5), np.float32), make((5,), np.float32, 1)
    for slope in (0.2, np.float64(0.2), np.array(0.2), 1):
        for inputs in (x, x[0], x.repeat(30_000, axis=0)):
            assert fastact.neuron(inputs, w, 0.0, "leaky_relu", slope).dtype == np.float32  # type: ignore[arg-type]


def test_tutorial_neuron() -> None:
    x = np.array([1.0, 2.0, 3.0, 2.5, 1.5])
    w = np.array([0.2, 0.8, -0.5, 1.0, 0.4])
    total = x @ w - 1.0
    assert fastact.neuron(x, w, -1.0, "linear") == pytest.approx(total, rel=1e-15)
    assert fastact.neuron(x, w, -1.0) == pytest.approx(1 / (1 + np.exp(-total)), rel=1e-15)
    assert fastact.neuron(list(x), tuple(w), -1, fastact.tanh) == pytest.approx(np.tanh(total), rel=1e-15)


def test_promotion_is_numpys() -> None:
    x, w = np.array([[1, 2], [3, -9]]), np.array([3, 4])
    assert fastact.neuron(x, w).dtype == np.float64
    assert fastact.neuron(x, w, 1, "relu").dtype == np.int64
    np.testing.assert_array_equal(fastact.neuron(x, w, 1, "relu"), [12, 0])
    assert fastact.neuron(x.astype(np.float32), w.astype(np.float64)).dtype == np.float64
    assert fastact.neuron(x.astype(np.float32), w.astype(np.float32), np.float64(1)).dtype == np.float64
    assert fastact.neuron(x.astype(np.float32), w.astype(np.float32), 1.0).dtype == np.float32


def test_out_may_share_memory() -> None:
    x, w = make((6, 6), np.float64), make((6, 6), np.float64, 1)
    expected = fastact.neuron(x, w, w[0], "tanh")
    y = x.copy()
    fastact.neuron(y, w, w[0], "tanh", out=y)
    np.testing.assert_array_equal(y, expected)
    v = w.copy()
    fastact.neuron(x, v, v[0], "tanh", out=v)
    np.testing.assert_array_equal(v, expected)
    wide = np.empty((6, 6), np.float64)
    fastact.neuron(x.astype(np.float32), w.astype(np.float32), out=wide)
    np.testing.assert_allclose(wide, fastact.neuron(x, w), rtol=1e-4)


def test_nan_and_inf_propagate() -> None:
    x = np.array([[1.0, np.nan], [np.inf, 1.0], [1.0, 1.0]])
    w = np.ones((2, 2))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fastact.neuron(x, w, 0.0, None), x @ w)
        assert np.isnan(fastact.neuron(x, w)[0]).all()


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(0, 20),
    k=st.integers(0, 40),
    m=st.integers(1, 20),
    dtype=st.sampled_from([np.float32, np.float64]),
    layouts=st.tuples(*[st.sampled_from(["C", "F", "strided", "reversed"])] * 2),
    seed=st.integers(0, 1000),
)
def test_any_layout(n: int, k: int, m: int, dtype: Any, layouts: tuple[str, str], seed: int) -> None:
    def arrange(a: Array, layout: str) -> Array:
        if layout == "F":
            return np.asfortranarray(a)
        if layout == "strided":
            return np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3]
        return np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1] if layout == "reversed" else a

    x, w = make((n, k), dtype, seed), make((k, m), dtype, seed + 1)
    bias = make((m,), dtype, seed + 2)
    for weights, b in ((w, bias), (w[:, 0], dtype(0.5))):
        got = fastact.neuron(arrange(x, layouts[0]), arrange(w, layouts[1]) if weights is w else weights, b, "tanh")
        expected = expected_neuron(x, weights, b, "tanh")
        assert (np.abs(got - expected) <= tolerance(x, weights, b, dtype)).all()


ONES = np.ones((2, 3))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": ONES, "weights": np.ones((2, 3))}, ValueError, "mismatch in its core dimension"),
        ({"x": ONES, "weights": np.ones(2)}, ValueError, "mismatch in its core dimension"),
        ({"x": 1.0, "weights": np.ones(2)}, ValueError, "enough dimensions"),
        ({"x": ONES, "weights": np.ones((1, 3, 2))}, ValueError, r"weights must have shape .* got \(1, 3, 2\)"),
        ({"x": ONES, "weights": np.ones((3, 4)), "bias": np.ones(3)}, ValueError, r"shape \(4,\), got \(3,\)"),
        ({"x": ONES, "weights": np.ones(3), "activation": "swish"}, ValueError, "'swish'; the names are sigmoid, tanh"),
        ({"x": ONES, "weights": np.ones(3), "activation": np.tanh}, TypeError, "function of one input made by"),
        ({"x": ONES, "weights": np.ones(3), "activation": 3}, TypeError, "got 3"),
        ({"x": ONES * 1j, "weights": np.ones(3)}, TypeError, "x must hold real numbers .* got complex128"),
        ({"x": ONES, "weights": np.array(["a"] * 3)}, TypeError, "weights must hold real numbers"),
        ({"x": ONES, "weights": np.ones(3), "bias": None}, TypeError, "bias must hold real numbers"),
        ({"x": ONES, "weights": np.ones(3), "out": np.zeros(3)}, ValueError, r"shape \(2,\), got \(3,\)"),
        ({"x": ONES, "weights": np.ones(3), "out": np.zeros(2, int)}, TypeError, "from float64 to int64"),
        ({"x": ONES, "weights": np.ones(3), "out": [0, 0]}, TypeError, "out must be an array, got list"),
    ],
)
def test_mistakes(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fastact.neuron(**arguments)
    if isinstance(arguments.get("out"), np.ndarray):
        assert (arguments["out"] == 0).all()


def test_mistakes_leave_out_untouched() -> None:
    out = np.zeros((2, 4))
    with pytest.raises(ValueError, match="mismatch"):
        fastact.neuron(ONES, np.ones((2, 4)), out=out)
    with pytest.raises(ValueError, match="bias"):
        fastact.neuron(ONES, np.ones((3, 4)), np.ones(3), out=out)
    assert (out == 0).all()


def test_mistakes_inside_njit() -> None:
    with pytest.raises(ValueError, match="last dimension of x"):
        compiled_relu(np.ones(3), np.ones(4), 0.0)
    with pytest.raises(ValueError, match="one element for each neuron"):
        compiled_relu(np.ones(3), np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="out has the wrong shape"):
        compiled_leaky(np.ones((2, 3)), np.ones(3), 0.0, np.ones(3))
    with pytest.raises(numba.TypingError, match="neuron"):
        compiled_relu(1.0, np.ones(3), 0.0)

    @njit
    def unknown(x, w):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, w, 0.0, "swish")

    with pytest.raises(numba.TypingError, match="the names are sigmoid"):
        unknown(np.ones(3), np.ones(3))
