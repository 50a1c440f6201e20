"""Numba's settings, whether or not it has been imported.

Where it has, they are what `numba.config` holds. Where it has not, they are read from the environment as Numba would
read them. A mistake in that costs time and nothing else: code is taken from the store only if it was compiled under
the settings that it is asked for.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

_CONFIG = "numba.core.config"
_FILE = ".numba_config.yaml"  # of a user; it is Numba who reads it
_SLOWED_BY_AVX = ("corei7-avx", "core-avx-i", "sandybridge", "ivybridge", "nocona")  # says Numba
_MISSING = object()


def is_imported() -> bool:
    """Whether somebody in this process has imported Numba."""
    return sys.modules.get("numba") is not None


def _setting(name: str, default: str, variable: str | None = None) -> str:
    """A setting in words."""
    value = getattr(sys.modules.get(_CONFIG), name, _MISSING)
    if value is _MISSING:
        return os.environ.get(variable or f"NUMBA_{name}", default)
    value = getattr(value, "_raw_value", value)  # of the level of optimisation, which may be "max"
    return str(int(value)) if isinstance(value, bool) else str(value)


def of_code() -> tuple[str, ...] | None:
    """What compiled code depends on beside its source; None where it can not be told without importing Numba."""
    if not is_imported() and os.path.exists(_FILE):
        return None
    return (
        _setting("OPT", "3"),
        _setting("LOOP_VECTORIZE", "1"),
        _setting("SLP_VECTORIZE", "0"),
        _setting("DEBUGINFO_DEFAULT", "0", "NUMBA_DEBUGINFO"),
        _setting("BOUNDSCHECK", "None"),
        _setting("DISABLE_INTEL_SVML", "0"),
        *processor(),
        version(),
    )


def processor() -> tuple[str, str]:
    """Name and features, by LLVM's names, of the processor that code is compiled for."""
    name = _setting("CPU_NAME", "None")
    features = _setting("CPU_FEATURES", "" if name.lower() == "generic" else "None")
    host_name, host_features = _host(_setting("ENABLE_AVX", "None"))
    return host_name if name == "None" else name, host_features if features == "None" else features


@functools.cache
def _host(avx: str) -> tuple[str, str]:
    name = str(llvm.get_host_cpu_name())
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:
        return name, ""
    if avx == "0" or (avx == "None" and name in _SLOWED_BY_AVX):
        features.update({feature: False for feature in features if feature.startswith("avx")})
    return name, str(features.flatten())


@functools.cache
def version() -> str:
    """Of the Numba that is imported or would be."""
    if is_imported():
        return str(sys.modules["numba"].__version__)
    found = importlib.util.find_spec("numba")
    if found is None or found.origin is None:
        return "none"
    text = Path(found.origin).with_name("_version.py").read_text(encoding="utf-8")
    number = re.search(r'"version": "([^"]*)"', text)
    return number[1] if number else text


def jit_is_disabled() -> bool:
    """Whether users want to follow their compiled functions in Python."""
    return (_setting("DISABLE_JIT", "0") if _users_choice is None else _users_choice) != "0"


@contextlib.contextmanager
def jit_enabled() -> Iterator[None]:
    """Compile whatever users want; for the one thread that has Numba's lock."""
    global _users_choice
    config: Any = sys.modules[_CONFIG]
    before, choice_before = config.DISABLE_JIT, _users_choice
    if _users_choice is None:
        _users_choice = str(before)
    config.DISABLE_JIT = 0
    try:
        yield
    finally:
        config.DISABLE_JIT, _users_choice = before, choice_before


_users_choice: str | None = None


def threads() -> int:
    """How many threads Numba's pool has, or will have."""
    default = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        return max(1, int(_setting("NUMBA_NUM_THREADS", str(default), "NUMBA_NUM_THREADS")))
    except ValueError:
        return default
