"""How the functions of this package are compiled, and for which processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic

from .numba_internals import CPUDispatcher, features, triple

#: Options of every compiled function of this package. No fast-math flag at all: each would break range
#: reduction or NaN, and contraction chosen by the compiler would make results depend on how a loop is
#: unrolled; `fma` below says explicitly where two operations are one. Options that are not given would be
#: inherited from the caller.
STRICT: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "boundscheck": False, "debug": False}

#: Of our functions of numbers: they are a part of whatever loop calls them, however long they are, because a loop with
#: a call in it is not SIMD.
INLINED: dict[str, Any] = {**STRICT, "forceinline": True}


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit`, whatever NUMBA_DISABLE_JIT says of the user's own functions."""

    def decorate(function: Callable[..., Any]) -> Any:
        # No lock may be taken here, while modules are imported, and nothing is called from Python.
        inner = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        return CPUDispatcher(function, targetoptions=inner | options)

    return decorate


def is_given(argument: Any) -> bool:
    """Whether an optional argument of an overload, seen as its type, stands in the call and is not None."""
    return not (argument is None or isinstance(argument, (types.Omitted, types.NoneType)))


def is_real(kind: Any) -> bool:
    """Whether a type, or the default of an argument in its place, is that of a real number."""
    if isinstance(kind, types.Omitted):
        kind = kind.value
    return isinstance(kind, (types.Integer, types.Float, types.Boolean, float))


def has_feature(context: Any, *names: str) -> bool:
    """Whether the processor that code is compiled for has one of these features, by LLVM's names."""
    known = features(context)
    return any(f"+{name}" in known for name in names)


def is_x86(context: Any) -> bool:
    """Whether code is compiled for x86-64."""
    return triple(context).startswith("x86")


def is_arm(context: Any) -> bool:
    """Whether code is compiled for 64-bit Arm."""
    return triple(context).startswith(("aarch64", "arm64"))


@intrinsic
def widest_vectors(typingctx: Any) -> Any:
    """Let the calling function use 512-bit vectors where the processor has them.

    LLVM keeps to 256 bits by default on several processors, for code that mixes little vector work with much
    scalar work; the loops here are all vector work.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if has_feature(context, "avx512f"):
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # a name llvmlite does not list
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def not_inlined(typingctx: Any) -> Any:
    """Keep the calling function one of its own."""
    return _attribute("noinline")


@intrinsic
def always_inlined(typingctx: Any) -> Any:
    """Make the calling function a part of its callers, however long they are."""
    return _attribute("alwaysinline")


def _attribute(name: str) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add(name)
        return context.get_dummy_value()

    return types.void(), codegen
