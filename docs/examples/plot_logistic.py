"""
A whole fit in one compiled function
====================================

Logistic regression by gradient descent on scikit-learn's breast cancer data, in one function of Numba's.
"""

import matplotlib.pyplot as plt
import numpy as np
from numba import njit
from sklearn.datasets import load_breast_cancer

import fastact


@njit
def fit(x, y, rate, steps):
    """Return weights, bias, and the loss of each step."""
    w, b = np.zeros(x.shape[1]), 0.0
    losses = np.empty(steps)
    for step in range(steps):
        z = fastact.neuron(x, w, b, None)
        losses[step] = (fastact.softplus(z) - y * z).mean()  # the cross entropy, right however large z is
        error = fastact.sigmoid(z) - y
        w -= rate / len(x) * np.dot(x.T, error)
        b -= rate * error.mean()
    return w, b, losses


x, benign = load_breast_cancer(return_X_y=True)
x = (x - x.mean(axis=0)) / x.std(axis=0)
held = np.arange(len(x)) % 3 == 0
w, b, losses = fit(x[~held], benign[~held].astype(float), 0.1, 1000)
told = fastact.neuron(x[held], w, b) > 0.5
print(f"{(told == benign[held]).mean():.1%} of {held.sum()} tumours that it has not seen are told right")

# %%

figure, axes = plt.subplots(layout="constrained")
axes.loglog(np.arange(1, 1001), losses, color="#0072B2", linewidth=2.5)
axes.set_xlabel("step")
axes.set_ylabel("cross entropy")
axes.grid(alpha=0.25)
plt.show()
