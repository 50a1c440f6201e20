"""Several neurons: weighted sums by tiles, block by block, and the activation of a block while it is in the cache.

A part goes through its columns in blocks whose weights fit the second-level cache, packed into panels as wide as a tile
where that pays, and through its rows in blocks whose sums fit it, too, so that a panel serves many rows before another
takes its place in the first-level cache. Where a row of x stands nearly alone and no panel would serve again, wide
weights are swept row by row instead.
"""

from __future__ import annotations

from typing import Any

from . import jobs, pool, vectors
from .compiled import STRICT, compiled, widest_vectors
from .driver import copy_strided
from .jobs import Layer, activate, up
from .memory import LINE, at, copy

_BLOCK_BYTES = 64 * 1024  # of sums
_WEIGHT_BYTES = 512 * 1024  # of a block of columns
_WEIGHT_REACH = 2 * 1024 * 1024  # of rows of weights, further apart than which they share few places of the caches
_ROWS_WORTH_PACKING = 96  # where the weights are more than that

_SWEPT_BYTES = 1024  # wider rows of weights are read sooner by sweeps than by panels

_COST_OF_COLUMN = 12  # products in the time that its weights take, packed or not
_COST_OF_ROW = 16  # products in the time that its numbers take from memory

# Kinds of tiles, in the order of `vectors.Shapes`.
_MAIN, _NARROW, _FEW, _SINGLE = range(4)


@compiled(**STRICT)
def _finish(job, sums, slopes, z, rows, columns, size):
    """The activation of a block of sums."""
    z_row, row_bytes = job[jobs.Z_ROW], columns * size
    if z_row == row_bytes:
        columns, rows = rows * columns, 1
    for i in range(rows):
        activate(job, sums + i * row_bytes, slopes, z + i * z_row, columns)


def layer(real: Any) -> Layer:
    """The functions for the type of numbers `real`."""
    size = int(real.bitwidth) // 8
    lanes = vectors.lanes(real)
    vector_bytes = lanes * size
    shapes = vectors.shapes()
    main_rows, narrow_rows, few_rows = shapes.main.rows, shapes.narrow.rows, shapes.few.rows
    main_columns = shapes.main.vectors * lanes
    panel_columns = tuple(shape.vectors * lanes for shape in shapes)
    tile_rows = tuple(shape.rows for shape in shapes)
    masked = tuple(shape.masked for shape in shapes)
    main, narrow, few, single = (vectors.tile(real, shape) for shape in shapes)
    left_to_few = (main_rows - 1) // few_rows * few_rows
    transpose, sweep = vectors.transposition(real), vectors.sweep(real)

    @compiled(**STRICT)
    def kind_for(rows, columns):
        if rows >= narrow_rows and columns <= lanes:
            return _NARROW
        if rows >= main_rows:
            return _MAIN
        return _FEW if rows >= few_rows else _SINGLE

    @compiled(**STRICT)
    def blocks(kind, rows, k, columns):
        """Rows and columns of a block. The last block of rows may have almost another tile's rows more."""
        width, height = panel_columns[kind], tile_rows[kind]
        widest = min(_WEIGHT_BYTES // max(1, k * size), _BLOCK_BYTES // (height * size))
        block_columns = min(columns, max(width, widest // width * width))
        block_rows = max(height, _BLOCK_BYTES // (block_columns * size) // height * height)
        return min(rows, block_rows), block_columns

    @compiled(**STRICT)
    def is_swept(job, rows, columns):
        return rows < few_rows and columns * size > _SWEPT_BYTES and job[jobs.W_COLUMN] == size

    @compiled(**STRICT)
    def is_packed(job, rows, columns):
        k = job[jobs.K]
        large = k * columns * size > _WEIGHT_BYTES or k * abs(job[jobs.W_STEP]) > _WEIGHT_REACH
        many = rows >= _ROWS_WORTH_PACKING and large
        return many or job[jobs.W_COLUMN] != size

    @compiled(**STRICT)
    def layout(job, rows, columns):
        """Where the bias, the slopes and the packed weights lie behind the sums of a part, and the end, in bytes."""
        k = job[jobs.K]
        kind = kind_for(rows, columns)
        width = panel_columns[kind]
        block_rows, block_columns = blocks(kind, rows, k, columns)
        sums = up((min(rows, block_rows + tile_rows[kind]) * block_columns + width) * size, LINE)
        slopes = sums + up(up(block_columns, width) * size, LINE)
        weights = slopes + (sums if job[jobs.INPUTS] == 2 else 0)
        packed = up(block_columns, width) if is_packed(job, rows, columns) else 0 if masked[kind] else width
        return sums, slopes, weights, up(weights + packed * k * size, LINE)

    @compiled(**STRICT)
    def scratch_bytes(job, rows, columns):
        if is_swept(job, rows, columns):
            return up(min(columns * size, _BLOCK_BYTES + vector_bytes), LINE) if job[jobs.INPUTS] == 2 else 0
        return layout(job, rows, columns)[3]

    @compiled(**STRICT)
    def cost(rows, columns):
        """Of a part, in products: each row and each column costs by itself, too."""
        left = rows % main_rows
        rows += (main_rows if left > left_to_few else up(left, few_rows)) - left
        return (rows + _COST_OF_COLUMN) * (up(columns, main_columns) + _COST_OF_ROW)

    @compiled(**STRICT)
    def largest_part(total, parts, unit):
        units = (total + unit - 1) // unit
        return min(total, (units + parts - 1) // parts * unit)

    @compiled(**STRICT)
    def plan(job, threads):
        """The grid of parts whose dearest costs least; rather more of rows than of columns."""
        rows, columns = job[jobs.ROWS], job[jobs.COLUMNS]
        job[jobs.ROW_PARTS], job[jobs.COLUMN_PARTS] = 1, 1
        least = cost(rows, columns)
        for row_parts in range(min(threads, max(1, rows // main_rows)), 0, -1):
            column_parts = max(1, min(threads // row_parts, columns // main_columns))
            part_cost = cost(largest_part(rows, row_parts, few_rows), largest_part(columns, column_parts, main_columns))
            if part_cost < least:
                least = part_cost
                job[jobs.ROW_PARTS], job[jobs.COLUMN_PARTS] = row_parts, column_parts
        job[jobs.SCRATCH_PART] = 0
        for index in range(job[jobs.ROW_PARTS] * job[jobs.COLUMN_PARTS]):
            first, end, left, right = bounds(job, index)
            job[jobs.SCRATCH_PART] = max(job[jobs.SCRATCH_PART], scratch_bytes(job, end - first, right - left))

    @compiled(**STRICT)
    def bounds(job, index):
        """First and end of the rows and of the columns of a part."""
        first, end = pool.part(job[jobs.ROWS], job[jobs.ROW_PARTS], index // job[jobs.COLUMN_PARTS], few_rows)
        left, right = pool.part(job[jobs.COLUMNS], job[jobs.COLUMN_PARTS], index % job[jobs.COLUMN_PARTS], main_columns)
        return first, end, left, right

    def part(job, index):
        first, end, left, right = bounds(job, index)
        if first == end or left == right:
            return
        scratch = job[jobs.SCRATCH] + index * job[jobs.SCRATCH_PART]
        if is_swept(job, end - first, right - left):
            swept(job, first, end, left, right, scratch)
        else:
            by_panels(job, first, end, left, right, scratch)

    @compiled(**STRICT)
    def swept(job, first, end, left, right, slopes):
        """Rows one by one, their sums where the results will be."""
        block = _BLOCK_BYTES // size
        j = left
        while j < right:
            columns = block if right - j >= block + lanes else right - j
            if job[jobs.INPUTS] == 2:
                copy_strided(
                    job[jobs.SLOPE] + j * job[jobs.SLOPE_COLUMN], job[jobs.SLOPE_COLUMN], slopes, size, columns, real
                )
            for i in range(first, end):
                x, z = job[jobs.X] + i * job[jobs.X_ROW], job[jobs.Z] + i * job[jobs.Z_ROW] + j * size
                copy_strided(job[jobs.BIAS] + j * job[jobs.BIAS_COLUMN], job[jobs.BIAS_COLUMN], z, size, columns, real)
                sweep(x, job[jobs.X_STEP], job[jobs.W] + j * size, job[jobs.W_STEP], job[jobs.K], z, columns)
                activate(job, z, slopes, z, columns)
            j += columns

    @compiled(**STRICT)
    def by_panels(job, first, end, left, right, scratch):
        k, x_row = job[jobs.K], job[jobs.X_ROW]
        kind = kind_for(end - first, right - left)
        width = panel_columns[kind]
        block_rows, block_columns = blocks(kind, end - first, k, right - left)
        bias_at, slopes_at, weights_at, _ = layout(job, end - first, right - left)
        bias, slopes, weights = scratch + bias_at, scratch + slopes_at, scratch + weights_at
        j = left
        while j < right:  # not `range`, which raises where a step is 0
            columns = min(block_columns, right - j)
            last_panel = (columns - 1) // width * width
            copy_strided(job[jobs.BIAS] + j * job[jobs.BIAS_COLUMN], job[jobs.BIAS_COLUMN], bias, size, columns, real)
            if job[jobs.INPUTS] == 2:
                source, step = job[jobs.SLOPE] + j * job[jobs.SLOPE_COLUMN], job[jobs.SLOPE_COLUMN]
                for i in range(min(end - first, block_rows + tile_rows[kind])):
                    copy_strided(source, step, slopes + i * columns * size, size, columns, real)
            first_packed = columns
            if is_packed(job, end - first, right - left):
                first_packed = 0
            elif not masked[kind] and last_panel + width > columns:
                first_packed = last_panel
            panel = first_packed
            while panel < columns:
                target = weights + (panel - first_packed) * k * size
                pack(job, j + panel, min(width, columns - panel), width, target)
                panel += width
            i = first
            while i < end:
                rows = block_rows if end - i >= block_rows + tile_rows[kind] else end - i
                # The vectors of the last panel reach into the next row, so it comes first.
                panel = last_panel
                while panel >= 0:
                    w, w_step = job[jobs.W] + (j + panel) * size, job[jobs.W_STEP]
                    if panel >= first_packed:
                        w, w_step = weights + (panel - first_packed) * k * size, width * size
                    x, sums, start = job[jobs.X] + i * x_row, scratch + panel * size, bias + panel * size
                    shown = min(width, columns - panel)
                    panel_rows(kind, x, x_row, job[jobs.X_STEP], w, w_step, k, start, sums, columns * size, rows, shown)
                    panel -= width
                _finish(job, scratch, slopes, job[jobs.Z] + i * job[jobs.Z_ROW] + j * size, rows, columns, size)
                i += rows
            j += columns

    @compiled(**STRICT)
    def pack(job, first, columns, width, panel):
        """Some columns of the weights as a panel, with zeros for those that it has more."""
        widest_vectors()
        k, step, column = job[jobs.K], job[jobs.W_STEP], job[jobs.W_COLUMN]
        source, row = job[jobs.W] + first * column, width * size
        whole = columns - columns % lanes
        if column == size:
            for p in range(k):
                for c in range(0, whole, lanes):
                    copy(source + p * step + c * size, panel + p * row + c * size, vector_bytes)
        else:
            for c in range(0, whole, lanes):
                corner, target = source + c * column, panel + c * size
                p = 0
                if step == size:
                    while p + lanes <= k:
                        transpose(corner + p * size, column, target + p * row, row)
                        p += lanes
                while p < k:
                    copy_strided(corner + p * step, column, target + p * row, size, lanes, real)
                    p += 1
        for c in range(whole, columns):
            copy_strided(source + c * column, step, panel + c * size, row, k, real)
        for c in range(columns, width):
            for p in range(k):
                at(panel + p * row + c * size, real)[0] = 0

    @compiled(**STRICT, inline="always")
    def panel_rows(kind, x, x_row, x_step, w, w_step, k, start, z, z_row, rows, columns):
        """A panel of the weights times rows of x, by tiles of a kind of which there are enough rows for one.

        Rows that are left are served by smaller tiles or by one that begins where it ends with the last row, at the
        price of sums computed twice, whichever is less work.
        """
        height = tile_rows[kind]
        i = 0
        while i < rows:
            if kind == _MAIN and rows - i <= left_to_few:
                kind, height = _FEW, few_rows
            i = min(i, rows - height)
            x_i, z_i = x + i * x_row, z + i * z_row
            if kind == _MAIN:
                main(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns)
            elif kind == _NARROW:
                narrow(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns)
            elif kind == _FEW:
                few(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns)
            else:
                single(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns)
            i += height

    return Layer(size, plan, part)
