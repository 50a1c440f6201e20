"""Softmax and its logarithms.

With m the largest number they are e_i / S, x_i - m - ln S and m + ln S, where e_i = e^(x_i - m) and S is their sum.
What is computed of each number is e_i times a power of two and e^(m - n ln 2), n ln 2 being near m: that power goes
into the exponent (`exponential`), so no difference is rounded. Where n ln 2 would not be exact, x - m is, and is taken
first.

S is summed with the rest that it is rounded from, and those of the e_i. Its logarithm is that of 1 + z, where z leaves
out the largest number: where that stands far above the others ln S is near 0, and loses nothing.

Rows are taken by vectors along themselves, some rows at a time, so that what is done once for a row is done for all of
them at once; columns by vectors across, which gives the same bits. A sum is that of as many partial sums as a vector
has lanes, each of every so-manieth number, added up by halves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from . import vectors
from .compiled import INLINED, STRICT, compiled, not_inlined, widest_vectors
from .exponential import core, for_type, quotient, reduced, short_power, split, with_product
from .logarithms import log_of_1_plus
from .memory import LINE, at, stack
from .numbers import fma, sum_rest
from .simd import (
    count_equal,
    exchange_of_halves,
    larger,
    lines,
    load,
    load_first,
    load_lines,
    store,
    store_first,
    store_lines,
    vector_of,
    where_equal,
)
from .turns import vectors_in_turns

#: Of passes over the numbers: alone, they keep all that does not change in registers.
_APART = {**STRICT, "forceinline": False}


class _Limits(NamedTuple):
    """Where the largest number may be for n ln 2 to be exact; further away x - m is, unless e^(x - m) rounds to 0."""

    middle: Any
    reach: Any


_limits = for_type(_Limits(np.float32(0), np.float32(256)), _Limits(np.float64(350), np.float64(950)))


class _Scale(NamedTuple):
    """How numbers are taken into the exponential."""

    base: Any  #: subtracted from all
    low: Any  #: so small that 2^n has no place above 0 any more, and that a quotient rounds to 0; no less is taken
    shift: Any  #: rounds to an integer and leaves the bits of the power of two


@compiled(**INLINED)
def _scale(m):
    """The scale for the largest number m, and what is left of that: e^-r.

    Where it is infinite only the numbers that are too are not far below it.
    """
    k, limits = core(m), _limits(m)
    distance = larger(m - limits.middle, limits.middle - m)
    near = where_equal(larger(distance, limits.reach), limits.reach, m, k.zero)
    base = where_equal(near, m, k.zero, m)
    _, n, r = split(-near, k.shift)
    return _Scale(base, k.ln2_high * (n - k.steps_over_unit), k.shift_over_unit - n), r


@compiled(**INLINED)
def _keep(place, scale, other):
    """Write a scale, and a vector beside it, for functions that read them from memory."""
    store(scale.base, place)
    store(scale.low, place + LINE)
    store(scale.shift, place + 2 * LINE)
    store(other, place + 3 * LINE)


@compiled(**INLINED)
def _kept_of_row(place, kind, i):
    """What was kept for one row: a scale, and the number beside it."""
    scale = _Scale(at(place, kind)[i], at(place + LINE, kind)[i], at(place + 2 * LINE, kind)[i])
    return scale, at(place + 3 * LINE, kind)[i]


@compiled(**INLINED)
def _kept_of_columns(place, kind):
    scale = _Scale(load(place, kind), load(place + LINE, kind), load(place + 2 * LINE, kind))
    return scale, load(place + 3 * LINE, kind)


@compiled(**INLINED)
def _parts(x, scale):
    """The parts s and p of the decay e^(x - m) e^-r / unit = s + s p; s is 0 where it is too small. NaN passes."""
    s, r = reduced(-larger(scale.low, x - scale.base), scale.shift)
    return s, short_power(r)


@compiled(**INLINED)
def _plus(total, rest, s, p):
    """The decay s + s p, and a sum and its rest with it (T. J. Dekker, 1971).

    As s and the decay differ little, so do s and what the sum is more than before, without rounding. Where the decay is
    larger than the sum was, the rest is off by what they are rounded by then; the sum doubles there.
    """
    e = fma(s, p, s)
    return (e, *_sum_with(total, rest, e, s, p))


def _sum_with(total: Any, rest: Any, e: Any, s: Any, p: Any) -> Any:
    """The sum and its rest; one vector of them takes those of several in their order."""


@overload(_sum_with, jit_options=STRICT, strict=False)
def _sum_with_compiled(total: Any, rest: Any, e: Any, s: Any, p: Any) -> Any:
    if total == s:

        def one(total, rest, e, s, p):
            result = total + e
            return result, rest + fma(s, p, (total - result) + s)

        return one

    def each(total, rest, e, s, p):
        for line in zip(lines(e), lines(s), lines(p)):  # noqa: B905 - Numba has no strict zip
            total, rest = _sum_with(total, rest, *line)
        return total, rest

    return each


@compiled(**INLINED)
def _largest_decay(r):
    """The decay of the largest number, and what it is rounded from."""
    k = core(r)
    return with_product(k.one / k.unit, short_power(r))


@compiled(**INLINED)
def _inverse(total, rest):
    """1 / (total + rest), and what it is rounded from."""
    one = core(total).one
    c = one / total
    return c, c * fma(-total, c, fma(-rest, c, one))


@compiled(**INLINED)
def _log_of_sum(r, count, others, others_rest):
    """The logarithm of S, given how many of the numbers are the largest, and the sum of the decays of the others."""
    largest, largest_rest = _largest_decay(r)
    z = quotient(others, others_rest, largest, largest_rest)
    more = count - core(count).one
    total = more + z
    return log_of_1_plus(total, sum_rest(more, z, total))


@compiled(**INLINED)
def _plus_others(total, rest, a, m, scale):
    """A sum and its rest with the decays of those numbers that are not the largest."""
    s, p = _parts(a, scale)
    _, total, rest = _plus(total, rest, where_equal(a, m, core(m).zero, s), p)
    return total, rest


def _in_turns() -> int:
    """How many vectors of 64 bytes are taken in turns."""
    return max(1, vectors_in_turns() * vectors.processor().vector_bytes // LINE)


class _Number(NamedTuple):
    """A type of number, and what the kernels need to know of it."""

    type: Any
    size: int  #: bytes
    lanes: int
    zero: Any
    least: Any  #: -inf

    @classmethod
    def of(cls, kind: Any) -> _Number:
        real, size = np.dtype(str(kind)).type, kind.bitwidth // 8
        return cls(kind, size, LINE // size, real(0), real(-np.inf))


class Kernels(NamedTuple):
    """The two of a function. Each takes addresses and, in bytes, strides; results may stand where the numbers do."""

    rows: Callable[..., Any]  #: `rows(x, x_row, y, y_row, n, count)`: up to a vector of rows of n contiguous numbers
    columns: Callable[..., Any]  #: `columns(x, x_step, y, y_step, n)`: a vector of columns of n numbers


def _softmax(number: _Number) -> Kernels:
    kind, _, lanes, _, _ = number
    largest_of_rows, largest_of_columns = _largest(number)
    sums_of_rows, sums_of_columns = _sums(number)

    @compiled(**_APART)
    def divide_rows(y, y_row, n, count, factors, lasts):
        not_inlined()
        widest_vectors()
        full = n // lanes
        for i in range(count):
            c, c_rest = at(factors, kind)[i], at(factors + LINE, kind)[i]
            place = y
            for _ in range(full):
                e = load(place, kind)
                store(fma(e, c, e * c_rest), place)
                place += LINE
            if full * lanes < n:
                e = load(lasts, kind)
                store_first(fma(e, c, e * c_rest), place, n - full * lanes)
            y += y_row
            lasts += LINE

    @compiled(**INLINED)
    def rows(x, x_row, y, y_row, n, count):
        factors, lasts = stack(_TWO_VECTORS), stack(_SQUARE)
        m = largest_of_rows(x, x_row, n, count)
        c, c_rest = _inverse(*sums_of_rows(x, x_row, y, y_row, n, count, m, lasts))
        store(c, factors)
        store(c_rest, factors + LINE)
        divide_rows(y, y_row, n, count, factors, lasts)

    @compiled(**INLINED)
    def columns(x, x_step, y, y_step, n):
        m = largest_of_columns(x, x_step, n)
        c, c_rest = _inverse(*sums_of_columns(x, x_step, y, y_step, n, m))
        for _ in range(n):
            e = load(y, kind)
            store(fma(e, c, e * c_rest), y)
            y += y_step

    return Kernels(rows, columns)


_TWO_VECTORS = 2 * LINE
_KEPT = 4 * LINE
_SQUARE = 16 * LINE  # bytes of as many vectors as they have lanes, of the smallest numbers
_SUMS = 2 * _SQUARE  # partial sums, and their rests


def _folded(number: _Number, combine: Callable[..., Any], of_rows: bool = True, side: int = 1) -> Callable[..., Any]:
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
    """Sums, whose rests are `_SQUARE` bytes further."""

    @compiled(**INLINED)
    def step(place, other):
        a, b = arrange(load(place, kind), load(other, kind))
        a_rest, b_rest = arrange(load(place + _SQUARE, kind), load(other + _SQUARE, kind))
        total = a + b
        store(total, place)
        store((a_rest + b_rest) + sum_rest(a, b, total), place + _SQUARE)

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
        store(vector_of(zero), sums + i * LINE + _SQUARE)


def _largest(number: _Number) -> tuple[Callable[..., Any], Callable[..., Any]]:
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

    @compiled(**_APART)
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
        found = stack(_SQUARE)
        largest_lanes(x, x_row, n, count, found)
        for i in range(count, lanes):
            store(vector_of(zero), found + i * LINE)
        fold(found)
        return load(found, kind)

    return of_rows, of_columns


def _sums(number: _Number) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The sums of decays, with their rests, where m are the largest numbers: `of_rows(x, x_row, y, y_row, n, count, m,
    lasts)` and `of_columns(x, x_step, y, y_step, n, m)`. The decays are written to y.

    Each partial sum begins with the largest decay, so that none that is added is larger; it is taken off at the end.
    """
    kind, _, lanes, zero, least = number
    fold_rows, fold_columns = _folded(number, _added), _folded(number, _added, of_rows=False)
    several = _in_turns()

    @compiled(**_APART)
    def add_rows(x, x_row, y, y_row, n, count, kept, sums, lasts):
        """Write the partial sums of each row, a vector of them and one of their rests, and its last decays, those of no
        whole vector.
        """
        not_inlined()
        widest_vectors()
        full = n // lanes
        for i in range(count):
            scale, largest = _kept_of_row(kept, kind, i)
            total, rest = vector_of(largest), vector_of(zero)
            place, to = x, y
            for _ in range(full // several):
                e, total, rest = _plus(total, rest, *_parts(load_lines(place, LINE, kind, several), scale))
                store_lines(e, to, LINE)
                place += several * LINE
                to += several * LINE
            for _ in range(full % several):
                e, total, rest = _plus(total, rest, *_parts(load(place, kind), scale))
                store(e, to)
                place += LINE
                to += LINE
            if full * lanes < n:
                e, total, rest = _plus(total, rest, *_parts(load_first(place, n - full * lanes, least), scale))
                store(e, lasts)
            take_off(total, rest, largest, sums)
            x += x_row
            y += y_row
            sums += LINE
            lasts += LINE

    @compiled(**INLINED)
    def of_rows(x, x_row, y, y_row, n, count, m, lasts):
        kept, sums = stack(_KEPT), stack(_SUMS)
        scale, r = _scale(m)
        _keep(kept, scale, _largest_decay(r)[0])
        add_rows(x, x_row, y, y_row, n, count, kept, sums, lasts)
        _clear(sums, zero, count, lanes)
        fold_rows(sums)
        return load(sums, kind), load(sums + _SQUARE, kind)

    @compiled(**INLINED)
    def take_off(total, rest, largest, sums):
        left = total - largest
        store(left, sums)
        store(rest + sum_rest(total, -largest, left), sums + _SQUARE)

    def adder(count: int) -> Any:
        @compiled(**INLINED)
        def add(i, x, x_step, y, y_step, scale, sums):
            """Write the decays of so many numbers of each column, and add them to partial sums of their own."""
            place = sums + i % lanes * LINE
            total, rest = load_lines(place, LINE, kind, count), load_lines(place + _SQUARE, LINE, kind, count)
            a = load_lines(x + i * x_step, x_step, kind, count)
            e, total, rest = _plus(total, rest, *_parts(a, scale))
            store_lines(e, y + i * y_step, y_step)
            store_lines(total, place, LINE)
            store_lines(rest, place + _SQUARE, LINE)

        return add

    add_several, add_one = adder(several), adder(1)

    @compiled(**_APART)
    def add_columns(x, x_step, y, y_step, n, kept, sums):
        """Write the partial sums of all columns, vectors at `sums`, and their rests."""
        not_inlined()
        widest_vectors()
        scale, _ = _kept_of_columns(kept, kind)
        in_turns = n - n % several
        for i in range(0, in_turns, several):
            add_several(i, x, x_step, y, y_step, scale, sums)
        for i in range(in_turns, n):
            add_one(i, x, x_step, y, y_step, scale, sums)

    @compiled(**INLINED)
    def of_columns(x, x_step, y, y_step, n, m):
        kept, sums = stack(_KEPT), stack(_SUMS)
        scale, r = _scale(m)
        largest = _largest_decay(r)[0]
        _keep(kept, scale, largest)
        for place in range(sums, sums + lanes * LINE, LINE):
            store(largest, place)
            store(vector_of(zero), place + _SQUARE)
        add_columns(x, x_step, y, y_step, n, kept, sums)
        for place in range(sums, sums + lanes * LINE, LINE):
            take_off(load(place, kind), load(place + _SQUARE, kind), largest, place)
        fold_columns(sums)
        return load(sums, kind), load(sums + _SQUARE, kind)

    return of_rows, of_columns


def _logarithms(number: _Number) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The logarithms of S, where m are the largest numbers: `of_rows(x, x_row, n, count, m)` and
    `of_columns(x, x_step, n, m)`.

    Where m is infinite there is nothing that could be subtracted from it: 0, or NaN if a number is.
    """
    kind, size, lanes, zero, least = number
    one = type(zero)(1)
    fold_rows, fold_columns = _folded(number, _added), _folded(number, _added, of_rows=False)
    several = _in_turns()

    @compiled(**_APART)
    def add_rows(x, x_row, n, count, kept, counts, sums):
        """Write how many numbers of each row are the largest, and sums of the others' decays, with their rests."""
        not_inlined()
        widest_vectors()
        full = n // lanes
        for i in range(count):
            scale, m = _kept_of_row(kept, kind, i)
            total = rest = vector_of(zero)
            place, found = x, 0
            for _ in range(full // several):
                a = load_lines(place, LINE, kind, several)
                found += count_equal(a, m)
                total, rest = _plus_others(total, rest, a, m, scale)
                place += several * LINE
            for _ in range(full % several):
                a = load(place, kind)
                found += count_equal(a, m)
                total, rest = _plus_others(total, rest, a, m, scale)
                place += LINE
            if full * lanes < n:
                a = load_first(place, n - full * lanes, least)
                found += count_equal(a, m)
                total, rest = _plus_others(total, rest, a, m, scale)
            at(counts, kind)[i] = found
            store(total, sums + i * LINE)
            store(rest, sums + i * LINE + _SQUARE)
            x += x_row

    def adder(count: int) -> Any:
        @compiled(**INLINED)
        def add(i, x, x_step, scale, m, found, sums):
            """Add the decays of so many numbers of each column, and how many of them are the largest."""
            place = sums + i % lanes * LINE
            total, rest = load_lines(place, LINE, kind, count), load_lines(place + _SQUARE, LINE, kind, count)
            a = load_lines(x + i * x_step, x_step, kind, count)
            total, rest = _plus_others(total, rest, a, m, scale)
            store_lines(total, place, LINE)
            store_lines(rest, place + _SQUARE, LINE)
            for line in lines(where_equal(a, m, one, zero)):
                found = found + line
            return found

        return add

    add_several, add_one = adder(several), adder(1)

    @compiled(**_APART)
    def add_columns(x, x_step, n, kept, counts, sums):
        """Write the same of columns: vectors of them."""
        not_inlined()
        widest_vectors()
        scale, m = _kept_of_columns(kept, kind)
        found = vector_of(zero)
        in_turns = n - n % several
        for i in range(0, in_turns, several):
            found = add_several(i, x, x_step, scale, m, found, sums)
        for i in range(in_turns, n):
            found = add_one(i, x, x_step, scale, m, found, sums)
        store(found, counts)

    @compiled(**INLINED)
    def of_rows(x, x_row, n, count, m):
        kept, counts, sums = stack(_KEPT), stack(LINE), stack(_SUMS)
        scale, r = _scale(m)
        _keep(kept, scale, m)
        store(vector_of(one), counts)
        _clear(sums, zero, 0, lanes)
        add_rows(x, x_row, n, count, kept, counts, sums)
        fold_rows(sums)
        logarithm = _log_of_sum(r, load(counts, kind), load(sums, kind), load(sums + _SQUARE, kind))
        return corrected(logarithm, m, x, x_row, size, n, count)

    @compiled(**INLINED)
    def of_columns(x, x_step, n, m):
        kept, counts, sums = stack(_KEPT), stack(LINE), stack(_SUMS)
        scale, r = _scale(m)
        _keep(kept, scale, m)
        _clear(sums, zero, 0, lanes)
        add_columns(x, x_step, n, kept, counts, sums)
        fold_columns(sums)
        logarithm = _log_of_sum(r, load(counts, kind), load(sums, kind), load(sums + _SQUARE, kind))
        return corrected(logarithm, m, x, size, x_step, n, lanes)

    @compiled(**INLINED)
    def corrected(logarithm, m, x, x_row, x_step, n, count):
        place = stack(_TWO_VECTORS)
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


def _log_softmax(number: _Number) -> Kernels:
    kind, _, lanes, zero, _ = number
    largest_of_rows, largest_of_columns = _largest(number)
    logarithms_of_rows, logarithms_of_columns = _logarithms(number)

    @compiled(**_APART)
    def subtract_rows(x, x_row, y, y_row, n, count, terms):
        not_inlined()
        widest_vectors()
        full = n // lanes
        for i in range(count):
            m, logarithm = at(terms, kind)[i], at(terms + LINE, kind)[i]
            place, to = x, y
            for _ in range(full):
                store((load(place, kind) - m) - logarithm, to)
                place += LINE
                to += LINE
            if full * lanes < n:
                left = n - full * lanes
                store_first((load_first(place, left, zero) - m) - logarithm, to, left)
            x += x_row
            y += y_row

    @compiled(**INLINED)
    def rows(x, x_row, y, y_row, n, count):
        m = largest_of_rows(x, x_row, n, count)
        terms = stack(_TWO_VECTORS)
        store(m, terms)
        store(logarithms_of_rows(x, x_row, n, count, m), terms + LINE)
        subtract_rows(x, x_row, y, y_row, n, count, terms)

    @compiled(**INLINED)
    def columns(x, x_step, y, y_step, n):
        m = largest_of_columns(x, x_step, n)
        logarithm = logarithms_of_columns(x, x_step, n, m)
        for _ in range(n):
            store((load(x, kind) - m) - logarithm, y)
            x += x_step
            y += y_step

    return Kernels(rows, columns)


def _logsumexp(number: _Number) -> Kernels:
    kind = number.type
    largest_of_rows, largest_of_columns = _largest(number)
    logarithms_of_rows, logarithms_of_columns = _logarithms(number)

    @compiled(**INLINED)
    def rows(x, x_row, y, y_row, n, count):
        m = largest_of_rows(x, x_row, n, count)
        results = stack(_TWO_VECTORS)
        store(m + logarithms_of_rows(x, x_row, n, count, m), results)
        for i in range(count):
            at(y + i * y_row, kind)[0] = at(results, kind)[i]

    @compiled(**INLINED)
    def columns(x, x_step, y, y_step, n):
        m = largest_of_columns(x, x_step, n)
        store(m + logarithms_of_columns(x, x_step, n, m), y)

    return Kernels(rows, columns)


_KERNELS = {"softmax": _softmax, "log_softmax": _log_softmax, "logsumexp": _logsumexp}

_AT_ONCE = 64 * 1024  # bytes of rows, which stay in the caches from one pass over them to the next


def function(name: str, kind: Any) -> Callable[..., Any]:
    """`function(x, x_row, x_step, y, y_row, y_step, n, count)` of `count` rows of n numbers of a type.

    It takes addresses and, in bytes, strides from row to row and along a row. Numbers are contiguous along the rows or
    from row to row, in x and y alike; in the second case there is at least a vector of rows.
    """
    number = _Number.of(kind)
    size, lanes = number.size, number.lanes
    rows, columns = _KERNELS[name](number)

    def compute(x, x_row, x_step, y, y_row, y_step, n, count):
        widest_vectors()
        if x_step == size:
            at_once = max(1, min(lanes, _AT_ONCE // (max(1, n) * size)))
            for first in range(0, count, at_once):
                rows(x + first * x_row, x_row, y + first * y_row, y_row, n, min(at_once, count - first))
        else:
            for first in range(0, count, lanes):
                place = min(first, count - lanes) * size  # the last vector overlaps the one before
                columns(x + place, x_step, y + place, y_step, n)

    return compute


SIGNATURE = types.void(*[types.intp] * 8)
