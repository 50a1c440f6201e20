"""
Small numbers stay right
========================

The sigmoid of a very negative number is its exponential. Written as ``1 / (1 + exp(-x))`` it is 0 as soon as the
exponential overflows, which in float32 happens at -88.7; the true result can be told down to -103.97.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastact

x = np.linspace(-110, -60, 2001, dtype=np.float32)
with np.errstate(over="ignore"):
    plain = 1 / (1 + np.exp(-x))
ours = fastact.sigmoid(x)

# %%
# On a logarithmic scale the sigmoid is a straight line there. Below 1.2e-38 float32 has fewer and
# fewer digits, hence the steps.

figure, axes = plt.subplots(layout="constrained")
axes.semilogy(x, ours, color="#0072B2", linewidth=2.5, label="fastact.sigmoid(x)")
axes.semilogy(x, plain, color="#D55E00", linestyle="--", linewidth=2.5, label="1 / (1 + exp(-x))")
axes.set_xlabel("x")
axes.set_ylabel("sigmoid in float32")
axes.legend()
plt.show()
