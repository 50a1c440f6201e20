"""The levels of processors that code is compiled for ahead, when the package is built.

Those of x86-64 are the levels of its binary interface ("System V Application Binary Interface, AMD64 Architecture
Processor Supplement", 3.1.1), each of which has what the one below has. This module stands alone, so that a build can
read it before there is anything else.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection
from typing import NamedTuple


class Level(NamedTuple):
    """What code may use."""

    name: str  #: LLVM's name of such a processor
    features: tuple[str, ...]  #: all that such a processor has, by LLVM's names

    def settings(self) -> dict[str, str]:
        """The variables by which Numba compiles for it."""
        return {"NUMBA_CPU_NAME": self.name, "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in self.features)}


_V2 = ("cmov", "cx8", "cx16", "fxsr", "mmx", "popcnt", "sahf", "sse", "sse2", "sse3", "sse4.1", "sse4.2", "ssse3")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_X86_64 = (Level("x86-64-v4", _V4), Level("x86-64-v3", _V3), Level("x86-64-v2", _V2))
_AARCH64 = (Level("generic", ("fp-armv8", "neon")),)

#: Of this kind of machine, the best first; none where nothing is compiled ahead.
LEVELS: tuple[Level, ...] = (
    {"x86_64": _X86_64, "aarch64": _AARCH64}.get(platform.machine(), ()) if sys.platform == "linux" else ()
)


def best(features: Collection[str]) -> Level | None:
    """The best level all of whose features a processor has; its name tells nothing."""
    return next((level for level in LEVELS if all(feature in features for feature in level.features)), None)


def are_wanted() -> bool:
    """Whether nobody said that nothing is to be compiled ahead, or what was is to be left alone."""
    return os.environ.get("FASTACT_NO_AOT", "") in ("", "0")
