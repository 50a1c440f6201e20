"""Loops over contiguous numbers by several vectors in turns.

The operations of a kernel form a chain, each waiting for the one before. A processor works on the chains of several
vectors at once as far as it looks ahead, which is not far enough to keep all its units busy where it meets the vectors
one after the other. So LLVM is asked to do each operation for several vectors before the next. It is told that no turn
of a loop touches the memory of another, so that it need not compare addresses, and results may overwrite operands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import vectors
from .compiled import STRICT, always_inlined, compiled, not_inlined, widest_vectors
from .numba_internals import cgutils

_TURN = 64  # elements: as many of the longest vectors as are taken in turns, of the smallest numbers

_REGISTERS_EACH = 8  # of a chain of operations, and its share of the constants


def vectors_in_turns() -> int:
    """How many of the processor's vectors are taken in turns."""
    return vectors.processor().registers // _REGISTERS_EACH


def for_each(function: Any) -> Callable[..., Any]:
    """`loop(n, operands)` of `function(i, *operands)` for each i below n, any two of which are independent."""

    @compiled(**STRICT)
    def rest(first, n, operands):
        widest_vectors()
        not_inlined()  # constants that two loops share are brought into registers anew in every turn
        _repeat(function, first, n, operands, "masked")

    @compiled(**STRICT)
    def loop(n, operands):
        widest_vectors()
        always_inlined()
        in_turns = n & -_TURN
        _repeat(function, 0, in_turns, operands, "in turns")
        if in_turns < n:
            rest(in_turns, n, operands)

    made: Callable[..., Any] = loop
    return made


@intrinsic
def _repeat(typingctx: Any, function: Any, first: Any, end: Any, operands: Any, way: Any) -> Any:
    """`function(i, *operands)` for each i from the first up to the end, in a way that `_wishes` knows."""
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
        group = _AccessGroup(builder.module)
        for instruction in turn.instructions:
            if isinstance(instruction, ir.instructions.CallInstr):
                instruction.set_metadata("llvm.access.group", group)
        following = builder.add(i, ir.Constant(i.type, 1), flags=["nsw"])
        i.add_incoming(following, builder.block)
        again = builder.cbranch(builder.icmp_signed("<", following, end), turn, after)
        properties = [["llvm.loop.parallel_accesses", group], *_wishes(way.literal_value)]
        again.set_metadata("llvm.loop", _loop_with(builder.module, properties))
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(function, types.intp, types.intp, operands, way), codegen


def _wishes(way: str) -> list[list[Any]]:
    """What is asked of LLVM's vectoriser: a name and a number."""
    if way == "in turns":
        return [["llvm.loop.interleave.count", ir.Constant(ir.IntType(32), vectors_in_turns())]]
    if vectors.processor().masks == "none":
        return []
    return [["llvm.loop.vectorize.predicate.enable", ir.Constant(ir.IntType(1), 1)]]


class _AccessGroup(ir.values.MDValue):  # type: ignore[misc]
    """A name for accesses to memory: LLVM takes it for one only if it is empty and like no other."""

    def __init__(self, module: Any) -> None:
        super().__init__(module, (), str(len(module.metadata)))

    __eq__, __hash__ = object.__eq__, object.__hash__  # llvmlite takes nodes of equal contents for one

    def descr(self, buf: list[str]) -> None:
        """Write what stands behind the name."""
        buf += ("distinct !{}", "\n")


def _loop_with(module: Any, given: list[list[Any]]) -> Any:
    """The properties of a loop. The first is its identity: the list itself."""
    properties = module.add_metadata([ir.MetaDataString(module, f"loop {len(module.metadata)}")])
    properties.operands = (properties, *map(module.add_metadata, given))
    return properties
