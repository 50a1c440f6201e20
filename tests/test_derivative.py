"""Derivatives: right to their bounds, and by every way of asking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

import fastact
import fastact as fa
from fastact._runtime import derivatives, registry  # noqa: F401 - which names them in the registry
from fastact._runtime.registry import Row

from .cases import long_but_for
from .reference import pickled_and_back

NAMES = sorted(registry.derivatives)
X = np.concatenate([np.random.default_rng(0).normal(scale=3, size=300), [0.0, 3.0, -3.0]])


def row_of(name: str) -> Row:
    return registry.derivatives[name]()


def of_x(name: str) -> Any:
    """The derivative as a function of x alone."""
    row = row_of(name)
    return (lambda x: row.face(x, x.dtype.type(0.01))) if name == "prelu" else row.face


def test_every_activation_has_one() -> None:
    assert set(registry.derivatives) == set(registry.rows)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_slope(name: str) -> None:
    activation = registry.rows[name].face
    x = np.linspace(0.01, 0.99, 99) if name == "logit" else np.linspace(-4, 4, 161) + 0.0123
    step = 1e-6
    alpha = (0.3,) if registry.rows[name].activation.inputs == 2 else ()
    slope = (activation(x + step, *alpha) - activation(x - step, *alpha)) / (2 * step)
    np.testing.assert_allclose(fastact.derivative(activation)(x, *alpha), slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_special_values(name: str, dtype: Any) -> None:
    x = np.array([np.inf, -np.inf, 0.0, -0.0, np.nan], dtype)
    ends: dict[str, list[float]] = {
        "sigmoid": [0, 0, 0.25], "tanh": [0, 0, 1], "relu": [1, 0, 0], "prelu": [1, 0.01, 0.01],
        "leaky_relu": [1, 0.01, 0.01], "elu": [1, 0, 1], "hard_sigmoid": [0, 0, 1 / 6], "hard_silu": [1, 0, 0.5],
        "silu": [1, 0, 0.5], "gelu": [1, 0, 0.5], "gelu_tanh": [1, 0, 0.5], "softplus": [1, 0, 0.5],
        "log_sigmoid": [0, 1, 0.5], "logit": [np.nan, np.nan, np.inf], "mish": [1, 0, 0.6],
    }  # fmt: skip
    expected = np.array([*ends[name], ends[name][-1], np.nan], dtype)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(of_x(name)(x), expected, strict=True)
        of_x(name)(np.resize(x, 100_000))


@pytest.mark.parametrize("name", long_but_for(["elu"], NAMES))
def test_inside_njit_and_in_the_neuron(name: str) -> None:
    activation, slope = registry.rows[name].face, row_of(name).face
    alpha = (0.3,) if registry.rows[name].activation.inputs == 2 else ()

    @njit
    def ways(x):  # type: ignore[no-untyped-def]
        each = np.empty_like(x)
        for i in range(x.size):
            each[i] = slope(x[i], *alpha)
        return each, slope(x, *alpha), fa.derivative(activation)(x, *alpha)

    expected = slope(X, *alpha)
    for found in ways(X):
        np.testing.assert_array_equal(found, expected, strict=True)
    ones = np.ones(1)
    if name == "prelu":
        return
    expected = slope(X)

    @njit
    def layer(x, w):  # type: ignore[no-untyped-def]
        return fa.neuron(x, w, 0.0, slope)

    np.testing.assert_array_equal(fa.neuron(X[:, None], ones, activation=slope), expected, strict=True)
    np.testing.assert_array_equal(layer(X[:, None], ones), expected, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_pickled(name: str) -> None:
    face = row_of(name).face
    assert pickled_and_back(face) is face
    if name != "softplus":  # whose is `sigmoid`
        assert f"Derivative of `{name}` with respect to x" in face.__doc__


def test_the_derivative_of_softplus_is_sigmoid() -> None:
    assert fastact.derivative(fastact.softplus) is fastact.sigmoid


def test_of_ones_own() -> None:
    @fastact.activation
    def other(x: Any) -> Any:
        return 1 / (1 + abs(x)) ** 2

    def slope(x: Any) -> Any:
        return 1 / (1 + abs(x)) ** 2

    @fastact.activation(derivative=slope)
    def softsign(x: Any) -> Any:
        return x / (1 + abs(x))

    again = fastact.activation(derivative=other)(lambda x: x / (1 + abs(x)))
    for found in (fastact.derivative(softsign), fastact.derivative(again)):
        assert isinstance(found, np.ufunc)
        np.testing.assert_array_equal(found(X), 1 / (1 + np.abs(X)) ** 2)
    assert fastact.derivative(again) is other

    @njit
    def step(x):  # type: ignore[no-untyped-def]
        return fa.derivative(softsign)(x)

    np.testing.assert_array_equal(step(X), other(X))


def test_mistakes() -> None:
    @fastact.activation
    def bare(x: Any) -> Any:
        return x + x

    cases: list[tuple[Any, str]] = [
        (bare, r"bare has no derivative: it is given by fastact.activation\(derivative=...\)"),
        (fastact.derivative(fastact.tanh), "tanh_derivative has no derivative"),
        (np.tanh, "expected an activation"),
        (fastact.neuron, "expected an activation"),
        ("tanh", "expected an activation"),
    ]
    for wrong, message in cases:
        with pytest.raises(TypeError, match=message):
            fastact.derivative(wrong)
    with pytest.raises(TypeError, match="takes 1 inputs, and its derivative 2"):
        fastact.activation(derivative=lambda x, y: x)(lambda x: x)
    with pytest.raises(TypeError, match="a Python function or an activation"):
        fastact.activation(derivative=np.cos)(lambda x: x)

    @njit
    def inside(x):  # type: ignore[no-untyped-def]
        return fa.derivative(bare)(x)

    with pytest.raises(Exception, match="bare has no derivative"):
        inside(X)
