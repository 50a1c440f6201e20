"""A few of the faults of `tests.faults`."""

from __future__ import annotations

import os

import pytest

from . import faults

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits are those of POSIX")


QUICK = ("interrupted_calls", "too_little_memory", "no_place_on_the_disk")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in faults.CHECKS]
)
def test_it_is_survived(name: str) -> None:
    assert faults.CHECKS[name](4)
