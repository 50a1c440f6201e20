"""The words that describe a function along an axis to its driver; they are the `data` pointer of NumPy's loop.

The first are those of every loop, of which the function is `function(x, x_row, x_step, y, y_row, y_step, n, count)`.
"""

from __future__ import annotations

from . import loop_record

REDUCES = loop_record.WORDS  #: whether a row gives one number
NO_MEMORY = REDUCES + 1  #: address of a C function of four words that raises MemoryError
WORDS = NO_MEMORY + 1
