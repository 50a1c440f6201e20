"""Our functions inside `@njit`: importing this makes them known to Numba."""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from .._kernels.compiled import STRICT
from .._kernels.numba_internals import errors
from .._runtime import registry, ufunc
from .._runtime.registry import Row, other_word
from . import neuron_overload, overloads  # noqa: F401 - `neuron` is overloaded by the import


def _overload_default(row: Row) -> None:
    """A function that fills in a default."""
    if not row.defaults:
        return
    whole, (default,) = row.activation.ufunc, row.defaults

    @overload(row.face, jit_options=STRICT, strict=False)
    def compiled(x: Any, alpha: Any = default, out: Any = None, negative_slope: Any = None) -> Any:
        if negative_slope is not None:
            raise errors.TypingError(other_word(row.name))
        return lambda x, alpha=default, out=None: whole(x, alpha, out)

    overloads.can_be_passed(row.face, lambda: row.activation.version(row.defaults))


ufunc.when_made.append(overloads.register)
for _activation in list(ufunc.activations.values()):
    overloads.register(_activation)
registry.when_added.append(_overload_default)
for _row in list(registry.rows.values()):
    _overload_default(_row)
