"""Refuse an interpreter that our compiled code could not call back: it knows the main one alone."""

from __future__ import annotations

import ctypes


def _current_and_main() -> tuple[int, int]:
    """The addresses of the states of this interpreter and of the process's main one."""
    current, main = ctypes.pythonapi.PyInterpreterState_Get, ctypes.pythonapi.PyInterpreterState_Main
    current.restype = main.restype = ctypes.c_void_p
    return current(), main()


def check() -> None:
    """Raise ImportError in a sub-interpreter, where `PyGILState_Ensure` would wait for ever (PEP 684, PEP 788)."""
    current, main = _current_and_main()
    if current != main:
        raise ImportError(
            "fastact serves the main interpreter of a process only, and this is a sub-interpreter: use a process "
            "instead (for mod_wsgi: WSGIApplicationGroup %{GLOBAL})"
        )


check()
