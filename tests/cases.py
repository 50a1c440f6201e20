"""Which cases of a test run each time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def long_but_for(often: Collection[Any], cases: Iterable[Any]) -> list[Any]:
    """The cases of a parameter: all but some are for `-m long`."""
    return [case if case in often else pytest.param(case, marks=pytest.mark.long) for case in cases]
