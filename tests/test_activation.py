"""`fastact.activation`: what a user makes is what we make."""

from __future__ import annotations

import copy
import ctypes
import enum
import functools
import inspect
import math
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from numba import njit
from numba.core.imputils import builtin_registry
from numba.extending import intrinsic, overload, register_jitable

import fastact
from fastact._compiler import loops
from fastact._runtime import fingerprint
from fastact._runtime.ufunc import find

from .cases import long_but_for
from .processes import FIND_TESTS, run
from .reference import pickled_and_back


@fastact.activation
def swish(x):  # type: ignore[no-untyped-def]
    """Give x times its sigmoid."""
    return x * fastact.sigmoid(x)


@fastact.activation
def elu(x, alpha):  # type: ignore[no-untyped-def]
    return x if x > 0 else alpha * math.expm1(x)


@njit
def helper(x):  # type: ignore[no-untyped-def]
    return x + 1


X = np.random.default_rng(0).normal(scale=3, size=5000)


def test_values_types_and_face() -> None:
    assert isinstance(swish, np.ufunc)
    assert swish.__name__ == "swish"
    assert "Give x times its sigmoid." in swish.__doc__
    assert swish.types == ["e->e", "f->f", "d->d"]
    np.testing.assert_allclose(swish(X), X / (1 + np.exp(-X)), rtol=1e-14)
    np.testing.assert_allclose(elu(X, 0.5), np.where(X > 0, X, 0.5 * np.expm1(X)), rtol=1e-14)
    assert swish(X.astype(np.float32)).dtype == np.float32
    assert pickled_and_back(swish) is swish


def test_pickled_with_what_it_was_made_of() -> None:
    def cube(x):  # type: ignore[no-untyped-def]
        return x * x * x

    made = fastact.activation(integers=True, derivative=lambda x: 3 * swish(x) * x)(cube)
    assert pickled_and_back(made) is made
    assert copy.deepcopy(made) is made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's below 2.3 looks into every module for swish
        pickled = pickle.dumps(made)
    code = f"""
import pickle, fastact
one, other = (pickle.loads({pickled!r}) for _ in range(2))
assert one is other and one.__name__ == "cube" and pickle.loads(pickle.dumps(one)) is one
assert one(3) == 27 and one.types[0] == "b->b"
print(fastact.derivative(one)(2.0))
"""
    assert float(run(FIND_TESTS + code)) == 6 * swish(2.0)


factor = 2.0


@njit
def scaled(x):  # type: ignore[no-untyped-def]
    return factor * x


@pytest.mark.parametrize("by_helper", [False, True])
def test_pickled_with_other_values_than_it_computes_with(by_helper: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def own(x):  # type: ignore[no-untyped-def]
        return factor * x

    made = fastact.activation(lambda x: scaled(x) - 0.0) if by_helper else fastact.activation(own)
    pickled_and_back(made)
    assert made(1.0) == 2
    pickled_and_back(made)
    monkeypatch.setitem(globals(), "factor", 5.0)
    assert made(1.0) == 2
    with pytest.warns(RuntimeWarning, match="compiled by values that have changed since") as caught:
        pickle.dumps(made)
    assert caught[0].filename == __file__
    monkeypatch.setitem(globals(), "factor", 2.0)
    pickled_and_back(made)


class Scale(NamedTuple):
    """What Numba takes and a fingerprint does not see."""

    scale: float


scale_of = Scale(2.0)


@pytest.mark.parametrize("changed", ["scale_of", "factor"])
def test_pickled_with_other_values_that_can_not_be_seen(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fastact.activation(lambda x: scale_of.scale * factor * x)
    assert made(1.0) == 4
    pickled_and_back(made)
    monkeypatch.setitem(globals(), changed, {"scale_of": Scale(3.0), "factor": 5.0}[changed])
    with pytest.warns(RuntimeWarning, match="compiled by values that have changed since"):
        pickle.dumps(made)


def test_pickled_after_a_compilation_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fastact.activation(lambda x: factor * x)
    monkeypatch.setitem(globals(), "factor", None)
    with pytest.raises(numba.TypingError):
        made(1.0)
    monkeypatch.setitem(globals(), "factor", 3.0)
    assert made(1.0) == 3
    pickled_and_back(made)


def test_inside_njit_and_neuron() -> None:
    @njit
    def both(x):  # type: ignore[no-untyped-def]
        return swish(x), elu(x, 0.5)

    for x in (X, X.astype(np.float32), 1.5):
        for got, expected in zip(both(x), (swish(x), elu(x, 0.5)), strict=True):
            np.testing.assert_array_equal(got, expected)
    layer = np.ones((5000, 1)), np.ones((1, 2))
    np.testing.assert_array_equal(fastact.neuron(*layer, 0.5, swish), swish(np.full((5000, 2), 1.5)))

    @njit
    def neuron(x, w):  # type: ignore[no-untyped-def]
        return fastact.neuron(x, w, 0.5, swish)

    np.testing.assert_array_equal(neuron(*layer), swish(np.full((5000, 2), 1.5)))


def test_numba_is_told_once_how_a_call_is_compiled() -> None:
    made = fastact.activation(lambda x: x + 1)
    counts = []
    for _ in range(2):
        assert njit(lambda x: made(x))(1.0) == 2
        counts.append(len(builtin_registry.functions))
    assert counts[0] == counts[1]


def test_what_is_compiled_later_takes_a_changed_value() -> None:
    k = 2.0
    made = fastact.activation(lambda x: k * x)
    assert njit(lambda x: made(x))(1.0) == 2
    k = 3.0
    assert njit(lambda x: made(x))(1.0) == 3


def test_compiled_functions_are_taken_too() -> None:
    assert fastact.activation(helper)(np.float64(2)) == 3


def raising(x: float) -> float:
    if x > 3:
        raise ValueError("too large")
    return x


def not_compilable(x: Any) -> Any:
    return x.no_such_attribute


def misspelt(x: Any) -> Any:
    return x * sigmod(x)  # type: ignore[name-defined] # noqa: F821


def by_arrays(x: Any) -> Any:
    return np.where(x > 0, x, 0.1 * x)


def in_words(x: Any) -> Any:
    return str(x)


def without_return(x: Any) -> Any:
    if x > 0:
        return x
    return None


def of_half(x: Any) -> Any:
    return x * np.float16(2)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (raising, TypeError, r"raising\(\) can raise"),
        (lambda x: x**-2, TypeError, r"power like x\*\*-2 \(write 1 / x\*\*2\)"),
        (of_half, numba.TypingError, r"Numba can not compile of_half\(\): float16"),
        (not_compilable, numba.TypingError, "no_such_attribute"),
        (misspelt, numba.TypingError, "name 'sigmod' is not defined"),
        (by_arrays, TypeError, "0d, C.; np.where makes an array: write `a if condition else b`"),
        (in_words, TypeError, r"in_words\(\) must return a real number for every float\d\d, got unicode_type"),
        (without_return, TypeError, r"without_return\(\) must return a real number .*, got OptionalType"),
    ],
)
def test_errors_come_at_the_first_call(function: Callable[..., Any], error: type[Exception], message: str) -> None:
    made = fastact.activation(function)
    out = np.zeros(2000)
    for _ in range(2):
        with pytest.raises(error, match=message) as caught:
            made(np.ones(2000), out=out)
        assert len(str(caught.value).splitlines()) < 20
        assert "_kernels" not in str(caught.value)
        with pytest.raises(error, match=message):
            made(np.float32(1))
    assert (out == 0).all()


@pytest.mark.parametrize("weights", [np.ones(3), np.ones((3, 2)), None])
def test_what_can_raise_is_refused_inside_others_too(weights: Any) -> None:
    made = fastact.activation(raising)

    @fastact.activation
    def around(x: Any) -> Any:
        return made(x) + 1

    for function in (made, around):

        @njit
        def compiled_call(x, weights):  # type: ignore[no-untyped-def]
            return function(x) if weights is None else fastact.neuron(x, weights, 5.0, function)  # noqa: B023

        for _ in range(2):
            with pytest.raises(TypeError, match=r"raising\(\) can raise"):
                compiled_call(np.ones(3), weights)
    with pytest.raises(TypeError, match=r"raising\(\) can raise"):
        around(np.ones(3))


def test_bad_signatures() -> None:
    with pytest.raises(TypeError, match="no defaults"):
        fastact.activation(lambda x, a=1.0: x * a)
    with pytest.raises(TypeError, match="fixed number"):
        fastact.activation(lambda *x: x[0])
    with pytest.raises(TypeError, match="at least one"):
        fastact.activation(lambda: 1.0)


def test_a_function_that_stands_for_another_has_its_own_inputs() -> None:
    @functools.wraps(misspelt)
    def product(x: Any, y: Any) -> Any:
        return x * y

    assert fastact.activation(product)(2.0, 3.0) == 6


HALF = 0.5
STEPS = (0.25, 0.5, 1.0)
TWO = 2


@njit
def compiled_half(x, by):  # type: ignore[no-untyped-def]
    return x * by


def branches(x: Any) -> Any:
    y = 0.0
    if x > 1:
        y = x
    return y + 1


def accumulated(x: Any) -> Any:
    y = 1.0
    for step in STEPS:
        y = y * x + step
    y += 1
    y *= 2
    return y


def counted(x: Any) -> Any:
    total = 0
    for i in range(1, 4):
        total += x / i
    return total * 0.5 + i


def horner(x: Any) -> Any:
    total = 0
    for c in (1, 2, 3):
        total = total * x + c
    return total


def unpacked(x: Any) -> Any:
    a, b = 1, 2
    return a * x + b


def chosen(x: Any) -> Any:
    k = 1
    if x > 0:
        k = 2
    return k * x


WRITTEN_WITH_LITERALS: list[Callable[..., Any]] = [
    lambda x: 0.5 * x * (1.0 + fastact.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    lambda x: 1 / (1 + math.exp(-x)),
    lambda x: min(max(x, 0), 6),
    lambda x: np.minimum(np.maximum(0, x), 6.0),
    lambda x: x if x > 0 else HALF * x,
    lambda x: TWO * x - 3 // 1 + x % 2 - (x // 2),
    lambda x: x * math.pi + np.e,
    lambda x: 2**x + 2.5**x + x**2 + abs(x) ** 0.5,
    lambda x: fastact.prelu(x, 0.25) + fastact.leaky_relu(x, 1) + fastact.leaky_relu(x),
    lambda x: compiled_half(x, 0.5),
    lambda x: (lambda y: y * 0.5)(x),
    lambda x: x if x > 0 else 0,
    lambda x: 1.0 if 0 < x < 1 else 0,
    lambda x: math.pow(x, 2) + math.hypot(x, 1) + math.atan2(x, 1) + np.power(x, 2),
    lambda x: np.sign(x) * 1 + math.copysign(1, x) + math.sqrt(2) * x,
    lambda x: (x > 0) * x,
    counted,
    horner,
    unpacked,
    chosen,
    branches,
    accumulated,
]


@pytest.mark.parametrize("function", long_but_for(WRITTEN_WITH_LITERALS[-6:], WRITTEN_WITH_LITERALS))
def test_literals_take_the_type_of_the_input(function: Callable[..., Any]) -> None:
    made = fastact.activation(function)
    activation = find(made)
    assert activation is not None
    x = X.astype(np.float32)
    np.testing.assert_allclose(made(x), made(x.astype(np.float64)), rtol=2e-5, atol=2e-6)
    kernel = loops.kernel(activation)
    kernel.compile((numba.float32,))
    assert kernel.overloads[numba.float32,].signature.return_type == numba.float32
    assert " to double" not in _body(kernel.inspect_llvm((numba.float32,)))
    np.testing.assert_array_equal(njit(lambda x: made(x))(x), made(x))


def _body(code: str) -> str:
    """The code of a compiled function without its wrapper for Python, which makes a Python float of the result."""
    return "".join(part for part in code.split("\ndefine ")[1:] if "cpython" not in part.splitlines()[0])


@njit("float64(float64, float64)")
def double_difference(x, y):  # type: ignore[no-untyped-def]
    return x - y


def test_float64_that_is_asked_for_stays_float64() -> None:
    x = np.float32(0.1)
    assert fastact.activation(lambda x: np.float64(x) - 0.1)(x) == np.float32(np.float64(x) - 0.1)
    assert fastact.activation(lambda x: double_difference(x, 0.1))(x) == np.float32(np.float64(x) - 0.1)


def test_indices_and_counts_stay_integers() -> None:
    table = np.array([1.0, 2.0, 4.0])

    def function(x: Any) -> Any:
        i = 0
        while i < 2 and table[i + 1] < x:
            i += 1
        return table[i] + (1 << i) + x**i

    made = fastact.activation(function)
    for x in (0.5, 3.0, 5.0):
        assert made(np.float32(x)) == function(x)


def test_a_literal_beyond_float32_warns_of_nothing() -> None:
    with np.errstate(all="raise"):
        made = fastact.activation(lambda x: 1.0 if x > 1e300 else x + 1e-300)
        assert made(np.float32(2)) == 2


def test_the_users_own_function_stays_as_it_is() -> None:
    def function(x: Any) -> Any:
        return 0.1 * x

    compiled = njit(function)
    made = fastact.activation(compiled)
    assert made(np.float32(3)) == np.float32(0.1) * np.float32(3)
    assert compiled(np.float32(3)) == 0.1 * 3
    assert made(3.0) == 0.1 * 3


@pytest.mark.parametrize(
    ("function", "message"),
    [(lambda x: x * 1.5, "gives float64 for int"), (lambda x: x / 2, "float"), (lambda x: x > 0, "gives bool")],
)
def test_integers_that_would_not_stay_integers_are_refused(function: Callable[..., Any], message: str) -> None:
    made = fastact.activation(integers=True)(function)
    out = np.full(3, 7, np.int8)
    with pytest.raises(TypeError, match=message):
        made(np.ones(3, np.int8), out=out)
    assert (out == 7).all()
    for x in (np.ones(3, int), 1):
        with pytest.raises((TypeError, numba.TypingError), match=message):
            njit(lambda x: made(x))(x)
    assert made(np.float32(2)) == np.float32(function(2.0))


STAY_INTEGERS: list[Callable[..., Any]] = [
    lambda x: 2 * x + 1,
    lambda x: x if x > 2 else 0,
    lambda x: min(max(x, 1), 3),
    lambda x: x // 2 + (7 if x else 3),
]


@pytest.mark.parametrize("function", long_but_for(STAY_INTEGERS[-1:], STAY_INTEGERS))
def test_integers_that_stay_integers(function: Callable[..., Any]) -> None:
    made = fastact.activation(integers=True)(function)
    for dtype in "bBhHiIlLqQ":
        x = np.arange(5).astype(dtype)
        expected = [function(int(v)) for v in x]
        assert made(x).dtype == dtype
        np.testing.assert_array_equal(made(x), expected)
        if dtype in "bQ":
            np.testing.assert_array_equal(njit(lambda x: made(x))(x), expected)


def fingerprint_of(function: Any) -> bytes | None:
    return fingerprint.of(function)


def test_fingerprint_sees_what_a_function_depends_on() -> None:
    def make(constant: Any) -> Callable[[float], float]:
        def scaled(x: float) -> float:
            return float(x * constant + helper(x))

        return scaled

    assert fingerprint_of(make(2.0)) is not None
    assert fingerprint_of(make(2.0)) == fingerprint_of(make(2.0))
    assert fingerprint_of(make(np.array([1.0]))) is not None
    assert fingerprint_of(lambda x: swish(x) + fastact.leaky_relu(x)) is not None
    others = [
        2.0, 2, True, np.float32(2), np.float64(2), 0.0, -0.0, (2.0,), (2.0, 2.0), math.nan, 2 + 0j, "2", b"2", None,
        np.array([1.0]), np.array([2.0]), np.array([1.0], np.float32), np.array([[1.0]]), np.ones(2), np.ones((2, 2)),
        np.asfortranarray(np.ones((2, 2))),
    ]  # fmt: skip
    assert len({fingerprint_of(make(other)) for other in others} - {None}) == len(others)
    assert fingerprint_of(lambda x: math.exp(x)) != fingerprint_of(lambda x: math.sin(x))
    assert fingerprint_of(lambda x: math.exp(x)) != fingerprint_of(lambda x: np.exp(x))

    def recursive(x: float) -> float:
        return x if x > 0 else recursive(x + 1)

    assert fingerprint_of(recursive) is not None


def test_fingerprint_sees_how_helpers_are_compiled() -> None:
    def helper(x: float) -> float:
        return x - x

    def calling(compiled: Any) -> bytes | None:
        return fingerprint_of(lambda x: compiled(x))

    kinds = [
        njit(helper),
        njit(fastmath=True)(helper),
        njit(fastmath={"nnan"})(helper),
        njit(fastmath={"nnan", "ninf"})(helper),
        njit(error_model="numpy")(helper),
        njit(boundscheck=True)(helper),
        njit(inline="always")(helper),
    ]
    found = {calling(kind) for kind in kinds}
    assert len(found) == len(kinds)
    assert None not in found
    assert calling(njit(fastmath={"ninf", "nnan"})(helper)) in found


class Pair(NamedTuple):
    first: float = 1.0
    second: float = 2.0


class Kind(enum.IntEnum):
    ONE = 1


class Whole(int):
    pass


def stub(x: float) -> float:
    return x


@overload(stub)  # type: ignore[untyped-decorator]
def _stub_compiled(x: Any) -> Any:
    return lambda x: 2 * x


@overload(np.heaviside)  # type: ignore[untyped-decorator]
def _heaviside_compiled(x: Any, y: Any) -> Any:
    return lambda x, y: x


@intrinsic  # type: ignore[untyped-decorator]
def identity(typingctx: Any, x: Any) -> Any:
    return x(x), lambda context, builder, signature, arguments: arguments[0]


@pytest.mark.parametrize(
    "unseen",
    [
        Pair(),
        Kind.ONE,
        Whole(1),
        stub,
        register_jitable(lambda x: x),
        np.heaviside,
        identity,
        numba.vectorize(lambda x: x),
        numba.generated_jit if hasattr(numba, "generated_jit") else object(),
        njit("float64(float64)")(lambda x: x),
        njit(locals={"y": numba.float32})(lambda x: x),
        np.array([None]),
        np.zeros(1, [("a", "f8")]),
        np.ma.masked_array([1.0]),
        np.frompyfunc(abs, 1, 1),
        {1: 2.0},
        [1.0],
        object(),
        pytest,
        ctypes.CDLL(None).abs,
        numba.typed.List([1.0]),
    ],
)
def test_what_can_not_be_seen_is_not_kept(unseen: Any) -> None:
    assert fingerprint_of(lambda x: unseen(x)) is None
    assert fingerprint_of(lambda x: njit(lambda y: unseen(y))(x)) is None


def test_what_numba_keeps_and_reaches_names_is_not_kept() -> None:
    @njit(cache=True)
    def recursive(x):  # type: ignore[no-untyped-def]
        return x if x > 0 else recursive(x + 1)

    def helper(x: float) -> float:
        return x - x

    plain = njit(cache=True)(helper)
    assert fingerprint_of(lambda x: recursive(x)) is None
    assert fingerprint_of(lambda x: njit(lambda y: recursive(y))(x)) is None
    assert fingerprint_of(lambda x: plain(x)) is not None


def test_fingerprint_sees_what_is_none_and_what_loops_an_activation_has() -> None:
    def make(first: Any, second: Any) -> bytes | None:
        return fingerprint_of(lambda x: x if first is None else x + 1 if second is None else x + 2)

    assert make(None, 5.0) != make(5.0, None)
    doubled = [fastact.activation(integers=flag)(lambda x: 2 * x) for flag in (False, True)]
    assert fingerprint_of(lambda x: doubled[0](x)) is None  # an element of a list
    first, second = doubled
    assert fingerprint_of(lambda x: first(x)) != fingerprint_of(lambda x: second(x))


def test_operators_that_somebody_else_defines_are_not_seen(tmp_path: Path) -> None:
    code = """
import operator, fastact
from numba.extending import overload
from fastact._runtime import fingerprint
assert fingerprint.of(lambda x: x @ x) is not None
@overload(operator.matmul)
def matmul(x, y):
    return lambda x, y: x
assert fingerprint.of(lambda x: x @ x) is None
import math
math.stub = lambda x: x
assert fingerprint.of(lambda x: math.stub(x)) is None
"""
    run(code, tmp_path)


@pytest.mark.parametrize(
    "wrong", [3, math.tanh, functools.partial(max, 1), numba.vectorize(lambda x: x), X.sum, Pair, "text"]
)
def test_only_functions_become_activations(wrong: Any) -> None:
    with pytest.raises(TypeError, match="made of a Python function"):
        fastact.activation(wrong)


def test_an_attribute_is_not_seen() -> None:
    pair = np.ones(2)
    assert fingerprint_of(lambda x: x + pair[0]) is not None
    assert fingerprint_of(lambda x: x + pair.size) is None
    assert fingerprint_of(lambda x: x.real) is None


@pytest.mark.long
@pytest.mark.parametrize("inputs", [33, 63])
def test_as_many_inputs_as_a_ufunc_may_have(tmp_path: Path, inputs: int) -> None:
    names = ", ".join(f"x{i}" for i in range(inputs))
    code = f"""
import numpy as np, fastact
@fastact.activation(memory_bound=True)
def total({names}):
    return {names.replace(", ", " + ")}
x = np.random.default_rng(0).normal(size=({inputs}, 60_000))
expected = sum(x)
for operands in (x, x[:, ::-2], [*x[:-1], 2.0], np.asfortranarray(x)):
    np.testing.assert_allclose(total(*operands), sum(operands), rtol=1e-12, atol=1e-12)
large = np.ones(33 << 17)
np.testing.assert_array_equal(total(*[large] * {inputs}), {inputs}.0)
"""
    run(code, tmp_path)


def test_a_function_that_is_not_inlined_is_not_taken_for_one_that_raises() -> None:
    @intrinsic  # type: ignore[untyped-decorator]
    def not_inlined(typing_context: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.function.attributes.add("noinline")
            return context.get_dummy_value()

        return numba.types.void(), generate

    @njit
    def apart(x):  # type: ignore[no-untyped-def]
        not_inlined()
        return x * x + x

    made = fastact.activation(lambda x: apart(x) + apart(-x))
    np.testing.assert_allclose(made(X), 2 * X * X)
    np.testing.assert_array_equal(njit(lambda x: made(x))(X), made(X))
    np.testing.assert_array_equal(njit(lambda x: made(fastact.relu(x)))(X), made(fastact.relu(X)))


def test_no_flag_of_the_older_unit_is_left() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 5.0] * 10)
    functions: list[Callable[..., Any]] = [lambda x: x % 3, lambda x: x // 3, lambda x: np.remainder(x, 3.0)]
    for function in functions:
        made = fastact.activation(function)
        for dtype in (np.float32, np.float64):
            with np.errstate(all="raise"):
                assert made(x.astype(dtype))[3] == function(5.0)


@pytest.mark.skipif(not hasattr(fastact.tanh, "__dict__"), reason="this NumPy writes the signature itself")
def test_inputs_are_called_what_the_function_calls_them() -> None:
    @fastact.activation
    def scaled(x: Any, by: Any) -> Any:
        """Scale."""
        return x * by

    assert list(inspect.signature(scaled).parameters)[:3] == ["x", "by", "out"]
    assert str(scaled.__doc__).startswith("scaled(x, by, /, out=None, *, where=True")
    assert list(inspect.signature(fastact.prelu).parameters)[:2] == ["x", "alpha"]
    made = fastact.activation(lambda x, out: x * out)
    assert made(2.0, 3.0) == 6
    assert njit(lambda x: made(x, x))(3.0) == 9


def test_what_gives_no_number_at_once_is_refused() -> None:
    async def coroutine(x: Any) -> Any:
        return x

    def generator(x: Any) -> Any:
        yield x

    async def asynchronous_generator(x: Any) -> Any:
        yield x

    for function in (coroutine, generator, asynchronous_generator):
        with pytest.raises(TypeError, match=f"{function.__name__} gives a coroutine or a generator"):
            fastact.activation(function)
        with pytest.raises(TypeError, match="gives a coroutine or a generator"):
            fastact.activation(derivative=function)(lambda x: x)
