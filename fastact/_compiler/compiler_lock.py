"""Numba's lock, which everybody holds who compiles; before it is taken nobody may have ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .._kernels.numba_internals import global_compiler_lock as lock
from .._runtime import numba_settings

__all__ = ["always_compiling", "lock"]

numba_settings.fix_processor()


@contextlib.contextmanager
def always_compiling() -> Iterator[None]:
    """Compile in spite of NUMBA_DISABLE_JIT: it is there for users to follow their own functions in Python."""
    with lock, numba_settings.jit_enabled():
        yield
