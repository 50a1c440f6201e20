"""The compiled-code store: machine code kept between processes.

An entry point is compiled once, turned into an object file, and kept under a key made of all that the code depends on;
the next process links the object without a compiler. An entry is written whole (to a temporary file, then renamed) and
carries a checksum. It holds code, so it is read only from a folder and a file that only the user or root can write.
Anything wrong with it means compiling again.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import stat
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from . import door, linker, numba_settings, sources

_MAGIC = b"fastact object 3"
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class Entry(NamedTuple):
    """A compiled C function."""

    outside: tuple[str, ...]  #: symbols that the process must have
    code: bytes  #: an object file


class _Place(NamedTuple):
    """Where an entry is to be found."""

    symbol: str
    path: Path | None  #: None where it is not kept


def load(name: str, source: Callable[[], bytes | None], kind: str, *particulars: Any) -> int:
    """The address of a compiled C function.

    Parameters
    ----------
    name : str
        Names the entry for a person who looks into the folder.
    source : callable
        Gives all that the code depends on besides the package itself and the machine, or None if that can not be told,
        which leaves the code in memory only.
    kind : str
        Names the function of the half that compiles which makes the entry.
    *particulars
        Its arguments.
    """
    address = _taken(_place(name, source(), sources.imported()))
    if address == 0:
        compiler = door.compiler()
        with compiler.lock:  # of those who compile
            # More can be told now, and another thread may have been sooner.
            place = _place(name, source(), sources.imported())
            address = _taken(place)
            if address == 0:
                address = _added(place, compiler.compiled(kind, particulars, place.symbol))
    return address


def load_own(kind: str, *particulars: str, source: bytes = b"") -> int:
    """The address of one of the package's own functions.

    `source` is what it depends on beside the package's sources and its particulars.
    """
    return load("-".join((kind, *particulars)), lambda: source, kind, *particulars)


def load_written(name: str, text: str) -> int:
    """The address of a C function written in LLVM's language, with `{symbol}` where its name is to be.

    It may be asked for while the package is imported, which is not the moment to warn of a folder.
    """
    place = _place(name, text.encode(), package=b"")
    address = _taken(place, warn=False)
    if address == 0:
        outside = re.findall(r"^declare .*?@(\w+)|^@(\w+) = external", text, re.MULTILINE)
        code = linker.assembled(text.format(symbol=place.symbol))
        entry = Entry(tuple(function or variable for function, variable in outside), code)
        address = _added(place, entry, warn=False)
    return address


def _place(name: str, source: bytes | None, package: bytes | None) -> _Place:
    settings = numba_settings.of_code()
    if source is None or package is None or settings is None:
        return _Place(f"fastact_{next(_unkept)}", None)
    key = hashlib.sha256(repr((package, name, source, settings, _VERSIONS)).encode()).hexdigest()[:32]
    return _Place(f"fastact_{key}", folder() / (re.sub(r"[^-\w]", "_", name) + f"-{key}.o"))


_unkept = itertools.count()
_VERSIONS = (llvmlite.__version__, np.__version__, sys.implementation.cache_tag, llvm.get_process_triple())


def _taken(place: _Place, warn: bool = True) -> int:
    """The address of what is linked already or kept, or 0."""
    address = linker.linked(place.symbol)
    if address == 0 and place.path is not None:
        kept = _read(place.path, place.symbol, warn)
        if kept is not None and linker.are_known(kept.outside):
            address = linker.link(kept.code, place.symbol)
    return address


def _added(place: _Place, entry: Entry, warn: bool = True) -> int:
    """The address of what is new, which is kept where that can be."""
    if place.path is not None:
        _write(place.path, place.symbol, entry, warn)
    return linker.link(entry.code, place.symbol)


def folder() -> Path:
    """Where compiled code is kept, whether or not it can be."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "fastact"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "fastact"


def _read(path: Path, symbol: str, warn: bool) -> Entry | None:
    try:
        if not _private(os.stat(path.parent), path.parent, warn):
            return None
        with open(path, "rb") as file:
            if not _private(os.fstat(file.fileno()), path, warn):
                return None
            content = file.read()
    except OSError:
        return None
    checksum, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        return None
    head, outside, code = body.split(b"\n", 2)
    if head != _head(symbol):
        return None
    return Entry(tuple(outside.decode().split()), code)


def _head(symbol: str) -> bytes:
    """The first line of an entry: a file under another's name is not taken for it."""
    return _MAGIC + b" " + symbol.encode()


def _write(path: Path, symbol: str, entry: Entry, warn: bool) -> None:
    body = b"\n".join((_head(symbol), " ".join(entry.outside).encode(), entry.code))
    temporary = path.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not _private(os.stat(path.parent), path.parent, warn):
            return
        try:
            # Readable by others where the user's mask lets it be: a folder filled by root may serve everybody.
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o644)
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError:
        return  # no place to keep it: the code stays in memory


def _private(status: os.stat_result, path: Path, warn: bool = True) -> bool:
    """Whether nobody but the user and root can write a file or folder."""
    if sys.platform == "win32":
        return True  # the user's own profile is private by its access list
    reason = ""
    if status.st_uid not in (0, os.geteuid()):
        reason = "it belongs to another user"
    elif stat.S_IMODE(status.st_mode) & 0o022:
        reason = "others can write it" if status.st_mode & 0o002 else "its group can write it"
    if reason and warn:
        _warn_not_used(str(path), reason)
    return not reason


_warned: set[str] = set()


def _warn_not_used(path: str, reason: str) -> None:
    if path not in _warned:
        _warned.add(path)
        warnings.warn(
            f"fastact does not use compiled code from {path}: {reason}; compiling in memory instead",
            RuntimeWarning,
            stacklevel=2,
        )


def state() -> str:
    """What is to be said of the folder, in words; empty where compiled code is read from it and written to it."""
    path = folder()
    if sources.imported() is None:
        return "not used: the package's sources can not be seen"
    if path.exists() and not _private(os.stat(path), path):
        return "not used"
    while not path.exists() and path != path.parent:
        path = path.parent
    if os.access(path, os.W_OK | os.X_OK):
        return ""
    return "read only" if path == folder() else "can not be made: code stays in memory"
