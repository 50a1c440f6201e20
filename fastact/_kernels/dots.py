"""One neuron: its weighted sums by dots, and the activation while they are in the cache."""

from __future__ import annotations

from typing import Any

from . import jobs, pool, vectors
from .compiled import STRICT, compiled
from .driver import copy_strided
from .jobs import Layer, activate, up
from .memory import LINE, at

_BLOCK = 512  # rows


def layer(real: Any) -> Layer:
    """The functions for the type of numbers `real`."""
    size = int(real.bitwidth) // 8
    lanes = vectors.lanes(real)
    dots, one_dot = vectors.dots(real, lanes), vectors.dots(real, 1)
    block_bytes = _BLOCK * size

    @compiled(**STRICT)
    def plan(job, threads):
        job[jobs.ROW_PARTS] = threads if job[jobs.ROWS] >= threads * lanes else 1
        job[jobs.COLUMN_PARTS] = 1
        rows = lanes if job[jobs.X_STEP] != size else 0
        gathered = up((rows + (job[jobs.W_STEP] != size)) * job[jobs.K] * size, LINE)
        job[jobs.SCRATCH_PART] = 3 * block_bytes + gathered

    def part(job, index):
        first, end = pool.part(job[jobs.ROWS], job[jobs.ROW_PARTS], index, lanes)
        k, x_row, x_step, z_row = job[jobs.K], job[jobs.X_ROW], job[jobs.X_STEP], job[jobs.Z_ROW]
        sums = job[jobs.SCRATCH] + index * job[jobs.SCRATCH_PART]
        slopes, results = sums + block_bytes, sums + 2 * block_bytes
        gathered = sums + 3 * block_bytes  # the weights or rows of x that are not contiguous
        w = job[jobs.W]
        if job[jobs.W_STEP] != size:
            w = gathered
            gathered += k * size
            copy_strided(job[jobs.W], job[jobs.W_STEP], w, size, k, real)
        if job[jobs.INPUTS] == 2:
            for i in range(min(_BLOCK, end - first)):
                at(slopes, real)[i] = at(job[jobs.SLOPE], real)[0]
        for i in range(first, end, _BLOCK):
            rows = min(_BLOCK, end - i)
            together = lanes if rows >= lanes else 1
            r = 0
            while r < rows:
                r = min(r, rows - together)
                x, distance = job[jobs.X] + (i + r) * x_row, x_row
                if x_step != size:
                    for p in range(k):
                        copy_strided(x + p * x_step, x_row, gathered + p * size, k * size, together, real)
                    x, distance = gathered, k * size
                if together == 1:
                    one_dot(x, distance, w, k, job[jobs.BIAS], sums + r * size)
                else:
                    dots(x, distance, w, k, job[jobs.BIAS], sums + r * size)
                r += together
            z = job[jobs.Z] + i * z_row
            activate(job, sums, slopes, z if z_row == size else results, rows)
            if z_row != size:
                copy_strided(results, size, z, z_row, rows, real)

    return Layer(size, plan, part)
