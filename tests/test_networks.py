"""A trained network through the neuron gives what the libraries that trained it give."""

from __future__ import annotations

import numpy as np
import pytest

from asv_bench import digits, training

from .cases import long_but_for


@pytest.mark.parametrize("activation", long_but_for(["tanh"], ["relu", "tanh", "sigmoid"]))
def test_digits_as_scikit_learn_tells_them(activation: str) -> None:
    pytest.importorskip("sklearn", exc_type=ImportError)
    classifier, images, right = digits.trained(activation, "float64")
    probabilities = digits.network_of(classifier).probabilities(images)
    np.testing.assert_allclose(probabilities, classifier.predict_proba(images), rtol=1e-11, atol=1e-14)
    assert (probabilities.argmax(axis=1) == right).mean() > 0.9


@pytest.mark.filterwarnings("default::DeprecationWarning")  # Keras' own
def test_digits_as_keras_tells_them() -> None:
    pytest.importorskip("sklearn", exc_type=ImportError)
    pytest.importorskip("keras", exc_type=ImportError)
    classifier, images, _ = digits.trained()
    network = digits.network_of(classifier)
    keras = digits.called(digits.keras_model(network), images)
    np.testing.assert_allclose(network.probabilities(images), keras, rtol=1e-4, atol=1e-6)


@pytest.mark.long
def test_a_network_is_trained_as_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", exc_type=ImportError)
    monkeypatch.setattr(training, "EPOCHS", 10)
    data = digits.images("float64")
    ours, theirs = (way(data, training.first_weights("float64")) for way in (training.by_fastact, training.by_numpy))
    for got, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)
    assert training.right(ours, data) > 0.9
