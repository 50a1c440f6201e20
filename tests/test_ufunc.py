"""The functions are ufuncs, so all that a ufunc does works, on any memory."""

from __future__ import annotations

import copy
import ctypes
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastact
from fastact._kernels import driver, pool
from fastact._kernels.compiled import STRICT
from fastact._runtime import loop_record, numba_settings
from fastact._runtime.ufunc import STREAM_BYTES, find

from .large_calls import threads_for_nothing
from .reference import ACTIVATIONS, Array, pickled_and_back

UFUNCS = (fastact.sigmoid, fastact.tanh, fastact.relu)
FLOATS = (np.float16, np.float32, np.float64)
Part = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t, ctypes.c_ssize_t)


def numbers(n: int, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(n).normal(scale=4, size=n).astype(dtype)


def one_by_one(function: np.ufunc, *operands: Array) -> Array:
    """The reference for everything about memory: each element on its own."""
    operands = np.broadcast_arrays(*operands)
    flat = [function(*values) for values in zip(*(o.ravel() for o in operands), strict=True)]
    return np.array(flat, operands[0].dtype).reshape(operands[0].shape)


def test_they_are_ufuncs() -> None:
    for function in (*UFUNCS, fastact.prelu):
        assert isinstance(function, np.ufunc)
        assert function.nout == 1
        assert "Parameters" in (function.__doc__ or "")
    assert [f.nin for f in UFUNCS] == [1, 1, 1]
    assert fastact.prelu.nin == 2


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "n", [0, 1, 2, 15, 16, 17, 63, 64, 65, 500, 501, 682, 1023, 1024, 1025, 5000, 24_999, 25_000, 70_001]
)
def test_sizes(n: int, dtype: Any) -> None:
    x = numbers(n, dtype)
    for function in UFUNCS:
        whole = function(x)
        assert whole.dtype == dtype
        pieces = [function(piece) for piece in np.array_split(x, 7)] if n else [function(x)]
        np.testing.assert_array_equal(whole, np.concatenate(pieces))
    sample = slice(None, None, max(1, n // 50))
    np.testing.assert_array_equal(fastact.sigmoid(x)[sample], one_by_one(fastact.sigmoid, x[sample]))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [7, 3000, 60_000])
def test_strides_and_alignment(n: int, dtype: Any) -> None:
    base = numbers(4 * n, dtype)
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + 1, np.uint8)
    unaligned = raw[1:].view(dtype)
    unaligned[:] = base[:n]
    views = {
        "reversed": base[:n][::-1],
        "strided": base[: 3 * n : 3],
        "negative stride": base[::-2][:n],
        "broadcast": np.broadcast_to(base[:1], n),
        "unaligned": unaligned,
        "byte order": base[:n].astype(np.dtype(dtype).newbyteorder()),
        "read-only": np.frombuffer(base[:n].tobytes(), dtype),
    }
    for kind, view in views.items():
        for function in UFUNCS:
            expected = function(np.ascontiguousarray(view).astype(dtype))
            np.testing.assert_array_equal(function(view), expected, err_msg=kind)
            for out in (np.empty(2 * n, dtype)[::2], np.empty(n, dtype)[::-1]):
                assert function(view, out=out) is out
                np.testing.assert_array_equal(out, expected, err_msg=kind)
        channel = np.linspace(-1, 1, n).astype(dtype)
        np.testing.assert_array_equal(
            fastact.prelu(view, channel), fastact.prelu(np.ascontiguousarray(view).astype(dtype), channel), err_msg=kind
        )


@pytest.mark.parametrize("dtype", FLOATS)
def test_shapes(dtype: Any) -> None:
    x = numbers(2 * 30 * 40, dtype).reshape(2, 30, 40)
    for function in UFUNCS:
        expected = function(x.ravel()).reshape(x.shape)
        np.testing.assert_array_equal(function(x), expected)
        np.testing.assert_array_equal(function(x.T), expected.T)
        np.testing.assert_array_equal(function(x[:, ::3, ::-2]), expected[:, ::3, ::-2])
        np.testing.assert_array_equal(function(np.asfortranarray(x)), expected)
        assert function(np.asfortranarray(x)).flags.f_contiguous
        assert function(x, order="F").flags.f_contiguous
        assert function(x[0, 0, 0]).shape == ()
        assert isinstance(function(x[0, 0, 0]), dtype)
        assert function(np.empty((3, 0), dtype)).shape == (3, 0)
    slopes = np.array([[0.1], [0.5]], dtype)
    expected = np.where(x[:, 0] > 0, x[:, 0], x[:, 0] * slopes)
    np.testing.assert_array_equal(fastact.prelu(x[:, 0], slopes), expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [5, 4000, 100_000])
def test_overlapping_output(n: int, dtype: Any) -> None:
    for function in UFUNCS:
        for shift in (0, 1, 3, 1024):
            if shift >= n:
                continue
            for source, target in (
                (slice(shift, None), slice(None, n - shift)),
                (slice(None, n - shift), slice(shift, None)),
            ):
                y = numbers(n, dtype)
                expected = function(y[source].copy())
                function(y[source], out=y[target])
                np.testing.assert_array_equal(y[target], expected)
        y = numbers(n, dtype)
        expected = function(y.copy())[::-1]
        function(y[::-1], out=y)
        np.testing.assert_array_equal(y, expected)
        table = numbers(3 * n, dtype).reshape(n, 3)
        expected = function(table[:, 0].copy())
        function(table[:, 0], out=table[:, 1])
        np.testing.assert_array_equal(table[:, 1], expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [2, 600, 60_000])
def test_reduce_accumulate_outer_at(n: int, dtype: Any) -> None:
    x = np.random.default_rng(1).uniform(-1.1, 1.1, n).astype(dtype)
    running = [x[0]]
    for value in x[1:]:
        running.append(fastact.prelu(running[-1], value))
    np.testing.assert_array_equal(fastact.prelu.accumulate(x), np.array(running, dtype))
    assert fastact.prelu.reduce(x) == running[-1]
    few = x[:50]
    np.testing.assert_array_equal(fastact.prelu.outer(x[:300], few), fastact.prelu(x[:300, None], few))
    matrix = x[: n // 2 * 2].reshape(2, -1)
    np.testing.assert_array_equal(fastact.prelu.reduce(matrix), fastact.prelu(matrix[0], matrix[1]))
    y = x.copy()
    fastact.relu.at(y, [0, 1])
    np.testing.assert_array_equal(y[:2], fastact.relu(x[:2]))
    np.testing.assert_array_equal(y[2:], x[2:])
    z = x.copy()
    fastact.prelu.at(z, [0, 0], np.array([-0.5, 0.25], dtype))
    assert z[0] == fastact.prelu(fastact.prelu(x[0], dtype(-0.5)), dtype(0.25))


def test_where_dtype_casting() -> None:
    x = numbers(2000)
    out = np.full(2000, 7.0)
    mask = np.arange(2000) % 3 == 0
    fastact.tanh(x, out=out, where=mask)
    np.testing.assert_array_equal(out, np.where(mask, fastact.tanh(x), 7.0))
    assert fastact.sigmoid(np.arange(3), dtype=np.float32).dtype == np.float32
    assert fastact.sigmoid(x, dtype=np.float32, casting="same_kind").dtype == np.float32
    with pytest.raises(TypeError):
        fastact.sigmoid(x, dtype=np.float32, casting="safe")
    with pytest.raises(TypeError):
        fastact.sigmoid(x, out=np.empty(2000, np.int64))
    with pytest.raises(ValueError, match="shape"):
        fastact.sigmoid(x, out=np.empty(1999))
    untouched = np.full(2000, 3.0)
    with pytest.raises(TypeError):
        fastact.sigmoid(x + 1j, out=untouched)
    assert (untouched == 3).all()
    half = np.empty(2000, np.float16)
    np.testing.assert_array_equal(fastact.tanh(x, out=half), fastact.tanh(x).astype(np.float16))


def test_leaky_relu_takes_ufunc_keywords() -> None:
    x = numbers(100, np.float32)
    out = np.zeros(100, np.float32)
    assert fastact.leaky_relu(x, out=out) is out
    assert fastact.leaky_relu(x, 0.2, out) is out
    mask = x > 0
    got = fastact.leaky_relu(x, alpha=0.5, out=np.zeros(100, np.float32), where=mask)
    np.testing.assert_array_equal(got, np.where(mask, x, 0))
    assert fastact.leaky_relu(x, dtype=np.float64).dtype == np.float64
    assert fastact.leaky_relu(-2.0) == -0.02
    assert isinstance(fastact.leaky_relu(np.float32(-2)), np.float32)


def test_subclasses() -> None:
    class Tagged(np.ndarray):
        pass

    x = numbers(10).view(Tagged)
    assert isinstance(fastact.sigmoid(x), Tagged)
    assert not isinstance(fastact.sigmoid(x, subok=False), Tagged)
    masked = np.ma.masked_less(numbers(10), 0)
    result = fastact.relu(masked)
    assert isinstance(result, np.ma.MaskedArray)
    np.testing.assert_array_equal(result.mask, masked.mask)


@pytest.mark.parametrize("function", [*UFUNCS, fastact.prelu, fastact.leaky_relu])
def test_pickle_and_copy(function: Any) -> None:
    assert pickled_and_back(function) is function
    assert copy.deepcopy(function) is function


def test_guard_bytes_stay() -> None:
    for dtype in FLOATS:
        for n in (1, 31, 1024, 1030, 60_000):
            memory = np.full(n + 128, 42, dtype)
            for function in UFUNCS:
                function(numbers(n, dtype), out=memory[64 : 64 + n])
                assert (memory[:64] == 42).all()
                assert (memory[64 + n :] == 42).all()


@pytest.mark.parametrize("step", [2, 3, 4, 5, -1, -2, -4])
def test_what_lies_between_elements_stays(step: int) -> None:
    for dtype in FLOATS:
        for n in (1, 16, 17, 100, 1030):
            x = np.abs(numbers(n, dtype))
            memory = np.full((n + 2) * abs(step), -1, dtype)
            places = memory[abs(step) : -abs(step)][::step]
            expected = np.full_like(memory, -1)
            expected[abs(step) : -abs(step)][::step] = fastact.relu(x)
            for source in (x, np.repeat(x, 2)[::2]):
                fastact.relu(source, out=places)
                np.testing.assert_array_equal(memory, expected)


def past_the_caches(function: np.ufunc, *inputs: Any, out: Array) -> None:
    """Compute as a call does that is shared out, by two parts after the first numbers, past the caches."""
    activation = find(function)
    assert activation
    loop = activation.loop(out.dtype.char)
    loop.load()
    loop.load_part()
    operands = [*np.broadcast_arrays(*inputs), out]
    addresses = (ctypes.c_ssize_t * len(operands))(*(operand.ctypes.data for operand in operands))
    strides = (ctypes.c_ssize_t * len(operands))(*(operand.strides[0] for operand in operands))
    job = (ctypes.c_ssize_t * driver.JOB_WORDS)()
    job[driver.ADDRESSES], job[driver.STRIDES] = ctypes.addressof(addresses), ctypes.addressof(strides)
    job[driver.COUNT], job[driver.RECORD] = out.size, loop.record.ctypes.data
    job[driver.BLOCK], job[driver.STREAMED] = 256, 1
    job[driver.BUFFERED] = sum(1 << i for i, operand in enumerate(operands) if operand.strides[0] != out.itemsize)
    job[driver.BUFFERED] |= 1 << len(inputs)
    part = Part(int(loop.record[loop_record.PART]))
    job[driver.FIRST] = first = min(3, out.size)
    function(*(operand[:first] for operand in operands[:-1]), out=out[:first])
    job[driver.PARTS] = 2
    for index in range(2):
        part(ctypes.addressof(job), index)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_past_the_caches(dtype: Any) -> None:
    for n in (1, 2, 15, 16, 17, 255, 1023, 1024, 1025, 5000, 60_000):
        x = numbers(n, dtype)
        slopes = np.abs(numbers(n + 1, dtype)[1:])
        for start in range(18):
            memory = np.full(n + 128, 42, dtype)
            out = memory[start : start + n]
            past_the_caches(fastact.relu, x, out=out)
            np.testing.assert_array_equal(out, np.maximum(x, 0))
            past_the_caches(fastact.prelu, x, slopes, out=out)
            np.testing.assert_array_equal(out, np.where(x > 0, x, slopes * x))
            past_the_caches(fastact.prelu, x[::-1], dtype(0.5), out=out)
            np.testing.assert_array_equal(out, np.where(x > 0, x, x * 0.5)[::-1])
            out[:] = x
            past_the_caches(fastact.relu, out, out=out)
            np.testing.assert_array_equal(out, np.maximum(x, 0))
            np.testing.assert_array_equal(fastact.leaky_relu(x[::-1], 0.5, out=out), np.where(x > 0, x, x * 0.5)[::-1])
            assert (memory[:start] == 42).all()
            assert (memory[start + n :] == 42).all()


@pytest.mark.skipif(numba_settings.threads() == 1, reason="one thread does not stream")
def test_large_results_of_memory_bound_loops_are_streamed() -> None:
    x = numbers(STREAM_BYTES // 4, np.float32)
    fastact.relu(x), fastact.gelu(x)
    records = [activation.loop("f").record for f in (fastact.relu, fastact.gelu) if (activation := find(f))]
    own = int(records[0][loop_record.PART])
    part = Part(own)
    streamed = set()

    def watch(job: int, index: int) -> None:
        streamed.add((ctypes.c_ssize_t * driver.JOB_WORDS).from_address(job)[driver.STREAMED])
        part(job, index)

    def is_streamed(function: Any, x: Any, out: Any, most: int = numba_settings.threads()) -> bool:
        streamed.clear()
        fastact.set_num_threads(most)
        with threads_for_nothing():
            function(x, out=out)
        if function is fastact.relu:
            np.testing.assert_array_equal(out, np.maximum(x, 0))
        return 1 in streamed

    watched = Part(watch)
    out = np.empty_like(x)
    try:
        for record in records:
            record[loop_record.PART] = ctypes.cast(watched, ctypes.c_void_p).value or 0
        assert is_streamed(fastact.relu, x, out)
        assert not is_streamed(fastact.relu, x, out, most=1)
        assert not is_streamed(fastact.relu, x[1:], out[1:])
        assert not is_streamed(fastact.relu, x, out[::-1])
        assert not is_streamed(fastact.gelu, x, out)
        assert streamed
        out[:] = np.abs(x)
        assert not is_streamed(fastact.relu, out, out)
    finally:
        for record in records:
            record[loop_record.PART] = own


def test_streaming_stores_are_in_the_code() -> None:
    assert "!nontemporal" in numba.cfunc(pool.PART_SIGNATURE, **STRICT)(driver.part).inspect_llvm()


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(ACTIVATIONS)),
    dtype=st.sampled_from(FLOATS),
    n=st.one_of(st.integers(0, 3000), st.integers(24_000, 60_000)),
    start=st.integers(0, 70),
    step=st.integers(-3, 3),
    out_step=st.sampled_from([-2, -1, 1, 2]),
    out_start=st.integers(0, 70),
    apart=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_memory(
    name: str, dtype: Any, n: int, start: int, step: int, out_step: int, out_start: int, apart: bool, seed: int
) -> None:
    """Any stride of input and output, in one buffer (any overlap) or two, gives the bits of the contiguous call."""
    function = ACTIVATIONS[name]
    size = np.dtype(dtype).itemsize
    bits = {2: np.uint16, 4: np.uint32, 8: np.uint64}[size]
    room = 3 * n + 80
    buffer = np.random.default_rng(seed).integers(0, 2 ** (8 * size) - 1, 2 * room if apart else room, bits).view(dtype)

    def view(memory: Array, begin: int, stride: int) -> Array:
        first = begin if stride >= 0 else begin + (n - 1) * -stride
        return np.lib.stride_tricks.as_strided(memory[max(first, 0) :], (n,), (stride * size,))

    x = view(buffer, start, step)
    out = view(buffer[room:] if apart else buffer, out_start, out_step)
    expected = function(x.copy())
    function(x, out=out)
    np.testing.assert_array_equal(out, expected)


def test_the_word_of_others_for_the_slope() -> None:
    with pytest.raises(TypeError, match="the second input is called alpha, not negative_slope"):
        fastact.leaky_relu(np.ones(3), negative_slope=0.2)
    with pytest.raises(numba.TypingError, match="the second input is called alpha, not negative_slope"):
        numba.njit(lambda x: fastact.leaky_relu(x, negative_slope=0.2))(np.ones(3))


@pytest.mark.long
def test_more_elements_than_31_bits_can_count() -> None:
    n = 2**31 + 2001
    places = [0, 1, n // 3, 2**31 - 1, 2**31, n - 2, n - 1]
    for dtype, function in ((np.int8, fastact.relu), (np.float16, fastact.tanh)):
        try:
            x = np.zeros(n, dtype)
        except MemoryError:
            pytest.skip("not enough memory")
        x[places] = numbers = np.array([-1, 2, 3, -4, 5, -6, 7], dtype)
        for view in (x, x[::-1]):
            function(view, out=view)
            numbers = function(numbers)
            np.testing.assert_array_equal(x[places], numbers)
            assert np.count_nonzero(x) == np.count_nonzero(numbers)
    one = np.broadcast_to(np.float16(1), n)
    assert (fastact.sigmoid(one, out=x) == fastact.sigmoid(np.float16(1))).all()
    del x
    weights = np.zeros(n, np.float32)  # pages that are read alone take no memory
    weights[[0, 2**31, n - 1]] = 2, 3, 4
    assert fastact.neuron(weights, weights, 0.0, None) == 4 + 9 + 16
