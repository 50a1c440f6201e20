"""A network trained by gradient descent in one `@njit` function, beside NumPy and PyTorch.

`python -m asv_bench.training` trains two layers on scikit-learn's digits (`pip install -e ".[networks]"`; PyTorch takes
part where it is installed), from the same weights, by the same batches. The weights must agree before the times are
told.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

import fastact
from asv_bench.digits import Images, images
from asv_bench.peers.work import Array
from asv_bench.peers.workers import medians_in_turns

HIDDEN, BATCH, EPOCHS, RATE = 64, 32, 30, 0.2
SECONDS, ROUNDS = 0.1, 5


class Weights(NamedTuple):
    """Of two layers, and their biases."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array


def first_weights(dtype: str = "float32") -> Weights:
    generator = np.random.default_rng(0)
    w1 = (generator.normal(size=(64, HIDDEN)) / 8).astype(dtype)
    w2 = (generator.normal(size=(HIDDEN, 10)) / HIDDEN**0.5).astype(dtype)
    return Weights(w1, np.zeros(HIDDEN, dtype), w2, np.zeros(10, dtype))


@njit
def train(x, digits, w1, b1, w2, b2, rate, epochs, size):  # type: ignore[no-untyped-def]
    """Train weights in place, by batches in turn."""
    for _ in range(epochs):
        for first in range(0, len(x) - size + 1, size):
            batch = x[first : first + size]
            z = fastact.neuron(batch, w1, b1, None)
            hidden = fastact.silu(z)
            slope = fastact.softmax(fastact.neuron(hidden, w2, b2, None))
            for i in range(size):
                slope[i, digits[first + i]] -= 1
            back = np.dot(slope, w2.T) * fastact.derivative(fastact.silu)(z)
            w2 -= rate * np.dot(hidden.T, slope)
            b2 -= rate * slope.sum(axis=0)
            w1 -= rate * np.dot(batch.T, back)
            b1 -= rate * back.sum(axis=0)


def by_fastact(data: Images, weights: Weights) -> Weights:
    rate = weights.w1.dtype.type(RATE / BATCH)
    train(data.x, data.digits, *weights, rate, EPOCHS, BATCH)
    return weights


def by_numpy(data: Images, weights: Weights) -> Weights:
    w1, b1, w2, b2 = weights
    rate = w1.dtype.type(RATE / BATCH)
    rows = np.arange(BATCH)
    for _ in range(EPOCHS):
        for first in range(0, len(data.x) - BATCH + 1, BATCH):
            batch = data.x[first : first + BATCH]
            z = batch @ w1 + b1
            gate = 1 / (1 + np.exp(-z))
            hidden = z * gate
            sums = hidden @ w2 + b2
            slope = np.exp(sums - sums.max(axis=1, keepdims=True))
            slope /= slope.sum(axis=1, keepdims=True)
            slope[rows, data.digits[first : first + BATCH]] -= 1
            back = (slope @ w2.T) * (gate + hidden * (1 - gate))
            w2 -= rate * (hidden.T @ slope)
            b2 -= rate * slope.sum(axis=0)
            w1 -= rate * (batch.T @ back)
            b1 -= rate * back.sum(axis=0)
    return weights


def by_torch(data: Images, weights: Weights) -> Weights:
    import torch

    x, numbers = torch.from_numpy(data.x), torch.from_numpy(data.digits)
    parameters = [torch.from_numpy(array).requires_grad_() for array in weights]
    w1, b1, w2, b2 = parameters
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    for _ in range(EPOCHS):
        for first in range(0, len(x) - BATCH + 1, BATCH):
            hidden = torch.nn.functional.silu(torch.addmm(b1, x[first : first + BATCH], w1))
            loss = torch.nn.functional.cross_entropy(torch.addmm(b2, hidden, w2), numbers[first : first + BATCH])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return weights


WAYS: dict[str, Callable[[Images, Weights], Weights]] = {
    "fastact": by_fastact,
    "numpy": by_numpy,
    "torch": by_torch,
}


def train_a_copy(way: Callable[[Images, Weights], Weights], data: Images, weights: Weights) -> Weights:
    """To copy them takes microseconds."""
    return way(data, Weights(*map(np.copy, weights)))


def right(weights: Weights, data: Images) -> float:
    """The share of the other images whose digits are told right."""
    hidden = fastact.neuron(data.others, weights.w1, weights.b1, "silu")
    told = fastact.neuron(hidden, weights.w2, weights.b2, None).argmax(axis=1)
    return float((told == data.right).mean())


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    data = images()
    ways = {name: way for name, way in WAYS.items() if importlib.util.find_spec(name)}
    trained: dict[str, Any] = {name: way(data, first_weights()) for name, way in ways.items()}
    for weights in trained.values():
        for ours, theirs in zip(trained["fastact"], weights, strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=2e-3, atol=2e-3)
    first = first_weights()
    calls = {name: functools.partial(train_a_copy, way, data, first) for name, way in ways.items()}
    for name, took in medians_in_turns(calls, SECONDS, ROUNDS).items():
        print(
            f"{name:8} {took * 1e3:6.0f} ms   {right(trained[name], data):.1%} of {len(data.right)} digits told right"
        )


if __name__ == "__main__":
    main()
