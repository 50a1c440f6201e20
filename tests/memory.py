"""Arrays that lie in memory in every way that NumPy knows, drawn at random; what is around them must not change."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from .reference import Array

#: Elements of an array, at most.
LIMIT = 1 << 18

GUARD = 0xA5
MARGIN = 64  #: bytes before and after


class Layout(NamedTuple):
    """Where the elements of an array lie."""

    order: tuple[int, ...]  #: the axes, from the one whose elements are farthest apart
    steps: tuple[int, ...]  #: of each axis, in elements of what lies below it; 0: all are one
    shift: int  #: bytes from where an element would be aligned
    swapped: bool  #: whether the bytes are in the other order


CONTIGUOUS = Layout((), (), 0, swapped=False)


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
    """An array and the bytes that it lies in, which are more than its own."""
    memory = np.full(2 * MARGIN + room(shape, dtype, layout), GUARD, np.uint8)
    return placed(memory, MARGIN, shape, dtype, layout), memory


class Wanted(NamedTuple):
    """An array to be."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: Layout


@st.composite
def overlapping(draw: Any, first: Wanted, second: Wanted, plain: bool = False) -> tuple[Array, Array, Array]:
    """Two arrays, one of which lies in the memory of the other, or before it or behind it, and those bytes."""
    rooms = [room(*wanted) for wanted in (first, second)]
    far = draw(
        st.one_of(st.integers(-80, 80), st.integers(-9, 9).map(lambda n: 64 * n), st.integers(-rooms[1], rooms[0]))
    )
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


@st.composite
def layouts(draw: Any, shape: tuple[int, ...], of_result: bool, plain: bool = False) -> Layout:
    """Of an array of a shape; a plain one is aligned and has its bytes in the order of the processor."""
    if draw(st.booleans()):
        return CONTIGUOUS
    order = draw(st.permutations(range(len(shape))))
    choice = (1, 1, -1, 2, -2, 3, 4, 5, 7) if of_result else (1, 1, -1, 2, -2, 3, 4, 5, 7, 0)
    steps = [draw(st.sampled_from(choice)) for _ in shape]
    if reach(shape, Layout(tuple(order), tuple(steps), 0, swapped=False))[2] > 4 * LIMIT:
        steps = [1] * len(steps)
    if plain:
        return Layout(tuple(order), tuple(steps), 0, swapped=False)
    return Layout(tuple(order), tuple(steps), draw(st.sampled_from((0, 0, 0, 1, 3, 4))), draw(st.integers(0, 7)) == 0)
