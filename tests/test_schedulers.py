"""Libraries that call from many threads and processes at once. Each case runs in a process of its own."""

from __future__ import annotations

import pytest

from .processes import run

SETTING = """
import numpy as np, fastact
x = np.random.default_rng(0).normal(size=(1200, 400))
w = np.random.default_rng(1).normal(size=(400, 30))
chunks = np.split(x, 12)

def layer(x):
    return fastact.neuron(x, w, 0.5, "gelu")

@fastact.activation
def inner(x):
    return shift * x

shift = 3.0
@fastact.activation(derivative=lambda x: inner(x) + 1)
def shifted(x):
    return fastact.sigmoid(x) - inner(x)

slope = fastact.derivative(shifted)
functions = (fastact.sigmoid, fastact.relu, fastact.softmax, fastact.derivative(fastact.tanh), layer, shifted, slope)
expected = [function(x) for function in functions]
"""

DASK = """
import dask.array
lazy = dask.array.from_array(x, chunks=(100, 400))
def check(**how):
    for function, right in zip(functions, expected):
        columns = (right.shape[1],)
        result = lazy.map_blocks(function, dtype=float, chunks=(lazy.chunks[0], columns))
        np.testing.assert_array_equal(result.compute(**how), right)
    for function, right in zip(functions[:2], expected):
        result = function(lazy)
        assert isinstance(result, dask.array.Array)
        np.testing.assert_array_equal(result.compute(**how), right)
"""

#: Each function called with a Dask array, which keeps the ufunc behind it, and by xarray.
EVERY = """
import dask.array, xarray
lazy = dask.array.from_array(x, chunks=(100, 400))
along = [fastact.softmax, fastact.log_softmax, fastact.logsumexp]
elementwise = [getattr(fastact, name) for name in fastact.__all__ if name != "prelu"]
elementwise = [f for f in elementwise if isinstance(f, np.ufunc) or f in (fastact.elu, fastact.leaky_relu)]
assert len(elementwise) > 10
derivatives = [fastact.derivative(f) for f in elementwise]
calls = [*elementwise, *derivatives, *along, lambda x: fastact.prelu(x, 0.3), lambda x: shifted(x) + slope(x)]
def whole(x):
    return x.rechunk(-1) if hasattr(x, "rechunk") else x
calls += [lambda x, f=f, axis=axis: f(whole(x), axis=axis) for f in along for axis in (0, None)]
def by_xarray(x, f):
    result = [] if f is fastact.logsumexp else ["site"]
    labelled = xarray.DataArray(x, dims=("time", "site"))
    return xarray.apply_ufunc(f, labelled, input_core_dims=[["site"]], output_core_dims=[result], dask="allowed").data
calls += [lambda x, f=f: by_xarray(x, f) for f in along]
def check_every(**how):
    results = dask.compute(*[call(lazy) for call in calls], **how)
    for call, result in zip(calls, results, strict=True):
        np.testing.assert_array_equal(result, call(x))
"""

JOBLIB = """
from joblib import Parallel, delayed
def check(**how):
    with Parallel(**how) as parallel:
        for function, right in zip(functions, expected):
            np.testing.assert_array_equal(np.concatenate(parallel(delayed(function)(part) for part in chunks)), right)
        return parallel(delayed(fastact.get_num_threads)() for _ in range(8))
"""


def test_dask_on_threads() -> None:
    pytest.importorskip("dask.array")
    run(f"{SETTING}{DASK}for _ in range(5): check(scheduler='threads', num_workers=8)")


def test_dask_on_processes() -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("xarray")
    cluster = """
from distributed import Client, LocalCluster
with LocalCluster(n_workers=2, threads_per_worker=4, dashboard_address=None) as cluster, Client(cluster) as client:
    check()
    check_every()
    assert len(client.run(fastact.get_num_threads)) == 2
"""
    run(SETTING + DASK + EVERY + cluster)


def test_every_function_on_the_processes_of_dask() -> None:
    pytest.importorskip("dask.array")
    pytest.importorskip("xarray")
    run(SETTING + EVERY + "check_every(scheduler='processes', num_workers=2)")


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib(backend: str) -> None:
    pytest.importorskip("joblib")
    jobs = 2 if backend == "loky" else 8
    check = f"most = max(check(n_jobs={jobs}, backend={backend!r})); assert most <= fastact.get_num_threads(), most"
    run(SETTING + JOBLIB + check)
