"""NUMBA_DISABLE_JIT runs the user's functions in Python; ours stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from .processes import run

SETTING = """
import math
import numpy as np, numba, fastact
from numba import njit
X = np.linspace(-3, 3, 61)
"""


def disabled(code: str, cache: Path) -> str:
    return run(SETTING + code, cache, NUMBA_DISABLE_JIT="1")


@pytest.mark.long
def test_values_with_an_empty_store_and_then_a_full_one(tmp_path: Path) -> None:
    code = """
@njit
def users(x, out):
    fastact.tanh(x, out)
    return fastact.sigmoid(x[0]), fastact.leaky_relu(x, 0.2), fastact.neuron(x, x, 0.5, "relu")
for dtype in (np.float16, np.float32, np.float64):
    x, out = X.astype(dtype), np.empty(61, dtype)
    close = dict(rtol=4 * np.finfo(dtype).eps, atol=1e-7)
    one, leaky, layer = users(x, out)
    np.testing.assert_allclose(out, np.tanh(x.astype(float)), **close)
    np.testing.assert_allclose(one, 1 / (1 + np.exp(-x[0].astype(float))), **close)
    np.testing.assert_allclose(leaky, np.where(x > 0, x, x.astype(float) * 0.2), **close)
    np.testing.assert_allclose(layer, 0.5 + x.astype(float) @ x.astype(float), **close)
    assert out.dtype == leaky.dtype == layer.dtype == dtype
np.testing.assert_allclose(fastact.tanh(np.tile(X, 2000)), np.tanh(np.tile(X, 2000)), rtol=1e-14)
np.testing.assert_allclose(fastact.neuron(np.outer(X, X), X, 0.0, None), np.outer(X, X) @ X)
assert numba.config.DISABLE_JIT
"""
    for _ in range(2):
        disabled(code, tmp_path)


@pytest.mark.long
def test_a_users_activation_runs_in_python(tmp_path: Path) -> None:
    code = """
seen = []
@njit
def helper(x):
    seen.append(type(x))
    return 0.5 * x
@fastact.activation
def mine(x):
    return helper(x) * fastact.sigmoid(x)
@fastact.activation(integers=True)
def doubled(x):
    return 2 * x
@fastact.activation
def scaled(x, by):
    return x * by
for dtype in (np.float32, np.float64):
    x = X.astype(dtype)
    got = mine(x)
    assert got.dtype == dtype and seen == [dtype] * 61
    seen.clear()
    np.testing.assert_allclose(got, 0.5 * x / (1 + np.exp(-x)), rtol=1e-6)
    np.testing.assert_allclose(mine(x[::-1])[::-1], got)
    np.testing.assert_allclose(fastact.neuron(x.reshape(61, 1), x[:1], 0.0, mine), mine(x * x[0]))
    seen.clear()
np.testing.assert_array_equal(doubled(np.arange(5, dtype=np.int8)), [0, 2, 4, 6, 8])
np.testing.assert_array_equal(scaled(np.tile(X, 1000), 3.0), 3 * np.tile(X, 1000))
assert mine(X.astype(np.float16)).dtype == np.float16
"""
    disabled(code, tmp_path)


@pytest.mark.long
def test_what_a_users_activation_raises_is_seen(tmp_path: Path) -> None:
    code = """
@fastact.activation
def raising(x):
    if x > 2:
        raise ValueError("too large")
    return x
for x in (X, X[::-2], np.float64(2.5), np.tile(X, 2000), X.astype(np.float16)):
    try:
        raising(x)
    except ValueError as error:
        assert str(error) == "too large"
    else:
        raise AssertionError("nothing raised")
half = fastact.activation(integers=True)(lambda x: 0.5 * x)
try:
    half(np.arange(3))
except TypeError as error:
    assert "gives" in str(error)
else:
    raise AssertionError("nothing raised")
"""
    disabled(code, tmp_path)
