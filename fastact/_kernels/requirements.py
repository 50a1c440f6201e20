"""Which versions of Numba are known to serve: the package reaches below Numba's documented interface."""

from __future__ import annotations

import re

import numba

LOWEST = (0, 62)
NEWEST_TRIED = (0, 68)


def _version(text: str) -> tuple[int, ...]:
    """The first two numbers of a version; of a build without a version, one above all."""
    numbers = re.match(r"(\d+)\.(\d+)", text)
    return (999, 0) if numbers is None else tuple(map(int, numbers.groups()))


def check(installed: str) -> None:
    """Raise ImportError where a version of Numba is too old."""
    if _version(installed) < LOWEST:
        wanted = f"numba>={'.'.join(map(str, LOWEST))}"
        raise ImportError(f"fastact needs {wanted} and found {installed}: pip install '{wanted}'")


def is_untried(installed: str) -> bool:
    """Whether a version is newer than those that the tests were run with."""
    return _version(installed) > NEWEST_TRIED


check(numba.__version__)
