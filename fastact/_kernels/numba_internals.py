"""All that is used of Numba beside its documented interface; `requirements` says of which versions it is known."""

from __future__ import annotations

from typing import Any

from . import requirements  # isort: skip - before what another version may lack
import numba
from numba import _helperlib, cloudpickle
from numba.core import cgutils, compiler, entrypoints, errors
from numba.core import ir as numba_ir
from numba.core.caching import NullCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.imputils import lower_builtin
from numba.core.ir_utils import get_definition, guard
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.rewrites import Rewrite, register_rewrite
from numba.core.runtime import _nrt_python
from numba.core.targetconfig import ConfigStack
from numba.core.typing.templates import AbstractTemplate, Signature, builtin_registry, infer_global
from numba.core.typing.typeof import Purpose
from numba.np import numpy_support

from .._runtime import linker
from .._runtime.sources import is_ours

__all__ = [
    "AbstractTemplate",
    "CPUDispatcher",
    "Purpose",
    "Rewrite",
    "Signature",
    "cgutils",
    "cloudpickle",
    "cpu_target",
    "errors",
    "get_definition",
    "global_compiler_lock",
    "guard",
    "infer_global",
    "lower_builtin",
    "numba_ir",
    "numpy_support",
    "register_rewrite",
]


def triple(context: Any) -> str:
    """LLVM's name of what a compiler compiles for."""
    return str(context.codegen()._llvm_module.triple)


def features(context: Any) -> list[str]:
    """Of the processor that a compiler compiles for: LLVM's names, each after a plus or a minus."""
    return str(context.codegen()._get_host_cpu_features()).split(",")


def untried_version() -> bytes:
    """The version of a Numba that is newer than those tried, else nothing."""
    return numba.__version__.encode() if requirements.is_untried(numba.__version__) else b""


def call_extensions() -> None:
    """Let others tell Numba how to compile what is theirs, as it does before it first compiles anything."""
    entrypoints.init_all()


def make_runtime_known() -> None:
    """Make the functions of Numba's runtime known to LLVM, as Numba does when it first compiles anything."""
    for name, address in _nrt_python.c_helpers.items():
        linker.make_known(name if name.startswith("_") else f"NRT_{name}", address)
    for name, address in _helperlib.c_helpers.items():  # type: ignore[attr-defined]
        linker.make_known(f"numba_{name}", address)


def is_parallel() -> bool:
    """Whether what is compiled now has `parallel=True`, so that Numba shares out whole expressions of arrays."""
    flags = ConfigStack().top_or_none()
    return flags is not None and bool(flags.auto_parallel.enabled)


def is_compiled(value: Any) -> bool:
    """Whether a value is a function compiled by `njit`."""
    return type(value) is CPUDispatcher


def options_of(function: Any) -> dict[str, Any] | None:
    """How a function is compiled, or None where that is in a way of its own."""
    standard = function._compiler.pipeline_class is compiler.Compiler and function._can_compile
    return dict(function.targetoptions) if standard and not function.locals else None


def keeps_code(function: Any) -> bool:
    """Whether a function compiled by `njit` keeps its code in files, as `cache=True` says."""
    return not isinstance(function._cache, NullCache)


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
