"""What Numba calls before it first compiles anything, by the entry point `numba_extensions` of the distribution.

It is a module of its own so that programs which use Numba and not fastact do not import fastact.
"""

import sys


def init() -> None:
    """Make fastact's functions known inside `@njit`, if anybody has imported them."""
    if "fastact" in sys.modules:
        # Another thread that is importing it is waited for before a lock is taken that its import may ask for.
        import fastact  # noqa: F401
        from fastact._runtime import door

        with door.made_ready().global_compiler_lock:  # no other thread is to compile before
            door.make_known()
