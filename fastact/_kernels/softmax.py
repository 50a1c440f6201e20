"""Softmax and its logarithms.

With m the largest number they are e_i / S, x_i - m - ln S and m + ln S, where e_i = e^(x_i - m) and S is their sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import types

from .._runtime.softmax import REDUCTIONS
from .compiled import INLINED, compiled, not_inlined, widest_vectors
from .decay_sums import APART, SHORT, SQUARE, TWO_VECTORS, Number, largest_of, logarithms_of, sums_of
from .decays import inverse
from .memory import LINE, at, stack
from .numbers import fma
from .simd import fetch, load, load_first, store, store_first, transpose_from, transpose_to


class Kernels(NamedTuple):
    """The two of a function. Each takes addresses and, in bytes, strides; results may stand where the numbers do."""

    rows: Callable[..., Any]  #: `rows(x, x_row, y, y_row, n, count)`: up to a vector of rows of n contiguous numbers
    columns: Callable[..., Any]  #: `columns(x, x_step, y, y_step, n)`: a vector of columns of n numbers


def _softmax(number: Number) -> Kernels:
    kind, _, lanes, _, _ = number
    largest_of_rows, largest_of_columns = largest_of(number)
    sums_of_rows, sums_of_columns = sums_of(number)

    @compiled(**APART)
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
        factors, lasts = stack(TWO_VECTORS), stack(SQUARE)
        m = largest_of_rows(x, x_row, n, count)
        c, c_rest = inverse(*sums_of_rows(x, x_row, y, y_row, n, count, m, lasts))
        store(c, factors)
        store(c_rest, factors + LINE)
        divide_rows(y, y_row, n, count, factors, lasts)

    @compiled(**INLINED)
    def columns(x, x_step, y, y_step, n):
        m = largest_of_columns(x, x_step, n)
        c, c_rest = inverse(*sums_of_columns(x, x_step, y, y_step, n, m))
        for _ in range(n):
            e = load(y, kind)
            store(fma(e, c, e * c_rest), y)
            y += y_step

    return Kernels(rows, columns)


def _log_softmax(number: Number) -> Kernels:
    kind, _, lanes, zero, _ = number
    largest_of_rows, largest_of_columns = largest_of(number)
    logarithms_of_rows, logarithms_of_columns = logarithms_of(number)

    @compiled(**APART)
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
        terms = stack(TWO_VECTORS)
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


def _logsumexp(number: Number) -> Kernels:
    kind = number.type
    largest_of_rows, largest_of_columns = largest_of(number)
    logarithms_of_rows, logarithms_of_columns = logarithms_of(number)

    @compiled(**INLINED)
    def rows(x, x_row, y, y_row, n, count):
        m = largest_of_rows(x, x_row, n, count)
        results = stack(TWO_VECTORS)
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

_SQUARES = SHORT * LINE


def _short_rows(number: Number, columns: Callable[..., Any], reduces: bool) -> Callable[..., Any]:
    """`rows` of few numbers each and any count, as columns of a copy: what is done once for a row takes longer than its
    numbers do.
    """
    kind, size, lanes = number.type, number.size, number.lanes

    @compiled(**APART)
    def short_rows(x, x_row, y, y_row, n, count):
        not_inlined()
        widest_vectors()
        squares = stack(_SQUARES)
        for first in range(0, count, lanes):
            last, x_first, y_first = count - first - 1, x + first * x_row, y + first * y_row
            for done in range(0, n, lanes):
                transpose_from(x_first + done * size, x_row, last, n - done, squares + done * LINE, kind)
                fetch_next(x_first, x_row, n, done, 0)
            columns(squares, LINE, squares, LINE, n)
            if reduces:
                for i in range(min(last + 1, lanes)):
                    at(y_first + i * y_row, kind)[0] = at(squares, kind)[i]
            else:
                for done in range(0, n, lanes):
                    transpose_to(squares + done * LINE, y_first + done * size, y_row, last, n - done, kind)
                    fetch_next(y_first, y_row, n, done, 1)

    @compiled(**INLINED)
    def fetch_next(rows, row, n, done, written):
        """Begin to fetch the rows after a vector of them, if they follow each other, a square's worth at a time: read
        all at once, they are not foreseen by processors.
        """
        if row == n * size:
            next_rows = rows + lanes * row
            for line in range(next_rows + done * LINE, next_rows + min(done + lanes, n) * LINE, LINE):
                fetch(line, written)

    made: Callable[..., Any] = short_rows
    return made


def function(name: str, kind: Any) -> Callable[..., Any]:
    """`function(x, x_row, x_step, y, y_row, y_step, n, count)` of `count` rows of n numbers of a type.

    It takes addresses and, in bytes, strides from row to row and along a row. Numbers are contiguous along the rows or
    from row to row, in x and y alike; in the second case there is at least a vector of rows, and in place there are
    whole vectors: the last one may overlap the one before, whose results it must not find where its numbers were.
    """
    number = Number.of(kind)
    size, lanes = number.size, number.lanes
    rows, columns = _KERNELS[name](number)
    short_rows = _short_rows(number, columns, name in REDUCTIONS)

    def compute(x, x_row, x_step, y, y_row, y_step, n, count):
        widest_vectors()
        if x_step != size:
            for first in range(0, count, lanes):
                place = min(first, count - lanes) * size
                columns(x + place, x_step, y + place, y_step, n)
        elif 0 < n < SHORT:
            short_rows(x, x_row, y, y_row, n, count)
        else:
            at_once = max(1, min(lanes, _AT_ONCE // (max(1, n) * size)))
            for first in range(0, count, at_once):
                rows(x + first * x_row, x_row, y + first * y_row, y_row, n, min(at_once, count - first))

    return compute


SIGNATURE = types.void(*[types.intp] * 8)
