"""Functions along an axis: right to their bounds, the same bits by every way, and as SciPy at the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
from numba import TypingError, njit

import fastact
from asv_bench.peers.along_axis import in_longdouble, ulps
from fastact._runtime.softmax import bounds, faces

from .cases import long_but_for
from .processes import run
from .reference import Array, Digits, bound

NAMES = list(faces)
FLOATS = [np.float16, np.float32, np.float64]
LENGTHS = (1, 2, 3, 8, 15, 16, 17, 33, 63, 64, 100, 257, 1500)

compiled: dict[str, Callable[..., Any]] = {
    "softmax": njit(lambda x: fastact.softmax(x)),
    "log_softmax": njit(lambda x: fastact.log_softmax(x, -1)),
    "logsumexp": njit(lambda x: fastact.logsumexp(x)),
}


def rows(n: int, count: int, seed: int = 0) -> Array:
    """Of many kinds: spread, a few numbers that recur, one far above the others, all alike, and near large numbers."""
    generator = np.random.default_rng(seed)
    scales = generator.choice([0.1, 1, 3, 10, 30], size=(count, 1))
    x: Array = generator.normal(size=(count, n)) * scales
    x[1::5] = np.where(generator.random((len(x[1::5]), n)) < 0.5, x[1::5, :1], x[1::5, -1:])
    x[2::5, 0] += 30
    x[3::25] = x[3::25, :1]
    x += generator.choice([0, 0, 0, 1, -1, 88, -300, 700, -650, 1300, 1e4], size=(count, 1))
    return x


def largest_error(name: str, dtype: Any) -> float:
    """Of rows of many kinds and lengths, in units of the last place."""
    worst = 0.0
    for n in LENGTHS:
        x = rows(n, max(1, 20_000 // n)).astype(dtype)
        with np.errstate(all="ignore"):
            worst = max(worst, ulps(faces[name](x), *in_longdouble(name, x)))
    return worst


def exact(name: str, row: Array) -> list[Any]:
    """The function of one row by mpmath."""
    x = [mpmath.mpf(float(number)) for number in row]
    m = max(x)
    others = mpmath.fsum(Digits.exp(number - m) for number in x) - 1
    if name == "softmax":
        return [Digits.exp(number - m) / (1 + others) for number in x]
    logarithm = Digits.log1p(others)
    return [m + logarithm] if name == "logsumexp" else [number - m - logarithm for number in x]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_error(name: str, dtype: Any) -> None:
    assert largest_error(name, dtype) <= bound(bounds[name], dtype)


@pytest.mark.parametrize("other", [-1e-4, -0.69, -7.3, -15.7])
@pytest.mark.parametrize("name", NAMES)
def test_error_of_many_numbers(name: str, other: float) -> None:
    """Equal ones, each of which is rounded like the others where they are added."""
    row = np.full((1, 2**20), other, np.float32)
    row[0, 0] = 0
    right, magnitude = in_longdouble(name, row)
    found = faces[name](row)
    assert ulps(found, right, magnitude) <= bound(bounds[name], np.float32)
    columns = np.repeat(row[0], 16).reshape(-1, 16)
    np.testing.assert_array_equal(faces[name](columns, 0).T, np.repeat(found, 16, axis=0))


def test_more_of_the_largest_numbers_than_float32_counts() -> None:
    n = 2**24 + 2**20 + 1
    columns = np.broadcast_to(np.zeros(16, np.float32), (n, 16))
    np.testing.assert_array_equal(fastact.logsumexp(columns, axis=0), np.full(16, np.log(n), np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_the_reference(name: str) -> None:
    for x in rows(17, 40):
        right, magnitude = in_longdouble(name, x[None])
        for found, expected, size in zip(right.ravel(), exact(name, x), magnitude.ravel(), strict=True):
            assert abs(mpmath.mpf(str(found)) - expected) <= 1e-17 * mpmath.mpf(str(size))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", long_but_for(["softmax"], NAMES))
def test_the_same_bits_by_every_way(name: str, dtype: Any) -> None:
    function = faces[name]
    for shape in ((1, 1), (17, 33), (7, 3, 11), (19, 63), (18, 64), (40, 257), (2, 5000)):
        x = np.random.default_rng(1).normal(scale=3, size=shape).astype(dtype)
        expected = np.array([function(row) for row in x.reshape(-1, shape[-1])]).reshape(function(x).shape)
        spread = np.repeat(np.repeat(x, 2, axis=0), 3, axis=-1)[::2, ..., ::3]
        swapped = x.astype(x.dtype.newbyteorder())
        ways = (x, np.asfortranarray(x), x[::-1, ..., ::-1][::-1, ..., ::-1], spread, swapped)
        for way in ways:
            np.testing.assert_array_equal(function(way), expected)
            out = np.full_like(expected, 7)
            assert function(way, out=out) is out
            np.testing.assert_array_equal(out, expected)
        for axis in range(x.ndim):
            moved = np.moveaxis(x, axis, -1).copy()
            results = function(moved)
            if name != "logsumexp":
                results = np.moveaxis(results, -1, axis)
            np.testing.assert_array_equal(function(x, axis), results)
            np.testing.assert_array_equal(function(x, axis - x.ndim), results)
        if dtype is np.float32 and x.ndim == 2:
            np.testing.assert_array_equal(compiled[name](x), expected)
        if name != "logsumexp":
            np.testing.assert_array_equal(function(x, out=x), expected)  # in place


@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_threads(name: str) -> None:
    function, before = faces[name], fastact.get_num_threads()
    shapes = ((3, 60_000), (7, 30_000), (40_000, 5), (1000, 333))
    x = {shape: np.random.default_rng(2).normal(size=shape).astype(np.float32) for shape in shapes}
    fastact.set_num_threads(1)
    expected = {(shape, axis): function(x[shape], axis) for shape in shapes for axis in (0, 1)}
    fastact.set_num_threads(before)
    for (shape, axis), results in expected.items():
        np.testing.assert_array_equal(function(x[shape], axis), results)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_the_edges_are_scipys(name: str, dtype: Any) -> None:
    inf, nan = np.inf, np.nan
    for row in (
        [inf, 0], [inf, inf], [-inf, -inf], [nan, 1], [nan, inf], [-inf, nan], [-inf, 0, inf], [-inf, 1, 2], [-inf],
        [inf], [1000, -1000], [30000, 29999], [0], [-0.0, -0.0],
    ):  # fmt: skip
        x = np.array(row, dtype)
        with np.errstate(all="ignore"):
            expected = getattr(scipy.special, name)(x.astype(np.float64), axis=-1).astype(dtype)
        for many in (x, np.tile(x, (40, 1)), np.tile(x[:, None], (1, 40)).T, np.tile(x, (3, 40, 1)).swapaxes(0, 1)):
            with np.errstate(all="raise"):
                found = faces[name](many)
            np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=2 * np.finfo(dtype).eps)
            if dtype is np.float32 and many.ndim == 2:
                np.testing.assert_array_equal(compiled[name](many.copy()), found)


def test_tails() -> None:
    one = fastact.log_softmax(np.array([20, 0], np.float32))
    assert one[0] == np.float32(-2.061153620314381e-09)
    assert fastact.softmax(np.array([0, -100], np.float32))[1] == np.float32(3.783505853677006e-44)
    assert fastact.logsumexp(np.array([0.0, -50.0])) == 1.9287498479639178e-22


@pytest.mark.parametrize("name", NAMES)
def test_axes_as_scipys(name: str) -> None:
    x = np.random.default_rng(3).normal(size=(4, 5, 6))
    for axis in (None, (0, 2), (2, 0), (-1,), (0, 1, 2), (), np.int64(1), 0, -3):
        expected = getattr(scipy.special, name)(x, axis=axis)
        found = faces[name](x, axis)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert type(found) is type(expected) or axis == ()
        out = np.empty_like(expected)
        assert faces[name](x, axis, (out,)) is out
        np.testing.assert_array_equal(out, found)
        np.testing.assert_array_equal(faces[name](x, axis, (None,)), found)
        if axis is None:
            assert type(faces[name](x, axis, ...)) is np.ndarray
        if name == "logsumexp":
            kept = fastact.logsumexp(x, axis, keepdims=1)  # type: ignore[call-overload]
            assert kept.shape == scipy.special.logsumexp(x, axis=axis, keepdims=True).shape
            np.testing.assert_array_equal(kept.ravel(), np.ravel(found))
    for number in (
        3,
        3.0,
        np.float32(3),
        np.array(3.0),
        np.array(3),
        [1, 2, 3],
        [[True, False]],
        np.arange(4, dtype=np.int8),
        np.arange(4),
    ):
        wide = np.asarray(number, np.float64)
        found = faces[name](number)
        np.testing.assert_allclose(found, getattr(scipy.special, name)(wide, axis=-1 if wide.ndim else None), rtol=1e-3)
        assert found.dtype == np.tanh(number).dtype


def test_no_numbers() -> None:
    np.testing.assert_array_equal(fastact.logsumexp(np.empty((3, 0))), [-np.inf] * 3)
    assert fastact.logsumexp([]) == -np.inf
    no_rows, of_none = np.empty((0, 3), np.float32), np.empty((3, 0), np.float32)
    for name in NAMES:
        assert faces[name](no_rows).size == 0
        assert compiled[name](no_rows).size == 0
    for name in ("softmax", "log_softmax"):
        for axis in (-1, 1, (1,), None):
            with pytest.raises(ValueError, match="no numbers along axis"):
                faces[name](of_none, axis)
        with pytest.raises(ValueError, match="no numbers along"):
            compiled[name](of_none)
    assert fastact.softmax(of_none, 0).shape == (3, 0)


@pytest.mark.parametrize("name", NAMES)
def test_mistakes(name: str) -> None:
    function, x = faces[name], np.ones((2, 3))
    mistakes: list[tuple[type[Exception], tuple[Any, ...], dict[str, Any]]] = [
        (TypeError, (x * 1j,), {}),
        (TypeError, (np.longdouble(1),), {}),
        (TypeError, (["a"],), {}),
        (TypeError, (np.ma.masked_equal([1.0, 2.0], 1),), {}),
        (TypeError, ([np.ma.masked_equal([1.0, 2.0], 1)],), {}),
        (TypeError, (x, 1.5), {}),
        (TypeError, (x,), {"out": np.full(x.shape if name != "logsumexp" else 2, 7)}),
        (ValueError, (x, 2), {}),
        (ValueError, (x, -3), {}),
        (ValueError, (x, (0, 0)), {}),
        (ValueError, (x,), {"out": np.full((5, 5), 7.0)}),
        (ValueError, (x, None), {"out": np.full((5, 5), 7.0)}),
        (ValueError, (x,), {"out": np.full((4, 2, 3), 7.0)}),
        (ValueError, (x[0],), {"out": np.full((4, 3), 7.0)}),
        (ValueError, (x,), {"out": np.full((1, *x.shape[: 2 - (name == "logsumexp")]), 7.0)}),
        (ValueError, (x[0],), {"out": np.full((1,) * 2 if name == "logsumexp" else (1, 3), 7.0)}),
        (ValueError, (x,), {"out": (np.full((4, 2), 7.0),)}),
        (ValueError, (x, 0), {"out": np.full((3, 3), 7.0)}),
    ]
    for error, arguments, keywords in mistakes:
        with pytest.raises(error):
            function(*arguments, **keywords)
        assert (np.asarray(keywords.get("out", 7)) == 7).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_array_where_the_axis_stands(name: str) -> None:
    out = np.ones((2, 3))
    with pytest.raises(TypeError, match=r"axis must be .*, got an array of shape \(2, 3\); give out= by its name"):
        faces[name](out, out)


def test_axes_and_outputs_that_are_refused_inside_njit() -> None:
    x = np.random.default_rng(4).normal(size=(4, 4))
    into = njit(lambda x, out, axis: fastact.log_softmax(x, axis, out))
    np.testing.assert_array_equal(into(x, np.empty_like(x), 1), fastact.log_softmax(x))
    out = np.full((4, 4), 7.0)
    for axis in (0, -2, 2):
        with pytest.raises(ValueError, match="the axis must be the last"):
            into(x, out, axis)
    with pytest.raises(ValueError, match="another shape"):
        into(x, out[:3], -1)
    with pytest.raises(ValueError, match="no numbers along the last axis"):
        into(x[:, :0], out[:, :0], -1)
    assert (out == 7).all()
    with pytest.raises(TypingError, match=r"axis must be an integer, got array.*; give out= by its name"):
        into(x, None, out)


@pytest.mark.long
def test_inside_njit() -> None:
    x = np.random.default_rng(4).normal(size=(20, 30)).astype(np.float32)

    @njit
    def into(x, out, reduced, axis):  # type: ignore[no-untyped-def]
        fastact.logsumexp(x, axis, reduced)
        return fastact.softmax(x, out=out)

    @njit
    def passed(function, x):  # type: ignore[no-untyped-def]
        return function(x)

    out, reduced = np.empty_like(x), np.empty(20, x.dtype)
    into(x, out, reduced, -1)
    np.testing.assert_array_equal(out, fastact.softmax(x))
    np.testing.assert_array_equal(reduced, fastact.logsumexp(x))
    into(x, x, reduced, 1)
    np.testing.assert_array_equal(x, out)
    np.testing.assert_array_equal(passed(fastact.softmax, x), fastact.softmax(x))
    for other in (np.arange(12, dtype=np.int16).reshape(3, 4), x[::2, ::-3], x[0]):
        np.testing.assert_array_equal(passed(fastact.logsumexp, other), fastact.logsumexp(other))
    bytes_ = np.arange(12, dtype=np.int8).reshape(3, 4)  # float16 from Python, which does not exist here
    np.testing.assert_array_equal(passed(fastact.softmax, bytes_), fastact.softmax(bytes_.astype(np.float32)))
    for bad in (3.0, x * 1j):
        with pytest.raises(Exception, match="inside @njit x must be"):
            passed(fastact.softmax, bad)


def test_nothing_outside_the_rows_is_touched() -> None:
    """They end where memory ends, and are neighbours of numbers that must stay."""
    code = """
import ctypes, mmap, numpy as np, fastact
SIZE = 2**16
def memory():
    pages = mmap.mmap(-1, SIZE + mmap.PAGESIZE)
    place = np.frombuffer(pages, np.uint8)
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(place.ctypes.data + SIZE), mmap.PAGESIZE, 0) == 0
    return place[:SIZE]
first, second = memory(), memory()
for dtype in (np.float32, np.float64):
    for n in (1, 7, 8, 9, 16, 17, 33, 63, 64, 100):
        for count in (1, 8, 13, 16, 37):
            x, y = (part[-n * count * np.dtype(dtype).itemsize:].view(dtype) for part in (first, second))
            x[:] = np.random.default_rng(n).normal(size=x.size)
            for function in (fastact.softmax, fastact.log_softmax, fastact.logsumexp):
                second[:] = 66
                results = y if function is not fastact.logsumexp else y[-count:]
                shape = (count, n) if function is not fastact.logsumexp else (count,)
                function(x.reshape(count, n), out=results.reshape(shape))
                np.testing.assert_array_equal(results.reshape(shape), function(x.reshape(count, n)))
                assert (second[: SIZE - results.nbytes] == 66).all()
"""
    run(code)


def test_no_memory() -> None:
    """Rows that have to be copied and are too long for that."""
    code = """
import resource, numpy as np, fastact
x = np.zeros((2, 60_000_001), np.float16)[:, 1:]
fastact.softmax(x[:, :1000])
resource.setrlimit(resource.RLIMIT_AS, (4 * x.nbytes // 2 + 2**31, -1))
out = np.empty_like(x)
limit = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (limit + 2**24, -1))
try:
    fastact.softmax(x, out=out)
except MemoryError:
    print("no memory")
"""
    assert run(code) == "no memory\n"


@pytest.mark.parametrize("shape", [(3, 23), (50, 4, 9), (5000, 19), (40, 50_003)])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_in_place_along_each_axis(name: str, dtype: type, shape: tuple[int, ...]) -> None:
    """Columns are computed by the vector, and a last vector holds some that the one before did."""
    x: Array = np.random.default_rng(4).normal(size=shape).astype(dtype)
    for axis in range(x.ndim):
        expected = faces[name](x, axis)
        for out in (x.copy(), np.asfortranarray(x)):
            np.testing.assert_array_equal(faces[name](out, axis, out), expected)


def test_in_place_of_overlapping_memory() -> None:
    memory = np.random.default_rng(5).normal(size=2000)
    x, out = memory[:1000].reshape(10, 100), memory[500:1500].reshape(10, 100)
    expected = fastact.softmax(x.copy())
    np.testing.assert_array_equal(fastact.softmax(x, out=out), expected)
