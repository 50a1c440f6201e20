"""Calls as users write them, which type checkers are to see through; it is checked, not run."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import fastact

single: npt.NDArray[np.float32] = np.ones(3, np.float32)
double: npt.NDArray[np.float64] = np.ones((2, 3))

assert_type(fastact.sigmoid(single), npt.NDArray[np.float32])
assert_type(fastact.tanh(double, where=double > 0), npt.NDArray[np.float64])
assert_type(fastact.relu(single, out=double), npt.NDArray[np.float64])
assert_type(fastact.relu(single, double), npt.NDArray[np.float64])
assert_type(fastact.sigmoid(single, out=(single,)), npt.NDArray[np.float32])
assert_type(fastact.sigmoid([1, 2, 3]), Any)
assert_type(fastact.sigmoid(1.5), Any)
assert_type(fastact.sigmoid(single, dtype=np.float64), Any)
assert_type(fastact.prelu(single, 0.2), npt.NDArray[np.float32])
assert_type(fastact.prelu(single, np.float64(0.2)), npt.NDArray[np.float64])
assert_type(fastact.leaky_relu(single, np.float64(0.2)), npt.NDArray[np.float64])
assert_type(fastact.sigmoid(single, signature="d->d"), Any)
assert_type(fastact.softmax.__name__, str)
assert_type(fastact.elu.__name__, str)
assert_type(fastact.prelu(single, single), npt.NDArray[np.float32])
assert_type(fastact.prelu(single, double), Any)
assert_type(fastact.leaky_relu(single), npt.NDArray[np.float32])
assert_type(fastact.leaky_relu(single, alpha=0.2), npt.NDArray[np.float32])
assert_type(fastact.leaky_relu(single, out=double), npt.NDArray[np.float64])
assert_type(fastact.leaky_relu(single, 0.2, where=single > 0), Any)
assert_type(fastact.neuron(double, single), Any)
assert_type(fastact.neuron(double, single, 0.5, "relu", out=single), npt.NDArray[np.float32])
assert_type(fastact.neuron(double, single, 0.5, fastact.tanh, 0.01, single), npt.NDArray[np.float32])
assert_type(fastact.neuron(double, single, bias=double, activation=None), Any)
assert_type(fastact.softmax(single), npt.NDArray[np.float32])
assert_type(fastact.softmax(single, 0), npt.NDArray[np.float32])
assert_type(fastact.log_softmax(single, axis=(0, 1), out=double), npt.NDArray[np.float64])
assert_type(fastact.softmax([1, 2, 3], axis=None), Any)
assert_type(fastact.logsumexp(single), Any)
assert_type(fastact.logsumexp(double, 0, single, True), npt.NDArray[np.float32])
assert_type(fastact.get_num_threads(), int)

as_ufunc: np.ufunc = fastact.sigmoid
assert_type(fastact.prelu.nin, int)
fastact.prelu.reduce(double)
fastact.set_num_threads(2)


@fastact.activation
def swish(x: Any) -> Any:
    return x * fastact.sigmoid(x)


@fastact.activation(integers=True)
def doubled(x: Any) -> Any:
    return x + x


assert_type(swish, np.ufunc)
assert_type(doubled, np.ufunc)
assert_type(fastact.neuron(double, single, 0.5, swish), Any)

fastact.neuron(double, single, 0.5, "sigmiod")  # type: ignore[call-overload]  # pyright: ignore
fastact.prelu(single)  # type: ignore[call-overload]  # pyright: ignore
fastact.sigmoid(single, order="B")  # type: ignore[call-overload]  # pyright: ignore
fastact.set_num_threads("two")  # type: ignore[arg-type]  # pyright: ignore
