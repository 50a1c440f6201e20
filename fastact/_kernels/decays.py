"""The decays e^(x - m) of numbers from the largest, m, and what functions along an axis make of their sum S.

What is computed of each number is its decay times a power of two and e^(m - n ln 2), n ln 2 being near m: that power
goes into the exponent (`exponential`), so no difference is rounded. Where n ln 2 would not be exact, x - m is, and is
taken first.

S is summed with the rest that it is rounded from, and those of the decays. A rest grows with the numbers, and with it
what itself is rounded by, so it is settled in time. The logarithm of S is that of 1 + z, where z leaves out the largest
number: where that stands far above the others ln S is near 0, and loses nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from .compiled import INLINED, STRICT, compiled
from .exponential import core, for_type, quotient, reduced, short_power, split, with_product
from .logarithms import log_of_1_plus
from .memory import LINE, at
from .numbers import fma, sum_rest
from .simd import larger, lines, load, store, where_equal


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
def scale_of(m):
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
def keep(place, scale, other):
    """Write a scale, and a vector beside it, for functions that read them from memory."""
    store(scale.base, place)
    store(scale.low, place + LINE)
    store(scale.shift, place + 2 * LINE)
    store(other, place + 3 * LINE)


@compiled(**INLINED)
def kept_of_row(place, kind, i):
    """What was kept for one row: a scale, and the number beside it."""
    scale = _Scale(at(place, kind)[i], at(place + LINE, kind)[i], at(place + 2 * LINE, kind)[i])
    return scale, at(place + 3 * LINE, kind)[i]


@compiled(**INLINED)
def kept_of_columns(place, kind):
    scale = _Scale(load(place, kind), load(place + LINE, kind), load(place + 2 * LINE, kind))
    return scale, load(place + 3 * LINE, kind)


@compiled(**INLINED)
def parts(x, scale):
    """The parts s and p of the decay e^(x - m) e^-r / unit = s + s p; s is 0 where it is too small. NaN passes."""
    s, r = reduced(-larger(scale.low, x - scale.base), scale.shift)
    return s, short_power(r)


@compiled(**INLINED)
def plus(total, rest, s, p):
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
def settled(total, rest):
    """The same sum with a rest that is no larger than what it is rounded by."""
    result = total + rest
    return result, sum_rest(total, rest, result)


@compiled(**INLINED)
def largest_decay(r):
    """The decay of the largest number, and what it is rounded from."""
    k = core(r)
    return with_product(k.one / k.unit, short_power(r))


@compiled(**INLINED)
def inverse(total, rest):
    """1 / (total + rest), and what it is rounded from."""
    one = core(total).one
    c = one / total
    return c, c * fma(-total, c, fma(-rest, c, one))


@compiled(**INLINED)
def log_of_sum(r, count, others, others_rest):
    """The logarithm of S, given how many of the numbers are the largest, and the sum of the decays of the others."""
    largest, largest_rest = largest_decay(r)
    z = quotient(others, others_rest, largest, largest_rest)
    more = count - core(count).one
    total = more + z
    return log_of_1_plus(total, sum_rest(more, z, total))


@compiled(**INLINED)
def plus_others(total, rest, a, m, scale):
    """A sum and its rest with the decays of those numbers that are not the largest."""
    s, p = parts(a, scale)
    _, total, rest = plus(total, rest, where_equal(a, m, core(m).zero, s), p)
    return total, rest
