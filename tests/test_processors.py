"""Code for other processors than this one keeps the bounds that the README states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from fastact._kernels import half
from fastact._runtime.levels import LEVELS, Level

from .assembly import assert_registers_suffice
from .cases import long_but_for
from .memory import assert_same_bits
from .processes import FIND_TESTS, HERE, on_level, run, skip_unless_it_runs

X86 = llvm.get_process_triple().startswith("x86_64")

BOUNDS = f"""{FIND_TESTS}import numpy as np, fastact
from fastact._runtime import numba_settings, softmax
from tests.test_softmax import largest_error as largest_error_of_rows
from tests.reference import FUNCTIONS, bound, bounded, exact, hard_float64, in_float64, largest_error, patterns, ulps
def largest(name, dtype):
    f = FUNCTIONS[name].face
    if dtype == np.float64:
        x = np.random.default_rng(1).choice(bounded(name, hard_float64()), 500)
        return largest_error(x, f(x), lambda argument: exact(name, argument))[0]
    x = bounded(name, patterns(dtype, 1 if dtype == np.float16 else 4099))
    return ulps(f(x), in_float64(name, x)).max()
def check():
    for name, row in FUNCTIONS.items():
        for dtype in (np.float16, np.float32, np.float64) if name in ("sigmoid", "elu") else (np.float32, np.float64):
            error = largest(name, dtype)
            assert error <= bound(row.ulp, dtype), (name, dtype, error)
    for name, ulp in softmax.bounds.items():
        for dtype in (np.float32, np.float64):
            error = largest_error_of_rows(name, dtype)
            assert error <= bound(ulp, dtype), (name, dtype, error)
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, 3e38, 6e-8], np.float32)
    for dtype in (np.float16, np.float32, np.float64):
        with np.errstate(all="raise"):
            x = special.astype(np.float64).astype(dtype) if dtype == np.float64 else special[:4].astype(dtype)
            y = fastact.tanh(x)
        np.testing.assert_array_equal(y[:4], np.array([np.nan, 1, -1, -0.0], dtype))
        assert np.signbit(y[3])
        for name, x in (("silu", -1), ("gelu", -1), ("gelu_tanh", -1), ("mish", -1), ("log_sigmoid", 1)):
            assert np.signbit(FUNCTIONS[name].face(np.array([x * 5e4, x * np.inf], dtype))).all(), name
    check_neuron()
def check_neuron():
    generator = np.random.default_rng(3)
    for dtype in (np.float32, np.float64):
        for limits in ((40, 50, 70),) * 150 + ((4, 50, 700),) * 20:
            n, k, m = (int(generator.integers(1, limit)) for limit in limits)
            x, w, b = (generator.normal(size=shape).astype(dtype) for shape in ((n, k), (k, m), m))
            memory = np.full(n * m + 128, 7, dtype)
            got = memory[64:-64].reshape(n, m)
            fastact.neuron(x, w, b, None, out=got)
            magnitude = np.abs(x).astype(float) @ np.abs(w) + np.abs(b)
            bound = (k + 1) * np.finfo(dtype).eps * (1 if dtype == np.float64 else 0.5) * magnitude
            assert (np.abs(got - (x.astype(float) @ w + b)) <= bound).all()
            np.testing.assert_array_equal(fastact.neuron(x, np.asfortranarray(w), b, None), got)
            np.testing.assert_array_equal(fastact.neuron(x[n // 2], w, b, None), got[n // 2])
            got[:] = 7
            assert (memory == 7).all()
"""


FENCED = f"""{FIND_TESTS}import numpy as np, fastact
from fastact._kernels import vectors
from tests.memory import allocated
def fenced(values, fence):
    array = allocated(values.nbytes, fence).view(values.dtype).reshape(values.shape)
    array[...] = values
    return array
def check_neuron():
    rng = np.random.default_rng(4)
    for n in (1, 4, 5, 9, 11, 12, 13, 20, 24, 36, 37, 61, 100, 130):
        for k, m in ((1, 3), (3, 8), (64, 9), (300, 16), (300, 17), (8, 33), (700, 100)):
            x, w, b = (rng.integers(-8, 8, shape).astype(np.float32) for shape in ((n, k), (k, m), m))
            for fence in (1, -1):
                out = fenced(np.zeros((n, m), np.float32), fence)
                fastact.neuron(fenced(x, fence), fenced(w, fence), fenced(b, fence), None, out=out)
                np.testing.assert_array_equal(out, x @ w + b)  # exactly: they are integers
"""


@pytest.mark.skipif(not X86, reason="it takes vectors of x86 for longer and shorter ones")
@pytest.mark.parametrize(
    "processor", long_but_for(((64, 32, True, "free"),), [(64, 32, True, "free"), (16, 32, True, "none")]), ids=str
)
def test_layers_in_the_shapes_of_other_processors(processor: tuple[Any, ...], tmp_path: Path) -> None:
    """LLVM makes the instructions of this one of them. Nothing is read or written but operands and result."""
    code = f"""
asked = []
def found():
    asked.append(1)
    return vectors.Processor{processor}
vectors.processor = found
check_neuron()
assert asked
"""
    run(FENCED + code, tmp_path, **(on_level(HERE, None) if HERE else {}))


@pytest.mark.skipif(not X86, reason="it reads the assembly of x86")
def test_the_registers_of_this_processor_suffice() -> None:
    assert_registers_suffice()


@pytest.mark.long
@pytest.mark.parametrize("level", LEVELS, ids=[level.name for level in LEVELS])
def test_levels(level: Level, wheel: Path | None, tmp_path: Path) -> None:
    """Of machine code that comes with the package, where there is a wheel, else of what is compiled."""
    skip_unless_it_runs(level)
    if wheel is None and level == HERE:
        pytest.skip("so are all other tests")
    code = f"""
check()
assert ("fma" in numba_settings.usable_features()) == {"fma" in level.features}
assert ("fastact._compiler" in sys.modules) == {wheel is None}
"""
    run(BOUNDS + code, tmp_path, **on_level(level, wheel))


@pytest.mark.long
@pytest.mark.skipif(not X86, reason="it reads the assembly of x86")
@pytest.mark.parametrize("level", LEVELS, ids=[level.name for level in LEVELS])
def test_the_registers_of_levels_suffice(level: Level, tmp_path: Path) -> None:
    code = f"{FIND_TESTS}from tests.assembly import *\nassert_registers_suffice()"
    run(code, tmp_path, **on_level(level, None))


def of_integers(function: Any) -> Any:
    return lambda context, builder, signature, arguments: function(builder, *arguments)


@intrinsic
def to_half_by_integers(typing_context, x):  # type: ignore[no-untyped-def]
    return types.uint16(types.float32), of_integers(half._float_to_half_by_integers)


@intrinsic
def from_half_by_integers(typing_context, pattern):  # type: ignore[no-untyped-def]
    return types.float32(types.uint16), of_integers(half._half_to_float_by_integers)


def test_float16_where_the_processor_has_no_instruction_for_it() -> None:
    """As NumPy has it: every float16, and float32 numbers on, beside and between halfway points, of every exponent."""
    there, back = (numba.vectorize(f) for f in (lambda x: from_half_by_integers(x), lambda x: to_half_by_integers(x)))
    every, high = np.arange(2**16, dtype=np.uint16), np.arange(2**20, dtype=np.uint32) << 12
    with np.errstate(all="ignore"):  # theirs and NumPy's
        assert_same_bits(there(every), every.view(np.float16).astype(np.float32))
        for low in (0, 1, 0x7FF, 0x800, 0x801, 0xFFF):
            x = (high + np.uint32(low)).view(np.float32)
            assert_same_bits(back(x).view(np.float16), x.astype(np.float16))


@pytest.mark.long
def test_without_anything(tmp_path: Path) -> None:
    """On no more than what every processor of its kind has."""
    code = """
assert numba_settings.processor() == ("generic", "")
x = bounded("sigmoid", patterns(np.float32, 4099))
assert ulps(fastact.sigmoid(x), in_float64("sigmoid", x)).max() <= FUNCTIONS["sigmoid"].ulp.unfused
x = patterns(np.float16, 1)
assert ulps(fastact.relu(x), in_float64("relu", x)).max() == 0
check_neuron()
"""
    run(BOUNDS + code, tmp_path, NUMBA_CPU_NAME="generic")


@pytest.mark.long
@pytest.mark.skipif(not X86, reason="it reads the assembly of x86")
def test_vectors_are_as_long_as_they_can_be(tmp_path: Path) -> None:
    """Where LLVM would rather have half of it: it does on Intel's processors. Nothing of it is run."""
    code = f"""{FIND_TESTS}
from tests.assembly import assert_loops_take_512_bits
for name in ("sigmoid", "gelu"):
    for dtype in ("float32", "float64"):
        assert_loops_take_512_bits(name, dtype)
"""
    features = "+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl,+avx2,+avx,+fma,+sse4.2,+sse2,+bmi,+bmi2"
    run(code, tmp_path, NUMBA_CPU_NAME="skylake-avx512", NUMBA_CPU_FEATURES=features)
