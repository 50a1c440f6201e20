"""How far results are from what is right, in units in the last place."""

from __future__ import annotations

import decimal
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .._runtime.registry import Row
from . import decimals

Array = npt.NDArray[Any]


def exact(row: Row, *operands: Any) -> decimal.Decimal:
    """An activation of one number, and what comes after it, in as many digits as are set."""
    result: decimal.Decimal = row.definition(decimals, *[decimal.Decimal(float(operand)) for operand in operands])
    return result


def within(row: Row, x: Array) -> Array:
    """Numbers folded into a domain that begins at 0, if it is bounded."""
    return x if math.isinf(row.domain[1]) else np.abs(x) % row.domain[1]


def samples(row: Row, dtype: np.dtype[Any], count: int) -> Array:
    """Of both signs and every magnitude: from the least normal number up, and dense where the functions bend."""
    info = np.finfo(dtype)
    reach = -math.log(float(info.smallest_subnormal))
    generator = np.random.default_rng(1)
    magnitudes = np.exp(generator.uniform(math.log(float(info.tiny)), math.log(reach), count // 3))
    spread = generator.uniform(-reach, reach, count // 3)
    bend = generator.normal(scale=3, size=count - 2 * (count // 3))
    signs = generator.choice([-1.0, 1.0], magnitudes.size)
    x = within(row, np.concatenate([magnitudes * signs, spread, bend])).astype(dtype)
    return x[(x > row.domain[0]) & (x < row.domain[1])]


def largest(values: Array, right: list[decimal.Decimal]) -> float:
    """In units of the last place of the right number rounded to the type."""
    places = np.spacing(np.abs(np.array([float(number) for number in right]).astype(values.dtype)))
    return max(
        float(abs(decimal.Decimal(float(value)) - number) / decimal.Decimal(float(place)))
        for value, number, place in zip(values, right, places, strict=True)
    )
