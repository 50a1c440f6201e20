"""Calls along axes, drawn at random: to the bit what each row gives alone, which `test_softmax` holds to bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from fastact._runtime.softmax import REDUCTIONS, faces

from .large_calls import threads_for_nothing
from .memory import (
    Wanted,
    assert_rows,
    assert_untouched,
    laid_out,
    layouts,
    overlapping,
    real_numbers,
    shapes,
    some_places,
)
from .reference import Array

TYPES = "eeffffddddbBhiq?"


@st.composite
def any_axes(draw: Any, ndim: int) -> Any:
    """One axis, several or all, counted from either end."""
    if draw(st.integers(0, 7)) == 0:
        return None
    if ndim > 0 and draw(st.integers(0, 2)) > 0:
        return draw(st.integers(-ndim, ndim - 1))
    chosen = draw(st.permutations(range(ndim)))[: draw(st.integers(0, ndim))]
    return tuple(axis - draw(st.sampled_from((0, ndim))) for axis in chosen)


def as_rows(x: Array, axes: tuple[int, ...]) -> Array:
    """An array whose last axis is all that lies along some axes."""
    behind = range(x.ndim - len(axes), x.ndim)
    moved = np.moveaxis(x, axes, behind)
    return moved.reshape(*moved.shape[: behind.start], math.prod(moved.shape[behind.start :]))


def check_call(data: Any) -> None:
    """Along any axes of an array in any memory, into a given result, which may lie in the same memory, or not."""
    name = data.draw(st.sampled_from(sorted(faces)))
    function, dtype = faces[name], np.dtype(data.draw(st.sampled_from(TYPES)))
    shape = data.draw(shapes())
    axis = data.draw(any_axes(len(shape)))
    keywords: dict[str, Any] = {"axis": axis}
    shape_of_result = shape
    if name in REDUCTIONS:
        keywords["keepdims"] = data.draw(st.booleans())
        shape_of_result = np.any(np.zeros(shape, bool), **keywords).shape
    computed = np.tanh(np.ones(1, dtype)).dtype
    other = data.draw(st.sampled_from("efd")) if data.draw(st.integers(0, 3)) == 0 else computed
    of_result = Wanted(shape_of_result, np.dtype(other), data.draw(layouts(shape_of_result, of_result=True)))
    in_one = data.draw(st.booleans())
    of_input = Wanted(shape, dtype, data.draw(layouts(shape, of_result=in_one)))
    if in_one:
        x, out, memory = data.draw(overlapping(of_input, of_result))
    else:
        (x, _), (out, memory) = laid_out(*of_input), laid_out(*of_result)
    x[...] = data.draw(real_numbers(shape, dtype))
    x.flags.writeable = data.draw(st.booleans())
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    rows = as_rows(x.astype(dtype), axes)
    before = memory.copy()
    if rows.shape[-1] == 0 and name not in REDUCTIONS:
        with pytest.raises(ValueError, match="no numbers along axis"):
            function(x, out=out, **keywords)
        np.testing.assert_array_equal(memory, before)
        return
    alone = {place: function(rows[place]) for place in some_places(rows.shape[:-1])}
    large = threads_for_nothing(data.draw(st.booleans()))
    types = [computed]
    if in_one or data.draw(st.booleans()):
        with np.errstate(all="raise" if other == computed else "ignore"), large:  # NumPy's cast may overflow
            assert function(x, out=out, **keywords) is out
        assert_untouched(memory, before, out)
        types.append(np.dtype(other))
    else:
        with np.errstate(all="raise"), large:
            out = np.asarray(function(x, **keywords))
        assert (out.shape, out.dtype) == (shape_of_result, computed)
    found = out.reshape(rows.shape[:-1]) if name in REDUCTIONS else as_rows(out, axes)
    assert_rows(found, alone, *types)


CHECKS = {"along an axis": check_call}
