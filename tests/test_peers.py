"""The comparison with other libraries measures the same work on all sides, and counts their errors."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from asv_bench.peers import activations, along_axis, neuron
from asv_bench.peers.work import Work

INSTALLED = [
    name for name in activations.LIBRARIES if name in ("fastact", "numpy", "scipy") and importlib.util.find_spec(name)
]
ACTIVATION_CELLS = [
    activations.Cell(function, dtype, 2000, layout)
    for function in activations.FUNCTIONS
    for dtype in ("float32", "float64")
    for layout in ("out given", *activations.LAYOUTS)
]
AXIS_CELLS = [
    along_axis.Cell(function, dtype, 3, 50) for function in along_axis.FUNCTIONS for dtype in along_axis.TYPES
]
LAYERS = [
    neuron.Cell(n, 7, m, dtype, activation)
    for n, m in ((5, 3), (5, 1), (1, 1))
    for dtype in neuron.TYPES
    for activation in neuron.ACTIVATIONS
]


@pytest.mark.parametrize("library", INSTALLED)
@pytest.mark.parametrize(
    ("work", "cells"),
    [(activations.WORK, ACTIVATION_CELLS), (along_axis.WORK, AXIS_CELLS), (neuron.WORK, LAYERS)],
    ids=["activations", "along_axis", "neuron"],
)
def test_a_library_does_the_work(work: Work, cells: list[Any], library: str) -> None:
    if library not in work.libraries:
        pytest.skip("it does not take part")
    for cell in cells:
        problem: Any = work.problem(cell)
        made = work.libraries[library](problem, 1)
        if made is None:
            assert library != "fastact"
            continue
        call, result = made
        with np.errstate(all="ignore"):
            call()
            got = np.asarray(result())
        error = problem.error(got)
        assert error < 4 or library != "fastact" or work is neuron.WORK, cell
        with pytest.raises(SystemExit, match="wrong results of Cell"):
            problem.error(got + got.dtype.type(0.1))


def test_tables() -> None:
    cells = activations.cells(True, 1)[:2]
    rows = [
        cell._asdict()
        | {"threads": 1, "ulp": {"fastact": 1.0, "scipy": 2e6}, "seconds": {"fastact": 1e-5, "scipy": 2e-5}}
        for cell in cells
    ]
    lines = list(activations.WORK.tables(rows))
    assert lines[-1] == "| tanh | float32 | 10,000 | out given | 1 | 2 | 2.00 |"
    assert list(activations.ACCURACY.tables(rows))[-1] == "| tanh | float32 | 1.00 | 2e+06 |"
