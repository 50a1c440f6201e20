"""The largest of the numbers of a row or a column, and the sums of their decays.

Rows are taken by vectors along themselves, some rows at a time, so that what is done once for a row is done for all of
them at once; columns by vectors across, which gives the same bits. A sum is that of as many partial sums as a vector
has lanes, each of every so-manieth number, added up by halves; of few numbers it is that of one after the other, by
columns.

The rest of a partial sum grows by up to half a place of that with each number, and every time it is rounded itself. So
it is settled after each `_ADDED` numbers: of k numbers that leaves at most 2^-25 k `_ADDED` places of a sum of float32,
0.03 for a row of a million.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import vectors
from .compiled import INLINED, STRICT, compiled, not_inlined, widest_vectors
from .decays import (
    keep,
    kept_of_columns,
    kept_of_row,
    largest_decay,
    log_of_sum,
    parts,
    plus,
    plus_others,
    scale_of,
    settled,
)
from .memory import LINE, at, stack
from .numbers import sum_rest
from .simd import (
    count_equal,
    exchange_of_halves,
    larger,
    lines,
    load,
    load_first,
    load_lines,
    store,
    store_lines,
    vector_of,
    where_equal,
)
from .turns import vectors_in_turns

#: Of passes over the numbers: alone, they keep all that does not change in registers.
APART = {**STRICT, "forceinline": False}


def _in_turns() -> int:
    """How many vectors of 64 bytes are taken in turns."""
    return max(1, vectors_in_turns() * vectors.processor().vector_bytes // LINE)


class Number(NamedTuple):
    """A type of number, and what the kernels need to know of it."""

    type: Any
    size: int  #: bytes
    lanes: int
    zero: Any
    least: Any  #: -inf

    @classmethod
    def of(cls, kind: Any) -> Number:
        real, size = np.dtype(str(kind)).type, kind.bitwidth // 8
        return cls(kind, size, LINE // size, real(0), real(-np.inf))


SHORT = 64  #: Fewer numbers are added one after the other.

_ADDED = 16  # numbers of a partial sum, until its rest is settled; vectors are taken in turns of a divisor of that

TWO_VECTORS = 2 * LINE
_KEPT = 4 * LINE
SQUARE = 16 * LINE  # bytes of as many vectors as they have lanes, of the smallest numbers
_SUMS = 2 * SQUARE  # partial sums, and their rests


def _folded(number: Number, combine: Callable[..., Any], of_rows: bool = True, side: int = 1) -> Callable[..., Any]:
    """`fold(place)`: of as many vectors as they have lanes one is made, by halves; it stands where the first was.

    Of rows, the lanes of each vector are combined to a number, which comes into the lane of the vector's place: half of
    the lanes of one vector and half of those of another, twice. Of columns, lane by lane, the vectors are. The first
    2 `side` vectors become the first `side`, after those were made of more. `combine(kind, arrange)` gives a function
    of two places, to the first of which the result goes; `arrange(a, b)` says what is combined with what.
    """
    step = combine(number.type, exchange_of_halves(side) if of_rows else _as_they_are)
    before = _folded(number, combine, of_rows, 2 * side) if 2 * side < number.lanes else None

    @compiled(**INLINED)
    def fold(place):
        if before is not None:
            before(place)
        for _ in range(side):
            step(place, place + side * LINE)
            place += LINE

    made: Callable[..., Any] = fold
    return made


@compiled(**INLINED)
def _as_they_are(a, b):
    return a, b


def _added(kind: Any, arrange: Any) -> Any:
    """Sums, whose rests are `SQUARE` bytes further."""

    @compiled(**INLINED)
    def step(place, other):
        a, b = arrange(load(place, kind), load(other, kind))
        a_rest, b_rest = arrange(load(place + SQUARE, kind), load(other + SQUARE, kind))
        total = a + b
        store(total, place)
        store((a_rest + b_rest) + sum_rest(a, b, total), place + SQUARE)

    return step


def _compared(kind: Any, arrange: Any) -> Any:
    """The larger ones."""

    @compiled(**INLINED)
    def step(place, other):
        a, b = arrange(load(place, kind), load(other, kind))
        store(larger(a, b), place)

    return step


@compiled(**INLINED)
def _clear(sums, zero, first, end):
    """Set partial sums and their rests to 0."""
    for i in range(first, end):
        store(vector_of(zero), sums + i * LINE)
        store(vector_of(zero), sums + i * LINE + SQUARE)


@compiled(**INLINED)
def _settle(sums, kind, lanes):
    """Settle the rests of all partial sums."""
    for place in range(sums, sums + lanes * LINE, LINE):
        total, rest = settled(load(place, kind), load(place + SQUARE, kind))
        store(total, place)
        store(rest, place + SQUARE)


@compiled(**INLINED)
def _less(total, rest, number):
    """A sum and its rest without a number."""
    left = total - number
    return left, rest + sum_rest(total, -number, left)


@functools.cache
def largest_of(number: Number) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The largest number of each of a vector of rows or columns: `of_rows(x, x_row, n, count)` and
    `of_columns(x, x_step, n)`. -inf where there are none; NaN is passed over.
    """
    kind, _, lanes, zero, least = number
    fold = _folded(number, _compared)

    @compiled(**INLINED)
    def of_columns(x, step, n):
        a = b = c = d = vector_of(least)
        for _ in range(n // 4):
            a = larger(load(x, kind), a)
            b = larger(load(x + step, kind), b)
            c = larger(load(x + 2 * step, kind), c)
            d = larger(load(x + 3 * step, kind), d)
            x += 4 * step
        for _ in range(n % 4):
            a = larger(load(x, kind), a)
            x += step
        return larger(larger(a, b), larger(c, d))

    @compiled(**APART)
    def largest_lanes(x, x_row, n, count, place):
        not_inlined()
        widest_vectors()
        full = n // lanes
        for _ in range(count):
            found = of_columns(x, LINE, full)
            if full * lanes < n:
                found = larger(load_first(x + full * LINE, n - full * lanes, least), found)
            store(found, place)
            x += x_row
            place += LINE

    @compiled(**INLINED)
    def of_rows(x, x_row, n, count):
        found = stack(SQUARE)
        largest_lanes(x, x_row, n, count, found)
        for i in range(count, lanes):
            store(vector_of(zero), found + i * LINE)
        fold(found)
        return load(found, kind)

    return of_rows, of_columns


@functools.cache
def sums_of(number: Number) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The sums of decays, with their rests, where m are the largest numbers: `of_rows(x, x_row, y, y_row, n, count, m,
    lasts)` and `of_columns(x, x_step, y, y_step, n, m)`. The decays are written to y.

    Each partial sum begins with the largest decay, so that none that is added is larger; it is taken off at the end.
    """
    kind, _, lanes, zero, least = number
    fold_rows, fold_columns = _folded(number, _added), _folded(number, _added, of_rows=False)
    several = _in_turns()

    @compiled(**APART)
    def add_rows(x, x_row, y, y_row, n, count, kept, sums, lasts):
        """Write the partial sums of each row, a vector of them and one of their rests, and its last decays, those of no
        whole vector.
        """
        not_inlined()
        widest_vectors()
        full = n // lanes
        for i in range(count):
            scale, largest = kept_of_row(kept, kind, i)
            total, rest = vector_of(largest), vector_of(zero)
            place, to = x, y
            for left in range(full, 0, -_ADDED):
                for _ in range(min(left, _ADDED) // several):
                    e, total, rest = plus(total, rest, *parts(load_lines(place, LINE, kind, several), scale))
                    store_lines(e, to, LINE)
                    place += several * LINE
                    to += several * LINE
                if left >= _ADDED:
                    total, rest = settled(total, rest)
            for _ in range(full % several):
                e, total, rest = plus(total, rest, *parts(load(place, kind), scale))
                store(e, to)
                place += LINE
                to += LINE
            if full * lanes < n:
                e, total, rest = plus(total, rest, *parts(load_first(place, n - full * lanes, least), scale))
                store(e, lasts)
            total, rest = _less(total, rest, largest)
            store(total, sums)
            store(rest, sums + SQUARE)
            x += x_row
            y += y_row
            sums += LINE
            lasts += LINE

    @compiled(**INLINED)
    def of_rows(x, x_row, y, y_row, n, count, m, lasts):
        kept, sums = stack(_KEPT), stack(_SUMS)
        scale, r = scale_of(m)
        keep(kept, scale, largest_decay(r)[0])
        add_rows(x, x_row, y, y_row, n, count, kept, sums, lasts)
        _clear(sums, zero, count, lanes)
        fold_rows(sums)
        return load(sums, kind), load(sums + SQUARE, kind)

    def adder(count: int) -> Any:
        @compiled(**INLINED)
        def add(i, x, x_step, y, y_step, scale, sums):
            """Write the decays of so many numbers of each column, and add them to partial sums of their own."""
            place = sums + i % lanes * LINE
            total, rest = load_lines(place, LINE, kind, count), load_lines(place + SQUARE, LINE, kind, count)
            a = load_lines(x + i * x_step, x_step, kind, count)
            e, total, rest = plus(total, rest, *parts(a, scale))
            store_lines(e, y + i * y_step, y_step)
            store_lines(total, place, LINE)
            store_lines(rest, place + SQUARE, LINE)

        return add

    add_several, add_one = adder(several), adder(1)

    @compiled(**APART)
    def add_columns(x, x_step, y, y_step, n, kept, sums):
        """Write the partial sums of all columns, vectors at `sums`, and their rests."""
        not_inlined()
        widest_vectors()
        scale, _ = kept_of_columns(kept, kind)
        for first in range(0, n, _ADDED * lanes):
            end = min(first + _ADDED * lanes, n)
            in_turns = end - end % several
            for i in range(first, in_turns, several):
                add_several(i, x, x_step, y, y_step, scale, sums)
            for i in range(in_turns, end):
                add_one(i, x, x_step, y, y_step, scale, sums)
            if end - first == _ADDED * lanes:
                _settle(sums, kind, lanes)

    @compiled(**INLINED)
    def of_columns(x, x_step, y, y_step, n, m):
        scale, r = scale_of(m)
        largest = largest_decay(r)[0]
        if n < SHORT:
            total, rest = largest, vector_of(zero)
            for _ in range(n):
                e, total, rest = plus(total, rest, *parts(load(x, kind), scale))
                store(e, y)
                x += x_step
                y += y_step
            return _less(total, rest, largest)
        kept, sums = stack(_KEPT), stack(_SUMS)
        keep(kept, scale, largest)
        for place in range(sums, sums + lanes * LINE, LINE):
            store(largest, place)
            store(vector_of(zero), place + SQUARE)
        add_columns(x, x_step, y, y_step, n, kept, sums)
        for place in range(sums, sums + lanes * LINE, LINE):
            total, rest = _less(load(place, kind), load(place + SQUARE, kind), largest)
            store(total, place)
            store(rest, place + SQUARE)
        fold_columns(sums)
        return load(sums, kind), load(sums + SQUARE, kind)

    return of_rows, of_columns


@functools.cache
def logarithms_of(number: Number) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The logarithms of S, where m are the largest numbers: `of_rows(x, x_row, n, count, m)` and
    `of_columns(x, x_step, n, m)`.

    Where m is infinite there is nothing that could be subtracted from it: 0, or NaN if a number is.
    """
    kind, size, lanes, zero, least = number
    one = type(zero)(1)
    fold_rows, fold_columns = _folded(number, _added), _folded(number, _added, of_rows=False)
    several = _in_turns()

    @compiled(**APART)
    def add_rows(x, x_row, n, count, kept, counts, sums):
        """Write how many numbers of each row are the largest, and sums of the others' decays, with their rests."""
        not_inlined()
        widest_vectors()
        full = n // lanes
        for i in range(count):
            scale, m = kept_of_row(kept, kind, i)
            total = rest = vector_of(zero)
            place, found = x, 0
            for left in range(full, 0, -_ADDED):
                for _ in range(min(left, _ADDED) // several):
                    a = load_lines(place, LINE, kind, several)
                    found += count_equal(a, m)
                    total, rest = plus_others(total, rest, a, m, scale)
                    place += several * LINE
                if left >= _ADDED:
                    total, rest = settled(total, rest)
            for _ in range(full % several):
                a = load(place, kind)
                found += count_equal(a, m)
                total, rest = plus_others(total, rest, a, m, scale)
                place += LINE
            if full * lanes < n:
                a = load_first(place, n - full * lanes, least)
                found += count_equal(a, m)
                total, rest = plus_others(total, rest, a, m, scale)
            at(counts, kind)[i] = found
            store(total, sums + i * LINE)
            store(rest, sums + i * LINE + SQUARE)
            x += x_row

    def adder(count: int) -> Any:
        @compiled(**INLINED)
        def add(i, x, x_step, scale, m, found, sums):
            """Add the decays of so many numbers of each column, and how many of them are the largest."""
            place = sums + i % lanes * LINE
            total, rest = load_lines(place, LINE, kind, count), load_lines(place + SQUARE, LINE, kind, count)
            a = load_lines(x + i * x_step, x_step, kind, count)
            total, rest = plus_others(total, rest, a, m, scale)
            store_lines(total, place, LINE)
            store_lines(rest, place + SQUARE, LINE)
            for line in lines(where_equal(a, m, one, zero)):
                found = found + line
            return found

        return add

    add_several, add_one = adder(several), adder(1)

    @compiled(**APART)
    def add_columns(x, x_step, n, kept, counts, sums):
        """Write the same of columns: vectors of them."""
        not_inlined()
        widest_vectors()
        scale, m = kept_of_columns(kept, kind)
        count = count_rest = vector_of(zero)  # as exact as an integer: alone float32 counts to 2^24
        for first in range(0, n, _ADDED * lanes):
            end = min(first + _ADDED * lanes, n)
            in_turns = end - end % several
            found = vector_of(zero)
            for i in range(first, in_turns, several):
                found = add_several(i, x, x_step, scale, m, found, sums)
            for i in range(in_turns, end):
                found = add_one(i, x, x_step, scale, m, found, sums)
            count, count_rest = settled(count, count_rest + found)
            if end - first == _ADDED * lanes:
                _settle(sums, kind, lanes)
        store(count, counts)

    @compiled(**INLINED)
    def of_rows(x, x_row, n, count, m):
        kept, counts, sums = stack(_KEPT), stack(LINE), stack(_SUMS)
        scale, r = scale_of(m)
        keep(kept, scale, m)
        store(vector_of(one), counts)
        _clear(sums, zero, 0, lanes)
        add_rows(x, x_row, n, count, kept, counts, sums)
        fold_rows(sums)
        logarithm = log_of_sum(r, load(counts, kind), load(sums, kind), load(sums + SQUARE, kind))
        return corrected(logarithm, m, x, x_row, size, n, count)

    @compiled(**INLINED)
    def of_columns(x, x_step, n, m):
        scale, r = scale_of(m)
        if n < SHORT:
            total = rest = found = vector_of(zero)
            for i in range(n):
                a = load(x + i * x_step, kind)
                total, rest = plus_others(total, rest, a, m, scale)
                found = found + where_equal(a, m, one, zero)
            return corrected(log_of_sum(r, found, total, rest), m, x, size, x_step, n, lanes)
        kept, counts, sums = stack(_KEPT), stack(LINE), stack(_SUMS)
        keep(kept, scale, m)
        _clear(sums, zero, 0, lanes)
        add_columns(x, x_step, n, kept, counts, sums)
        fold_columns(sums)
        logarithm = log_of_sum(r, load(counts, kind), load(sums, kind), load(sums + SQUARE, kind))
        return corrected(logarithm, m, x, size, x_step, n, lanes)

    @compiled(**INLINED)
    def corrected(logarithm, m, x, x_row, x_step, n, count):
        place = stack(TWO_VECTORS)
        store(m - m, place)
        store(logarithm, place + LINE)
        for i in range(count):
            if at(place, kind)[i] != zero:
                at(place + LINE, kind)[i] = nan_or_zero(x + i * x_row, x_step, n)
        return load(place + LINE, kind)

    @compiled(**INLINED)
    def nan_or_zero(x, step, n):
        for i in range(n):
            a = at(x + i * step, kind)[0]
            if a != a:
                return a
        return zero

    return of_rows, of_columns
