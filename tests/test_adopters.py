"""Recipes for packages that have activations of their own, each tried with the package.

`pip install dspeed gplearn nengo neurolib pytensor`; what is not installed is left out. nengo's plugin for pytest is of
an older one: `PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -p xdist -p pytest_timeout tests/test_adopters.py`.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any

import numba
import numpy as np
import pytest

import fastact

# Theirs warn of what is to come in Python, NumPy and SciPy.
pytestmark = pytest.mark.filterwarnings("ignore")

X = np.random.default_rng(0).normal(size=(200, 5))


def test_a_layer_of_dspeed() -> None:
    """A processor is a `guvectorize` function of a waveform."""
    pytest.importorskip("dspeed")
    from dspeed.processors import dense_layer_with_bias
    from dspeed.utils import numba_defaults_kwargs

    @numba.guvectorize(
        ["void(f4[:], f4[:, :], f4[:], f4[:])", "void(f8[:], f8[:, :], f8[:], f8[:])"],
        "(n),(n,m),(m)->(m)",
        **numba_defaults_kwargs,
    )
    def dense(x, kernel, bias, out):  # type: ignore[no-untyped-def]
        fastact.neuron(x, kernel, bias, "sigmoid", out=out)

    kernel, bias = X[:5, :3].copy(), X[5, :3].copy()
    theirs = np.array([dense_layer_with_bias(x, kernel, bias, ord("s")) for x in X])
    np.testing.assert_allclose(dense(X, kernel, bias), theirs, rtol=1e-14)


def test_gplearn() -> None:
    """It takes any ufunc, which can be pickled as it is."""
    pytest.importorskip("gplearn")
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    sigmoid = make_function(function=fastact.sigmoid, name="sigmoid", arity=1, wrap=False)
    functions = ["add", "sub", sigmoid]
    regressor = SymbolicRegressor(population_size=200, generations=5, function_set=functions, random_state=0)
    y = fastact.sigmoid(X[:, 0]) - X[:, 1]
    assert regressor.fit(X, y).score(X, y) == 1
    assert "sigmoid" in str(regressor._program)
    assert sigmoid.function is fastact.sigmoid


def test_neurons_of_nengo() -> None:
    """A type of neurons writes into `output[...]`."""
    nengo: Any = pytest.importorskip("nengo")
    base: Any = nengo.RectifiedLinear

    steps: list[float] = []

    class Rectified(base):  # type: ignore[misc]
        def step(self, dt: float, J: Any, output: Any) -> None:
            assert J.dtype == output.dtype  # or NumPy would make copies
            steps.append(dt)
            fastact.relu(J, out=output)
            output *= self.amplitude

    def simulated(neurons: Any) -> Any:
        with nengo.Network(seed=0) as network:
            ensemble = nengo.Ensemble(50, 1, neuron_type=neurons)
            nengo.Connection(nengo.Node(0.5), ensemble)
            probe = nengo.Probe(ensemble, synapse=0.03)
        with nengo.Simulator(network, progress_bar=False) as simulator:
            simulator.run(0.1)
            return simulator.data[probe]

    np.testing.assert_array_equal(simulated(Rectified()), simulated(nengo.RectifiedLinear()))
    assert len(steps) >= 100


def test_a_scalar_op_of_pytensor() -> None:
    """`nfunc_spec` names the ufunc for whole arrays; its Numba linker is given a function."""
    pytensor = pytest.importorskip("pytensor")
    from pytensor import scalar, tensor
    from pytensor.link.numba.dispatch import basic
    from pytensor.tensor.elemwise import Elemwise

    class Sigmoid(scalar.UnaryScalarOp):  # type: ignore[misc]
        nfunc_spec = ("fastact.sigmoid", 1, 1)

        def impl(self, x: Any) -> Any:
            raise AssertionError("called from Python for one element after the other")

    @basic.register_funcify_and_cache_key(Sigmoid)  # type: ignore[untyped-decorator]
    def compiled(op: Any, node: Any, **_: Any) -> Any:
        return basic.numba_njit(lambda x: fastact.sigmoid(x)), None  # or a key of its cache, of a version of ours

    sigmoid, x = Elemwise(Sigmoid(scalar.upgrade_to_float, name="sigmoid")), tensor.matrix("x")
    for mode in ("FAST_COMPILE", "NUMBA"):
        with warnings.catch_warnings():
            warnings.filterwarnings("error", ".*object mode")
            function = pytensor.function([x], sigmoid(x), mode=pytensor.compile.mode.get_mode(mode))
        np.testing.assert_array_equal(function(X), fastact.sigmoid(X))


def test_a_time_loop_of_neurolib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it writes `1.0 / (1.0 + np.exp(-x))`, `fastact.sigmoid(x)` is written."""
    pytest.importorskip("neurolib")
    from neurolib.models.wc import WCModel

    loop = sys.modules["neurolib.models.wc.timeIntegration"]

    def simulated() -> Any:
        np.random.seed(0)  # noqa: NPY002 - neurolib's generator
        model = WCModel(seed=0)
        model.params["duration"] = 200
        model.params["sigma_ou"] = 0.01
        model.run()
        return model.output

    right = simulated()
    source = inspect.getsource(loop.timeIntegration_njit_elementwise.py_func)
    for kind in ("exc", "inh"):
        theirs = f"1.0 / (1.0 + np.exp(-a_{kind} * (x - mu_{kind})))"
        assert theirs in source
        source = source.replace(theirs, f"fastact.sigmoid(a_{kind} * (x - mu_{kind}))")
    names = {"numba": numba, "np": np, "fastact": fastact}
    exec(source, names)  # noqa: S102
    monkeypatch.setattr(loop, "timeIntegration_njit_elementwise", names["timeIntegration_njit_elementwise"])
    np.testing.assert_allclose(simulated(), right, rtol=1e-9)
    assert np.ptp(right) > 1e-3
    assert names["timeIntegration_njit_elementwise"].nopython_signatures
