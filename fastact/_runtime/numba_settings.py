"""Numba's settings, whether or not it has been imported.

Where it has, they are what `numba.config` holds. Where it has not, they are read from the environment as Numba would
read them. A mistake in that costs time and nothing else: code is taken from the store only if it was compiled under
the settings that it is asked for.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from . import quota

_CONFIG = "numba.core.config"
_FILE = ".numba_config.yaml"  # of a user; it is Numba who reads it
_SLOWED_BY_AVX = ("corei7-avx", "core-avx-i", "sandybridge", "ivybridge", "nocona")  # says Numba
_MISSING = object()
_HOST_NAME, _HOST_FEATURES = str(llvm.get_host_cpu_name()), llvm.get_host_cpu_features()


def is_imported() -> bool:
    """Whether somebody in this process has imported Numba, or is about to."""
    return sys.modules.get("numba") is not None


def compiler_lock() -> Any:
    """The lock of all that compile by Numba; None where nobody has imported it."""
    return getattr(sys.modules.get("numba.core.compiler_lock"), "global_compiler_lock", None)


def making_locks() -> list[Any]:
    """Numba's locks of what it makes once, of a processor and of types, when it is first asked for."""
    target = getattr(sys.modules.get("numba.core.registry"), "CPUTarget", object)
    return [made._lock for made in vars(target).values() if hasattr(made, "_lock")]


def is_there() -> bool:
    """Whether Numba is imported or can be."""
    return is_imported() or _found() is not None


def _are_known() -> bool:
    """Whether Numba need not be imported to know its settings."""
    return is_imported() or not os.path.exists(_FILE)


def _setting(name: str, default: str, variable: str | None = None) -> str:
    """A setting in words."""
    value = getattr(sys.modules.get(_CONFIG), name, _MISSING)
    if value is _MISSING:
        return os.environ.get(variable or f"NUMBA_{name}", default)
    return str(getattr(value, "_raw_value", value))  # of the level of optimisation, which may be "max"


def _number(name: str, default: int | None, variable: str | None = None) -> int | None:
    """A setting that is a number; what is none counts for nothing, as Numba has it."""
    text = _setting(name, "None", variable)
    try:
        return int({"None": "", "False": "0", "True": "1"}.get(text, text))
    except ValueError:
        return default


def of_code() -> tuple[Any, ...] | None:
    """What compiled code depends on beside its source; None where it can not be told without importing Numba."""
    number = version()
    if number is None or not _are_known():
        return None
    return (
        number,
        *processor(),
        _setting("OPT", "3"),
        _number("LOOP_VECTORIZE", 1),
        _number("SLP_VECTORIZE", 0),
        _number("DEBUGINFO_DEFAULT", 0, "NUMBA_DEBUGINFO"),
        _number("BOUNDSCHECK", None),
        _number("DISABLE_INTEL_SVML", 0),
    )


def processor() -> tuple[str, str]:
    """Name and features, by LLVM's names, of the processor that code is compiled for."""
    if _fixed_processor is not None:
        return _fixed_processor
    name = _setting("CPU_NAME", "None")
    features = _setting("CPU_FEATURES", "" if name.lower() == "generic" else "None")
    if features == "None":
        features = _host_features()
    return _HOST_NAME if name == "None" else name, features


def usable_features() -> frozenset[str]:
    """What compiled code may use, by LLVM's names: what this processor has and no setting takes away."""
    return _present(processor()[1]) if _are_known() else frozenset()


@functools.cache
def _present(features: str) -> frozenset[str]:
    return frozenset(feature for feature in named(features) if _HOST_FEATURES.get(feature))


def named(features: str) -> tuple[str, ...]:
    """Those that a setting asks for."""
    return tuple(feature[1:] for feature in features.split(",") if feature.startswith("+"))


def _host_features() -> str:
    features = copy.copy(_HOST_FEATURES)
    avx = _number("ENABLE_AVX", int(_HOST_NAME not in _SLOWED_BY_AVX))
    if avx == 0:
        features.update({feature: False for feature in features if feature.startswith("avx")})
    return str(features.flatten())


def fix_processor() -> None:
    """Say that Numba's compiler was made: from now on it compiles for one processor, whatever is set later."""
    global _fixed_processor
    _fixed_processor = processor()


_fixed_processor: tuple[str, str] | None = None


def version() -> str | None:
    """Of the Numba that is imported or would be; None where it can not be told."""
    known = getattr(sys.modules.get("numba"), "__version__", None)  # another thread may be importing it
    return _installed_version() if known is None else str(known)


@functools.cache
def _found() -> ModuleSpec | None:
    return importlib.util.find_spec("numba")


@functools.cache
def _installed_version() -> str | None:
    found = _found()
    if found is None or found.origin is None:
        return None
    try:
        text = Path(found.origin).with_name("_version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    number = re.search(r'"version": "([^"]*)"', text)
    return number[1] if number else None


def jit_is_disabled() -> bool:
    """Whether users want to follow their compiled functions in Python."""
    return _number("DISABLE_JIT", 0) != 0 if _users_choice is None else _users_choice


@contextlib.contextmanager
def jit_enabled() -> Iterator[None]:
    """Compile whatever users want; for the one thread that has Numba's lock."""
    global _users_choice
    config: Any = sys.modules[_CONFIG]
    before, choice_before = config.DISABLE_JIT, _users_choice
    _users_choice = jit_is_disabled()
    config.DISABLE_JIT = 0
    try:
        yield
    finally:
        config.DISABLE_JIT, _users_choice = before, choice_before


_users_choice: bool | None = None


def threads() -> int:
    """How many threads Numba's pool has, or will have."""
    return max(1, _number("NUMBA_NUM_THREADS", _processors(), "NUMBA_NUM_THREADS") or 1)


def threads_at_first() -> int:
    """How many of them a call may use before anybody says so: no more than a container has processors."""
    share = quota.processors()
    chosen = "NUMBA_NUM_THREADS" in os.environ or threads() != _processors()
    return threads() if share is None or chosen else min(threads(), share)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
