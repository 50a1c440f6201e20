"""The entry points: for each kind a function that makes Numba's C function of it."""

from __future__ import annotations

from typing import Any

import numba

from .._kernels import axis_driver, dots, driver, entry, jobs, pool, softmax, tiles
from .._kernels.compiled import STRICT
from .._runtime.ufunc import Activation
from . import loops

_LAYERS = {"dots": dots, "tiles": tiles}


def loop(activation: Activation, dtype: str) -> Any:
    """The inner loop of an activation for a type."""
    return loops.inner_loop(activation, dtype)


def drive() -> Any:
    """What NumPy calls for every ufunc."""
    return _c_function(driver.DRIVE_SIGNATURE, driver.drive)


def drive_part() -> Any:
    """A part of such a call."""
    return _c_function(pool.PART_SIGNATURE, driver.part)


def along_axis(name: str, dtype: str) -> Any:
    """A function along an axis, of rows of a type."""
    return _c_function(softmax.SIGNATURE, softmax.function(name, getattr(numba.types, dtype)))


def drive_axis() -> Any:
    """What NumPy calls for every function along an axis."""
    return _c_function(driver.DRIVE_SIGNATURE, axis_driver.drive)


def drive_axis_part() -> Any:
    """A part of such a call."""
    return _c_function(pool.PART_SIGNATURE, axis_driver.part)


def fan_out() -> Any:
    """Parts over threads."""
    return _c_function(pool.FAN_OUT_SIGNATURE, pool.fan_out)


def enter() -> Any:
    """What Python calls for `neuron`."""
    return _c_function(entry.ENTER_SIGNATURE, entry.enter)


def run(kind: str, dtype: str) -> Any:
    """A layer, of `dots` or `tiles`."""
    return _c_function(jobs.RUN_SIGNATURE, jobs.runner(_layer(kind, dtype), jobs.over_threads))


def part(kind: str, dtype: str) -> Any:
    """A part of such a layer."""
    return _c_function(pool.PART_SIGNATURE, _layer(kind, dtype).part)


def _layer(kind: str, dtype: str) -> Any:
    return _LAYERS[kind].layer(getattr(numba.types, dtype))


def _c_function(signature: Any, function: Any) -> Any:
    return numba.cfunc(signature, **STRICT)(function)
