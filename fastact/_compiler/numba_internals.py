"""What is asked of Numba that it does not document."""

from __future__ import annotations

from typing import Any

from numba.core import compiler
from numba.core.registry import CPUDispatcher
from numba.core.typing.templates import builtin_registry

from .._runtime.sources import is_ours


def is_compiled(value: Any) -> bool:
    """Whether a value is a function compiled by `njit`."""
    return type(value) is CPUDispatcher


def options_of(function: Any) -> dict[str, Any] | None:
    """How a function is compiled, or None where that is in a way of its own."""
    standard = function._compiler.pipeline_class is compiler.Compiler and function._can_compile
    return dict(function.targetoptions) if standard and not function.locals else None


def overloaded_by_others() -> set[int]:
    """The identities of what somebody else than Numba and this package tells Numba how to compile."""
    found = set()
    for value, numba_type in builtin_registry.globals:
        for template in getattr(numba_type, "templates", ()):
            maker = getattr(template, "_overload_func", None) or getattr(template, "_definition_func", template)
            home = maker.__module__ or "abc"  # a class that Numba makes without a class statement
            if home.partition(".")[0] not in ("numba", "abc") and not is_ours(home):
                found.add(id(value))
    return found
