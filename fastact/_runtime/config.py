"""What the package finds on this machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator

import llvmlite
import numpy as np

from . import numba_settings, store, threads


def found() -> dict[str, str]:
    """What is found, by names."""
    from .. import __version__

    name, features = numba_settings.processor()
    vectors = max((width for width, feature in _VECTOR_BITS if f"+{feature}" in features.split(",")), default=128)
    fused = "+fma" in features.split(",") or platform.machine().lower() in ("aarch64", "arm64")
    folder = store.folder() or "none"
    return {
        "fastact": __version__,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "numba": numba_settings.version() or "not installed",
        "llvmlite": llvmlite.__version__,
        "processor": f"{name}, vectors of {vectors} bits, fused multiply-add {'yes' if fused else 'no'}",
        "threads": f"{threads.get_num_threads()} of {numba_settings.threads()}",
        "threading layer": threads.layer() or "not started",
        "compiled ahead": store.level_name() or "nothing for this processor",
        "code store": f"{folder} ({state})" if (state := store.state()) else str(folder),
    }


def lines() -> Iterator[str]:
    """The same as a table."""
    for key, value in found().items():
        yield f"{key:16} {value}"


def show_config() -> None:
    """
    Print versions, processor, threads, and where compiled code is kept.

    Examples
    --------
    >>> import fastact
    >>> fastact.show_config()  # doctest: +ELLIPSIS
    fastact ...
    """
    print(*lines(), sep="\n")


_VECTOR_BITS = ((512, "avx512f"), (256, "avx2"))
