"""A few hundred of the calls that `tests.fuzz` draws."""

from __future__ import annotations

import pytest

from . import fuzz

#: What is compiled for it takes long.
LONG = {"neuron in @njit": pytest.mark.long}


@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG.get(name, ())) for name in fuzz.CHECKS])
def test_examples(name: str) -> None:
    assert list(fuzz.examples(fuzz.CHECKS[name], 100)) == [100]
