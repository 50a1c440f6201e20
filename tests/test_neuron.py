"""The neuron: every shape, type, stride and mistake, from Python and from `@njit`."""

from __future__ import annotations

import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

import fastact
from fastact._kernels import jobs, tiles
from fastact._runtime import caches, neuron_record, pool_record
from fastact._runtime.layer import Entry
from fastact._runtime.ufunc import find

from .cases import long_but_for
from .processes import run
from .reference import Array, in_float64

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
    ((2, 3, 0), (0, 2)),
    ((3, 0), (0,)),
    ((0,), (0,)),
    ((33, 70), (70, 19)),
    ((600, 5), (5,)),
    ((300, 400), (400,)),
]
TYPES = (np.float16, np.float32, np.float64)


def make(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def expected_neuron(x: Array, weights: Array, bias: Any, name: str, alpha: Any = 0.01) -> Array:
    """NumPy's, in float64, rounded at the end."""
    z = x.astype(np.float64) @ weights.astype(np.float64) + np.asarray(bias, np.float64)
    if name == "linear":
        return np.asarray(z)
    if name in ("leaky_relu", "prelu"):
        return np.where(z > 0, z, np.asarray(alpha, np.float64) * z)
    return in_float64(name, np.asarray(z))


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


@pytest.mark.parametrize("shapes", long_but_for([((5,), (5,)), ((7, 5), (5,)), ((7, 5), (5, 3))], SHAPES))
def test_inside_njit(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """Each number of axes is compiled once, and all ways to call it for the usual one."""
    x_shape, w_shape = shapes
    x, w = make(x_shape, np.float32), make(w_shape, np.float32, 1)
    if x_shape[:-1] + w_shape[1:]:
        out = np.empty(x_shape[:-1] + w_shape[1:], np.float32)
        compiled_leaky(x, w, 0.5, out)
        np.testing.assert_array_equal(out, fastact.neuron(x, w, 0.5, "leaky_relu", 0.2))
    else:
        assert compiled_tanh(x, w, 0.5) == fastact.neuron(x, w, 0.5, "tanh")
    if (x_shape, w_shape) == ((33, 70), (70, 19)):
        calls: list[tuple[Any, Any]] = [(name, 0.5) for name in COMPILED]
        for name, bias in (*calls, ("tanh", make(w_shape[1:], np.float32, 2))):
            np.testing.assert_array_equal(COMPILED[name](x, w, bias), fastact.neuron(x, w, bias, name), strict=True)
        np.testing.assert_array_equal(compiled_tanh(x, np.asfortranarray(w), 0.5), fastact.neuron(x, w, 0.5, "tanh"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["tanh", "leaky_relu", "linear"])
def test_one_neuron_on_any_memory(name: Any, dtype: Any) -> None:
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
            assert fastact.neuron(inputs, w, 0.0, "leaky_relu", slope).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_has_the_same_bits_wherever_it_is(dtype: Any) -> None:
    for k, m in ((1, 3), (70, 1), (64, 8), (37, 33), (130, 70), (600, 512)):
        x, w, b = make((205, k), dtype), make((k, m), dtype, 1), make((m,), dtype, 2)
        fastact.set_num_threads(1)
        whole = fastact.neuron(x, w, b, "tanh")
        for n in (1, 2, 3, 4, 5, 7, 11, 12, 13, 16, 23, 25, 50, 97, 205):
            np.testing.assert_array_equal(fastact.neuron(x[:n], w, b, "tanh"), whole[:n])
        for i in (0, 100, 204):
            np.testing.assert_array_equal(fastact.neuron(x[i], w, b, "tanh"), whole[i])
        for arranged in (np.asfortranarray(w), np.repeat(w, 3, 1)[:, ::3], np.ascontiguousarray(w[::-1])[::-1]):
            for rows in (x, x[:9], x[:1]):
                np.testing.assert_array_equal(fastact.neuron(rows, arranged, b, "tanh"), whole[: len(rows)])
        np.testing.assert_array_equal(fastact.neuron(np.asfortranarray(x), w, b, "tanh"), whole)
        fastact.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        repeated = fastact.neuron(np.tile(x, (40, 1)), w, b, "tanh")
        np.testing.assert_array_equal(repeated, np.tile(whole, (40, 1)))
        if m == 1:
            np.testing.assert_array_equal(fastact.neuron(x, w[:, 0], b[0], "tanh"), whole[:, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("k", "m"), [(0, 300), (5, 300), (8, 517), (25, 300), (7, 40_003)])
def test_few_rows_of_wide_weights_have_the_bits_of_many(k: int, m: int, dtype: Any) -> None:
    x, w, b, slopes = make((9, k), dtype), make((k, m), dtype, 1), make((m,), dtype, 2), make((m,), dtype, 3)
    whole = fastact.neuron(x, w, b, "prelu", slopes)
    assert (np.abs(whole - expected_neuron(x, w, b, "prelu", slopes)) <= 4 * tolerance(x, w, b, dtype)).all()
    memory = np.full(3 * (m + 2) + 64, 7, dtype)
    for n in (1, 2, 3):
        for rows in (x[:n], np.asfortranarray(x[:n]), np.ascontiguousarray(x[:n, ::-1])[:, ::-1]):
            out = memory[32 : 32 + n * (m + 2)].reshape(n, m + 2)[:, 1 : m + 1]
            fastact.neuron(rows, w, np.repeat(b, 2)[::2], "prelu", np.repeat(slopes, 2)[::2], out=out)
            np.testing.assert_array_equal(out, whole[:n])
            out[:] = 7
            assert (memory == 7).all()
    for out in (b, slopes):
        fastact.neuron(x[0], w, b, "prelu", slopes, out=out)
        np.testing.assert_array_equal(out, whole[0])
        out[:] = make((m,), dtype, 2 if out is b else 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_for_any_number_of_threads(dtype: Any) -> None:
    """The compiled layer itself, in as many parts as the pool would be asked for on a larger machine."""
    words = np.zeros(pool_record.WORDS, np.intp)
    words[pool_record.BUSY] = 1  # so that the parts are computed one after the other
    activation = find(fastact.tanh)
    assert activation is not None
    layer = Entry(activation, 0.0)
    for columns in (1, 2):
        layer.load(dtype, columns)
    layer._words[neuron_record.POOL] = words.ctypes.data
    for n, k, m in ((97, 700, 70), (61, 900, 65), (3, 3000, 700), (25, 3000, 33), (8000, 40, 1)):
        x, w, b = make((n, k), dtype), make((k, m), dtype, 1), make((m,), dtype, 2)
        expected = fastact.neuron(x, w, b, "tanh")
        for threads in (2, 3, 5, 8, 64):
            words[pool_record.THREADS] = threads
            for arranged in (w, np.asfortranarray(w)):
                np.testing.assert_array_equal(layer.call(x, arranged, b, 0.0, None), expected)


def test_the_bound_of_a_sum() -> None:
    for dtype in (np.float32, np.float64):
        for k, m in ((5, 1), (1000, 1), (3, 4), (100, 40), (2000, 3)):
            scale = 10.0 ** np.random.default_rng(k).integers(-3, 3, size=k)
            x, w, b = make((6, k), dtype) * scale.astype(dtype), make((k, m), dtype, 1), make((m,), dtype, 2)
            got = fastact.neuron(x, w, b, None)
            for i in range(6):
                for j in range(m):
                    terms = [Fraction(float(u)) * Fraction(float(v)) for u, v in zip(x[i], w[:, j], strict=True)]
                    terms.append(Fraction(float(b[j])))
                    bound = (k + 1) * Fraction(float(np.finfo(dtype).eps)) / 2 * sum(map(abs, terms))
                    assert abs(Fraction(float(got[i, j])) - sum(terms)) <= bound


def test_nothing_beside_the_output_is_touched_or_read() -> None:
    generator = np.random.default_rng(5)
    for _ in range(150):
        n, k, m = (int(generator.integers(1, limit)) for limit in (40, 50, 70))
        guarded = [np.full(size + 64, np.nan, np.float32) for size in (n * k, k * m, m)]
        x, w, b = (a[32:-32] for a in guarded)
        for operand in (x, w, b):
            operand[:] = generator.normal(size=operand.size)
        memory = np.full(n * (m + 3) + 64, 7, np.float32)
        out = memory[32:-32].reshape(n, m + 3)[:, 1 : m + 1]
        fastact.neuron(x.reshape(n, k), w.reshape(k, m), b, "linear", out=out)
        assert np.isfinite(out).all()
        out[:] = 7
        assert (memory == 7).all()


def test_no_reference_is_lost_or_kept() -> None:
    x, w, b = np.ones((4, 3)), np.ones((3, 2)), np.ones(2)
    out, other = np.empty((4, 2)), np.ones((4, 3), np.float16)
    things = (x, w, b, out, other, x.dtype, NotImplemented, np.ndarray)
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(200):
        fastact.neuron(x, w, b, "relu")
        fastact.neuron(x, w, b, "relu", out=out)
        fastact.neuron(x[0], w[:, 0], 0.5, "relu")
        fastact.neuron(other, w, b, "relu")
        fastact.neuron(x, w, b, "prelu", b)
    after = [sys.getrefcount(thing) for thing in things]
    assert all(abs(a - b) < 20 for a, b in zip(before, after, strict=True)), (before, after)


def test_out_of_a_subclass(tmp_path: Path) -> None:
    x, w = make((6, 4), np.float32), make((4, 3), np.float32, 1)
    out = np.memmap(tmp_path / "out", np.float32, "w+", shape=(6, 3))
    assert fastact.neuron(x, w, out=out) is out
    np.testing.assert_array_equal(out, fastact.neuron(x, w))
    np.testing.assert_array_equal(fastact.neuron(out, w[:3]), fastact.neuron(np.array(out), w[:3]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_leading_dimensions_of_any_strides(dtype: Any) -> None:
    space, w = make((4, 6, 8, 5), dtype), make((5, 3), dtype, 1)
    for x in (space[::2, ::3], space.transpose(2, 1, 0, 3), space[:, :, ::-1], space[:0, ::2], space[::2, ::2, :, :0]):
        weights = w[: x.shape[-1]]
        expected = fastact.neuron(x.copy(), weights)
        np.testing.assert_array_equal(fastact.neuron(x, weights), expected)
        out = np.empty((*expected.shape[:-1], 6), dtype)[..., ::2]
        fastact.neuron(x, weights, out=out)
        np.testing.assert_array_equal(out, expected)


def test_no_memory() -> None:
    k = 1 << 44  # a column of so many equal numbers would have to be gathered
    x, w = (np.broadcast_to(np.float32(1), shape) for shape in ((1, k), (k,)))
    with pytest.raises(MemoryError):
        fastact.neuron(x, w)


@pytest.mark.parametrize(("n", "k", "m"), [(20_000, 64, 64), (500, 1000, 900), (300_000, 4, 1)])
def test_the_memory_that_a_call_takes(n: int, k: int, m: int) -> None:
    """For each thread a block of sums, its bias, and packed weights; no temporary of the size of x or the result."""
    x, w, b = make((n, k), np.float32), make((k, m), np.float32), make((m,), np.float32)
    out = np.empty((n, m), np.float32)
    fastact.neuron(x, w, b, out=out)
    tracemalloc.start()
    try:
        fastact.neuron(x, w, b, out=out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sums, weights = caches.second_level_bytes() // 4, min(1.1 * w.nbytes, 8 * 1024 * 1024)
    assert peak <= fastact.get_num_threads() * (1.5 * sums + weights + 16 * 1024)


def test_tutorial_neuron() -> None:
    x = np.array([1.0, 2.0, 3.0, 2.5, 1.5])
    w = np.array([0.2, 0.8, -0.5, 1.0, 0.4])
    total = x @ w - 1.0
    assert fastact.neuron(x, w, -1.0, "linear") == pytest.approx(total, rel=1e-15)
    assert fastact.neuron(x, w, -1.0) == pytest.approx(1 / (1 + np.exp(-total)), rel=1e-15)
    assert fastact.neuron(list(x), tuple(w), -1, fastact.tanh) == pytest.approx(np.tanh(total), rel=1e-15)


def test_promotion_is_numpys() -> None:
    x, w = np.array([[1, 2], [3, -9]]), np.array([3, 4])
    assert fastact.neuron(x.astype(np.float32), w.astype(np.float64)).dtype == np.float64
    assert fastact.neuron(x.astype(np.float32), w.astype(np.float32), np.float64(1)).dtype == np.float64
    assert fastact.neuron(x.astype(np.float32), w.astype(np.float32), 1.0).dtype == np.float32
    assert fastact.neuron(x.astype(np.float16), w.astype(np.int8)).dtype == np.float16


WHOLE = [np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64]
IN_NJIT = [(np.bool_, np.bool_), (np.int8, np.int8), (np.int64, np.float32)]


@pytest.mark.parametrize("x_type", [*WHOLE, *TYPES])
@pytest.mark.parametrize("w_type", [*WHOLE, *TYPES])
def test_integers_become_floats_before_the_product(x_type: Any, w_type: Any) -> None:
    x = np.array([[100, 100, 1], [0, 120, 1]]).astype(x_type)
    w = np.array([1, 100, 3]).astype(w_type)
    one = x.astype(float) @ w.astype(float) - 2
    for weights, right in ((w, one), (w[:, np.newaxis].repeat(2, 1), one[:, np.newaxis].repeat(2, 1))):
        for bias in (-2, -2.0, np.float16(-2), np.int8(-2)):
            dtype = np.result_type(x, w, bias)
            dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
            got = fastact.neuron(x, weights, bias, "relu")
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, right.astype(dtype))
            out = np.zeros(right.shape)
            fastact.neuron(x, weights, bias, "relu", out=out)
            np.testing.assert_array_equal(out, right.astype(dtype))
        if (x_type, w_type) in IN_NJIT:
            got = compiled_relu(x, weights, -2)
            assert got.dtype == (dtype if np.result_type(x, w).kind == "f" else np.float64)
            np.testing.assert_array_equal(got, right)


def test_converted_operands_live_until_they_were_used() -> None:
    """Inside `@njit`, where they are temporary arrays; large ones go back to the system when they are freed."""
    code = """
import numpy as np, numba, fastact
@numba.njit
def compiled(x, w, b):
    return fastact.neuron(x, w, b, None)
x = np.random.default_rng(0).integers(0, 9, (20, 50, 600))[::-1, ::-1]
w = np.random.default_rng(1).integers(0, 9, 30_000).astype(np.int32)
np.testing.assert_array_equal(compiled(x, w[:600], 5), x @ w[:600].astype(int) + 5)
assert compiled(x.ravel()[:30_000], w, 5) == x.ravel()[:30_000] @ w.astype(int) + 5
"""
    run(code, PYTHONMALLOC="debug")


@pytest.mark.long
def test_the_bias_takes_part_in_the_promotion() -> None:
    x, w, b = np.ones((2, 3), np.int8), np.ones((3, 2), np.int8), np.ones(2, np.float32)
    for function in (fastact.neuron, compiled_sigmoid):
        assert function(x, w, b).dtype == np.float32
        assert function(x, w, b.astype(int)).dtype == np.float64
        assert function(x.astype(np.float32), w, b.astype(np.int32)).dtype == np.float64


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


def overlapping(memory: Array, n: int, k: int, m: int) -> dict[str, tuple[Array, Array, Array, Array]]:
    """Operands x, w, b and an output that shares memory with one of them."""
    x, w = memory[: n * k].reshape(n, k).copy(), memory[9 : 9 + k * m].reshape(k, m).copy()
    b, own = memory[3 : 3 + m].copy(), memory
    cases = {"x itself": (own[: n * k].reshape(n, k), w, b, own[: n * m].reshape(n, m))}
    for shift in (1, 3, 8):
        ahead, behind = own[: n * k].reshape(n, k), own[shift : shift + n * k].reshape(n, k)
        cases[f"x {shift} before"] = (ahead, w, b, own[shift : shift + n * m].reshape(n, m))
        cases[f"x {shift} after"] = (behind, w, b, own[: n * m].reshape(n, m))
    cases["reversed"] = (own[: n * k].reshape(n, k), w, b, own[: n * m].reshape(n, m)[::-1, ::-1])
    cases["weights"] = (x, own[: k * m].reshape(k, m), b, own[: n * m].reshape(n, m))
    cases["weights, one later"] = (x, own[: k * m].reshape(k, m), b, own[1 : 1 + n * m].reshape(n, m))
    cases["bias"] = (x, w, own[5 : 5 + m], own[: n * m].reshape(n, m))
    return cases


# The last three are of several blocks, the results of one of which would be read by the next.
@pytest.mark.parametrize(
    ("n", "k", "m"), [(6, 6, 6), (5, 8, 3), (3, 5, 9), (1, 7, 7), (400, 64, 64), (3000, 8, 8), (8, 300, 700)]
)
def test_out_that_overlaps_an_operand(n: int, k: int, m: int) -> None:
    values = make((20 + max(n * k, k * m, n * m),), np.float64)
    for case in overlapping(values, n, k, m):
        for function in (lambda x, w, b, out: fastact.neuron(x, w, b, "leaky_relu", 0.2, out), compiled_leaky):
            x, w, b, out = overlapping(values.copy(), n, k, m)[case]
            expected = expected_neuron(x, w, b, "leaky_relu", 0.2)
            assert function(x, w, b, out) is out or case
            np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12, err_msg=case)


def test_out_that_overlaps_an_operand_of_one_neuron() -> None:
    for function in (lambda x, w, b, out: fastact.neuron(x, w, b, "leaky_relu", 0.2, out), compiled_leaky):
        for place in ("column", "row", "weights", "weights later", "x itself"):
            x, memory = make((7, 7), np.float64), make((20,), np.float64, 1)
            w = memory[:7]
            expected = expected_neuron(x, w, 0.5, "leaky_relu", 0.2)
            out = {
                "column": x[:, 3],
                "row": x[2],
                "weights": w,
                "weights later": memory[2:9],
                "x itself": x.reshape(-1)[5:12],
            }[place]
            function(x, w, 0.5, out)
            np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12, err_msg=place)


def test_out_that_overlaps_the_slopes() -> None:
    for function in (lambda x, w, b, a, o: fastact.neuron(x, w, b, "prelu", a, o), compiled_prelu):
        memory, x, w = -np.arange(1.0, 13.0), make((3, 4), np.float64), make((4, 3), np.float64, 1)
        slopes, out = memory[1:4], memory[:9].reshape(3, 3)
        expected = expected_neuron(x, w, 0.5, "prelu", slopes)
        function(x, w, 0.5, slopes, out)
        np.testing.assert_allclose(out, expected, rtol=1e-12)


@pytest.mark.long
def test_output_of_another_type_or_layout_inside_njit() -> None:
    x, w = make((2, 3, 4), np.float32), make((4, 5), np.float32, 1)
    expected = expected_neuron(x, w, 0.5, "leaky_relu", 0.2)
    for out in (np.empty((2, 3, 5)), np.empty((2, 3, 5), order="F"), np.empty((2, 3, 10), np.float32)[..., ::2]):
        compiled_leaky(x, w, 0.5, out)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    rows = np.empty((2, 6), np.float32)[:, ::2]
    compiled_leaky(x, w[:, 0], 0.5, rows)
    np.testing.assert_allclose(rows, expected[..., 0], rtol=1e-5, atol=1e-6)
    with pytest.raises(numba.TypingError, match="cannot cast the result from float32 to int64"):
        compiled_leaky(x, w, 0.5, np.zeros((2, 3, 5), int))


@pytest.mark.long
def test_a_layer_of_guvectorize() -> None:
    """It gets arrays of any strides, one row at a time."""

    @numba.guvectorize(["void(f4[:], f4[:, :], f4[:], f4[:])"], "(k),(k,m),(m)->(m)", nopython=True)
    def layer(x, w, b, out):  # type: ignore[no-untyped-def]
        fastact.neuron(x, w, b, "tanh", out=out)

    generator = np.random.default_rng(0)
    x, w, b = (generator.normal(size=shape).astype(np.float32) for shape in ((40, 16), (16, 4), (4,)))
    right = fastact.neuron(x, w, b, "tanh")
    np.testing.assert_array_equal(layer(x, w, b), right)
    out = np.empty((40, 8), np.float32)
    np.testing.assert_array_equal(layer(x, w, b, out[:, ::2]), right)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_slope_for_each_neuron(dtype: Any) -> None:
    x, w = make((30, 8), dtype), make((8, 5), dtype, 1)
    slopes = np.linspace(-1, 2, 5)
    for alpha in (slopes, list(slopes), slopes.astype(np.float32), 0.25, 2, np.array(0.25)):
        for inputs in (x, x[0], x.reshape(2, 15, 8)):
            expected = expected_neuron(inputs, w, 0.5, "prelu", alpha)
            bound = 3 * tolerance(inputs, w, 0.5, dtype)
            for activation in ("prelu", "leaky_relu", fastact.prelu, fastact.leaky_relu):
                got = fastact.neuron(inputs, w, 0.5, activation, alpha)
                assert got.dtype == dtype
                assert (np.abs(got - expected) <= bound).all()
            if dtype == np.float32 and alpha is slopes and inputs is x:
                assert (np.abs(compiled_prelu(inputs, w, 0.5, alpha, np.empty_like(got)) - expected) <= bound).all()


@njit
def compiled_prelu(x, w, b, alpha, out):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, b, "prelu", alpha, out)


@njit
def compiled_with_tuple(x, w, out):  # type: ignore[no-untyped-def]
    return fastact.neuron(x, w, 0.5, "tanh", out=(out,))


def test_out_in_a_tuple_and_ellipsis() -> None:
    x, w = make((6, 4), np.float32), make((4, 3), np.float32, 1)
    out = np.empty((6, 3), np.float32)
    for compiled in (False, True):
        out[:] = 7
        if compiled:
            compiled_with_tuple(x, w, out)
        else:
            fastact.neuron(x, w, 0.5, "tanh", out=(out,))
        np.testing.assert_allclose(out, expected_neuron(x, w, 0.5, "tanh"), rtol=1e-5, atol=1e-6)
    always_array: Any = ...
    assert type(fastact.neuron(x[0], w[:, 0], out=always_array)) is np.ndarray
    np.testing.assert_array_equal(fastact.neuron(x, w, out=always_array), fastact.neuron(x, w))
    with pytest.raises(ValueError, match="must have one entry, got 2"):
        fastact.neuron(x, w, out=(out, out))  # type: ignore[arg-type]


def test_nan_and_inf_propagate_without_a_warning() -> None:
    x = np.array([[1.0, np.nan], [np.inf, 1.0], [np.inf, -np.inf], [1e308, 1e308], [1.0, 1.0]] * 40)
    w = np.ones((2, 2))
    with np.errstate(all="ignore"):
        expected = x @ w
    cases = [
        (x, w, expected),
        (x[:3], w[:, 0], expected[:3, 0]),
        (x.repeat(1000, 0), w[:, 0], expected[:, 0].repeat(1000)),
        (x[2], w, expected[2]),
        (x[2], w[:, 0], expected[2, 0]),
        (x.reshape(2, 100, 2), w, expected.reshape(2, 100, 2)),
    ]
    with np.errstate(all="raise"):
        for inputs, weights, right in cases:
            for bias in (0.0, 0, np.zeros(weights.shape[1:])):
                np.testing.assert_array_equal(fastact.neuron(inputs, weights, bias, None), right)
                np.testing.assert_array_equal(fastact.neuron(inputs, weights, bias, "relu"), np.maximum(right, 0))
        assert np.isnan(fastact.neuron(x[2], w[:, 0], -np.inf))
        assert np.isnan(fastact.neuron(x[1], w[:, 0], -np.inf))


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
MASKED: Any = np.ma.masked_array(ONES, mask=[[True, False, False]] * 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": ONES, "weights": np.ones((2, 3))}, ValueError, "must be the first of weights, got shapes"),
        ({"x": ONES, "weights": np.ones(2)}, ValueError, "must be the first of weights, got shapes"),
        ({"x": 1.0, "weights": np.ones(2)}, ValueError, r"must be the first of weights, got shapes \(\) and \(2,\)"),
        ({"x": ONES, "weights": np.ones((1, 3, 2))}, ValueError, r"weights must have shape .* got \(1, 3, 2\)"),
        ({"x": ONES, "weights": np.ones((3, 4)), "bias": np.ones(3)}, ValueError, r"shape \(4,\), got \(3,\)"),
        ({"x": ONES, "weights": np.ones(3), "activation": "swish"}, ValueError, "'swish'; the names are sigmoid, tanh"),
        ({"x": ONES, "weights": np.ones(3), "activation": np.tanh}, TypeError, "function of one input made by"),
        ({"x": ONES, "weights": np.ones(3), "activation": 3}, TypeError, "got 3"),
        ({"x": ONES * 1j, "weights": np.ones(3)}, TypeError, "x must hold real numbers .* got complex128"),
        ({"x": ONES, "weights": np.array(["a"] * 3)}, TypeError, "weights must hold real numbers"),
        ({"x": ONES, "weights": np.ones(3), "bias": None}, TypeError, "bias must hold real numbers.*, got None"),
        ({"x": ONES, "weights": np.ones(3), "bias": "relu"}, TypeError, "did you mean activation='relu'?"),
        ({"x": ONES, "weights": np.ones(3), "out": np.zeros(3)}, ValueError, r"shape \(2,\), got \(3,\)"),
        ({"x": ONES, "weights": np.ones(3), "out": np.zeros(2, int)}, TypeError, "from float64 to int64"),
        ({"x": ONES, "weights": np.ones(3), "bias": 10**400, "out": np.zeros(2)}, OverflowError, "too large"),
        ({"x": ONES, "weights": np.ones((3, 2)), "bias": 10**400, "out": np.zeros((2, 2))}, OverflowError, "too large"),
        ({"x": ONES, "weights": np.ones(3), "activation": "prelu", "alpha": 10**400}, OverflowError, "too large"),
        ({"x": ONES, "weights": np.ones(3), "activation": "prelu", "alpha": "a"}, TypeError, "alpha must hold real"),
        (
            {"x": ONES, "weights": np.ones((3, 2)), "activation": "prelu", "alpha": np.ones(3)},
            ValueError,
            "alpha must be",
        ),
        ({"x": ONES, "weights": np.ones(3), "activation": "prelu", "alpha": np.ones(2)}, ValueError, "alpha must be"),
        # Meant as `out`.
        ({"x": ONES, "weights": np.ones((3, 2)), "alpha": np.zeros((2, 2))}, ValueError, "alpha must be"),
        ({"x": MASKED, "weights": np.ones(3)}, TypeError, "x must not be a masked array"),
        ({"x": ONES, "weights": MASKED[0]}, TypeError, "weights must not be a masked array"),
        ({"x": ONES, "weights": np.ones((3, 3)), "bias": MASKED[0]}, TypeError, "bias must not be a masked array"),
        ({"x": ONES, "weights": np.ones(3), "out": MASKED[:, 0].copy()}, TypeError, "got MaskedArray"),
        ({"x": ONES, "weights": np.ones(3), "out": [0, 0]}, TypeError, "out must be an array, got list"),
    ],
)
def test_mistakes(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fastact.neuron(**arguments)
    if type(arguments.get("out")) is np.ndarray:
        assert (arguments["out"] == 0).all()


def test_mistakes_leave_out_untouched() -> None:
    out = np.zeros((2, 4))
    with pytest.raises(ValueError, match="must be the first of weights"):
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
    for bias in ("relu", None, 1j, np.ones(2) * 1j, (1.0, 2.0)):
        with pytest.raises(numba.TypingError, match=r"neuron: .* of real numbers, got"):
            compiled_relu(ONES, np.ones((3, 2)), bias)
    compiled = njit(lambda x, w, alpha: fastact.neuron(x, w, 0.0, "sigmoid", alpha))
    with pytest.raises(numba.TypingError, match="alpha must be a number, or an array of shape"):
        compiled(ONES, np.ones((3, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="alpha must have one element for each neuron"):
        compiled(ONES, np.ones((3, 2)), np.zeros(3))
    np.testing.assert_array_equal(compiled(ONES, np.ones((3, 2)), np.zeros(2)), fastact.neuron(ONES, np.ones((3, 2))))

    @njit
    def unknown(x, w):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, w, 0.0, "swish")  # type: ignore[call-overload]

    with pytest.raises(numba.TypingError, match="the names are sigmoid"):
        unknown(np.ones(3), np.ones(3))


@fastact.activation
def broken(x):  # type: ignore[no-untyped-def]
    return nowhere(x)  # type: ignore[name-defined]  # noqa: F821


def raising(x):  # type: ignore[no-untyped-def]
    if x > 3:
        raise ValueError
    return x


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(4,), (4, 2)])
def test_an_activation_that_can_not_be_compiled_leaves_out_untouched(dtype: Any, shape: tuple[int, ...]) -> None:
    x, w = np.ones((3, 4), dtype), np.ones(shape, dtype)
    for activation in (broken, fastact.activation(raising)):
        for out in (np.full((3, *shape[1:]), 7, dtype), np.full((3, *shape[1:]), 7.0)):
            with pytest.raises((numba.TypingError, TypeError)):
                fastact.neuron(x, w, 0.0, activation, out=out)
            assert (out == 7).all()


def test_no_conversion_warns() -> None:
    x, x16 = make((3, 4), np.float32), np.full((3, 4), 300, np.float16)
    signalling = np.full((3, 4), 0x7F800001, np.uint32).view(np.float32)
    with np.errstate(all="raise"):
        for w in (make((4,), np.float32), make((4, 2), np.float32)):
            for number in (1e300, -1e300, 1e-50, 10**39, np.inf, -0.0):
                fastact.neuron(x, w, number, "linear")
                fastact.neuron(x, w, 0.5, "prelu", number)
            fastact.neuron(x, w, 0.5, "prelu", np.float64(1e-40))
            np.testing.assert_array_equal(np.isfinite(fastact.neuron(x, w, 1e300, "linear")), False)
            assert np.isinf(fastact.neuron(x16, np.full(w.shape, 300, np.float16), 0.0, None)).all()
            fastact.neuron(x16, w.astype(np.float16), 1e300, None)
            fastact.neuron(x, w.astype(float) * 1e300, 0.0, None, out=np.empty((3, *w.shape[1:]), np.float32))
            assert np.isnan(fastact.neuron(signalling, w.astype(float))).all()


def test_a_mask_inside_a_list_is_seen() -> None:
    with pytest.raises(TypeError, match="masked"):
        fastact.neuron([MASKED[0], MASKED[1]], np.ones(3))


@pytest.mark.long
def test_numbers_as_arrays_and_slopes_that_nobody_needs_inside_njit() -> None:
    x, w = make((3, 4), np.float64), make((4, 2), np.float64, 1)
    out = np.empty((3, 2))
    compiled_prelu(x, w, np.array(0.5), np.array(0.25), out)
    np.testing.assert_allclose(out, expected_neuron(x, w, 0.5, "prelu", 0.25))
    unneeded = njit(lambda x, w, a: fastact.neuron(x, w, 0.5, "relu", a))
    np.testing.assert_allclose(unneeded(x, w, np.ones(2, np.float32)), expected_neuron(x, w, 0.5, "relu"))
    np.testing.assert_allclose(unneeded(x, w[:, 0], np.array(1)), expected_neuron(x, w[:, 0], 0.5, "relu"))


def test_each_activation_has_a_default_of_its_own_for_alpha() -> None:
    x, w = np.linspace(-3, 3, 50)[:, None], np.ones(1)
    z = x[:, 0]
    expected: dict[Any, Array] = {
        "elu": fastact.elu(z),
        fastact.elu: fastact.elu(z, 1.0),
        "leaky_relu": fastact.leaky_relu(z),
        fastact.prelu: fastact.prelu(z, 0.01),
    }

    @njit
    def default(x, w):  # type: ignore[no-untyped-def]
        one = fastact.neuron(x[0], w, 0.0, "elu")
        return fastact.neuron(x, w, 0.0, "elu"), fastact.neuron(x, w, 0.0, fastact.elu), np.full(50, one)

    @njit
    def given(x, w):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, w, 0.0, "elu", 0.01), fastact.neuron(x, w, 0.0, fastact.elu, alpha=0.01)

    for activation, right in expected.items():
        np.testing.assert_array_equal(fastact.neuron(x, w, activation=activation), right)
    np.testing.assert_array_equal(fastact.neuron(x, w, 0.0, "elu", 0.01), fastact.elu(z, 0.01))
    *layers, one = default(x, w)
    for found in layers:
        np.testing.assert_array_equal(found, fastact.elu(z))
    assert one[0] == fastact.elu(z[0])
    for found in given(x, w):
        np.testing.assert_array_equal(found, fastact.elu(z, 0.01))


@pytest.mark.parametrize(("rows", "k", "columns"), [(64, 784, 128), (512, 512, 2048), (1000, 64, 64), (16, 1024, 1024)])
def test_parts_for_many_threads(rows: int, k: int, columns: int) -> None:
    plan = tiles.layer(numba.float32).plan
    make = numba.njit(lambda job, threads: plan(job, threads))
    for threads in (1, 2, 3, 4, 8, 16):
        job = np.zeros(jobs.WORDS, np.intp)
        job[[jobs.ROWS, jobs.K, jobs.COLUMNS, jobs.INPUTS]] = rows, k, columns, 1
        job[[jobs.W_STEP, jobs.W_COLUMN]] = 4 * columns, 4
        make(job, threads)
        assert threads // 2 < job[jobs.ROW_PARTS] * job[jobs.COLUMN_PARTS] <= threads
