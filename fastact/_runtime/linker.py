"""Machine code becomes a part of the process.

Every call of llvmlite is made under our lock, because llvmlite has one of its own that nobody may hold at a fork.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from collections.abc import Iterable
from typing import Any

import llvmlite.binding as llvm

from .locks import lock


class Code:
    """A function of machine code, which is a part of the process for as long as somebody has this object."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.refers_to: Any = None  #: what it needs besides


_linked: weakref.WeakValueDictionary[str, Code] = weakref.WeakValueDictionary()  # by symbol
_staying: list[Code] = []
_unused: list[Any] = []  # engines of code that nobody has any more


def link(code: bytes, symbol: str, stays: bool) -> Code:
    """A function of an object file; one that stays is kept for as long as the process lives.

    No two functions of the process may have the same symbol: of those that are asked for the first one is given.
    """
    with lock:
        found = _linked.get(symbol)
        if found is None:
            check_memory()
            while _unused:
                _unused.pop().close()
            # An engine of its own can be closed; to link code there takes 0.6 ms, and 0.04 in the common one.
            engine = _common_engine() if stays else _new_engine()
            engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            engine.finalize_object()
            address = int(engine.get_function_address(symbol))
            if address == 0:
                raise LookupError(f"an object file without {symbol}")
            found = _linked[symbol] = Code(address)
            if stays:
                _staying.append(found)
            else:
                # Not closed there: a finalizer runs anywhere, in a thread that has locks, too.
                weakref.finalize(found, _unused.append, engine).atexit = False
        return found


def check_memory() -> None:
    """Raise PermissionError where the system gives no executable memory: llvmlite goes on without, and jumps there."""
    try:
        llvm.check_jit_execution()
    except OSError as error:
        raise PermissionError(
            error.errno,
            "fastact runs machine code from memory, and the system refuses to make memory of this process executable "
            "(PR_SET_MDWE, systemd's MemoryDenyWriteExecute=, SELinux's execmem); allow it for this process",
        ) from error


def linked(symbol: str) -> Code | None:
    """A function that is linked already."""
    return _linked.get(symbol)


def unknown(symbols: Iterable[str]) -> list[str]:
    """What the process has not, of what code refers to: LLVM ends the process when it links such code."""
    with lock:
        return [name for name in symbols if not llvm.address_of_symbol(name) and not hasattr(ctypes.pythonapi, name)]


def address(symbol: str) -> int:
    """The address of a function of a library in the process; LookupError if there is none."""
    with lock:
        found = llvm.address_of_symbol(symbol)
    if not found:
        raise LookupError(f"no library of the process has a function {symbol}")
    return int(found)


def make_known(symbol: str, address: int) -> None:
    """Let code refer to something by a name."""
    with lock:
        llvm.add_symbol(symbol, address)


def assembled(text: str) -> bytes:
    """An object file of what is written in LLVM's language, for this processor but without optimisation."""
    with lock:
        return bytes(machine().emit_object(llvm.parse_assembly(text)))


def _new_machine(optimisation: int = 1, name: str = "", features: str = "") -> Any:
    """LLVM's machine that makes object files to be linked here, for a processor by name and features."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    relocation = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=name, features=features, opt=optimisation, reloc=relocation, codemodel="jitdefault", jit=True
    )


machine = functools.cache(_new_machine)


def _new_engine() -> Any:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _new_machine())  # which it then owns


_common_engine = functools.cache(_new_engine)
