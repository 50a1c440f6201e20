"""The package's sources as they were imported, for the keys of compiled code.

Files can be replaced while a process runs, by an upgrade say; a key made of what lies on the disk by then would give
old code to new sources, and the half that compiles, which is imported later, would be another than the half that runs.
So it is watched whether the files are those that were there when the import began.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

_FOLDER = Path(__file__).parent.parent
PACKAGE = __name__.rpartition(".")[0].rpartition(".")[0]  #: which may be a part of somebody's


def _states() -> dict[str, tuple[int, ...]]:
    """What tells of each file whether it was replaced."""
    try:
        return {
            entry.path: (status.st_ino, status.st_size, status.st_mtime_ns)
            for folder in [_FOLDER, *(_FOLDER / name for name in os.listdir(_FOLDER) if name.startswith("_"))]
            if folder.is_dir()
            for entry in os.scandir(folder)
            if entry.name.endswith(".py")
            for status in [entry.stat()]
        }
    except OSError:
        return {}


_at_first = _states()
_sealed: bool | None = None  # whether every import so far ended with the files that it began with


def are_unchanged() -> bool:
    """Whether the files are those that were there when the import began."""
    return _states() == _at_first or (_digest.cache_info().currsize > 0 and _contents() == _digest())


def is_ours(module: str) -> bool:
    """Whether a name is that of one of the package's modules."""
    return f"{module}.".startswith(f"{PACKAGE}.")


def seal() -> None:
    """Say that an import has ended."""
    global _sealed
    modules = [module for name, module in list(sys.modules.items()) if is_ours(name)]
    _sealed = _sealed is not False and bool(_at_first) and are_unchanged() and all(map(_runs_its_source, modules))


def imported() -> bytes | None:
    """A digest of the sources that this process runs, or None if it can not be told."""
    return _digest() if _sealed else None


@functools.cache
def _digest() -> bytes | None:
    found = _contents()
    return found if _states() == _at_first else None


def _contents() -> bytes | None:
    """A digest of what the files hold now."""
    digest = hashlib.sha256()
    try:
        for path in sorted(_at_first):
            content = Path(path).read_bytes()
            digest.update(f"{os.path.relpath(path, _FOLDER)} {len(content)}\n".encode() + content)
    except OSError:
        return None
    return digest.digest()


def _runs_its_source(module: ModuleType) -> bool:
    """Whether a module came from one of the files, and not from bytecode of an older one that passes for its own."""
    specification = module.__spec__
    if specification is None or specification.origin not in _at_first:
        return False
    origin, loader = specification.origin, specification.loader
    try:
        if os.stat(str(specification.cached)).st_mtime_ns >= os.stat(origin).st_mtime_ns:
            return True
    except OSError:
        return True  # no bytecode is kept
    # Python takes it for a source of the same second and size, which after a clock was set back is as it should be.
    return isinstance(loader, SourceFileLoader) and loader.get_code(specification.name) == loader.source_to_code(
        Path(origin).read_bytes(), origin
    )
