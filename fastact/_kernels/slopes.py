"""The derivatives of the activations with respect to x.

Those of gates are 1 - h(|x|) above zero and h(|x|) below, where h falls from 1/2, crosses zero, and comes back to it
from below; everywhere but at the crossing they are right to the last places.
"""

from __future__ import annotations

import numpy as np

from .compiled import INLINED, compiled
from .exponential import core, for_type, magnitude, power_of_two, quotient, reduced, split, times_power
from .gates import cubic, limits, mills, mish_divisor, normal_decay
from .numbers import fma, like, product_rest
from .sigmoids import sigmoid


@compiled(**INLINED)
def _square_of_1_plus(w):
    """Return (1 + w)^2 = w (w + 2) + 1, and what it is rounded from."""
    k = core(w)
    factor = w + k.two
    d = fma(w, factor, k.one)
    return d, fma(w, factor, k.one - d) + w * (w - (factor - k.two))


@compiled(**INLINED)
def _bell(a):
    """Return w / (1 + w)^2 / unit for w = e^-a."""
    k = core(a)
    s, r = reduced(a, k.shift_over_unit)
    n, n_rest = times_power(s, r)
    d, d_rest = _square_of_1_plus(n * k.unit)
    return quotient(n, n_rest, d, d_rest)


@compiled(**INLINED)
def sigmoid_derivative(x):
    """Return e^-|x| / (1 + e^-|x|)^2."""
    return _bell(magnitude(x, core(x).limit)) * core(x).unit


@compiled(**INLINED)
def tanh_derivative(x):
    """Return 1 - tanh(x)^2 = 4 e^-2|x| / (1 + e^-2|x|)^2."""
    return _bell(magnitude(x + x, core(x).limit)) * (like(x, 4) * core(x).unit)


@compiled(**INLINED)
def relu_derivative(x):
    """Return 1 where x > 0, else 0; NaN passes."""
    zero = like(x, 0)
    return like(x, 1) if x > zero else (zero if x <= zero else x)


@compiled(**INLINED)
def prelu_derivative(x, alpha):
    """Return 1 where x > 0, else alpha; NaN passes."""
    zero = like(x, 0)
    return like(x, 1) if x > zero else (alpha if x <= zero else x)


@compiled(**INLINED)
def elu_derivative(x, alpha):
    """Return 1 where x > 0, else alpha e^x; e^x may be far below what alpha brings back.

    So e^x = 2^n e^-r is multiplied by 2^h, 2^h and 2^(n - 2 h) with h = round(n / 3), which are normal numbers.
    """
    k = core(x)
    _, n, r = split(magnitude(x, k.limit + k.limit), k.shift)
    shifted = fma(n, like(x, 1 / 3), k.shift)
    h = shifted - k.shift
    scale = power_of_two(shifted)
    y = alpha * times_power(scale, r)[0] * scale * power_of_two(n - (h + h) + k.shift)
    return k.one if x > like(x, 0) else y


@compiled(**INLINED)
def hard_sigmoid_derivative(x):
    """Return 1 / 6 between -3 and 3, else 0; NaN passes."""
    zero, three = like(x, 0), like(x, 3)
    return like(x, 1 / 6) if abs(x) < three else (zero if abs(x) >= three else x)


@compiled(**INLINED)
def hard_silu_derivative(x):
    """Return (2 x + 3) / 6 between -3 and 3, else 0 or 1; NaN passes."""
    three = like(x, 3)
    y = fma(like(x, 2), x, three) * like(x, 1 / 6)
    y = like(x, 0) if x <= -three else y
    return like(x, 1) if x >= three else y


@compiled(**INLINED)
def _gate_derivative(x, h):
    """Return 1 - h unit above zero, and h unit below."""
    k = core(x)
    below = x < like(x, 0)
    return fma(h if below else -h, k.unit, like(x, -0.0) if below else k.one)


@compiled(**INLINED)
def _logistic_slope(s, r, m, m_rest):
    """W (1 + w - m - m_rest) / (1 + w)^2 / unit for w = unit s e^-r."""
    k = core(m)
    n, n_rest = times_power(s, r)
    w, w_rest = n * k.unit, n_rest * k.unit
    v = k.one - m
    u = v + w
    u_rest = ((v - u) + w) + (((k.one - v) - m) + (w_rest - m_rest))
    y = n * u
    y_rest = product_rest(n, u, y) + fma(n_rest, u, n * u_rest)
    d, d_rest = _square_of_1_plus(w)
    return quotient(y, y_rest, d, d_rest)


@compiled(**INLINED)
def silu_derivative(x):
    """With w = e^-|x|, h is w (1 + w - |x|) / (1 + w)^2."""
    a = magnitude(x, core(x).limit)
    s, r = reduced(a, core(x).shift_over_unit)
    return _gate_derivative(x, _logistic_slope(s, r, a, like(x, 0)))


@compiled(**INLINED)
def gelu_tanh_derivative(x):
    """As `silu_derivative`, at the cubic z(|x|) and with |x| z' for |x|, which is z and twice its cubic term."""
    a = magnitude(x, limits(x).gelu_tanh)
    z, z_rest, more, more_rest = cubic(a)
    s, r = reduced(z, core(x).shift_over_unit)
    m = z + more
    return _gate_derivative(x, _logistic_slope(s, r + z_rest, m, ((z - m) + more) + (z_rest + more_rest)))


#: 1 / sqrt(2 pi) in two parts.
_density = for_type(
    (np.float32(float.fromhex("0x1.988454p-2")), np.float32(float.fromhex("-0x1.857936p-27"))),
    (np.float64(float.fromhex("0x1.9884533d43651p-2")), np.float64(float.fromhex("-0x1.cbc0d30ebfd15p-56"))),
)


@compiled(**INLINED)
def gelu_derivative(x):
    """Phi(x) + x phi(x); h is e^(-x^2/2) times the difference of the quotient of `Mills` and |x| / sqrt(2 pi)."""
    density, density_rest = _density(x)
    a = magnitude(x, limits(x).gelu)
    s, r = normal_decay(a)
    f, f_rest = times_power(s, r)
    ratio = quotient(*mills(a))
    line = a * density
    y = ratio - line
    y_rest = ((ratio - y) - line) - fma(a, density_rest, product_rest(a, density, line))
    return _gate_derivative(x, fma(f, y, fma(f, y_rest, f_rest * y)))


@compiled(**INLINED)
def softplus_derivative(x):
    """Return sigmoid(x)."""
    return sigmoid(x)


@compiled(**INLINED)
def log_sigmoid_derivative(x):
    """Return sigmoid(-x)."""
    return sigmoid(-x)


@compiled(**INLINED)
def logit_derivative(x):
    """Return 1 / (x (1 - x)) between 0 and 1."""
    k = core(x)
    b = k.one - x
    b_rest = (k.one - b) - x
    d = x * b
    d_rest = fma(x, b_rest, product_rest(x, b, d))
    # Of what is below the normal numbers nothing was lost, and the quotient may be inf.
    y = k.one / d if x < k.tiny else quotient(k.one, like(x, 0), d, d_rest)
    edge = like(x, np.inf) if (x == like(x, 0)) | (x == k.one) else like(x, np.nan)
    return y if (x > like(x, 0)) & (x < k.one) else edge


@compiled(**INLINED)
def mish_derivative(x):
    """With w = e^-a, a = |x|, and d = w (w + 2) + 2 below zero, w (2 w + 2) + 1 above, h is w t / d^2.

    There t is (w + 2) d - 4 a (w + 1) = w (w (w + 4) + 6 - 4 a) + 4 (1 - a) below, and
    2w (d - 2 a (w + 1)) = 2w (2w (w + 1 - a) + 1 - 2 a) above.
    """
    k = core(x)
    below = x < like(x, 0)
    a = magnitude(x, k.limit)
    s, r = reduced(a, k.shift_over_unit)
    n, n_rest = times_power(s, r)
    w = n * k.unit
    d, d_rest, _ = mish_divisor(w, below)
    d_square = d * d
    d_square_rest = fma(k.two * d, d_rest, product_rest(d, d, d_square))
    four, twice = like(x, 4), w + w
    t_below = fma(w, fma(w, w + four, fma(-four, a, like(x, 6))), four * (k.one - a))
    t_above = fma(twice, w + (k.one - a), fma(-k.two, a, k.one)) * twice
    t = t_below if below else t_above
    y = n * t
    y_rest = fma(n_rest, t, product_rest(n, t, y))
    return _gate_derivative(x, quotient(y, y_rest, d_square, d_square_rest))
