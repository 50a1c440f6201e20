"""What compiles: the rooms that import Numba, entered through `_runtime.door` alone."""
