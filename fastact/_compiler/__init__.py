"""What compiles: the rooms that import Numba, entered through `_runtime.door` or by Numba itself."""

from .._runtime import door


def init() -> None:
    """Make our functions known inside `@njit`; Numba calls it before it first compiles anything."""
    door.enter("njit")
