"""`derivative`: from an activation to the function that is its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import door, registry


def derivative(function: Callable[..., Any], /) -> Any:
    """
    Derivative of an activation with respect to `x`.

    Parameters
    ----------
    function : callable
        One of this package's activations, or one made by `fastact.activation` with a derivative.

    Returns
    -------
    numpy.ufunc or callable
        Called as the activation is: a ufunc; or, where the activation has a default for `alpha`, a function with the
        same default. It may be called inside `@njit`, and be the activation of `neuron`. The docstring states its
        largest error.

    Raises
    ------
    TypeError
        If `function` is no activation, or one without a derivative.

    Notes
    -----
    Where an activation has a corner, the derivative there is that of one side: at 0 of the left, so 0 for relu; at -3
    and 3 of the outer one, so 0 for hard_sigmoid. Derivatives that cross zero (those of silu, gelu, gelu_tanh, mish and
    hard_silu) have the stated error from a distance of 0.3 to the crossing on.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.derivative(fastact.tanh)(np.array([-1.0, 0.0, 20.0]))
    array([4.19974342e-01, 1.00000000e+00, 1.69934170e-17])
    >>> fastact.derivative(fastact.leaky_relu)(np.array([-2.0, 3.0]))
    array([0.01, 1.  ])
    """
    row = registry.row_of(function)
    with door.importing:
        from . import derivatives  # noqa: F401 - what few ask for is not imported with the package

    if row is not None and row.name in registry.derivatives:
        return registry.derivatives[row.name]().face
    activation = registry.behind(function)
    if activation is None:
        raise TypeError(f"derivative: expected an activation, got {function!r}")
    if activation.derivative is None:
        raise TypeError(f"{activation.name} has no derivative: it is given by fastact.activation(derivative=...)")
    return activation.derivative
