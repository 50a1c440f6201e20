"""A layer of neurons: weighted sums by tiles, block by block, and the activation while a block is in the cache.

The layer is described by the words of a *job*. Its result is cut into parts, by rows or by columns, each of which one
thread computes on its own: it goes through its columns in blocks whose weights fit the second-level cache, packed into
panels as wide as a tile where that pays, and through its rows in blocks whose sums fit the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import types

from . import tile
from .bits import (
    STRICT,
    at,
    call,
    compiled,
    copy,
    enter_default_float_state,
    leave_float_state,
    stack,
    widest_vectors,
)
from .driver import move

# The words of a job. Strides are in bytes.
X, X_ROW, X_STEP = 0, 1, 2  #: from row to row, and along k
W, W_STEP, W_COLUMN = 3, 4, 5  #: along k, and from column to column
BIAS, BIAS_COLUMN = 6, 7
SLOPE, SLOPE_COLUMN = 8, 9  #: the second input of the activation, where it has one
Z, Z_ROW = 10, 11  #: its columns are contiguous
ROWS, K, COLUMNS = 12, 13, 14
LOOP, INPUTS = 15, 16  #: address of the activation's `loop(addresses, n)`, and how many inputs it has
ROW_PARTS, COLUMN_PARTS = 17, 18
SCRATCH, SCRATCH_PART = 19, 20  #: address of memory on a line, and how many bytes of it each part has
JOB_WORDS = 21

_LINE = 64
_BLOCK_BYTES = 16 * 1024  # of sums: half of the smallest first-level cache
_BLOCK_BYTES_LIMIT = 64 * 1024  # where a tile's rows of all columns are more
_WEIGHT_BYTES = 1 << 20  # of a block of columns: half of a second-level cache
_ROWS_WORTH_PACKING = 96
_DOT_ROWS = 512  # in a block

# Kinds of tiles, in the order of `tile.Shapes`.
_MAIN, _NARROW, _FEW, _SINGLE = range(4)


class Layer(NamedTuple):
    """What Numba compiles for one type."""

    plan: Callable[..., Any]  #: `plan(job, threads)` sets the parts; gives the bytes of scratch memory for all of them
    part: Callable[..., Any]  #: `part(job, index)` computes a part


@compiled(**STRICT)
def _up(n, unit):
    """The next multiple of `unit` from n."""
    return n + -n % unit


@compiled(**STRICT)
def _share(total, parts, index, unit):
    """First and end of a part; all are of one size, a multiple of `unit`, but for the last."""
    size = _up((total + parts - 1) // parts, unit)
    return min(total, index * size), min(total, (index + 1) * size)


@compiled(**STRICT)
def _finish(job, sums, slopes, z, rows, columns, size):
    """The activation of a block of sums."""
    addresses_address = stack(24)
    addresses = at(addresses_address, types.intp)
    inputs, z_row = job[INPUTS], job[Z_ROW]
    row_bytes = columns * size
    if z_row == row_bytes:
        columns, rows = rows * columns, 1
    for i in range(rows):
        addresses[0] = sums + i * row_bytes
        addresses[1] = slopes
        addresses[inputs] = z + i * z_row
        call(job[LOOP], (addresses_address, columns))


def layer(real: Any) -> Layer:
    """The functions for the type of numbers `real`."""
    size = int(real.bitwidth) // 8
    lanes = tile.lanes(real)
    vector_bytes = lanes * size
    shapes = tile.shapes()
    main_rows, narrow_rows, few_rows = shapes.main.rows, shapes.narrow.rows, shapes.few.rows
    main_columns = shapes.main.vectors * lanes
    panel_columns = tuple(shape.vectors * lanes for shape in shapes)
    tile_rows = tuple(shape.rows for shape in shapes)
    masked = tuple(shape.masked for shape in shapes)
    main, narrow, few, single = (_rows_by(real, shape, shapes.few) for shape in shapes)
    transpose = tile.transposition(real)
    dots, one_dot = tile.dots(real, lanes), tile.dots(real, 1)

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
        widest = min(_WEIGHT_BYTES // max(1, k * size), _BLOCK_BYTES_LIMIT // (height * size))
        block_columns = min(columns, max(width, widest // width * width))
        block_rows = max(height, _BLOCK_BYTES // (block_columns * size) // height * height)
        return min(rows, block_rows), block_columns

    @compiled(**STRICT)
    def is_packed(job, rows):
        return rows >= _ROWS_WORTH_PACKING or job[W_COLUMN] != size

    @compiled(**STRICT)
    def layout(job, rows, columns):
        """Where the bias, the slopes and the packed weights lie behind the sums of a part, and the end, in bytes."""
        k = job[K]
        if columns == 1:
            sums = _DOT_ROWS * size
            gathered = 0 if job[X_STEP] == size else lanes * k * size
            weights = 0 if job[W_STEP] == size else k * size
            return sums, 2 * sums, 3 * sums, 3 * sums + _up(gathered, _LINE) + _up(weights, _LINE)
        kind = kind_for(rows, columns)
        width = panel_columns[kind]
        block_rows, block_columns = blocks(kind, rows, k, columns)
        elements = (min(rows, block_rows + tile_rows[kind]) * block_columns + width) * size
        bias = _up(elements, _LINE)
        slopes = bias + _up(_up(block_columns, width) * size, _LINE)
        weights = slopes + (_up(elements, _LINE) if job[INPUTS] == 2 else 0)
        packed = _up(block_columns, width) if is_packed(job, rows) else 0 if masked[kind] else width
        return bias, slopes, weights, weights + packed * k * size

    @compiled(**STRICT)
    def row_unit(columns):
        return lanes if columns == 1 else main_rows

    def plan(job, threads):
        rows, columns = job[ROWS], job[COLUMNS]
        job[ROW_PARTS] = job[COLUMN_PARTS] = 1
        if rows >= threads * row_unit(columns):
            job[ROW_PARTS] = threads
        elif columns >= threads * main_columns:
            job[COLUMN_PARTS] = threads
        most = 0
        for index in (0, job[ROW_PARTS] * job[COLUMN_PARTS] - 1):  # all but the last are of one size
            first, end = _share(rows, job[ROW_PARTS], index // job[COLUMN_PARTS], row_unit(columns))
            left, right = _share(columns, job[COLUMN_PARTS], index % job[COLUMN_PARTS], main_columns)
            most = max(most, layout(job, end - first, right - left)[3])
        job[SCRATCH_PART] = _up(most, _LINE)
        return job[SCRATCH_PART] * job[ROW_PARTS] * job[COLUMN_PARTS]

    def part(job, index):
        state = enter_default_float_state()
        columns = job[COLUMNS]
        first, end = _share(job[ROWS], job[ROW_PARTS], index // job[COLUMN_PARTS], row_unit(columns))
        left, right = _share(columns, job[COLUMN_PARTS], index % job[COLUMN_PARTS], main_columns)
        scratch = job[SCRATCH] + index * job[SCRATCH_PART]
        if first < end and left < right:
            if columns == 1:
                by_dots(job, first, end, scratch)
            else:
                by_tiles(job, first, end, left, right, scratch)
        leave_float_state(state)

    @compiled(**STRICT)
    def by_tiles(job, first, end, left, right, scratch):
        k, x_row = job[K], job[X_ROW]
        kind = kind_for(end - first, right - left)
        width = panel_columns[kind]
        block_rows, block_columns = blocks(kind, end - first, k, right - left)
        bias_at, slopes_at, weights_at, _ = layout(job, end - first, right - left)
        bias, slopes, weights = scratch + bias_at, scratch + slopes_at, scratch + weights_at
        packed = is_packed(job, end - first)
        for j in range(left, right, block_columns):
            columns = min(block_columns, right - j)
            last_panel = (columns - 1) // width * width
            move(job[BIAS] + j * job[BIAS_COLUMN], job[BIAS_COLUMN], bias, size, columns, size)
            if job[INPUTS] == 2:
                source, step = job[SLOPE] + j * job[SLOPE_COLUMN], job[SLOPE_COLUMN]
                for i in range(min(end - first, block_rows + tile_rows[kind])):
                    move(source, step, slopes + i * columns * size, size, columns, size)
            if packed:
                for panel in range(0, columns, width):
                    pack(job, j + panel, min(width, columns - panel), width, weights + panel * k * size)
            elif not masked[kind] and last_panel + width > columns:
                pack(job, j + last_panel, columns - last_panel, width, weights)
            i = first
            while i < end:
                rows = block_rows if end - i >= block_rows + tile_rows[kind] else end - i
                # The vectors of the last panel reach into the next row, so it comes first.
                for panel in range(last_panel, -1, -width):
                    if packed:
                        w, w_step = weights + panel * k * size, width * size
                    elif not masked[kind] and panel + width > columns:
                        w, w_step = weights, width * size
                    else:
                        w, w_step = job[W] + (j + panel) * size, job[W_STEP]
                    x, sums, start = job[X] + i * x_row, scratch + panel * size, bias + panel * size
                    shape = (rows, columns * size, min(width, columns - panel))
                    if kind == _MAIN:
                        main(x, x_row, job[X_STEP], w, w_step, k, start, sums, *shape)
                    elif kind == _NARROW:
                        narrow(x, x_row, job[X_STEP], w, w_step, k, start, sums, *shape)
                    elif kind == _FEW:
                        few(x, x_row, job[X_STEP], w, w_step, k, start, sums, *shape)
                    else:
                        single(x, x_row, job[X_STEP], w, w_step, k, start, sums, *shape)
                _finish(job, scratch, slopes, job[Z] + i * job[Z_ROW] + j * size, rows, columns, size)
                i += rows

    @compiled(**STRICT)
    def pack(job, first, columns, width, panel):
        """Some columns of the weights as a panel, with zeros for those that it has more."""
        widest_vectors()
        k, step, column = job[K], job[W_STEP], job[W_COLUMN]
        source = job[W] + first * column
        whole = columns - columns % lanes
        for c in range(0, whole, lanes):
            target = panel + c * size
            p = 0
            if column == size:
                for p in range(k):
                    copy(source + c * size + p * step, target + p * width * size, vector_bytes)
            else:
                if step == size:
                    while p + lanes <= k:
                        transpose(source + c * column + p * size, column, target + p * width * size, width * size)
                        p += lanes
                while p < k:
                    for q in range(lanes):
                        number = at(source + (c + q) * column + p * step, real)[0]
                        at(target + p * width * size, real)[q] = number
                    p += 1
        for p in range(k):
            target = at(panel + p * width * size, real)
            for c in range(whole, columns):
                target[c] = at(source + c * column + p * step, real)[0]
            for c in range(columns, width):
                target[c] = 0

    @compiled(**STRICT)
    def by_dots(job, first, end, scratch):
        k, x_row = job[K], job[X_ROW]
        slopes_at, results_at, gathered_at, _ = layout(job, end - first, 1)
        slopes, results, gathered = scratch + slopes_at, scratch + results_at, scratch + gathered_at
        w = job[W]
        if job[W_STEP] != size:
            w = gathered if job[X_STEP] == size else gathered + _up(lanes * k * size, _LINE)
            move(job[W], job[W_STEP], w, size, k, size)
        if job[INPUTS] == 2:
            move(job[SLOPE], 0, slopes, size, min(_DOT_ROWS, end - first), size)
        addresses_address = stack(24)
        addresses = at(addresses_address, types.intp)
        for i in range(first, end, _DOT_ROWS):
            rows = min(_DOT_ROWS, end - i)
            r = 0
            while r < rows:
                count = lanes if rows >= lanes else 1
                r = min(r, rows - count)
                x, distance = job[X] + (i + r) * x_row, x_row
                if job[X_STEP] != size:
                    for p in range(k):
                        move(x + p * job[X_STEP], x_row, gathered + p * size, k * size, count, size)
                    x, distance = gathered, k * size
                if count == 1:
                    one_dot(x, distance, w, k, job[BIAS], scratch + r * size)
                else:
                    dots(x, distance, w, k, job[BIAS], scratch + r * size)
                r += count
            z, direct = job[Z] + i * job[Z_ROW], job[Z_ROW] == size
            addresses[0] = scratch
            addresses[1] = slopes
            addresses[job[INPUTS]] = z if direct else results
            call(job[LOOP], (addresses_address, rows))
            if not direct:
                move(results, size, z, job[Z_ROW], rows, size)

    return Layer(plan, part)


def _rows_by(real: Any, shape: tile.Shape, smaller: tile.Shape) -> Any:
    """A panel of the weights times rows of x, in tiles of a shape of which there are enough rows for one.

    Rows that are left are served by smaller tiles of the same width or by one that begins where it ends with the last
    row, at the price of sums computed twice, whichever is less work.
    """
    function, height = tile.tile(real, shape), shape.rows
    small, small_height = tile.tile(real, smaller), smaller.rows
    few = (height - 1) // small_height * small_height if shape.vectors == smaller.vectors else 0

    @compiled(**STRICT)
    def run(x, x_row, x_step, w, w_step, k, start, z, rows, z_row, columns):
        i = 0
        while i < rows:
            if rows - i < height:
                if rows - i <= few:
                    break
                i = rows - height
            function(x + i * x_row, x_row, x_step, w, w_step, k, start, z + i * z_row, z_row, columns)
            i += height
        while i < rows:
            i = min(i, rows - small_height)
            small(x + i * x_row, x_row, x_step, w, w_step, k, start, z + i * z_row, z_row, columns)
            i += small_height

    return run
