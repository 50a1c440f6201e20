"""Rectifiers, and the identity."""

from __future__ import annotations

import numpy as np

from .compiled import INLINED, compiled
from .exponential import core, for_type, magnitude, power, reduced
from .numbers import copysign, fma, like


@compiled(**INLINED)
def relu(x):
    """Return x where x > 0, else 0; NaN passes because it compares false."""
    zero = like(x, 0)
    return zero if x <= zero else x


@compiled(**INLINED)
def prelu(x, alpha):
    """Return x where x > 0, else alpha x."""
    return x if x > like(x, 0) else alpha * x


#: e^-x is less than half the last place of 1 from here up.
_limit = for_type(np.float32(20), np.float64(40))


@compiled(**INLINED)
def elu(x, alpha):
    """Return x where x > 0, else alpha (e^x - 1).

    e^x - 1 = (s - 1) + s (e^-r - 1); near 0, where s = 1, nothing cancels.
    """
    k = core(x)
    s, r = reduced(magnitude(x, _limit(x)), k.shift)
    e = fma(s, power(r), s - k.one)
    return x if x > like(x, 0) else alpha * copysign(e, x)


#: 1 / 6 in two parts.
_sixth = for_type(
    (np.float32(1 / 6), np.float32(1 / 6 - float(np.float32(1 / 6)))),
    (np.float64(1 / 6), np.float64(float.fromhex("0x1.5555555555555p-57"))),
)


@compiled(**INLINED)
def hard_sigmoid(x):
    """Return (x + 3) / 6 between 0 and 1, with the sum and the factor each in two parts."""
    three = like(x, 3)
    x = -three if x < -three else x  # written so that NaN passes
    x = three if x > three else x
    t = x + three
    t_rest = x - (t - three)
    sixth, sixth_rest = _sixth(x)
    return fma(t, sixth, fma(t_rest, sixth, t * sixth_rest))


@compiled(**INLINED)
def hard_silu(x):
    """Return x times hard_sigmoid(x); below -3, where that is 0, of -3, so that -inf gives 0 too."""
    low = like(x, -3)
    return (low if x < low else x) * hard_sigmoid(x)


@compiled(**INLINED)
def linear(x):
    """Return x."""
    return x
