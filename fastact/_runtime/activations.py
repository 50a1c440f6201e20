"""The activations: a row for each, whose body is its definition in as many digits as the functions of `m` give."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import Ulp, row
from .ufunc import Activation


def _numpy_sigmoid(x: Any, out: Any) -> Any:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.divide(1, out, out=out)


@row(numpy=_numpy_sigmoid, ulp=Ulp(float16=0.51, float32=1.2, float64=1.2, unfused=2))
def sigmoid(m: Any, x: Any) -> Any:
    """
    Logistic sigmoid, ``1 / (1 + exp(-x))``, element by element.

    Parameters
    ----------
    x : array_like
        Real numbers of any shape. float16, float32 and float64 keep their type; integers are converted as by
        `numpy.tanh`.
    out : ndarray, optional
        As for every ufunc, like all its other keywords.

    Returns
    -------
    ndarray or scalar
        Between 0 and 1; 0 at -inf, 1 at inf, NaN at NaN. It underflows gradually: float32 gives 3.8e-44 at -100. With
        fused multiply-add it never falls from one float32 to the next.

    Raises
    ------
    TypeError
        If `x` is complex, longdouble, an object or a string.

    Notes
    -----
    Largest error, subnormal results included: 1.2 ULP in float32 and float64 (2 on a CPU without fused multiply-add),
    0.51 ULP in float16. No floating-point warning is raised.

    One division and one exponential, by the reduction of W. J. Cody and W. Waite, *Software Manual for the Elementary
    Functions* (1980), and a minimax polynomial.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.sigmoid(np.array([-100.0, 0.0, 2.0]))
    array([3.72007598e-44, 5.00000000e-01, 8.80797078e-01])
    """
    return 1 / (1 + m.exp(-x))


def _numpy_tanh(x: Any, out: Any) -> Any:
    return np.tanh(x, out=out)


@row(numpy=_numpy_tanh, ulp=Ulp(float16=0.51, float32=1.5, float64=1.5, unfused=2.5))
def tanh(m: Any, x: Any) -> Any:
    """
    Hyperbolic tangent, element by element.

    Parameters
    ----------
    x : array_like
        Real numbers of any shape. float16, float32 and float64 keep their type; integers are converted as by
        `numpy.tanh`.
    out : ndarray, optional
        As for every ufunc, like all its other keywords.

    Returns
    -------
    ndarray or scalar
        Between -1 and 1, odd to the bit: ``tanh(-x) == -tanh(x)``; -1 at -inf, 1 at inf, NaN at NaN, -0.0 at -0.0.

    Raises
    ------
    TypeError
        If `x` is complex, longdouble, an object or a string.

    Notes
    -----
    Largest error: 1.5 ULP in float32 and float64 (2.5 on a CPU without fused multiply-add), 0.51 ULP in float16. On a
    CPU with AVX-512 float32 is within 1 ULP and never falls from one number to the next. No floating-point warning is
    raised.

    In float32 with AVX-512 a polynomial of degree 4 out of a table of 32, chosen as by S. Gal, "Computing elementary
    functions: a new approach for achieving high accuracy and good performance" (1986). Elsewhere from
    ``n = (1 - exp(-2|x|)) / 2`` as ``n / (1 - n)``; `n` by the reduction of W. J. Cody and W. Waite, *Software Manual
    for the Elementary Functions* (1980), and a minimax polynomial.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.tanh(np.array([-1.0, 0.0, 20.0]))
    array([-0.76159416,  0.        ,  1.        ])
    """
    return m.tanh(x)


def _numpy_relu(x: Any, out: Any) -> Any:
    return np.maximum(x, x.dtype.type(0), out=out)


@row(numpy=_numpy_relu, ulp=Ulp(float16=0, float32=0, float64=0, unfused=0), integers=True, memory_bound=True)
def relu(m: Any, x: Any) -> Any:
    """
    Rectified linear unit, `x` where it is positive and 0 elsewhere.

    Parameters
    ----------
    x : array_like
        Real numbers of any shape. Floats and integers keep their type.
    out : ndarray, optional
        As for every ufunc, like all its other keywords.

    Returns
    -------
    ndarray or scalar
        NaN at NaN, as from `numpy.maximum`. The zero that stands for -0.0 has either sign.

    Raises
    ------
    TypeError
        If `x` is complex, longdouble, an object or a string.

    Notes
    -----
    Exact: 0 ULP.

    K. Fukushima, "Visual feature extraction by a multilayered network of analog threshold elements", IEEE Transactions
    on Systems Science and Cybernetics 5 (1969).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.relu(np.array([-2, 0, 3]))
    array([0, 0, 3])
    """
    return m.where(x <= 0, 0, x)


def _numpy_prelu(x: Any, alpha: Any, out: Any) -> Any:
    np.multiply(x, alpha, out=out)
    return np.maximum(x, out, out=out)  # for slopes up to 1


_ONE_PRODUCT = Ulp(float16=0.51, float32=0.5, float64=0.5, unfused=0.5)


@row(numpy=_numpy_prelu, ulp=_ONE_PRODUCT, memory_bound=True)
def prelu(m: Any, x: Any, alpha: Any) -> Any:
    """
    Parametric rectified linear unit, `x` where it is positive and ``alpha * x`` elsewhere.

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    alpha : array_like
        The slope below zero: any number. Broadcast against `x`; a slope per channel, for example. The result has the
        type that NumPy gives ``x * alpha``, but at least float16.
    out : ndarray, optional
        As for every ufunc, like all its other keywords.

    Returns
    -------
    ndarray or scalar
        Equal to ``np.where(x > 0, x, alpha * x)``.

    Raises
    ------
    TypeError
        If an operand is complex, longdouble, an object or a string.

    Notes
    -----
    Largest error: 0.5 ULP, that of the one multiplication. No floating-point warning is raised.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.prelu(np.array([[-1.0, 2.0], [-3.0, 4.0]]), np.array([0.1, 0.2]))
    array([[-0.1,  2. ],
           [-0.3,  4. ]])
    """
    return m.where(x > 0, x, alpha * x)


@row(kernel="prelu", numpy=_numpy_prelu, ulp=_ONE_PRODUCT, memory_bound=True)
def leaky_relu(m: Any, x: Any, alpha: Any = 0.01) -> Any:
    """
    Leaky rectified linear unit: `prelu` with a small slope.

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    alpha : array_like, optional
        The slope below zero.
    out : ndarray, optional
        Where the result goes.
    **ufunc_kwargs
        Every other keyword of a ufunc: `where`, `dtype`, `casting`, `order`, `subok`.

    Returns
    -------
    ndarray or scalar
        Equal to ``np.where(x > 0, x, alpha * x)``.

    Raises
    ------
    TypeError
        If an operand is complex, longdouble, an object or a string.

    Notes
    -----
    Largest error: 0.5 ULP, that of the one multiplication. No floating-point warning is raised.

    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.leaky_relu(np.array([-2.0, 3.0]))
    array([-0.02,  3.  ])
    >>> fastact.leaky_relu(np.array([-2.0, 3.0]), 0.2)
    array([-0.4,  3. ])
    """
    return m.where(x > 0, x, alpha * x)


#: What `neuron` takes where no activation is wanted.
linear = Activation(
    "linear", "linear", "Identity, for `neuron`.", parameters=["x"], integers=False, memory_bound=True
).ufunc
