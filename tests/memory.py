"""Arrays that lie in memory in every way that NumPy knows, drawn at random; what is around them must not change."""

from __future__ import annotations

import ctypes
import math
import mmap
import os
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from .reference import Array

#: Elements of an array, at most.
LIMIT = 1 << 18

#: Lengths around those at which a call goes another way: vectors, blocks, parts, and calls that are shared out.
LENGTHS = sorted(
    {max(0, n + d) for n in (0, 1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096) for d in (-1, 0, 1)} | {3, 5, 100}
)
LARGE = [n + d for n in (10_000, 16_384, 50_000, 1 << 17) for d in (-1, 0, 1)]

GUARD = 0xA5
MARGIN = 64  #: bytes before and after


class Layout(NamedTuple):
    """Where the elements of an array lie."""

    order: tuple[int, ...]  #: the axes, from the one whose elements are farthest apart
    steps: tuple[int, ...]  #: of each axis, in elements of what lies below it; 0: all are one
    shift: int = 0  #: bytes from where an element would be aligned
    swapped: bool = False  #: whether the bytes are in the other order
    fence: int = 0  #: whether memory ends where the array does (1) or begins there (-1), and who reads on crashes


def allocated(size: int, fence: int) -> Array:
    """Bytes, behind or before which there may be a page that can not be read."""
    if fence == 0 or os.name != "posix":
        return np.full(size, GUARD, np.uint8)
    whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = np.frombuffer(mmap.mmap(-1, whole + mmap.PAGESIZE), np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert protect(memory.ctypes.data + (whole if fence == 1 else 0), mmap.PAGESIZE, 0) == 0
    usable = memory[whole - size : whole] if fence == 1 else memory[mmap.PAGESIZE :][:size]
    usable[...] = GUARD
    return usable


def reach(shape: tuple[int, ...], layout: Layout) -> tuple[tuple[int, ...], int, int]:
    """The strides, the place of the first element and the extent, in elements."""
    strides, extent, first = [1] * len(shape), 1, 0
    for axis in reversed(layout.order or range(len(shape))):
        step = layout.steps[axis] if layout.steps else 1
        strides[axis] = step * extent
        if step < 0:
            first += max(0, shape[axis] - 1) * -strides[axis]
        extent *= max(1, shape[axis] * abs(step))
    return tuple(strides), first, extent


def room(shape: tuple[int, ...], dtype: np.dtype[Any], layout: Layout) -> int:
    """Bytes from the first to behind the last of an array."""
    return reach(shape, layout)[2] * dtype.itemsize + layout.shift


def placed(memory: Array, start: int, shape: tuple[int, ...], dtype: np.dtype[Any], layout: Layout) -> Array:
    """An array in some bytes."""
    strides, first, _ = reach(shape, layout)
    kind = dtype.newbyteorder() if layout.swapped else dtype
    offset = start + layout.shift + first * dtype.itemsize
    return np.ndarray(shape, kind, memory.data, offset, tuple(stride * dtype.itemsize for stride in strides))


def laid_out(shape: tuple[int, ...], dtype: np.dtype[Any], layout: Layout) -> tuple[Array, Array]:
    """An array and the bytes that it lies in, which are more than its own but where there is a fence."""
    if layout.fence == 1:
        strides, first, _ = reach(shape, layout)
        last = first + sum(max(0, stride * max(0, n - 1)) for stride, n in zip(strides, shape, strict=True))
        memory = allocated(MARGIN + (last + 1) * dtype.itemsize + layout.shift + -layout.shift % dtype.itemsize, 1)
        return placed(memory, MARGIN, shape, dtype, layout), memory
    before = MARGIN if layout.fence == 0 else 0
    memory = allocated(before + room(shape, dtype, layout) + MARGIN, layout.fence)
    return placed(memory, before, shape, dtype, layout), memory


class Wanted(NamedTuple):
    """An array to be."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: Layout


@st.composite
def overlapping(draw: Any, first: Wanted, second: Wanted, plain: bool = False) -> tuple[Array, Array, Array]:
    """Two arrays, one of which lies in the memory of the other, or before it or behind it, and those bytes.

    Half of those of one shape and type have one layout, that of the second, and half of these lie in one place.
    """
    alike = first[:2] == second[:2] and draw(st.booleans())
    if alike:
        first = second
    rooms = [room(*wanted) for wanted in (first, second)]
    ends = [sign * (rooms[i] + n * first.dtype.itemsize) for i, sign in ((0, 1), (1, -1)) for n in range(-3, 2)]
    elsewhere = draw(
        st.one_of(
            st.integers(-80, 80),
            st.integers(-9, 9).map(lambda n: 64 * n),
            st.integers(-rooms[1], rooms[0]),
            st.sampled_from(ends),  # where the one ends, the other begins, or a little earlier
        )
    )
    far = 0 if alike and draw(st.booleans()) else elsewhere
    if plain:
        far -= far % 8
    memory = np.full(2 * MARGIN + sum(rooms) + abs(far), GUARD, np.uint8)
    starts = (MARGIN + max(0, -far), MARGIN + max(0, far))
    one, other = (placed(memory, start, *wanted) for start, wanted in zip(starts, (first, second), strict=True))
    return one, other, memory


def assert_untouched(after: Array, before: Array, view: Array, written: Array | bool = True) -> None:
    """Nothing of the memory of an array has changed but the elements that were to be written."""
    mine = np.zeros(after.size, bool)
    place = view.__array_interface__["data"][0] - after.ctypes.data
    for byte in range(view.itemsize):
        np.ndarray(view.shape, bool, mine.data, place + byte if view.size else 0, view.strides)[...] |= written
    assert ((after == before) | mine).all(), "memory was written that is not the result's"


def assert_same_bits(found: Array, expected: Array) -> None:
    """Two arrays of one type are equal to the bit; a NaN is a NaN."""
    assert found.dtype == expected.dtype, (found.dtype, expected.dtype)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    bits = f"u{expected.itemsize}"
    same = np.ascontiguousarray(found).view(bits) == np.ascontiguousarray(expected).view(bits)
    if expected.dtype.kind == "f":
        same |= np.isnan(found) & np.isnan(expected)
    assert same.all(), (found[~same][:5], expected[~same][:5])


def some_places(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Indices of some elements of an array of a shape: the first, the last and others; all if they are few."""
    count = math.prod(shape)
    flat = list(range(count))
    if count > 40:
        flat = [*flat[:5], *np.random.default_rng(1).choice(count, 30), *flat[-5:]]
    return [tuple(map(int, np.unravel_index(place, shape))) for place in flat]


def assert_rows(found: Any, expected: dict[tuple[int, ...], Any], *types: np.dtype[Any]) -> None:
    """Each row is what it is alone, to the bit, once that is rounded to the type of the result and to that of `out`."""
    for place, row in expected.items():
        with np.errstate(all="ignore"):
            for dtype in types:
                row = np.asarray(row).astype(dtype)
        mine = np.asarray(found[place] if place else found)
        assert_same_bits(mine.astype(mine.dtype.newbyteorder("=")), row)


@st.composite
def shapes(draw: Any) -> tuple[int, ...]:
    """Of up to four axes; one of them may be long."""
    axes = draw(st.integers(0, 4))
    shape = [draw(st.integers(0, 5)) for _ in range(axes)]
    if axes:
        lengths = st.one_of(
            st.sampled_from(LENGTHS), st.sampled_from(LENGTHS), st.integers(0, 300), st.sampled_from(LARGE)
        )
        long = draw(st.integers(0, axes - 1))
        shape[long] = 1
        length = draw(lengths)
        if math.prod(shape) * length <= LIMIT:
            shape[long] = length
    return tuple(shape)


@st.composite
def real_numbers(draw: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Of moderate size, among them NaN, infinities and zeros in some arrays; small and not negative if integers."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    numbers = generator.normal(size=shape)
    if dtype.kind != "f":
        numbers = np.abs(100 * numbers)
    elif draw(st.integers(0, 5)) == 0:
        special = generator.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape)
        numbers = np.where(generator.random(shape) < 0.02, special, numbers)
    return np.asarray(numbers).astype(dtype)


@st.composite
def layouts(draw: Any, shape: tuple[int, ...], of_result: bool, plain: bool = False) -> Layout:
    """Of an array of a shape; a plain one is aligned and has its bytes in the order of the processor."""
    fence = draw(st.sampled_from((0, 0, 1, 1, -1)))
    if draw(st.booleans()):
        return Layout((), (), fence=fence)
    order = draw(st.permutations(range(len(shape))))
    choice = (1, 1, -1, 2, -2, 3, 4, 5, 7) if of_result else (1, 1, -1, 2, -2, 3, 4, 5, 7, 0)
    steps = [draw(st.sampled_from(choice)) for _ in shape]
    if reach(shape, Layout(tuple(order), tuple(steps)))[2] > 4 * LIMIT:
        steps = [1] * len(steps)
    layout = Layout(tuple(order), tuple(steps), fence=fence)
    if plain:
        return layout
    return layout._replace(shift=draw(st.sampled_from((0, 0, 0, 1, 3, 4))), swapped=draw(st.integers(0, 7)) == 0)
