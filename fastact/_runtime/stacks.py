"""How large the stack of a thread is: what Numba and LLVM do on one that is too small ends the process."""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from typing import Any

#: To import Numba takes 48 KiB and to compile up to 112, measured with Python 3.11 and Numba 0.68 on x86-64.
ENOUGH = 192 * 1024


def is_small() -> bool:
    """Whether this thread has a stack on which nothing is to be compiled and no threads are to be started."""
    return threading.get_ident() != threading.main_thread().ident and _size() < ENOUGH


def _size() -> int:
    """The bytes of this thread's stack; more than enough where the C library does not tell."""
    library = _library()
    if library is None:
        return ENOUGH
    attributes = ctypes.create_string_buffer(256)  # of which pthread_attr_t is at most 64
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    if library.pthread_getattr_np(ctypes.c_void_p(library.pthread_self()), attributes):
        return ENOUGH
    library.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    library.pthread_attr_destroy(attributes)
    return size.value


@functools.cache
def _library() -> Any:
    """Linux' threads; None on other systems."""
    library: Any = None if sys.platform == "win32" else ctypes.CDLL(None)
    if not hasattr(library, "pthread_getattr_np"):
        return None
    library.pthread_self.restype = ctypes.c_void_p
    return library
