"""On a Numba that is newer than those tried, compare a loop of each type with NumPy before anything is compiled."""

from __future__ import annotations

import warnings
from typing import Any

import numba
import numpy as np

from .._kernels import requirements
from .._runtime import store

_tried_out = not requirements.is_untried(numba.__version__)


def try_out_numba() -> None:
    """Raise RuntimeError where Numba gives wrong numbers, at every call; warn once where it does not."""
    global _tried_out
    if _tried_out:
        return
    if store.level_ahead is not None:
        raise RuntimeError(f"fastact was not tried with numba {numba.__version__}, so nothing is compiled ahead by it")
    _tried_out = True  # for the compilation of what follows
    try:
        if not _gives_right_numbers():
            raise RuntimeError(f"fastact gives wrong numbers with numba {numba.__version__}: install an older numba")
    except BaseException:
        _tried_out = False
        raise
    newest = ".".join(map(str, requirements.NEWEST_TRIED))
    warnings.warn(
        f"fastact was tried with numba up to {newest}, and this is {numba.__version__}; a short test passed",
        RuntimeWarning,
        stacklevel=2,
    )


def _gives_right_numbers() -> bool:
    from .._runtime.ufunc import activation

    def of_floats(x: Any) -> Any:
        return x / (2 + x * x)

    def of_integers(x: Any) -> Any:
        return x * x - x

    x = np.linspace(-3, 3, 50)[::-1]
    quotient, difference = activation(of_floats), activation(integers=True)(of_integers)
    halves, singles, integers = x.astype(np.float16), x.astype(np.float32), np.arange(-50, 50)
    return (
        np.array_equal(quotient(x), of_floats(x))
        and np.array_equal(quotient(singles), of_floats(singles))
        and np.array_equal(quotient(halves), of_floats(halves.astype(np.float32)).astype(np.float16))
        and np.array_equal(difference(integers), of_integers(integers))
    )
