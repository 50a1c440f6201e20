"""What compiles: the only rooms that import Numba, entered when code is missing, or by Numba itself."""
