"""Several neurons: weighted sums by tiles, block by block, and the activation of a block while it is in the cache.

A part is computed in blocks of rows. The x and the sums of a block each fit a quarter of the second-level cache. For
each block all panels of the weights are read, one after the other. A panel is as wide as a tile; it stays in the
first-level cache while it serves the rows of the block, and the next panel is prefetched. The first tile that reads a
panel packs it: it copies the panel to contiguous, aligned memory, so that later tiles and blocks read aligned vectors
from few pages. A part of few rows reads each panel only once or twice; there wide weights are swept row by row instead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import jobs, pool, vectors
from .compiled import STRICT, always_inlined, compiled, widest_vectors
from .driver import copy_strided
from .jobs import Layer, activate, up
from .memory import LINE, at, copy

_SWEPT_BLOCK_BYTES = 64 * 1024  # of sums
_WEIGHT_BYTES = 8 * 1024 * 1024  # of a block of columns, at most
_FEWEST_TILES = 6  # that a panel serves before the next takes its place in the first-level cache
_FIRST_LEVEL_BYTES = 32 * 1024  # of the smallest first-level cache: weights that fit are not packed if aligned
_MOST_ROWS = 256  # of a block, so that the sums of several panels fit its share of the cache
_SWEPT_BYTES = 1024  # wider rows of weights are read sooner by sweeps than by panels

_COST_OF_COLUMN = 12  # products in the time that its weights take, packed or not
_COST_OF_ROW = 16  # products in the time that its numbers take from memory

# Kinds of parts, by the tile that computes most of one.
_MAIN, _NARROW, _FEW, _SINGLE = range(4)


@compiled(**STRICT)
def _finish(job, sums, slopes, z, rows, columns, size):
    """The activation of a block of sums."""
    z_row, row_bytes = job[jobs.Z_ROW], columns * size
    if z_row == row_bytes:
        columns, rows = rows * columns, 1
    for i in range(rows):
        activate(job, sums + i * row_bytes, slopes, z + i * z_row, columns)


class Layout(NamedTuple):
    """How a part is computed by panels, and where its numbers lie in its scratch memory, after the sums of a block."""

    kind: int
    rows: int  #: of a block
    columns: int  #: of a block
    packed: bool  #: all panels are copies of the weights
    bias: int
    slopes: int
    weights: int  #: packed
    end: int


def layer(real: Any) -> Layer:
    """The functions for the type of numbers `real`."""
    size = int(real.bitwidth) // 8
    lanes = vectors.lanes(real)
    vector_bytes = lanes * size
    shapes = vectors.shapes()
    main_rows, narrow_rows, few_rows = shapes.main.rows, shapes.narrow.rows, shapes.few.rows
    main_columns = shapes.main.vectors * lanes
    of_kinds = shapes.main, shapes.narrow, shapes.few, shapes.single
    tile_rows = tuple(shape.rows for shape in of_kinds)
    tile_columns = tuple(shape.vectors * lanes for shape in of_kinds)
    masked = tuple(shape.masked for shape in of_kinds)
    prefetches, packs_masked = shapes.main.prefetches, shapes.packing.masked
    # The packing tile makes panels of its own width. All widths are powers of two.
    panel_columns = (main_columns, main_columns, *tile_columns[2:]) if packs_masked else tile_columns
    main, shorter, packing, narrow, few, single = (vectors.tile(real, shape) for shape in shapes)
    transpose, sweep = vectors.transposition(real), vectors.sweep(real)

    @compiled(**STRICT)
    def kind_for(rows, columns):
        if rows >= narrow_rows and columns <= lanes:
            return _NARROW
        if rows >= main_rows:
            return _MAIN
        return _FEW if rows >= few_rows else _SINGLE

    @compiled(**STRICT)
    def blocks(job, kind, rows, columns):
        """Rows and columns of a block."""
        width, height = panel_columns[kind], tile_rows[kind]
        share, row_bytes = job[jobs.CACHE] // 4, max(1, job[jobs.K] * size)
        parts = job[jobs.ROW_PARTS] * job[jobs.COLUMN_PARTS]
        if rows <= _MOST_ROWS and max(rows, columns) * row_bytes <= share and rows * columns * size <= share:
            return rows, columns  # the common case, without divisions
        weights = min(_WEIGHT_BYTES, max(job[jobs.CACHE], job[jobs.SHARED_CACHE] // parts))
        block_rows = max(_FEWEST_TILES, min(_MOST_ROWS, share // row_bytes) // height) * height
        widest = min(weights // row_bytes, share // (min(rows, block_rows) * size))
        return min(rows, block_rows), min(columns, max(width, widest & -width))

    @compiled(**STRICT)
    def is_swept(job, rows, columns):
        return rows < few_rows and columns * size > _SWEPT_BYTES and job[jobs.W_COLUMN] == size

    @compiled(**STRICT)
    def is_packed(job, kind, rows):
        """Whether all panels are packed. If not, a last one that lacks columns is, unless its tile is masked."""
        if job[jobs.W_COLUMN] != size:
            return True
        step, width = job[jobs.W_STEP], tile_columns[kind] * size
        is_split = job[jobs.K] * abs(step) > _FIRST_LEVEL_BYTES or (job[jobs.W] | step) % vector_bytes != 0
        return rows >= _FEWEST_TILES * tile_rows[kind] and step != width and is_split

    @compiled(**STRICT)
    def panel_layout(job, rows, columns):
        """How a part is computed by panels, and where its numbers lie in its scratch memory."""
        always_inlined()  # so that LLVM sees that no kind is out of range, and removes Python's IndexError
        kind = kind_for(rows, columns)
        width = panel_columns[kind]
        block_rows, block_columns = blocks(job, kind, rows, columns)
        packed = is_packed(job, kind, rows)
        bias = up((block_rows * block_columns + width) * size, LINE)
        slopes = bias + up(up(block_columns, width) * size, LINE)
        weights = slopes + (bias if job[jobs.INPUTS] == 2 else 0)
        kept = 0  # columns of packed weights
        if packed:
            kept = up(block_columns, width) if rows > block_rows else width
        elif not masked[kind] and columns & (tile_columns[kind] - 1) != 0:
            kept = width
        end = up(weights + kept * job[jobs.K] * size, LINE)
        return Layout(kind, block_rows, block_columns, packed, bias, slopes, weights, end)

    @compiled(**STRICT)
    def scratch_bytes(job, rows, columns):
        if is_swept(job, rows, columns):
            return up(min(columns * size, _SWEPT_BLOCK_BYTES + vector_bytes), LINE) if job[jobs.INPUTS] == 2 else 0
        return panel_layout(job, rows, columns).end

    @compiled(**STRICT)
    def main_tiles(rows):
        """How many main tiles hold so many rows, and how many more rows they have."""
        tiles = (rows + main_rows - 1) // main_rows
        return tiles, tiles * main_rows - rows

    @compiled(**STRICT)
    def cost(rows, columns):
        """Of a part, in products: each row and each column costs by itself, too."""
        tiles, missing = main_tiles(rows)
        if missing > tiles:
            rows += min(missing, -rows % few_rows)
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
        if threads == 1:
            job[jobs.SCRATCH_PART] = scratch_bytes(job, rows, columns)
            return
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
        block = _SWEPT_BLOCK_BYTES // size
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
        k, x_row, x_step = job[jobs.K], job[jobs.X_ROW], job[jobs.X_STEP]
        layout = panel_layout(job, end - first, right - left)
        kind, block_rows, block_columns, all_packed = layout.kind, layout.rows, layout.columns, layout.packed
        bias, slopes, weights = scratch + layout.bias, scratch + layout.slopes, scratch + layout.weights
        width = panel_columns[kind]
        panel_step = width * size
        row_blocks = 1 if block_rows == end - first else (end - first + block_rows - 1) // block_rows
        column_bytes = k * size if all_packed and row_blocks > 1 else 0  # of packed weights that stay
        j = left
        while j < right:  # not `range`, which raises where a step is 0
            columns = min(block_columns, right - j)
            copy_strided(job[jobs.BIAS] + j * job[jobs.BIAS_COLUMN], job[jobs.BIAS_COLUMN], bias, size, columns, real)
            if job[jobs.INPUTS] == 2:
                source, step = job[jobs.SLOPE] + j * job[jobs.SLOPE_COLUMN], job[jobs.SLOPE_COLUMN]
                for i in range(block_rows):
                    copy_strided(source, step, slopes + i * columns * size, size, columns, real)
            for row_block in range(row_blocks):
                rows, i = end - first, first
                if row_blocks > 1:
                    top, bottom = pool.part(end - first, row_blocks, row_block, tile_rows[kind])
                    rows, i = bottom - top, first + top
                x = job[jobs.X] + i * x_row
                # The vectors of the last panel reach into the next row, so it comes first.
                panel = (columns - 1) & -width
                while panel >= 0:
                    shown = min(width, columns - panel)
                    w, w_step = job[jobs.W] + (j + panel) * job[jobs.W_COLUMN], job[jobs.W_STEP]
                    packed, made, following = weights + panel * column_bytes, 0, 0
                    if all_packed or not (masked[kind] or shown == tile_columns[kind]):
                        if row_block > 0:
                            w, w_step = packed, panel_step
                            following = packed - width * column_bytes if all_packed and panel > 0 else 0
                        elif job[jobs.W_COLUMN] == size and (packs_masked or (kind == _MAIN and shown == width)):
                            made = packed
                        else:
                            pack(job, j + panel, shown, width, packed)
                            w, w_step = packed, panel_step
                    sums, start = scratch + panel * size, bias + panel * size
                    panel_rows(
                        kind, x, x_row, x_step, w, w_step, k, start, sums, columns * size, rows, shown, made, following
                    )
                    panel -= width
                _finish(job, scratch, slopes, job[jobs.Z] + i * job[jobs.Z_ROW] + j * size, rows, columns, size)
            j += columns

    @compiled(**STRICT)
    def pack(job, first, columns, width, panel):
        """Pack some columns of the weights as a panel, with zeros for those that are missing."""
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
    def panel_rows(kind, x, x_row, x_step, w, w_step, k, start, z, z_row, rows, columns, made, following):
        """A panel of the weights times rows of x, by tiles of a kind of which there are enough rows for one.

        Rows that are left are served by smaller tiles or by one that begins where it ends with the last row, at the
        price of sums computed twice, whichever is less work. If `made` is an address, the first tile packs the panel
        there. The others prefetch the panel at `following`, if that is an address.
        """
        tiles, missing = main_tiles(rows)
        if missing > tiles and missing >= main_rows - few_rows:
            missing = 0  # `few` takes what is left
        i = tile = 0
        while i < rows:
            height = tile_rows[kind]
            if made != 0:
                height = main_rows
            elif kind == _MAIN and rows - i <= few_rows:
                kind, height = _FEW, few_rows
            elif kind == _MAIN and tile >= tiles - missing:
                height = main_rows - 1
            i = min(i, rows - height)
            x_i, z_i = x + i * x_row, z + i * z_row
            ahead, step = x_i + max(vectors.AHEAD, height * x_row), height * size
            if prefetches and following != 0:
                step = main_columns * size // tiles
                ahead = following + tile * k * step
            if made != 0:
                packing(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns, made, main_columns * size)
                w, w_step, made = made, main_columns * size, 0
            elif kind == _MAIN:
                if height == main_rows:
                    main(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns, ahead, step)
                else:
                    shorter(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns, ahead, step)
            elif kind == _NARROW:
                narrow(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns, ahead, step)
            elif kind == _FEW:
                few(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns, ahead, step)
            else:
                single(x_i, x_row, x_step, w, w_step, k, start, z_i, z_row, columns, ahead, step)
            i += height
            tile += 1

    return Layer(size, plan, part)
