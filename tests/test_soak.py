"""A little of what `tests.soak` does."""

from __future__ import annotations

import os

import pytest

from . import soak
from .cases import long_but_for

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.mark.parametrize("layer", long_but_for(soak.LAYERS[:1], soak.LAYERS))
def test_under_load(layer: str) -> None:
    assert soak.under_load(layer, 300)


def test_for_long() -> None:
    assert soak.for_long(20_000)
