"""A network through the neuron, layer by layer, beside scikit-learn's and Keras' own: `python -m asv_bench.digits`.

scikit-learn trains a classifier on its bundled digits (`pip install -e ".[networks]"`; Keras takes part where it is
installed). All give the probabilities of the same images; they must agree before they are timed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

import fastact
from asv_bench.peers.work import Array
from asv_bench.peers.workers import turn

os.environ.setdefault("KERAS_BACKEND", "torch")  # else it wants TensorFlow

SECONDS = 0.2  # for a library and a batch
BATCHES = (1, 32, 360)


class Network(NamedTuple):
    """Weights and biases by layers; all but the last have an activation, of the last the probabilities are taken."""

    weights: list[Array]
    biases: list[Array]
    activation: Literal["sigmoid", "tanh", "relu"]

    def probabilities(self, x: Array) -> Array:
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = fastact.neuron(x, weights, bias, self.activation)
        probabilities: Array = fastact.softmax(fastact.neuron(x, self.weights[-1], self.biases[-1], None))
        return probabilities


class Images(NamedTuple):
    """Images and what digits they show, to learn from, and others."""

    x: Array
    digits: Array
    others: Array
    right: Array


def images(dtype: str = "float32") -> Images:
    """scikit-learn's images, from 0 to 1."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, digits = load_digits(return_X_y=True)
    learnt, others, shown, right = train_test_split((x / 16).astype(dtype), digits, test_size=0.2, random_state=0)
    return Images(learnt, shown, others, right)


def trained(activation: str = "relu", dtype: str = "float32") -> tuple[Any, Array, Array]:
    """scikit-learn's classifier, and the images and digits that it was not trained on."""
    from sklearn.neural_network import MLPClassifier

    data = images(dtype)
    name = "logistic" if activation == "sigmoid" else activation
    classifier = MLPClassifier((64, 32), activation=name, max_iter=300, tol=1e-2, random_state=0)
    return classifier.fit(data.x, data.digits), data.others, data.right


def network_of(classifier: Any) -> Network:
    activation: Any = "sigmoid" if classifier.activation == "logistic" else classifier.activation
    return Network(classifier.coefs_, classifier.intercepts_, activation)


def keras_model(network: Network) -> Any:
    """The same network as Keras' Sequential, in float32."""
    import keras

    activations = [network.activation] * (len(network.weights) - 1) + ["softmax"]
    layers = [
        keras.layers.Dense(weights.shape[1], activation=activation)
        for weights, activation in zip(network.weights, activations, strict=True)
    ]
    model = keras.Sequential([keras.Input((len(network.weights[0]),)), *layers])
    model.set_weights([a for pair in zip(network.weights, network.biases, strict=True) for a in pair])
    return model


def called(model: Any, x: Array) -> Array:
    """What a model of Keras gives for a batch, by its quickest call."""
    import keras

    result: Array = keras.ops.convert_to_numpy(model(x, training=False))
    return result


def median_us(call: Callable[[Array], Any], x: Array) -> float:
    return statistics.median(turn(lambda: call(x), SECONDS)) * 1e6


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    classifier, others, digits = trained()
    network = network_of(classifier)
    right = (network.probabilities(others).argmax(axis=1) == digits).mean()
    print(f"digits told right: {right:.1%} of {len(digits)}; us per call")
    model = keras_model(network) if importlib.util.find_spec("keras") else None
    for n in BATCHES:
        x = others[:n]
        calls: dict[str, Callable[[Array], Any]] = {
            "fastact": network.probabilities,
            "MLPClassifier.predict_proba": classifier.predict_proba,
        }
        if model is not None:
            calls["Keras, called"] = lambda x: called(model, x)
            calls["Keras, predict"] = lambda x: model.predict(x, verbose=0)
        for call in calls.values():
            np.testing.assert_allclose(call(x), network.probabilities(x), rtol=1e-4, atol=1e-6)
        print(f"{n:4} images  ", "  ".join(f"{name} {median_us(call, x):.0f}" for name, call in calls.items()))


if __name__ == "__main__":
    main()
