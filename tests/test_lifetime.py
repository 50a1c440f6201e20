"""An activation that nobody has any more is given back: its function, what that reaches, and its machine code."""

from __future__ import annotations

import gc
import pickle
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

import fastact

from .processes import run


def made(scale: np.ndarray[Any, Any], derivative: bool = False) -> np.ufunc:
    """An activation whose closure has an array, which every run compiles once."""

    def scaled(x: Any) -> Any:
        return scale[1] * x + fastact.sigmoid(x)

    def slope(x: Any) -> Any:
        return scale[0] + x

    return fastact.activation(derivative=slope if derivative else None)(scaled)


X = np.linspace(-3, 3, 6)


def pickled_twice(ufunc: np.ufunc) -> None:
    """As by the workers of Dask, which are given the same again and again; and an own one comes back as it is."""
    text = pickle.dumps(ufunc)
    assert pickle.loads(text) is ufunc  # noqa: S301
    assert pickle.loads(pickle.dumps(pickle.loads(text))) is ufunc  # noqa: S301


def refused(ufunc: np.ufunc) -> None:
    """Calls that raise; who has the exception has the frame."""
    with pytest.raises(TypeError):
        ufunc(1j)
    with pytest.raises(ValueError, match="broadcast"):
        ufunc(X, out=X[:2].copy())


#: What is done with an activation before it is dropped.
USES: dict[str, Callable[[np.ufunc], Any]] = {
    "nothing": lambda ufunc: None,
    "called": lambda ufunc: [ufunc(X.astype(code)) for code in "efd"],
    "neuron": lambda ufunc: fastact.neuron(X.reshape(2, 3), np.ones((3, 2)), 0.5, ufunc),
    "one neuron": lambda ufunc: fastact.neuron(X, X.astype(np.float32), 0.5, ufunc),
    "pickled": pickled_twice,
    "derivative": lambda ufunc: fastact.derivative(made(X, derivative=True))(X),
    "at": lambda ufunc: ufunc.at(X.copy(), [0, 1]),
    "refused": refused,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_is_dropped_is_given_back(use: Callable[[np.ufunc], Any]) -> None:
    scale = np.arange(1.0, 5.0)
    ufunc = made(scale)
    use(ufunc)
    dropped = weakref.ref(scale)
    del scale, ufunc
    gc.collect()
    assert dropped() is None


def called_by_another(from_python: bool) -> list[weakref.ref[Any]]:
    """What two activations reach, of which one calls the other."""
    inner_scale, outer_scale = np.random.default_rng().normal(size=(2, 4))
    inner = made(inner_scale)

    def both(x: Any) -> Any:
        return inner(x) + outer_scale[2]

    outer = fastact.activation(both)
    result = outer(X)[0] if from_python else njit(lambda x: outer(x))(X[0])
    np.testing.assert_allclose(result, inner(X)[0] + outer_scale[2])
    return [weakref.ref(inner_scale), weakref.ref(outer_scale)]


@pytest.mark.parametrize("from_python", [True, False])
def test_what_is_called_by_another_is_given_back(from_python: bool) -> None:
    """Also where the other was compiled: Numba keeps the types of all that it meets."""
    dropped = called_by_another(from_python)
    for _ in range(4):  # each lets go of what the next one finds
        gc.collect()
    assert [reference() for reference in dropped] == [None, None]


def test_first_neurons_of_several_threads() -> None:
    """What C knows by its address alone is made once, though each thread would make it."""
    code = """
import sys, threading, numpy as np, fastact
x, w = np.ones((2, 3)), np.ones((3, 2))
names = ["sigmoid", "tanh", "relu", "silu", "gelu", "mish", "softplus", "elu"]
barrier = threading.Barrier(8)
def first(name):
    barrier.wait()
    fastact.neuron(x, w, 0.5, name)
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=first, args=(name,)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
from fastact._runtime import capi, neuron
import ctypes
known = {ctypes.addressof(each) for each in capi._definitions.values()}
for name in names:  # of PyCFunctionObject the first field is the definition
    entry = neuron._entries[name]
    assert ctypes.c_void_p.from_address(id(entry.call) + object.__basicsize__).value in known
    fastact.neuron(x, w, 0.5, name)
"""
    for _ in range(5):
        run(code)


def test_others_of_the_same_code_go_on() -> None:
    first, second = (made(np.arange(1.0, 5.0)) for _ in range(2))
    expected = first(X)
    np.testing.assert_array_equal(second(X), expected)
    del first
    gc.collect()
    np.testing.assert_array_equal(second(X), expected)
    third = made(np.arange(1.0, 5.0))
    np.testing.assert_array_equal(third(X), expected)
    assert fastact.neuron(X, X, 0.5, third) == third(fastact.neuron(X, X, 0.5, None))


def test_a_name_used_again_is_another() -> None:
    """The memory of what was dropped is used for what comes next, in every registry."""
    for i in range(50):
        shift = float(i % 2)
        ufunc = fastact.activation(lambda x: x + 1.0) if shift else fastact.activation(lambda x: x - 1.0)
        expected = X + 1 if shift else X - 1
        np.testing.assert_array_equal(ufunc(X), expected)
        assert fastact.neuron(X, X, 0.0, ufunc) == fastact.neuron(X, X, 0.0, None) + (1 if shift else -1)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(ufunc))(X), expected)  # noqa: S301


#: Makes and drops, and says by how many bytes the process grew; what is made has 0.8 MB in its closure.
GROWTH = """
import gc, os, pickle, sys
import numpy as np, fastact
def size():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
numbers = np.arange(100_000.0)
x, w = np.ones((3, 4)), np.ones((4, 2))
def one():
    scale = numbers.copy()
    def scaled(x):
        return scale[2 if x < 9 else 3] * x  # so that all of it is a part of the code
    return fastact.activation(derivative=lambda x: scale[3])(scaled)
def grown(use, times):
    for _ in range(5):
        use()
    before = size()
    for _ in range(times):
        use()
    return size() - before
def called():
    ufunc = one()
    assert ufunc(x)[0, 0] == 2 and fastact.neuron(x, w, 0.0, ufunc)[0, 0] == 8
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how much memory a process has is read in Linux' way")
def test_memory_does_not_grow() -> None:
    code = f"""{GROWTH}
def pickled():
    pickle.loads(pickle.dumps(one()))
    text = pickle.dumps(one())
    gc.collect()
    assert pickle.loads(text)(x)[0, 0] == 2
small = lambda: fastact.activation(lambda x: x * 2.0)
# Each that is kept takes 0.8 to 1.6 MB, a small one 6 kB.
assert grown(one, 100) < 20e6
assert grown(called, 40) < 20e6
assert grown(pickled, 40) < 20e6
assert grown(small, 3000) < 3e6
"""
    run(code)


@pytest.mark.skipif(sys.platform != "linux", reason="how much memory a process has is read in Linux' way")
def test_memory_does_not_grow_without_the_compiler() -> None:
    code = f"import os; os.environ['NUMBA_DISABLE_JIT'] = '1'\n{GROWTH}assert grown(called, 40) < 20e6"
    run(code)


def test_a_call_while_python_ends() -> None:
    """What is destroyed at the very end may call once more: it gets a result or an exception."""
    code = """
import builtins, os, sys, numpy as np, fastact
@fastact.activation
def thrice(x):
    return x * 3.0
x, y = np.ones(5), np.ones(5, np.float32)
fastact.tanh(x), thrice(x)
class Last:
    def __init__(self):
        self.functions, self.x, self.y, self.neuron = (fastact.tanh, thrice), x, y, fastact.neuron
    def __del__(self, write=os.write):
        write(1, f"{[float(function(self.x)[0]) for function in self.functions]}\\n".encode())
        for call in (lambda: self.functions[1](self.y), lambda: self.neuron(self.x, self.x, 0.0, self.functions[1])):
            try:
                call()
            except Exception as error:
                pass
builtins.last, sys.last, last = Last(), Last(), Last()
last.itself = last
"""
    assert set(run(code).splitlines()) == {f"[{np.tanh(1.0)}, 3.0]"}
