"""The compiled-code store: machine code kept between processes.

An entry point is compiled once, turned into an object file, and kept under a key made of all that the code depends on;
the next process links the object without a compiler. An entry is written whole (to a temporary file, then renamed) and
carries a checksum. It holds code, so it is read only from a folder and a file that only the user or root can write.
Anything wrong with it means compiling again.

Code that was compiled when the package was built lies beside its sources, for several levels of processors; whoever can
write there can write the sources, too. It is looked for first.
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

from . import door, interrupts, levels, linker, numba_settings, sources
from .entry_file import Entry, packed, unpacked
from .linker import Code

#: Where code lies that was compiled ahead: what any processor runs, and a folder for each level.
AHEAD = Path(__file__).parent.parent / "_machine_code"

#: While code is compiled ahead it is for this level, and is written and not linked: this processor may lack something.
level_ahead: levels.Level | None = None


class _Place(NamedTuple):
    """Where an entry is to be found."""

    symbol: str
    path: Path | None  #: None where it is not kept
    is_ahead: bool = False  #: whether it came with the package


@interrupts.deferred()
def load(name: str, source: Callable[[], bytes | None], kind: str, *particulars: Any, stays: bool = False) -> Code:
    """A compiled C function.

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
    stays : bool
        Whether it is kept for as long as the process lives.
    """
    if level_ahead is not None:
        _compile_ahead(_place_ahead(name, source(), level_ahead), kind, particulars)
        return Code(0)
    code, place = _found(name, source(), stays)
    if code is None:
        compiler = door.compiler()
        with compiler.lock:  # of those who compile
            # More can be told now, and another thread may have been sooner.
            code, place = _found(name, source(), stays)
            if code is None:
                code = _added(place, compiler.compiled(kind, particulars, place.symbol), stays)
    return code


def load_own(kind: str, *particulars: str, source: bytes = b"") -> int:
    """The address of one of the package's own functions.

    `source` is what it depends on beside the package's sources and its particulars.
    """
    return load("-".join((kind, *particulars)), lambda: source, kind, *particulars, stays=True).address


def load_written(name: str, text: str, stays: bool) -> Code:
    """A C function written in LLVM's language, with `{symbol}` where its name is to be.

    It may be asked for while the package is imported, which is not the moment to warn of a folder.
    """
    symbol, file = _named(name, text, _TRIPLE)
    ahead, place = _Place(symbol, AHEAD / file, is_ahead=True), _Place(symbol, _kept(file))
    code = _taken(ahead, stays) or _taken(place, stays, warn=False)
    if code is None:
        outside = re.findall(r"^declare .*?@(\w+)|^@(\w+) = external", text, re.MULTILINE)
        assembled = linker.assembled(text.format(symbol=symbol))
        entry = Entry(tuple(function or variable for function, variable in outside), (), assembled)
        code = _added(place, entry, stays, warn=False)
    return code


def _found(name: str, source: bytes | None, stays: bool) -> tuple[Code | None, _Place]:
    """What came with the package or was compiled before, and where it is to be kept."""
    place = _place_kept(name, source)
    return _taken(_place_ahead(name, source, _level()), stays) or _taken(place, stays), place


def _place_ahead(name: str, source: bytes | None, level: levels.Level | None) -> _Place:
    package = sources.imported()
    if source is None or package is None or level is None:
        return _Place("", None)
    symbol, file = _named(name, package, source, level, _MACHINE)
    return _Place(symbol, AHEAD / level.name / file, is_ahead=True)


def _place_kept(name: str, source: bytes | None) -> _Place:
    package, settings = sources.imported(), numba_settings.of_code()
    if source is None or package is None or settings is None:
        return _Place(f"fastact_{next(_unkept)}", None)
    symbol, file = _named(name, package, source, settings, _VERSIONS)
    return _Place(symbol, _kept(file))


def _kept(file: str) -> Path | None:
    kept_in = folder()
    return None if kept_in is None else kept_in / file


def _named(name: str, *dependencies: Any) -> tuple[str, str]:
    """The symbol and the file of what has a name, for a person, and depends on this."""
    key = hashlib.sha256(repr((name, *dependencies)).encode()).hexdigest()[:32]
    return f"fastact_{key}", re.sub(r"[^-\w]", "_", name, flags=re.ASCII) + f"-{key}.o"


_unkept = itertools.count()
_TRIPLE = llvm.get_process_triple()
_MACHINE = (sys.implementation.cache_tag, _TRIPLE)
_VERSIONS = (llvmlite.__version__, np.__version__, *_MACHINE)


def _level() -> levels.Level | None:
    """The level whose code may be taken."""
    return levels.best(numba_settings.usable_features()) if levels.are_wanted() else None


def level_name() -> str | None:
    """The name of the level whose code came with the package and is taken."""
    level = _level()
    return level.name if level is not None and (AHEAD / level.name).is_dir() else None


def _taken(place: _Place, stays: bool, warn: bool = True) -> Code | None:
    """What is linked already or kept."""
    code = linker.linked(place.symbol)
    if code is None and place.path is not None:
        kept = _read(place, warn)
        if kept is not None and not linker.unknown(kept.outside):
            code = linker.link(kept.code, place.symbol, stays)
    return code


def _added(place: _Place, entry: Entry, stays: bool, warn: bool = True) -> Code:
    """What is new, which is kept where that can be."""
    unknown = linker.unknown(entry.outside)
    if unknown:
        raise LookupError(f"no library of the process has {', '.join(unknown)}, which compiled code refers to")
    with contextlib.suppress(OSError):  # no place to keep it: the code stays in memory
        _write(place, entry, warn)
    return linker.link(entry.code, place.symbol, stays)


def _compile_ahead(place: _Place, kind: str, particulars: tuple[Any, ...]) -> None:
    if place.path is None:
        raise RuntimeError("the package's sources can not be seen")
    if not place.path.exists():
        _write(place, door.compiler().compiled(kind, particulars, place.symbol))


def _current_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


_FIRST_FOLDER = _current_folder()


def folder() -> Path | None:
    """Where compiled code is kept, whether or not it can be; None where the user has no folder of their own."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        # One below the current folder is that of the folder in which the package was imported.
        return None if _FIRST_FOLDER is None else Path(_FIRST_FOLDER, chosen, "fastact")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        base = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
    return Path(base) / "fastact" if os.path.isabs(base) else None  # never where the process happens to be


def _read(place: _Place, warn: bool) -> Entry | None:
    path = place.path
    try:
        if path is None or not (place.is_ahead or _private(os.stat(path.parent), path.parent, warn)):
            return None
        with open(path, "rb") as file:
            if not (place.is_ahead or _private(os.fstat(file.fileno()), path, warn)):
                return None
            entry = unpacked(file.read(), place.symbol)
    except OSError:
        return None
    if entry is None or not numba_settings.usable_features().issuperset(entry.features):
        return None
    return entry


def _write(place: _Place, entry: Entry, warn: bool = True) -> None:
    path = place.path
    if path is None:
        return
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not (place.is_ahead or _private(os.stat(path.parent), path.parent, warn)):
        return
    temporary = path.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        # Readable by others where the user's mask lets it be: a folder filled by root may serve everybody.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o644)
        with open(handle, "wb") as file:
            file.write(packed(entry, place.symbol))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _private(status: os.stat_result, path: Path, warn: bool = True) -> bool:
    """Whether nobody but the user and root can write a file or folder."""
    reason = ""
    if sys.platform == "win32":  # where an access list says so, which is that of the user's profile
        if not path.resolve().is_relative_to(Path.home().resolve()):
            reason = "it is not in the user's profile"
    elif status.st_uid not in (0, os.geteuid()):
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
    kept_in = folder()
    if kept_in is None:
        return "there is no home folder: code stays in memory"
    if sources.imported() is None:
        return "not used: the package's sources can not be seen"
    if numba_settings.version() is None and numba_settings.is_there():
        return "not used: the version of Numba can not be told without importing it"
    if os.path.exists(kept_in) and not _private(os.stat(kept_in), kept_in):
        return "not used"
    path = kept_in
    while not os.path.exists(path) and path != path.parent:
        path = path.parent
    if os.access(path, os.W_OK | os.X_OK):
        return ""
    return "read only" if path == kept_in else "can not be made: code stays in memory"
