"""What users of Keras and PyTorch write, and what they write here, give the same numbers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import fastact

X = np.random.default_rng(0).normal(scale=3, size=(50, 64)).astype(np.float32)
KERNEL = np.random.default_rng(1).normal(size=(64, 10)).astype(np.float32)
BIAS = np.linspace(-1, 1, 10, dtype=np.float32)

# Theirs are right to some places of what is largest in them; a sum has more roundings.
FUNCTION: dict[str, Any] = {"rtol": 2e-6, "atol": 1e-6}
SUM: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    return pytest.importorskip("keras")


def numbers(tensor: Any) -> Any:
    return tensor.detach().numpy()


def test_keras(keras: Any) -> None:
    layers = keras.layers
    theirs: dict[Any, Any] = {
        layers.Activation("sigmoid"): fastact.sigmoid,
        layers.Activation("tanh"): fastact.tanh,
        layers.ReLU(): fastact.relu,
        layers.LeakyReLU(0.2): lambda x: fastact.leaky_relu(x, 0.2),
        layers.ELU(): fastact.elu,
        layers.Activation("silu"): fastact.silu,
        layers.Activation("gelu"): fastact.gelu,
        layers.Activation("mish"): fastact.mish,
        layers.Activation("softplus"): fastact.softplus,
        layers.Activation("log_sigmoid"): fastact.log_sigmoid,
        layers.Activation("hard_sigmoid"): fastact.hard_sigmoid,
        layers.Activation("hard_silu"): fastact.hard_silu,
        layers.Softmax(): fastact.softmax,
        layers.Activation("log_softmax"): fastact.log_softmax,
    }
    for layer, ours in theirs.items():
        np.testing.assert_allclose(ours(X), numbers(layer(X)), err_msg=layer.name, **FUNCTION)


def test_dense_of_keras(keras: Any) -> None:
    dense = keras.layers.Dense(10, activation="relu")
    dense.build(X.shape)
    dense.set_weights([KERNEL, BIAS])
    kernel, bias = numbers(dense.kernel.value), numbers(dense.bias.value)
    np.testing.assert_allclose(fastact.neuron(X, kernel, bias, "relu"), numbers(dense(X)), **SUM)


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    theirs: dict[Any, Any] = {
        nn.Sigmoid(): fastact.sigmoid,
        nn.Tanh(): fastact.tanh,
        nn.ReLU(): fastact.relu,
        nn.LeakyReLU(): fastact.leaky_relu,
        nn.PReLU(): lambda x: fastact.prelu(x, np.float32(0.25)),
        nn.ELU(): fastact.elu,
        nn.SiLU(): fastact.silu,
        nn.GELU(): fastact.gelu,
        nn.GELU("tanh"): fastact.gelu_tanh,
        nn.Mish(): fastact.mish,
        nn.Softplus(): fastact.softplus,
        nn.LogSigmoid(): fastact.log_sigmoid,
        nn.Hardsigmoid(): fastact.hard_sigmoid,
        nn.Hardswish(): fastact.hard_silu,
        nn.Softmax(dim=1): fastact.softmax,
        nn.LogSoftmax(dim=1): fastact.log_softmax,
        lambda x: torch.logsumexp(x, dim=1): fastact.logsumexp,
    }
    for module, ours in theirs.items():
        np.testing.assert_allclose(ours(X), numbers(module(torch.from_numpy(X))), err_msg=str(module), **FUNCTION)


def test_linear_of_torch() -> None:
    torch = pytest.importorskip("torch")
    linear = torch.nn.Linear(64, 10)
    right = numbers(torch.sigmoid(linear(torch.from_numpy(X))))
    weight, bias = numbers(linear.weight), numbers(linear.bias)
    np.testing.assert_allclose(fastact.neuron(X, weight.T, bias), right, **SUM)
