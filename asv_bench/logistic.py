"""Logistic regression by gradient descent in one `@njit` function, beside the same in NumPy.

`python -m asv_bench.logistic` tells benign tumours from malignant ones in scikit-learn's breast cancer data
(`pip install scikit-learn`). The weights and what is told must agree before the times are.
"""

from __future__ import annotations

import argparse
import functools
from typing import NamedTuple

import numpy as np
from numba import njit

import fastact
from asv_bench.peers.work import Array
from asv_bench.peers.workers import medians_in_turns

STEPS, RATE = 1000, 0.1
SECONDS, ROUNDS = 0.05, 5


class Tumours(NamedTuple):
    """Standardised measurements, and whether a tumour is benign; every third is not trained with."""

    x: Array
    y: Array
    others: Array
    right: Array


def tumours() -> Tumours:
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    held = np.arange(len(x)) % 3 == 0
    return Tumours(x[~held], y[~held].astype(float), x[held], y[held])


@njit
def by_fastact(x, y, rate, steps):  # type: ignore[no-untyped-def]
    """The weights and the bias."""
    w, b = np.zeros(x.shape[1]), 0.0
    for _ in range(steps):
        error = fastact.neuron(x, w, b) - y
        w -= rate / len(x) * np.dot(x.T, error)
        b -= rate * error.mean()
    return w, b


def by_numpy(x: Array, y: Array, rate: float, steps: int) -> tuple[Array, float]:
    w, b = np.zeros(x.shape[1]), 0.0
    for _ in range(steps):
        error = 1 / (1 + np.exp(-(x @ w + b))) - y
        w -= rate / len(x) * (x.T @ error)
        b -= rate * error.mean()
    return w, b


def told_right(weights: tuple[Array, float], data: Tumours) -> float:
    """The share of the other tumours that are told right."""
    return float(((fastact.neuron(data.others, *weights) > 0.5) == data.right).mean())


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    data = tumours()
    ways = {"fastact": by_fastact, "numpy": by_numpy}
    trained = {name: way(data.x, data.y, RATE, STEPS) for name, way in ways.items()}
    for ours, theirs in zip(trained["fastact"], trained["numpy"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    calls = {name: functools.partial(way, data.x, data.y, RATE, STEPS) for name, way in ways.items()}
    for name, took in medians_in_turns(calls, SECONDS, ROUNDS).items():
        share = told_right(trained[name], data)
        print(f"{name:8} {took * 1e3:6.1f} ms   {share:.1%} of {len(data.right)} tumours told right")


if __name__ == "__main__":
    main()
