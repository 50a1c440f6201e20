"""The modes of the floating-point unit in which calls from Python compute: whether subnormals are flushed.

Compiled code reads the words of this process and sets the unit's control register to them, MXCSR on x86 and FPCR on
64-bit Arm.
"""

from __future__ import annotations

import platform

import numpy as np

#: Rounding to nearest and no traps, and the same with subnormal operands and results taken as zeros.
X86, ARM = (0x1F80, 0x1F80 | 0x8000 | 0x40), (0, 1 << 24)

_DEFAULT, _FLUSHING = {"x86_64": X86, "amd64": X86, "aarch64": ARM, "arm64": ARM}.get(
    platform.machine().lower(), (0, 0)
)
_words = np.array([_DEFAULT, _DEFAULT], np.intp)  # of calls from Python, and of functions that run as Python


def address(runs_as_python: bool = False) -> int:
    """Of the word that says in which modes to compute."""
    return int(_words[int(runs_as_python) :].ctypes.data)


def set_flush_subnormals(flush: bool) -> None:
    """
    Choose whether calls from Python take subnormal numbers as zeros, in the whole process.

    Many processors compute with subnormal numbers, those nearer to 0 than ``numpy.finfo(dtype).smallest_normal``, some
    ten to a hundred times slower than with others. Loops that decay towards 0 meet them: filters of sound, recurrent
    states, units that are never active.

    Parameters
    ----------
    flush : bool
        Whether the arithmetic of calls that begin from now on takes subnormal operands as zeros and gives zeros instead
        of subnormal results, with their signs. At first it does not, and the stated errors hold for all numbers; if it
        does, results up to 8 times the smallest normal number may be off by 4 units more.

    Raises
    ------
    TypeError
        If `flush` is no bool.
    RuntimeError
        If it is to be chosen on a processor other than those of x86-64 and 64-bit Arm.

    See Also
    --------
    get_flush_subnormals

    Notes
    -----
    It concerns ufuncs, functions along an axis and `neuron`, on every thread that computes for them. Code of the caller
    keeps its own modes. In functions compiled by `numba.njit`, and in activations that run as Python, subnormals are
    kept. What only moves numbers, as `relu` does, may leave subnormal ones as they are. float16 is computed in
    float32, of which its subnormal numbers are normal ones, and keeps them.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> x = np.float32(-100)
    >>> bool(fastact.sigmoid(x) > 0)
    True
    >>> fastact.set_flush_subnormals(True)
    >>> float(fastact.sigmoid(x))
    0.0
    >>> fastact.set_flush_subnormals(False)
    """
    if not isinstance(flush, (bool, np.bool_)):
        raise TypeError(f"set_flush_subnormals takes True or False, not {flush!r}")
    if flush and _FLUSHING == _DEFAULT:
        raise RuntimeError(f"subnormals can be flushed on x86-64 and 64-bit Arm, not on {platform.machine()}")
    _words[0] = _FLUSHING if flush else _DEFAULT


def get_flush_subnormals() -> bool:
    """
    Whether calls from Python take subnormal numbers as zeros.

    Returns
    -------
    bool
        What `set_flush_subnormals` set; at first False.

    Examples
    --------
    >>> import fastact
    >>> fastact.get_flush_subnormals()
    False
    """
    return bool(_words[0] != _DEFAULT)
