"""What is read of a store: nothing that is damaged, another's, of other versions or not for this processor.

Nothing is compiled here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fastact._runtime import entry_file, numba_settings, store
from fastact._runtime.entry_file import Entry

from .processes import run

SYMBOL = "fastact_" + "0" * 32


def places(folder: Path) -> list[store._Place]:
    """One of what is kept, and one of what came with the package."""
    return [store._Place(SYMBOL, folder / "some.o"), store._Place(SYMBOL, folder / "some.o", is_ahead=True)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file that is taken."""
    present = sorted(numba_settings.usable_features())[:3]
    entry = Entry(("malloc", "free"), tuple(present), bytes(range(256)))
    store._write(places(tmp_path)[0], entry)
    for place in places(tmp_path):
        assert store._read(place, warn=True) == entry
    return tmp_path / "some.o"


def assert_not_taken(path: Path) -> None:
    for place in places(path.parent):
        assert store._read(place, warn=True) is None


def test_any_other_byte(written: Path) -> None:
    content = written.read_bytes()
    for i in range(len(content)):
        damaged = bytearray(content)
        damaged[i] ^= 1 << i % 8
        written.write_bytes(damaged)
        assert_not_taken(written)


def test_any_other_length(written: Path) -> None:
    content = written.read_bytes()
    for end in range(len(content)):
        written.write_bytes(content[:end])
        assert_not_taken(written)
    written.write_bytes(content + b"\0")
    assert_not_taken(written)


def test_another_function(written: Path) -> None:
    entry = entry_file.unpacked(written.read_bytes(), SYMBOL)
    assert entry is not None
    written.write_bytes(entry_file.packed(entry, "fastact_" + "1" * 32))
    assert_not_taken(written)


def test_another_processor(written: Path) -> None:
    entry = entry_file.unpacked(written.read_bytes(), SYMBOL)
    assert entry is not None
    lacking = entry._replace(features=(*entry.features, "no-such"))
    written.write_bytes(entry_file.packed(lacking, SYMBOL))
    assert_not_taken(written)


#: What is done before the package is imported: each makes another key of what is kept.
OTHERS = {
    "llvmlite": "import llvmlite; llvmlite.__version__ = '0.0'",
    "NumPy": "import numpy; numpy.__version__ = '0.0'",
    "Python": "import sys; sys.implementation.cache_tag = 'cpython-0'",
    "system": "import llvmlite.binding as llvm; llvm.get_process_triple = lambda: 'x86_64-none'",
    "Numba": "import numba; numba.__version__ = '0.62.99'",
    "processor": "import os; os.environ['NUMBA_CPU_NAME'] = 'generic'",
    "features": "import os; os.environ['NUMBA_CPU_FEATURES'] = '+sse2'",
    "optimisation": "import os; os.environ['NUMBA_OPT'] = '1'",
    "vectorisation": "import os; os.environ['NUMBA_LOOP_VECTORIZE'] = '0'",
    "checks of bounds": "import os; os.environ['NUMBA_BOUNDSCHECK'] = '1'",
    "notes for debuggers": "import os; os.environ['NUMBA_DEBUGINFO'] = '1'",
}

#: Those that make another key of what came with the package, too.
OTHERS_AHEAD = {"Python", "system"}

KEYS = """
from fastact._runtime import store
from fastact._runtime.levels import LEVELS
print(store._place_kept("some", b"source").symbol, store._place_ahead("some", b"source", LEVELS[-1]).symbol)
print(store._place_kept("some", b"other").symbol, store._place_ahead("other", b"source", LEVELS[-1]).symbol)
"""


def test_other_versions_and_settings_have_other_keys() -> None:
    kept, ahead, *others = run(KEYS).split()
    assert len({kept, ahead, *others}) == 4
    assert run(KEYS).split()[:2] == [kept, ahead]
    for name, before in OTHERS.items():
        other_kept, other_ahead, *_ = run(f"{before}\n{KEYS}").split()
        assert other_kept != kept, name
        assert (other_ahead != ahead) == (name in OTHERS_AHEAD), name
