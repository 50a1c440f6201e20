"""The mathematics of the activations: one scalar function each, free of branches, exact about its rounding.

They compile to functions of their own with their own flags, so that neither a caller's `fastmath=True` nor the
shape of a caller's loop changes a bit of a result; LLVM inlines them and turns loops over them into SIMD.
Every function takes float32 or float64 and stays in that type. Without fused multiply-add rests and residuals are
rounded too; the docstrings of the public functions say what that costs.
"""

from __future__ import annotations

from typing import Any

from . import gates, logarithms, rectifiers, sigmoids, slopes

_FAMILIES = (sigmoids, rectifiers, gates, logarithms, slopes)


def kernel(name: str) -> Any:
    """The function of this name, of whichever family."""
    return next(vars(family)[name] for family in _FAMILIES if name in vars(family))
