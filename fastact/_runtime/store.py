"""The compiled-code store: machine code kept between processes.

An entry point is compiled once by Numba, turned into an object file by LLVM, and kept under a key made of all that
the code depends on; the next process maps the object without starting Numba's compiler. An entry is written whole
(to a temporary file, then renamed) and carries a checksum. It holds code, so it is read only from a folder and a
file that only the user or root can write. Anything wrong with it means compiling again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import itertools
import os
import re
import secrets
import stat
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np

from .._kernels.bits import STRICT
from . import sources
from .locks import always_compiling

_MAGIC = b"fastact object 2"
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class Entry(NamedTuple):
    """A compiled C function."""

    outside: tuple[str, ...]  #: symbols that the process must have
    code: bytes  #: an object file


def load(name: str, source: bytes | None, build: Callable[[], Any]) -> int:
    """The address of a compiled C function.

    Parameters
    ----------
    name : str
        Names the entry for a person who looks into the folder.
    source : bytes or None
        All that the code depends on besides the package itself and the machine; None if that can not be told,
        which leaves the code in memory only.
    build : callable
        Compiles the function: gives a `numba.cfunc`.
    """
    with always_compiling():
        key = None if source is None else _key(name, source)
        # All code of the process is linked into one place, where no two functions may have the same name.
        symbol = f"fastact_{next(_unkept)}" if key is None else f"fastact_{key}"
        path = None if key is None else folder() / (re.sub(r"[^-\w]", "_", name) + f"-{key}.o")
        kept = None if path is None else _read(path)
        if kept is not None and _resolvable(kept):
            return _link(kept, symbol)
        entry = _compile(build, symbol)
        if path is not None:
            _write(path, entry)
        return _link(entry, symbol)


def load_own(name: str, signature: Any, function: Callable[..., Any], source: bytes = b"") -> int:
    """The address of one of the package's own functions, compiled as a C function of a signature.

    `source` is what it depends on beside the package's sources.
    """
    return load(name, source, lambda: numba.cfunc(signature, **STRICT)(function))


_unkept = itertools.count()


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


@functools.cache
def cpu() -> tuple[str, str]:
    """Name and feature string of the processor that code is compiled for."""
    from numba.core.codegen import get_host_cpu_features

    config = numba.config
    name = llvm.get_host_cpu_name() if config.CPU_NAME is None else config.CPU_NAME
    features = get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
    return name, features


@functools.cache
def _target_machine() -> Any:
    """The machine that Numba's own just-in-time compiler uses, so that its optimised IR meets the same target."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = cpu()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    relocation = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=name, features=features, opt=int(numba.config.OPT), reloc=relocation, codemodel="jitdefault", jit=True
    )


def _compile(build: Callable[[], Any], symbol: str) -> Entry:
    compiled = build()
    module = llvm.parse_assembly(compiled.inspect_llvm())
    module.get_function(compiled.native_name).name = symbol
    _isolate(module, symbol)
    outside = [function.name for function in module.functions if function.is_declaration]
    outside += [variable.name for variable in module.global_variables if variable.is_declaration]
    code = _target_machine().emit_object(module)
    return Entry(tuple(n for n in outside if not n.startswith("llvm.")), code)


def _isolate(module: Any, symbol: str) -> None:
    """Leave one function visible, so that what can not happen, such as an exception, leaves no code behind."""
    for value in (*module.functions, *module.global_variables):
        if not value.is_declaration and value.name != symbol and not value.name.startswith("llvm."):
            value.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()  # what the vectoriser called
    passes.add_ipsccp_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    tuning = llvm.create_pipeline_tuning_options(speed_level=int(numba.config.OPT))
    passes.run(module, llvm.create_pass_builder(_target_machine(), tuning))


def _resolvable(entry: Entry) -> bool:
    """Whether the process has what the code refers to: LLVM ends the process when it does not."""
    if not all(map(_has_symbol, entry.outside)):
        _register_numba_runtime()
    return all(map(_has_symbol, entry.outside))


def _register_numba_runtime() -> None:
    """Make the functions of Numba's runtime known to LLVM, as Numba does when it compiles for the first time."""
    from numba.core.runtime import _nrt_python

    for name, address in _nrt_python.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


def _has_symbol(name: str) -> bool:
    return llvm.address_of_symbol(name) is not None or hasattr(ctypes.pythonapi, name)


@functools.cache
def _engine() -> Any:
    """Holds the code, for as long as the process lives."""
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())


def _link(entry: Entry, symbol: str) -> int:
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(entry.code))
    engine.finalize_object()
    return int(engine.get_function_address(symbol))


@functools.cache
def _environment() -> tuple[Any, ...]:
    """What all entries depend on beside the package's sources: the compiler and the machine."""
    config = numba.config
    names = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "BOUNDSCHECK", "USING_SVML")
    switches = [getattr(config, name) for name in names]
    versions = (numba.__version__, llvmlite.__version__, np.__version__, sys.implementation.cache_tag)
    return switches, versions, llvm.get_process_triple(), cpu()


def _key(name: str, source: bytes) -> str | None:
    package = sources.imported()
    if package is None:
        return None
    return hashlib.sha256(repr((package, name, source, _environment())).encode()).hexdigest()[:32]


def _read(path: Path) -> Entry | None:
    try:
        if not _private(os.stat(path.parent), path.parent):
            return None
        with open(path, "rb") as file:
            if not _private(os.fstat(file.fileno()), path):
                return None
            content = file.read()
    except OSError:
        return None
    checksum, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        return None
    magic, outside, code = body.split(b"\n", 2)
    if magic != _MAGIC:
        return None
    return Entry(tuple(outside.decode().split()), code)


def _write(path: Path, entry: Entry) -> None:
    body = b"\n".join((_MAGIC, " ".join(entry.outside).encode(), entry.code))
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not _private(os.stat(path.parent), path.parent):
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


def _private(status: os.stat_result, path: Path) -> bool:
    """Whether nobody but the user and root can write a file or folder."""
    if sys.platform == "win32":
        return True  # the user's own profile is private by its access list
    if status.st_uid not in (0, os.geteuid()):
        _warn_not_used(str(path), "it belongs to another user")
        return False
    if stat.S_IMODE(status.st_mode) & 0o022:
        _warn_not_used(str(path), "others can write it" if status.st_mode & 0o002 else "its group can write it")
        return False
    return True


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
