"""Loops over contiguous numbers by several vectors in turns.

The operations of a kernel form a chain, each waiting for the one before. A processor works on the chains of several
vectors at once as far as it looks ahead, which is not far enough to keep all its units busy where it meets the vectors
one after the other. So LLVM is asked to do each operation for several vectors before the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import vectors
from .compiled import STRICT, always_inlined, compiled, widest_vectors
from .numba_internals import cgutils

_TURN = 64  # elements: as many of the longest vectors as are taken in turns, of the smallest numbers

_REGISTERS_EACH = 8  # of a chain of operations, and its share of the constants


def vectors_in_turns() -> int:
    """How many of the processor's vectors are taken in turns."""
    return vectors.processor().registers // _REGISTERS_EACH


def for_each(function: Any) -> Callable[..., Any]:
    """`loop(n, operands)` of `function(i, *operands)` for each i below n, any two of which are independent."""

    @compiled(**STRICT)
    def loop(n, operands):
        widest_vectors()
        always_inlined()
        in_turns = n & -_TURN
        _repeat(function, 0, in_turns, operands, "in turns")
        _repeat(function, in_turns, n, operands, "masked")

    made: Callable[..., Any] = loop
    return made


@intrinsic
def _repeat(typingctx: Any, function: Any, first: Any, end: Any, operands: Any, way: Any) -> Any:
    """`function(i, *operands)` for each i from the first up to the end, in a way that `_wish` knows."""
    if not isinstance(way, types.StringLiteral):
        return None
    signature = function.get_call_type(typingctx, (types.intp, *operands), {})

    def codegen(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        call = context.get_function(function, signature)
        context.add_linking_libs(getattr(call, "libs", ()))
        first, end, operands = arguments[1:4]
        before, turn, after = builder.block, builder.append_basic_block("turn"), builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", first, end), turn, after)
        builder.position_at_end(turn)
        i = builder.phi(first.type)
        i.add_incoming(first, before)
        call(builder, [i, *cgutils.unpack_tuple(builder, operands)])
        following = builder.add(i, ir.Constant(i.type, 1), flags=["nsw"])
        i.add_incoming(following, builder.block)
        again = builder.cbranch(builder.icmp_signed("<", following, end), turn, after)
        wish = _wish(way.literal_value)
        if wish is not None:
            again.set_metadata("llvm.loop", _loop_with(builder.module, wish))
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(function, types.intp, types.intp, operands, way), codegen


def _wish(way: str) -> list[Any] | None:
    """What is asked of LLVM's vectoriser: a name and a number."""
    if way == "in turns":
        return ["llvm.loop.interleave.count", ir.Constant(ir.IntType(32), vectors_in_turns())]
    if vectors.processor().masks == "none":
        return None
    return ["llvm.loop.vectorize.predicate.enable", ir.Constant(ir.IntType(1), 1)]


def _loop_with(module: Any, wish: list[Any]) -> Any:
    """The properties of a loop. The first is its identity: the list itself."""
    properties = module.add_metadata([ir.MetaDataString(module, f"loop {len(module.metadata)}")])
    properties.operands = (properties, module.add_metadata(wish))
    return properties
