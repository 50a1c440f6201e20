"""The package's sources as they were imported, for the keys of compiled code.

Files can be replaced while a process runs, by an upgrade say; a key made of what lies on the disk by then would give
old code to new sources. So they are read when the import begins and again when it ends: only if nothing changed in
between is it known what was imported.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import ModuleType

_FOLDER = Path(__file__).parent.parent
_PACKAGE = __name__.partition(".")[0]


def _read() -> dict[str, bytes]:
    try:
        return {str(path): hashlib.sha256(path.read_bytes()).digest() for path in sorted(_FOLDER.rglob("*.py"))}
    except OSError:
        return {}


_at_first = _read()
_imported: bytes | None = None


def seal() -> None:
    """Say that the import has ended."""
    global _imported
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == _PACKAGE]
    if _read() == _at_first and all(map(_runs_its_source, modules)):
        digest = hashlib.sha256()
        for path, content in _at_first.items():
            digest.update(f"{os.path.relpath(path, _FOLDER)}\n".encode() + content)
        _imported = digest.digest()


def imported() -> bytes | None:
    """A digest of the sources that this process runs, or None if it can not be told."""
    return _imported


def _runs_its_source(module: ModuleType) -> bool:
    """Whether a module came from one of the files, and not from bytecode of an older one that passes for its own."""
    specification = module.__spec__
    if specification is None or specification.origin not in _at_first:
        return False
    try:
        return os.stat(str(specification.cached)).st_mtime_ns >= os.stat(specification.origin).st_mtime_ns
    except OSError:
        return True  # no bytecode is kept
