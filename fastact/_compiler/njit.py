"""Our functions inside `@njit`: importing this makes them known to Numba."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import overload

from .._kernels.compiled import STRICT
from .._kernels.numba_internals import AbstractTemplate, Signature, errors, infer_global, lower_builtin
from .._runtime import registry
from .._runtime.derivative import derivative
from .._runtime.registry import Row, other_word
from . import neuron_overload, overloads, softmax_overload  # noqa: F401 - what they overload, they do by the import


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


@infer_global(derivative)
class _Derivative(AbstractTemplate):  # type: ignore[misc]
    """The call of `derivative`, which gives a function, as no overload can."""

    key = derivative

    def generic(self, args: Any, kws: Any) -> Any:
        (given,) = args
        if not isinstance(given, types.Function):
            raise errors.TypingError(f"derivative: expected an activation, got {given}")
        try:
            found = derivative(overloads.function_of(given.typing_key))
        except TypeError as error:
            raise errors.TypingError(str(error)) from None
        self.context.refresh()  # it may have been made just now
        return Signature(self.context.resolve_value_type(found), args, None)


@lower_builtin(derivative, types.Function)
def _nothing(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return context.get_dummy_value()


registry.when_added.append(_overload_default)
registry.when_derived.append(_overload_default)
for _row in [*registry.rows.values(), *registry.derived]:
    _overload_default(_row)

are_known = True
