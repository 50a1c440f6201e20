"""Lets small calls do what only large ones do: use all threads, and write past the caches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from fastact._runtime import loop_record, pool_record, threads
from fastact._runtime.ufunc import find

_COSTS = [pool_record.FAN_OUT_TIME, pool_record.THREAD_TIME, pool_record.LEAST_THREAD_TIME]


@contextlib.contextmanager
def threads_for_nothing(wanted: bool = True) -> Iterator[None]:
    """If wanted, the next call that may be shared out is, however busy the processors are."""
    before = threads._pool[_COSTS]
    if wanted:
        threads._pool[_COSTS] = 1
    try:
        yield
    finally:
        threads._pool[_COSTS] = before


@contextlib.contextmanager
def as_if_large(ufunc: np.ufunc, code: str, wanted: bool) -> Iterator[None]:
    """If wanted, the next call of a loop that may be shared out is, and goes past the caches if a large one does."""
    activation = find(ufunc)
    assert activation
    record = activation.loop(code).record
    before = record[loop_record.STREAM]
    if wanted and activation.memory_bound:
        record[loop_record.STREAM] = 1
    try:
        with threads_for_nothing(wanted):
            yield
    finally:
        record[loop_record.STREAM] = before
