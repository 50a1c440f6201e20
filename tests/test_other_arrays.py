"""Arrays of other libraries get their own types back."""

from __future__ import annotations

import numpy as np
import pytest

import fastact

X = np.random.default_rng(0).normal(size=(300, 200))


def test_dask() -> None:
    array = pytest.importorskip("dask.array")
    lazy = array.from_array(X, chunks=(100, 100))
    result = fastact.sigmoid(lazy)
    assert isinstance(result, array.Array)
    np.testing.assert_array_equal(result.compute(scheduler="threads"), fastact.sigmoid(X))
    np.testing.assert_array_equal(fastact.leaky_relu(lazy, 0.2).compute(), fastact.leaky_relu(X, 0.2))


def test_xarray() -> None:
    xarray = pytest.importorskip("xarray")
    labelled = xarray.DataArray(X, dims=("time", "site"), coords={"time": np.arange(300)})
    result = fastact.tanh(labelled)
    assert isinstance(result, xarray.DataArray)
    np.testing.assert_array_equal(result.coords["time"], labelled.coords["time"])
    np.testing.assert_array_equal(result.values, fastact.tanh(X))


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:5, :3], columns=list("abc"), index=list("vwxyz"))
    result = fastact.relu(frame)
    assert isinstance(result, pandas.DataFrame)
    assert list(result.index) == list("vwxyz")
    np.testing.assert_array_equal(result.to_numpy(), fastact.relu(X[:5, :3]))
    assert isinstance(fastact.leaky_relu(frame["a"]), pandas.Series)
