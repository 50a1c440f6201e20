"""Calls on memory of every kind, drawn at random, against one number at a time: `python -m tests.fuzz 20000`.

The test suite draws a few hundred. Numbers come from a small pool, so that what is right for each was computed once, by
a call of its own; results are compared to the bit, and so is all memory around and between them.
"""

from __future__ import annotations

import functools
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import fastact
from fastact._runtime import registry

from . import fuzz_neuron, fuzz_softmax
from .large_calls import as_if_large
from .memory import Wanted, assert_same_bits, assert_untouched, laid_out, layouts, overlapping, shapes
from .reference import Array

FLOATS = ("e", "f", "d")

#: The ufuncs by name: those of the activations and of their derivatives.
UFUNCS: dict[str, np.ufunc] = {
    ufunc.__name__: ufunc
    for row in registry.rows.values()
    for ufunc in (row.activation.ufunc, registry.behind(fastact.derivative(row.face)).ufunc)  # type: ignore[union-attr]
}


def pool(dtype: np.dtype[Any], count: int) -> Array:
    """Numbers of a type, the hard ones first."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        hard = [0, 1, info.max, info.min, info.max - 1, info.min + 1]
        return np.array([*hard, *range(2, 2 + count)], dtype)[:count]
    limits = np.finfo(dtype)
    specials = [0.0, -0.0, np.nan, np.inf, -np.inf, limits.max, limits.min, limits.tiny, -limits.smallest_subnormal]
    with np.errstate(all="ignore"):
        spread = np.random.default_rng(5).normal(scale=4, size=count)
        return np.concatenate([np.array([*specials, 1.0, -1.0, 0.5], np.float64), spread]).astype(dtype)[:count]


@functools.cache
def right(name: str, code: str) -> tuple[list[Array], Array]:
    """The pools of the inputs for a loop, and the results of each combination, one number at a time."""
    ufunc = UFUNCS[name]
    dtype = np.dtype(code)
    pools = [pool(dtype, 40 if ufunc.nin == 1 else 14)] * ufunc.nin
    results = np.empty([len(numbers) for numbers in pools], dtype)
    for places in itertools.product(*(range(len(numbers)) for numbers in pools)):
        results[places] = ufunc(*(numbers[place] for numbers, place in zip(pools, places, strict=True)))
    return pools, results


# What is drawn

loops = st.sampled_from(sorted(UFUNCS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from([types[0] for types in UFUNCS[name].types]))
)


@st.composite
def operands(draw: Any, name: str, code: str, shape: tuple[int, ...]) -> tuple[list[Array], Array]:
    """Inputs of a shape, some with fewer axes, some read-only, and what is right for each element."""
    pools, table = right(name, code)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrays, places = [], []
    for i, numbers in enumerate(pools):
        own = shape[draw(st.integers(0, len(shape))) :] if i > 0 else shape
        layout = draw(layouts(own, of_result=False))
        array, _ = laid_out(own, numbers.dtype, layout)
        chosen = generator.integers(0, len(numbers), own)
        for axis, step in enumerate(layout.steps):
            if step == 0:  # all along it are one
                chosen = np.broadcast_to(chosen.take([0], axis), own) if own[axis] else chosen
        array[...] = numbers[chosen]
        array.flags.writeable = draw(st.booleans())
        arrays.append(array)
        places.append(np.broadcast_to(chosen, shape))
    return arrays, table[tuple(places)]


# What is checked


def check_call(data: Any) -> None:
    """A call, into a given result or not, of all elements or some, by the loop of the inputs or another.

    Half of the calls of which the inner loop may be shared out are, and those past the caches that large ones are.
    """
    name, code = data.draw(loops)
    ufunc = UFUNCS[name]
    shape = data.draw(shapes())
    arrays, results = data.draw(operands(name, code, shape))
    keywords: dict[str, Any] = {}
    large = as_if_large(ufunc, code, data.draw(st.booleans()))
    if data.draw(st.booleans()):
        keywords["order"] = data.draw(st.sampled_from("KACF"))
    if data.draw(st.integers(0, 3)) == 0:
        keywords["dtype"] = np.dtype(code)
    if data.draw(st.booleans()):
        with np.errstate(all="raise"), large:
            found = ufunc(*arrays, **keywords)
        assert_same_bits(np.asarray(found), results)
        return
    other = data.draw(st.sampled_from(FLOATS)) if data.draw(st.integers(0, 3)) == 0 else code
    out, memory = laid_out(shape, np.dtype(other), data.draw(layouts(shape, of_result=True)))
    before, where = memory.copy(), data.draw(st.booleans())
    chosen: Any = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 2, shape, bool) if where else True
    if where:
        keywords["where"] = chosen
    with np.errstate(all="raise" if other == code else "ignore"), large:  # NumPy's cast may overflow
        assert ufunc(*arrays, out=out, casting="unsafe", **keywords) is out
    assert_untouched(memory, before, out, chosen)
    with np.errstate(all="ignore"):
        expected = results.astype(other)
    if where:
        found, expected = out[chosen], expected[chosen]
    else:
        found = out
    assert_same_bits(found.astype(np.dtype(other)), expected)


def check_overlap(data: Any) -> None:
    """A result in the memory of an input, before it, behind it, across it or in its very place."""
    name, code = data.draw(loops)
    ufunc = UFUNCS[name]
    shape = data.draw(shapes())
    pools, table = right(name, code)
    which = data.draw(st.integers(0, ufunc.nin - 1))
    of_input, of_result = (Wanted(shape, np.dtype(code), data.draw(layouts(shape, of_result=True))) for _ in range(2))
    shared, out, memory = data.draw(overlapping(of_input, of_result))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    places = [generator.integers(0, len(numbers), shape) for numbers in pools]
    arrays = [numbers[place] for numbers, place in zip(pools, places, strict=True)]
    shared[...] = arrays[which]
    arrays[which] = shared
    before = memory.copy()
    with as_if_large(ufunc, code, data.draw(st.booleans())):
        ufunc(*arrays, out=out)
    assert_untouched(memory, before, out)
    assert_same_bits(out.astype(np.dtype(code)), table[tuple(places)])


def check_methods(data: Any) -> None:
    """`reduce`, `accumulate`, `outer` and `at`, against the function one number after the other."""
    name, code = data.draw(loops)
    ufunc = UFUNCS[name]
    pools, table = right(name, code)
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = data.draw(st.integers(1, 70))
    layout = data.draw(layouts((n,), of_result=True))
    x, memory = laid_out((n,), np.dtype(code), layout)
    places = generator.integers(0, len(pools[0]), n)
    x[...] = pools[0][places]
    method = data.draw(st.sampled_from(("reduce", "accumulate", "outer", "at"))) if ufunc.nin == 2 else "at"
    numbers = x.astype(np.dtype(code))
    if method == "outer":
        others = generator.integers(0, len(pools[1]), data.draw(st.integers(0, 40)))
        assert_same_bits(ufunc.outer(x, pools[1][others]), table[np.ix_(places, others)])
    elif method == "at":
        indices = generator.integers(0, n, data.draw(st.integers(0, 50)))
        others = generator.integers(0, len(pools[-1]), indices.size)
        arguments = (pools[1][others],) if ufunc.nin == 2 else ()
        before = memory.copy()
        ufunc.at(x, indices, *arguments)
        for i, index in enumerate(indices):
            numbers[index] = ufunc(numbers[index], *(argument[i] for argument in arguments))
        assert_untouched(memory, before, x)
        assert_same_bits(x.astype(np.dtype(code)), numbers)
    else:
        expected = list(itertools.accumulate(numbers, ufunc))
        if method == "reduce":
            assert_same_bits(np.asarray(ufunc.reduce(x)), np.asarray(expected[-1], np.dtype(code)))
        else:
            assert_same_bits(ufunc.accumulate(x), np.array(expected, np.dtype(code)))


CHECKS: dict[str, Callable[[Any], None]] = {
    "call": check_call,
    "overlap": check_overlap,
    "methods": check_methods,
    **fuzz_softmax.CHECKS,
    **fuzz_neuron.CHECKS,
}


def examples(check: Callable[[Any], None], count: int, start: int | None = None) -> Iterator[int]:
    """Run a check on so many examples, a thousand at a time; gives how many there were."""
    for done in range(0, count, 1000):
        number = min(1000, count - done)

        @settings(
            max_examples=number,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(st.data())
        def run(data: Any) -> None:
            check(data)

        (run if start is None else seed(start + done)(run))()
        yield done + number


def main(count: int) -> None:
    """So many examples of each check."""
    start = time.time()
    for name, check in CHECKS.items():
        for done in examples(check, count, start=int(start)):
            print(f"\r{name}: {done:,} examples, {time.time() - start:,.0f} s", end="", flush=True)
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
