"""Every number is right: against higher precision, at special values, and to the bit in every way of asking."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numba
import numpy as np
import pytest

import fastact
from fastact._kernels import lookup
from fastact._kernels.tanh_table import TANH
from fastact._runtime.registry import Row

from . import minimax
from .reference import (
    ACTIVATIONS,
    FUNCTIONS,
    FUSED,
    ROWS,
    bound,
    bounded,
    exact,
    hard_float64,
    in_float64,
    largest_error,
    patterns,
    ulps,
)
from .sweep import sweep

SUMS = np.array([1.504256940169569, -1.5988515154050215, 1.6788964853893629, 0.4278178624878862, 0.7140954189784394])
TUTORIAL = {
    "sigmoid": [0.8182085255905602, 0.1681421926415923, 0.8427583522921182, 0.60535247393778, 0.6713054653476185],
    "tanh": [0.905914553687992, -0.9214954932658087, 0.9327182035841355, 0.40349605295020774, 0.6132385416839997],
    "relu": [1.504256940169569, 0.0, 1.6788964853893629, 0.4278178624878862, 0.7140954189784394],
    "leaky_relu": [
        1.504256940169569,
        -0.015988515154050215,
        1.6788964853893629,
        0.4278178624878862,
        0.7140954189784394,
    ],
}


@pytest.mark.parametrize("name", TUTORIAL)
def test_tutorial_numbers(name: str) -> None:
    np.testing.assert_allclose(ACTIVATIONS[name](SUMS), TUTORIAL[name], rtol=1e-15, atol=1e-15)
    for x, y in zip(SUMS, TUTORIAL[name], strict=True):
        assert ACTIVATIONS[name](float(x)) == pytest.approx(y, rel=1e-15, abs=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_error(name: str, dtype: type[np.floating]) -> None:
    near = np.random.default_rng(1).normal(scale=4, size=200_000).astype(dtype)
    x = bounded(name, np.concatenate([patterns(dtype, step=1 if dtype is np.float16 else 1021), near]))
    error = ulps(FUNCTIONS[name].face(x), in_float64(name, x))
    worst = int(error.argmax())
    assert error[worst] <= bound(FUNCTIONS[name].ulp, dtype), f"{error[worst]:.3f} ULP at {x[worst]!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_neighbours(name: str) -> None:
    found = sweep(name, step=97)
    assert found.error <= bound(FUNCTIONS[name].ulp, np.float32), f"{found.error:.3f} ULP at {found.where!r}"
    if name == "tanh":
        assert found.asymmetries == 0
    if name in ("relu", "leaky_relu", "elu") or (FUSED and name in ("sigmoid", "hard_sigmoid")):
        assert found.descents == 0


#: Where the sweep over all float32 numbers found the largest errors that are near their bounds.
WORST = {"silu": -5.1979704, "gelu": -3.024586, "gelu_tanh": -2.7508705, "hard_silu": 0.0038822293}


@pytest.mark.parametrize("name", WORST)
def test_where_the_error_is_largest(name: str) -> None:
    x = (np.float32(WORST[name]).view(np.uint32) + np.arange(-1000, 1000)).astype(np.uint32).view(np.float32)
    error = ulps(ACTIVATIONS[name](x), in_float64(name, x)).max()
    assert error <= bound(ROWS[name].ulp, np.float32)


def test_float32_tanh_from_the_table() -> None:
    if not lookup.available():
        pytest.skip("this processor does not look up in registers")
    found = sweep("tanh", step=61)
    assert found.error <= 1, f"{found.error:.3f} ULP at {found.where!r}"
    assert found.descents == 0


def test_two_tables_in_one_function() -> None:
    if not lookup.available():
        pytest.skip("this processor does not look up in registers")
    first, second = lookup.odd_function(TANH), lookup.odd_function(TANH._replace(name="another"))

    @numba.njit(error_model="numpy")
    def add(x, y):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            y[i] = first(x[i]) + second(x[i])

    x = np.linspace(-4, 4, 1000, dtype=np.float32)
    y = np.empty_like(x)
    add(x, y)
    np.testing.assert_array_equal(y, 2 * fastact.tanh(x))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reference_of_float32(name: str) -> None:
    x = bounded(name, np.random.default_rng(3).permutation(patterns(np.float32, step=2**22 + 1)))
    for argument, right in zip(x, in_float64(name, x), strict=True):
        expected = exact(name, float(argument), np.float32)
        assert abs(mpmath.mpf(float(right)) - expected) <= 1e-13 * (abs(expected) + 1e-45)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_error(name: str) -> None:
    x = np.random.default_rng(2).permutation(bounded(name, hard_float64()))[: None if name in ROWS else 4000]
    with mpmath.workdps(60):
        worst = largest_error(x, FUNCTIONS[name].face(x), lambda argument: exact(name, argument))
    assert worst[0] <= bound(FUNCTIONS[name].ulp, np.float64), f"{worst[0]:.3f} ULP at {worst[1]!r}"


#: At inf, -inf, 0.0 and -0.0; a zero's sign is looked at where the function is odd or passes x.
SPECIAL: dict[str, list[float]] = {
    "sigmoid": [1, 0, 0.5, 0.5],
    "tanh": [1, -1, 0.0, -0.0],
    "relu": [np.inf, 0, 0, 0],
    "leaky_relu": [np.inf, -np.inf, 0.0, -0.0],
    "elu": [np.inf, -1, 0.0, -0.0],
    "hard_sigmoid": [1, 0, 0.5, 0.5],
    "hard_silu": [np.inf, -0.0, 0.0, -0.0],
    "silu": [np.inf, -0.0, 0.0, -0.0],
    "gelu": [np.inf, -0.0, 0.0, -0.0],
    "gelu_tanh": [np.inf, -0.0, 0.0, -0.0],
    "softplus": [np.inf, 0, math.log(2), math.log(2)],
    "log_sigmoid": [0, -np.inf, -math.log(2), -math.log(2)],
    "logit": [np.nan, np.nan, -np.inf, -np.inf],
    "mish": [np.inf, -0.0, 0.0, -0.0],
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_special_values(name: str, dtype: type[np.floating]) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)
    expected = np.array([np.nan, *SPECIAL[name]], dtype)
    found = ACTIVATIONS[name](x)
    np.testing.assert_array_equal(found, expected, strict=True)
    if np.signbit(expected[-1]) and SPECIAL[name][-1] == 0:
        np.testing.assert_array_equal(np.signbit(found[1:]), np.signbit(expected[1:]))


def test_the_edges_of_logit() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        below, above = np.nextafter(dtype(0), dtype(-1)), np.nextafter(dtype(1), dtype(2))
        x = np.array([0, 1, 0.5, below, above, -5, 7], dtype)
        expected = np.array([-np.inf, np.inf, 0, np.nan, np.nan, np.nan, np.nan], dtype)
        np.testing.assert_array_equal(fastact.logit(x), expected, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tails_do_not_cancel(dtype: type[np.floating]) -> None:
    cases = {"gelu": -12, "gelu_tanh": -10, "silu": -100, "mish": -100, "softplus": -100, "log_sigmoid": 100}
    if dtype == np.float64:
        cases |= {"gelu": -38, "gelu_tanh": -21, "silu": -740, "mish": -740, "softplus": -740, "log_sigmoid": 740}
    for name, x in cases.items():
        found, right = ACTIVATIONS[name](dtype(x)), exact(name, x)
        place = np.spacing(np.abs(found))
        assert abs(mpmath.mpf(float(found)) - right) <= 2 * mpmath.mpf(float(place)), name
    assert fastact.log_sigmoid(dtype(-800)) == -800
    assert fastact.softplus(dtype(800)) == 800


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1.0, 0.25, -2.0, 0.0, 3.7])
def test_elu_is_its_definition(dtype: type[np.floating], alpha: float) -> None:
    x = np.linspace(-30, 5, 20_001).astype(dtype)
    wide = x.astype(np.longdouble)
    right = np.where(x > 0, wide, np.longdouble(dtype(alpha)) * np.expm1(np.minimum(wide, 0)))
    error = np.abs(fastact.elu(x, dtype(alpha)).astype(np.longdouble) - right)
    assert (error <= bound(ROWS["elu"].ulp, dtype) * np.spacing(np.abs(right.astype(dtype)))).all()
    assert fastact.elu(x, alpha).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elu_and_its_slope_with_any_alpha(dtype: type[np.floating]) -> None:
    generator, info = np.random.default_rng(0), np.finfo(dtype)
    furthest = np.log(2) * (info.maxexp - info.minexp + info.nmant)  # where the largest alpha is brought to 0
    x = -np.concatenate([generator.uniform(0, 5, 2_000), generator.uniform(0, furthest, 2_000)]).astype(dtype)
    alpha = generator.uniform(-2, 2, x.size).astype(dtype)
    alpha = np.ldexp(alpha, generator.integers(info.minexp, info.maxexp, x.size)).astype(dtype)
    cases: list[tuple[Row, Callable[[Any], Any]]] = [
        (ROWS["elu"], mpmath.expm1),
        (FUNCTIONS["elu_derivative"], mpmath.exp),
    ]
    for row, of_x in cases:
        for a, argument, found in zip(alpha.tolist(), x.tolist(), row.face(x, alpha), strict=True):
            right = a * of_x(mpmath.mpf(argument))
            place = np.spacing(np.abs(dtype(float(right))))
            error = abs(mpmath.mpf(float(found)) - right) / mpmath.mpf(float(place))
            assert error <= bound(row.ulp, dtype), (row.face, argument, a)


def test_nan_payloads_stay_nan() -> None:
    x = np.array([0x7FC00001, 0xFFC12345, 0x7F800001, 0xFF800001], np.uint32).view(np.float32)
    for function in ACTIVATIONS.values():
        assert np.isnan(function(x)).all()


@pytest.mark.parametrize("alpha", [-2.0, -0.5, 0.0, 0.01, 1.0, 3.0, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_leaky_relu_is_its_definition(dtype: type[np.floating], alpha: float) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -1.5, 1e-40, -1e-40], dtype)
    with np.errstate(all="ignore"):
        expected = np.where(x > 0, x, dtype(alpha) * x)
    np.testing.assert_array_equal(fastact.leaky_relu(x, alpha), expected, strict=True)


def test_sigmoid_underflows_gradually() -> None:
    assert fastact.sigmoid(np.float32(-100)) == np.float32(3.783506e-44)
    assert fastact.sigmoid(np.float64(-740)) == pytest.approx(float(mpmath.exp(-740)), rel=1e-2)
    assert fastact.sigmoid(np.float32(-104)) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_range_and_symmetry(dtype: type[np.floating]) -> None:
    x = patterns(dtype, step=1 if dtype is np.float16 else 997)
    x = x[~np.isnan(x)]
    sigmoid, tanh = fastact.sigmoid(x), fastact.tanh(x)
    assert ((sigmoid >= 0) & (sigmoid <= 1)).all()
    assert ((tanh >= -1) & (tanh <= 1)).all()
    bits = np.uint16 if dtype is np.float16 else np.uint32
    np.testing.assert_array_equal(fastact.tanh(-x).view(bits), (-tanh).view(bits))


def test_integers_follow_numpy() -> None:
    for code in "?bBhHiIlLqQ":
        x = np.array([0, 1], code)
        assert fastact.sigmoid(x).dtype == np.tanh(x).dtype
        assert fastact.tanh(x).dtype == np.tanh(x).dtype
        assert fastact.leaky_relu(x).dtype == (x * 0.01).dtype
        if code != "?":
            assert fastact.relu(x).dtype == x.dtype
    np.testing.assert_array_equal(fastact.relu(np.arange(-3, 4)), [0, 0, 0, 0, 1, 2, 3])
    np.testing.assert_array_equal(fastact.relu(np.array([-128, 127], np.int8)), [0, 127])
    np.testing.assert_array_equal(fastact.relu(np.array([2**64 - 1], np.uint64)), np.array([2**64 - 1], np.uint64))


@pytest.mark.parametrize("bad", [1j, "text", None, [1, object()]])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_other_types_are_refused(name: str, bad: object) -> None:
    with pytest.raises(TypeError):
        ACTIVATIONS[name](bad)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is double here")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_longdouble_is_refused(name: str) -> None:
    with pytest.raises(TypeError):
        ACTIVATIONS[name](np.longdouble(1))


def test_no_warnings() -> None:
    hard = np.array([0, -0.0, 1e-45, -1e-45, 1e-38, -1e-30, 88, -88, -100, 110, -3e38, 3e38, np.inf, -np.inf, np.nan])
    with np.errstate(all="raise"):
        for dtype in (np.float16, np.float32, np.float64):
            with np.errstate(all="ignore"):
                few = hard.astype(dtype)
                many = np.resize(few, 200_000)
            for function in ACTIVATIONS.values():
                for x in (few, many, few[::-1], few[0]):
                    function(x)


def test_warnings_of_numpy_casts_remain() -> None:
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        fastact.relu(np.array([1e300]), dtype=np.float32, casting="same_kind")


@pytest.mark.parametrize("of", list(minimax.approximations()), ids=lambda of: of.name)
def test_the_stated_errors_of_approximations(of: minimax.Approximation) -> None:
    assert of.largest_error(300) <= 1.03 * of.stated


def test_a_fit_finds_the_kernels_coefficients() -> None:
    of = next(of for of in minimax.approximations() if of.name == "2 artanh(s) float32")
    assert of.fit(of) == (list(of.numerator), of.denominator)
