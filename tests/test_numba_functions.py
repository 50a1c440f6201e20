"""In every kind of function that Numba compiles for its users the numbers are those from Python, to the bit."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from numba.experimental import jitclass

import fastact

X = np.random.default_rng(0).normal(scale=3, size=(40, 16)).astype(np.float32)
W = np.linspace(-1, 1, 16, dtype=np.float32)


def same(result: Any, right: npt.NDArray[Any]) -> None:
    assert result.dtype == right.dtype
    np.testing.assert_array_equal(result, right)


def test_vectorize() -> None:
    @numba.vectorize
    def gate(x, y):  # type: ignore[no-untyped-def]
        return fastact.sigmoid(x) * y

    same(gate(X, X), fastact.sigmoid(X) * X)


def test_vectorize_in_parallel() -> None:
    @numba.vectorize(["float32(float32)"], target="parallel")
    def shifted(x):  # type: ignore[no-untyped-def]
        return fastact.tanh(x) - np.float32(1)

    same(shifted(X), fastact.tanh(X) - np.float32(1))


def test_guvectorize() -> None:
    @numba.guvectorize(["void(f4[:], f4[:])"], "(n)->(n)", nopython=True)
    def rows(x, out):  # type: ignore[no-untyped-def]
        fastact.silu(x, out)

    same(rows(X), fastact.silu(X))


@pytest.mark.long
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_no_warning_from_a_guvectorize(name: str) -> None:
    function = getattr(fastact, name)

    @numba.guvectorize("(n)->(n)")
    def rows(x, out):  # type: ignore[no-untyped-def]
        out[:] = function(x)

    x = np.random.default_rng(0).normal(size=64)
    with np.errstate(all="raise"):
        same(rows(x, np.empty_like(x)), function(x))


def test_stencil() -> None:
    @numba.stencil
    def neighbours(a):  # type: ignore[no-untyped-def]
        return fastact.sigmoid(a[-1, 0] + a[1, 0])

    inner = fastact.sigmoid(X[:-2] + X[2:])
    same(neighbours(X)[1:-1], inner)
    same(numba.njit(lambda a: neighbours(a))(X)[1:-1], inner)


def test_cfunc() -> None:
    @numba.cfunc("float64(float64)")
    def callback(x):  # type: ignore[no-untyped-def]
        return fastact.gelu(x)

    assert callback.ctypes(0.5) == fastact.gelu(0.5)


def test_jitclass() -> None:
    @jitclass([("slope", numba.float32)])
    class Rectifier:
        def __init__(self, slope):  # type: ignore[no-untyped-def]
            self.slope = slope

        def of(self, x):  # type: ignore[no-untyped-def]
            return fastact.leaky_relu(x, self.slope)

    rectifier: Any = Rectifier
    same(rectifier(0.2).of(X), fastact.leaky_relu(X, np.float32(0.2)))


def test_parallel() -> None:
    @numba.njit(parallel=True)
    def neurons(x, w, out):  # type: ignore[no-untyped-def]
        for i in numba.prange(len(x)):
            out[i] = fastact.neuron(x[i], w, np.float32(0), "sigmoid")
        return fastact.relu(x) + 1

    out = np.empty(40, np.float32)
    same(neurons(X, W, out), fastact.relu(X) + 1)
    same(out, fastact.neuron(X, W, 0, "sigmoid"))


def test_fastmath() -> None:
    """What may be rearranged is what the caller wrote; a function that is ours stays as it is, NaN and all."""

    @numba.njit(fastmath=True)
    def squashed(x):  # type: ignore[no-untyped-def]
        return fastact.softplus(x)

    x = np.append(X.ravel(), np.array([np.nan, np.inf, -np.inf, -0.0, -1e30], np.float32))
    same(squashed(x), fastact.softplus(x))
    same(np.array([squashed(number) for number in x], np.float32), fastact.softplus(x))


def test_an_exception_is_as_it_is_of_numba() -> None:
    @numba.njit
    def checked(x):  # type: ignore[no-untyped-def]
        if np.isnan(x):
            raise ValueError("not a number")
        return fastact.elu(x)

    assert checked(-1.0) == fastact.elu(-1.0)
    with pytest.raises(ValueError, match="not a number"):
        checked(np.nan)
