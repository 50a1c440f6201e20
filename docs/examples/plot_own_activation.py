"""
An activation of your own
=========================

The decorator makes a ufunc of a function of one number. Whoever says what its derivative is can ask for it.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastact


@fastact.activation
def slope(x):
    """Return the derivative of swish."""
    gate = fastact.sigmoid(x)
    return gate + x * gate * (1 - gate)


@fastact.activation(derivative=slope)
def swish(x):
    """Return x times its sigmoid."""
    return x * fastact.sigmoid(x)


# %%
# It is a ufunc: any shape, ``out=``, ``where=``; float32 stays float32.

x = np.linspace(-6, 6, 601, dtype=np.float32)
print(swish(x).dtype, swish(2.0))

# %%
# And it serves in the neuron, and inside ``@njit``.

rows, weights = np.random.default_rng(0).normal(size=(4, 3)), np.ones(3)
print(fastact.neuron(rows, weights, activation=swish))

# %%

figure, axes = plt.subplots(layout="constrained")
axes.plot(x, swish(x), color="#0072B2", linewidth=2.5, label="swish")
axes.plot(x, fastact.derivative(swish)(x), color="#D55E00", linewidth=2.5, label="derivative")
axes.grid(alpha=0.25)
axes.legend()
plt.show()
