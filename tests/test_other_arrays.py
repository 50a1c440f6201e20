"""Arrays of other libraries: they get their own types back, or share their memory."""

from __future__ import annotations

from pathlib import Path

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
    whole_rows = lazy.rechunk({1: -1})
    result = fastact.softmax(whole_rows)
    assert isinstance(result, array.Array)
    np.testing.assert_array_equal(result.compute(), fastact.softmax(X))
    for function in (fastact.softmax, fastact.logsumexp):
        result = function(lazy.rechunk(-1), axis=None)
        assert isinstance(result, array.Array)
        np.testing.assert_array_equal(result.compute(), function(X, axis=None))
    weights = np.ones((200, 3))
    result = whole_rows.map_blocks(fastact.neuron, weights, chunks=(100, 3))
    np.testing.assert_array_equal(result.compute(), fastact.neuron(X, weights))


def test_xarray() -> None:
    xarray = pytest.importorskip("xarray")
    labelled = xarray.DataArray(X, dims=("time", "site"), coords={"time": np.arange(300)})
    result = fastact.tanh(labelled)
    assert isinstance(result, xarray.DataArray)
    np.testing.assert_array_equal(result.coords["time"], labelled.coords["time"])
    np.testing.assert_array_equal(result.values, fastact.tanh(X))
    core = [["site"]]
    result = xarray.apply_ufunc(fastact.softmax, labelled, input_core_dims=core, output_core_dims=core)
    np.testing.assert_array_equal(result.coords["time"], labelled.coords["time"])
    np.testing.assert_array_equal(result.values, fastact.softmax(X))


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:5, :3], columns=list("abc"), index=list("vwxyz"))
    result = fastact.relu(frame)
    assert isinstance(result, pandas.DataFrame)
    assert list(result.index) == list("vwxyz")
    np.testing.assert_array_equal(result.to_numpy(), fastact.relu(X[:5, :3]))
    assert isinstance(fastact.leaky_relu(frame["a"]), pandas.Series)
    assert list(fastact.log_softmax(frame).index) == list("vwxyz")
    assert type(fastact.neuron(frame, np.ones(3))) is np.ndarray
    kept = fastact.logsumexp(frame, keepdims=True)
    np.testing.assert_array_equal(kept, fastact.logsumexp(X[:5, :3], keepdims=True), strict=True)
    assert fastact.logsumexp(frame["a"].astype("Float64")) == fastact.logsumexp(X[:5, 0])


def test_masked() -> None:
    masked = np.ma.masked_less(X, 0)
    result = fastact.sigmoid(masked)
    assert isinstance(result, np.ma.MaskedArray)
    np.testing.assert_array_equal(result.mask, masked.mask)
    np.testing.assert_array_equal(result.compressed(), fastact.sigmoid(masked.compressed()))
    for refuses in (fastact.softmax, lambda x: fastact.neuron(x, x[0])):
        with pytest.raises(TypeError, match="must not be a masked array"):
            refuses(masked)


def test_memmap(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    kept = np.load(tmp_path / "x.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", X.dtype, X.shape)
    assert fastact.tanh(kept, out=out) is out
    out.flush()
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), fastact.tanh(X))


def test_torch() -> None:
    """A tensor's `numpy()` is the same memory, to read and to write."""
    torch = pytest.importorskip("torch")
    tensor, out = torch.from_numpy(X.copy()), torch.empty(X.shape, dtype=torch.float64)
    fastact.sigmoid(tensor.numpy(), out=out.numpy())
    np.testing.assert_array_equal(out, fastact.sigmoid(X))
    fastact.neuron(tensor.numpy(), torch.ones(200, 3, dtype=torch.float64).numpy(), out=out[:, :3].numpy())
    np.testing.assert_array_equal(out[:, :3], fastact.neuron(X, np.ones((200, 3))))
    fastact.relu(tensor.numpy(), out=tensor.numpy())
    np.testing.assert_array_equal(tensor, fastact.relu(X))


def test_jax() -> None:
    """An array's memory is read without a copy; what is returned is NumPy's."""
    jax = pytest.importorskip("jax")
    array = jax.numpy.asarray(X, np.float32)
    assert np.shares_memory(np.asarray(array), np.asarray(array))
    right = fastact.sigmoid(X.astype(np.float32))
    np.testing.assert_array_equal(fastact.sigmoid(array), right)
    weights = np.ones((200, 2), np.float32)
    right_sums = fastact.neuron(X.astype(np.float32), weights)
    np.testing.assert_array_equal(fastact.neuron(array, jax.numpy.asarray(weights)), right_sums)
    shape = jax.ShapeDtypeStruct(X.shape, np.float32)
    inside = jax.jit(lambda x: jax.pure_callback(fastact.sigmoid, shape, x))
    np.testing.assert_array_equal(inside(array), right)


def test_bfloat16() -> None:
    """It is computed in float32, and rounded where `out` asks for it."""
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    x = X.astype(bfloat16)
    right = fastact.silu(x.astype(np.float32))
    result = fastact.silu(x)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, right)
    out = np.empty_like(x)
    fastact.silu(x, out=out)
    np.testing.assert_array_equal(out, right.astype(bfloat16))
    with pytest.raises(TypeError, match="got bfloat16"):
        fastact.neuron(x, x[0])
