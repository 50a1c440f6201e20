"""The sizes of the processor's caches."""

from __future__ import annotations

import functools
from pathlib import Path

# Bytes that most processors have at least: where the system does not tell, or there is no third level.
_SECOND_LEVEL, _THIRD_LEVEL = 512 * 1024, 4 * 1024 * 1024


def second_level_bytes() -> int:
    """The size of a core's second-level cache."""
    return max(_SECOND_LEVEL, _sizes().get("2", 0))


def third_level_bytes() -> int:
    """The size of the cache that cores share."""
    return max(_THIRD_LEVEL, _sizes().get("3", 0))


@functools.cache
def _sizes() -> dict[str, int]:
    """The size of each level, as Linux tells it."""
    sizes = {}
    for cache in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, size = ((cache / name).read_text().strip() for name in ("level", "size"))
            sizes[level] = int(size.removesuffix("K")) * 1024
        except (OSError, ValueError):
            continue
    return sizes
