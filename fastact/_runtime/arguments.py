"""What `neuron` and the functions along an axis do not leave to NumPy of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np


def refuse_masked(function: str, name: str, value: Any, fill: str) -> None:
    """TypeError for a masked array, alone or in a list, whose mask would be lost."""
    if isinstance(value, np.ma.MaskedArray) or (
        isinstance(value, (list, tuple)) and any(isinstance(item, np.ma.MaskedArray) for item in value)
    ):
        raise TypeError(f"{function}: {name} must not be a masked array; fill it first, as with {name}.filled({fill})")


def only_out(function: str, out: Any) -> Any:
    """The one entry of a tuple for `out`, as ufuncs have it, or what is no tuple."""
    if not isinstance(out, tuple):
        return out
    if len(out) != 1:
        raise ValueError(f"{function}: a tuple for out must have one entry, got {len(out)}")
    return out[0]
