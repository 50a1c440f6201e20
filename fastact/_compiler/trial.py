"""On a Numba that is newer than those tried, compare one loop with NumPy before anything else is compiled."""

from __future__ import annotations

import warnings

import numba
import numpy as np

from .._kernels import requirements

_tried_out = not requirements.is_untried(numba.__version__)


def try_out_numba() -> None:
    """Raise RuntimeError where Numba gives wrong numbers, at every call; warn once where it does not."""
    from .._runtime.ufunc import activation

    global _tried_out
    if _tried_out:
        return
    _tried_out = True  # for the compilation of what follows
    try:
        x = np.linspace(-3, 3, 50)
        found = activation(lambda x: x / (2 + x * x))(x[::-1])
        if not np.array_equal(found, (x / (2 + x * x))[::-1]):
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
