"""Activations that pass x through a gate: x times a function that rises from 0 to 1.

The gate is 1 - g(|x|) above zero and g(|x|) below, where g falls from 1/2 to 0; so each is max(x, 0) - |x| g(|x|), in
which nothing cancels. The exponential in g is of a negative number and can only underflow: it is computed over a unit
that keeps it normal (`exponential`), and the last operation brings it back, rounded once. Beyond a limit |x| g(|x|)
rounds to 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .compiled import INLINED, compiled
from .exponential import core, for_type, magnitude, polynomial, positive, power, quotient, reduced, times_power
from .numbers import fma, like, product_rest


class _Mills(NamedTuple):
    """e^(u^2/2) Phi(-u) = b(u) / (root u b(u) + a(u)), the ratio of Mills but for a factor.

    With root = sqrt(2 pi), the limit of b over all is 1 / (root u); where u is large what is rounded in b cancels.
    """

    root: Any
    a: tuple[Any, ...]  #: coefficients but for a(0) = 2
    b: tuple[Any, ...]  #: coefficients but for b(0) = 1

    @classmethod
    def of(cls, real: Any, a: Any, b: Any) -> _Mills:
        return cls(real(2.5066282746310007), tuple(map(real, a)), tuple(map(real, b)))


# Rational functions of least relative error, 1.7e-9 up to 14.5 and 6.9e-18 up to 38.8, whose coefficients were rounded
# together.
MILLS32 = _Mills.of(
    np.float32,
    (1.2613283395767212, 0.4168253540992737, 0.07491285353899002, 0.006268867291510105),
    (
        1.086093783378601,
        0.56643146276474,
        0.17102162539958954,
        0.029898183420300484,
        0.002500672359019518,
    ),
)
MILLS64 = _Mills.of(
    np.float64,
    (
        2.476966440964847,
        1.5687091902440324,
        0.6449525030700899,
        0.18695327492140384,
        0.03932975461208752,
        0.005988557177686797,
        0.0006371910022000222,
        4.322584724778168e-05,
        1.4414559188931709e-06,
    ),
    (
        1.6939127969950576,
        1.4191928105392573,
        0.7613706045536263,
        0.2871790590317162,
        0.07925823994354816,
        0.01619525789089456,
        0.00242357785367822,
        0.0002553525476518959,
        1.7244618064412722e-05,
        5.750577114287145e-07,
    ),
)
_mills_constants = for_type(MILLS32, MILLS64)


class _Limits(NamedTuple):
    """Where |x| g(|x|) and its slope round to 0, though they are not yet too small to be computed over the unit.

    That of silu and mish is the limit of the core.
    """

    gelu: Any
    gelu_tanh: Any


limits = for_type(_Limits(np.float32(14.6), np.float32(11)), _Limits(np.float64(38.85), np.float64(21.6)))


class _Cubic(NamedTuple):
    """2 sqrt(2 / pi) (a + 0.044715 a^3) = a (c1 + c3 a^2), each coefficient in two parts."""

    c1: Any  #: so few bits that the sum with c3 a^2 is rounded from it without a rest that is lost
    c1_rest: Any
    c3: Any
    c3_rest: Any


_cubic_constants = for_type(
    _Cubic(
        np.float32(float.fromhex("0x1.98846p+0")),
        np.float32(float.fromhex("-0x1.985794p-21")),
        np.float32(float.fromhex("0x1.2444f2p-4")),
        np.float32(float.fromhex("0x1.49b16ap-29")),
    ),
    _Cubic(
        np.float64(float.fromhex("0x1.9884533d4364p+0")),
        np.float64(float.fromhex("0x1.08d0fcb3c500cp-48")),
        np.float64(float.fromhex("0x1.2444f2a4d8b4bp-4")),
        np.float64(float.fromhex("-0x1.6c843a29d1c7p-61")),
    ),
)


@compiled(**INLINED)
def _logistic_gate(a, s, r):
    """Return a g / unit for the gate g = w / (1 + w) of w = unit s e^-r.

    1 + w is large + small; the residual of the quotient takes both, and the numerator, as they were before they were
    rounded.
    """
    k = core(a)
    p = power(r)
    t = s * k.unit
    large = k.one + t
    small = fma(t, p, t - (large - k.one))
    c = k.one / (large + small)
    n = a * s
    y = fma(n, p, n) * c
    residual = fma(-y, small, fma(n, p, fma(-y, large, n)))
    return fma(residual, c, y)


@compiled(**INLINED)
def silu(x):
    """Return x / (1 + e^-x); the gate is logistic, g = w / (1 + w) with w = e^-|x|."""
    k = core(x)
    a = magnitude(x, k.limit)
    s, r = reduced(a, k.shift_over_unit)
    return fma(-_logistic_gate(a, s, r), k.unit, positive(x))


@compiled(**INLINED)
def cubic(a):
    """2 sqrt(2 / pi) (a + 0.044715 a^3), the cubic term twice more, and the rest of each."""
    c = _cubic_constants(a)
    square = a * a
    square_rest = product_rest(a, a, square)
    term = c.c3 * square
    term_rest = fma(c.c3, square_rest, fma(c.c3_rest, square, product_rest(c.c3, square, term)))
    factor = c.c1 + term
    factor_rest = (c.c1 - factor) + term + (c.c1_rest + term_rest)
    z = a * factor
    z_rest = fma(a, factor_rest, product_rest(a, factor, z))
    twice = a + a
    more = twice * term
    return z, z_rest, more, fma(twice, term_rest, product_rest(twice, term, more))


@compiled(**INLINED)
def gelu_tanh(x):
    """Return x (1 + tanh(u)) / 2 = x / (1 + e^-2u); silu's gate, at the cubic 2u(|x|), which is computed in two parts.

    An error of z in e^-z is one of e^-z relative to itself, and z goes up to 110 (float32) or 750.
    """
    k = core(x)
    a = magnitude(x, limits(x).gelu_tanh)
    z, z_rest, _, _ = cubic(a)
    s, r = reduced(z, k.shift_over_unit)
    return fma(-_logistic_gate(a, s, r + z_rest), k.unit, positive(x))


@compiled(**INLINED)
def mills(u):
    """The quotient of `_Mills`: numerator, denominator, and what each is rounded from."""
    k, m = core(u), _mills_constants(u)
    b_sum = polynomial(m.b, u)
    b = fma(u, b_sum, k.one)
    b_rest = fma(u, b_sum, k.one - b)
    a_sum = polynomial(m.a, u)
    a = fma(u, a_sum, k.two)
    a_rest = fma(u, a_sum, k.two - a)
    slope = m.root * u
    slope_rest = product_rest(m.root, u, slope)
    d = fma(slope, b, a)
    d_rest = fma(slope, b, a - d) + fma(slope, b_rest, fma(slope_rest, b, a_rest))
    return b, b_rest, d, d_rest


@compiled(**INLINED)
def _product(n, r, b, b_rest):
    """Return n e^-r (b + b_rest), and what it is rounded from; n is a number times a power of two."""
    f, f_rest = times_power(n, r)
    y = f * b
    return y, fma(f, b, -y) + fma(f_rest, b, f * b_rest)


@compiled(**INLINED)
def normal_decay(a):
    """The reduction of e^(-a^2/2) over the unit, with the square in two parts."""
    k = core(a)
    half = k.half * a
    z = half * a
    s, r = reduced(z, k.shift_over_unit)
    return s, r + product_rest(half, a, z)


@compiled(**INLINED)
def gelu(x):
    """Return x Phi(x); the gate is Phi(-|x|), e^(-x^2/2) times the quotient of `_Mills`."""
    a = magnitude(x, limits(x).gelu)
    s, r = normal_decay(a)
    b, b_rest, d, d_rest = mills(a)
    n, n_rest = _product(a * s, r, b, b_rest)
    return fma(-quotient(n, n_rest, d, d_rest), core(x).unit, positive(x))


@compiled(**INLINED)
def mish_divisor(w, below):
    """Return w (w + 2) + 2 below zero, w (2 w + 2) + 1 above, with its rest, and the factor in parentheses."""
    k = core(w)
    last = k.two if below else k.one
    factor = w + k.two if below else fma(k.two, w, k.two)
    d = fma(w, factor, last)
    return d, fma(w, factor, last - d), factor


@compiled(**INLINED)
def mish(x):
    """Return x tanh(ln(1 + e^x)).

    With w = e^-|x| the gate g is w (w + 2) / (w (w + 2) + 2) below zero, and w 2w / (w (2w + 2) + 1) above.
    """
    k = core(x)
    zero = like(x, 0)
    a = magnitude(x, k.limit)
    s, r = reduced(a, k.shift_over_unit)
    w = times_power(s, r)[0] * k.unit
    below = x < zero
    d, d_rest, factor = mish_divisor(w, below)
    b = factor if below else w + w
    b_rest = w - (b - k.two) if below else zero
    n, n_rest = _product(a * s, r, b, b_rest)
    return fma(-quotient(n, n_rest, d, d_rest), k.unit, positive(x))
