"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import fastact


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    """Those that come after use as many threads as the user wished."""
    before = fastact.get_num_threads()
    yield
    fastact.set_num_threads(before)
