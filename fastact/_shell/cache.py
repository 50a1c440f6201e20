"""What a user may want to know of the compiled-code store, and the removal of entries."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator

from .._runtime import store

_ENTRY = re.compile(r"[-\w]+-[0-9a-f]{32}\.o|\.[0-9a-f]{16}\.tmp")  # the latter of a process that was killed


def lines() -> Iterator[str]:
    """The folder, how many entries it has, and their size."""
    entries = [status.st_size for _, status in _entries()]
    yield f"folder   {store.folder() or 'none'}"
    yield f"entries  {len(entries):,}"
    yield f"size     {sum(entries) / 1e6:.1f} MB"


def clear(days: float = 0.0) -> Iterator[str]:
    """Remove entries that were neither written nor read for so many days, as far as the file system notes that.

    Processes that have linked an entry keep it; others compile it again when they need it.
    """
    before, removed, size = time.time() - days * 86400, 0, 0
    entries = list(_entries())
    for entry, status in entries:
        if max(status.st_atime, status.st_mtime) <= before:
            with contextlib.suppress(FileNotFoundError):  # another process was sooner
                os.unlink(entry)
                removed, size = removed + 1, size + status.st_size
    yield f"removed  {removed:,} of {len(entries):,} entries, {size / 1e6:.1f} MB"


def _entries() -> Iterator[tuple[str, os.stat_result]]:
    """The files that are ours; a user may keep others in the folder."""
    folder = store.folder()
    if folder is None:
        return
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            if _ENTRY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    yield entry.path, entry.stat(follow_symlinks=False)
