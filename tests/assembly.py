"""What the compiler makes of tiles, sweeps and loops."""

from __future__ import annotations

import re
from typing import Any

import numba

from asv_bench.limits import assembly_of_loop, repeated_blocks
from fastact._kernels import scalar, vectors


def assert_registers_suffice() -> None:
    """No loop over products puts a vector into the stack's memory or takes it from there: it would take twice as long.

    It reads the assembly of x86 for the processor that is compiled for.
    """
    loops = 0
    for real in (numba.float32, numba.float64):
        for name, body in re.findall(
            r"^(fastact_(?:tile|sweep)_\w+):(.*?)^\.Lfunc_end", _assembly(real), re.DOTALL | re.MULTILINE
        ):
            for loop in repeated_blocks(body):
                if "mulp" in loop or "fmadd" in loop:
                    loops += 1
                    assert not re.search(r"mm\d+.*%[re]sp|%[re]sp.*mm\d+", loop), (name, loop)
    assert loops >= 2 * (1 + len({shape[:2] for shape in vectors.shapes()}))


def assert_loops_take_512_bits(name: str, dtype: str) -> None:
    """No loop of an activation multiplies and adds vectors of another length, or single numbers.

    It reads the assembly of x86.
    """
    assembly = assembly_of_loop(scalar.kernel(name), 1, dtype)
    lengths = set(re.findall(r"\bvf\w*m(?:add|sub)\d+p[sd]\s.*%([xyz])mm", assembly))
    assert lengths == {"z"}, (name, dtype, lengths)
    assert not any(re.search(r"\bvf\w*m(?:add|sub)\d+s[sd]\s", block) for block in repeated_blocks(assembly)), (
        name,
        dtype,
    )


def _assembly(real: Any) -> str:
    main, shorter, packing, narrow, few, single = (vectors.tile(real, shape) for shape in vectors.shapes())
    sweep = vectors.sweep(real)

    @numba.njit
    def tiles(a, b, c, d, e, f, g, h, i, j, k, m):  # type: ignore[no-untyped-def]
        main(a, b, c, d, e, f, g, h, i, j, k, m)
        shorter(a, b, c, d, e, f, g, h, i, j, k, m)
        packing(a, b, c, d, e, f, g, h, i, j, k, m)
        narrow(a, b, c, d, e, f, g, h, i, j, k, m)
        few(a, b, c, d, e, f, g, h, i, j, k, m)
        single(a, b, c, d, e, f, g, h, i, j, k, m)
        sweep(a, b, c, d, e, f, g)

    tiles.compile((numba.intp,) * 12)
    (assembly,) = tiles.inspect_asm().values()
    return str(assembly)
