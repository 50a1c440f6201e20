"""What holds for every test."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastact


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    """Those that come after use as many threads as the user wished."""
    before = fastact.get_num_threads()
    yield
    fastact.set_num_threads(before)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The content of the wheel that FASTACT_WHEEL names, one with machine code; None where it names none."""
    path = os.environ.get("FASTACT_WHEEL")
    if not path:
        return None
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(path) as file:
        file.extractall(folder)
    return folder
