"""A clear error where the package would otherwise meet a Numba that it was not tried with."""

from __future__ import annotations

import numba

NUMBA_FROM = (0, 68)
NUMBA_BEFORE = (0, 69)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def check(installed: str) -> None:
    """Raise ImportError unless this version of Numba is one that the package supports."""
    if not NUMBA_FROM <= _version(installed) < NUMBA_BEFORE:
        wanted = f">={'.'.join(map(str, NUMBA_FROM))},<{'.'.join(map(str, NUMBA_BEFORE))}"
        raise ImportError(
            f"fastact needs numba {wanted} and found {installed}: it reaches below Numba's documented interface. "
            f"Install one that fits (pip install 'numba{wanted}') or a fastact that supports {installed}."
        )


check(numba.__version__)
