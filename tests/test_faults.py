"""A few of the faults of `tests.faults`."""

from __future__ import annotations

import os

import pytest

from . import faults
from .cases import long_but_for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits are those of POSIX")


@pytest.mark.parametrize("name", long_but_for(["too_little_memory"], faults.CHECKS))
def test_it_is_survived(name: str) -> None:
    assert faults.CHECKS[name](4)
