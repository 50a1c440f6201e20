"""The floating-point modes in which calls from Python compute: whether they flush subnormals to zero.

Compiled code reads the modes from here and writes them to the control register: MXCSR on x86, FPCR on 64-bit Arm.
"""

from __future__ import annotations

import platform

import numpy as np

#: Values of the control register: the default (round to nearest, no traps), and the same with subnormals flushed.
X86, ARM = (0x1F80, 0x1F80 | 0x8000 | 0x40), (0, 1 << 24)

_DEFAULT, _FLUSHING = {"x86_64": X86, "amd64": X86, "aarch64": ARM, "arm64": ARM}.get(
    platform.machine().lower(), (0, 0)
)
_words = np.array([_DEFAULT, _DEFAULT], np.intp)  # of calls from Python, and of functions that run as Python


def address(runs_as_python: bool = False) -> int:
    """The address of the word with the modes in which to compute."""
    return int(_words[int(runs_as_python) :].ctypes.data)


def set_flush_subnormals(flush: bool) -> None:
    """
    Choose whether calls from Python flush subnormal numbers to zero, in the whole process.

    Subnormal numbers are those nearer to 0 than ``numpy.finfo(dtype).smallest_normal``. Many processors compute with
    them ten to a hundred times slower. Loops that decay towards 0 meet them: audio filters, recurrent states, units
    that are never active.

    Parameters
    ----------
    flush : bool
        If true, calls that begin from now on replace subnormal operands and subnormal results by zeros of the same
        sign; results up to 8 times the smallest normal number may then be off by 4 ULP more than stated. If false, the
        default, the stated errors hold for all numbers.

    Raises
    ------
    TypeError
        If `flush` is not a bool.
    RuntimeError
        If `flush` is true and the processor is neither x86-64 nor 64-bit Arm.

    See Also
    --------
    get_flush_subnormals

    Notes
    -----
    The setting applies to ufuncs, functions along an axis and `neuron`, on all their threads. The caller's own code
    keeps its modes. Functions compiled by `numba.njit`, and activations that run as Python, keep subnormals. Functions
    that only select numbers, such as `relu`, may return subnormal ones. float16 keeps its subnormals: it is computed in
    float32, where they are normal.

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
    Get whether calls from Python flush subnormal numbers to zero.

    Returns
    -------
    bool
        The last choice of `set_flush_subnormals`; False by default.

    Examples
    --------
    >>> import fastact
    >>> fastact.get_flush_subnormals()
    False
    """
    return bool(_words[0] != _DEFAULT)
