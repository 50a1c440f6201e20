"""The activations: a row for each, whose body is its definition in as many digits as the functions of `m` give."""

from __future__ import annotations

import math
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

    Returns
    -------
    Between 0 and 1; 0 at -inf, 1 at inf, NaN at NaN. It underflows gradually: float32 gives 3.8e-44 at -100. With
    fused multiply-add it never falls from one float32 to the next.

    Notes
    -----
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

    Returns
    -------
    Between -1 and 1, odd to the bit: ``tanh(-x) == -tanh(x)``; -1 at -inf, 1 at inf, NaN at NaN, -0.0 at -0.0.

    Notes
    -----
    On a CPU with AVX-512 float32 is within 1 ULP and never falls from one number to the next: there it is a polynomial
    of degree 4 out of a table of 32, chosen as by S. Gal, "Computing elementary functions: a new approach for
    achieving high accuracy and good performance" (1986). Elsewhere it comes from ``n = (1 - exp(-2|x|)) / 2`` as
    ``n / (1 - n)``; `n` by the reduction of W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*
    (1980), and a minimax polynomial.

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

    Returns
    -------
    NaN at NaN, as from `numpy.maximum`. The zero that stands for -0.0 has either sign.

    Notes
    -----
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
    alpha : array_like
        The slope below zero: any number. Broadcast against `x`; a slope per channel, for example. The result has the
        type that NumPy gives ``x * alpha``, but at least float16.

    Returns
    -------
    Equal to ``np.where(x > 0, x, alpha * x)``.

    Notes
    -----
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
    alpha : array_like, optional
        The slope below zero.

    Returns
    -------
    Equal to ``np.where(x > 0, x, alpha * x)``.

    Notes
    -----
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


def _numpy_elu(x: Any, alpha: Any, out: Any) -> Any:
    np.minimum(x, x.dtype.type(0), out=out)
    np.expm1(out, out=out)
    np.multiply(out, alpha, out=out)
    return np.maximum(x, out, out=out)  # for factors from 0 to 1


@row(numpy=_numpy_elu, ulp=Ulp(float16=0.51, float32=2.1, float64=2.5, unfused=2.5))
def elu(m: Any, x: Any, alpha: Any = 1.0) -> Any:
    """
    Exponential linear unit, `x` where it is positive and ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : array_like, optional
        What it falls to, but for the sign, far below zero: any number. Broadcast against `x`.

    Returns
    -------
    -alpha at -inf, inf at inf, NaN at NaN.

    Notes
    -----
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", ICLR 2016.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.elu(np.array([-1.0, 0.0, 2.0]))
    array([-0.63212056,  0.        ,  2.        ])
    """
    return m.where(x > 0, x, alpha * m.expm1(m.where(x > 0, 0, x)))


def _numpy_hard_sigmoid(x: Any, out: Any) -> Any:
    np.add(x, 3, out=out)
    np.clip(out, 0, 6, out=out)
    return np.divide(out, 6, out=out)


@row(numpy=_numpy_hard_sigmoid, ulp=Ulp(float16=0.51, float32=0.6, float64=0.6, unfused=1.5), memory_bound=True)
def hard_sigmoid(m: Any, x: Any) -> Any:
    """
    Straight line instead of a sigmoid, ``(x + 3) / 6``, but at least 0 and at most 1.

    Returns
    -------
    0 up to -3, 1 from 3 up, NaN at NaN.

    Notes
    -----
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.hard_sigmoid(np.array([-4.0, 0.0, 1.5]))
    array([0.  , 0.5 , 0.75])
    """
    return m.where(x <= -3, 0, m.where(x >= 3, 1, (x + 3) / 6))


def _numpy_hard_silu(x: Any, out: Any) -> Any:
    return np.multiply(x, _numpy_hard_sigmoid(x, out), out=out)


@row(numpy=_numpy_hard_silu, ulp=Ulp(float16=0.51, float32=1.5, float64=1.5, unfused=2.5), memory_bound=True)
def hard_silu(m: Any, x: Any) -> Any:
    """
    `x` times `hard_sigmoid` of `x`, also called hard swish.

    Returns
    -------
    0 up to -3, `x` from 3 up, NaN at NaN; least, -0.375, at -1.5.

    Notes
    -----
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.hard_silu(np.array([-4.0, -1.5, 4.0]))
    array([-0.   , -0.375,  4.   ])
    """
    return m.where(x <= -3, 0, m.where(x >= 3, x, x * (x + 3) / 6))


def _numpy_silu(x: Any, out: Any) -> Any:
    return np.multiply(x, _numpy_sigmoid(x, out), out=out)


@row(numpy=_numpy_silu, ulp=Ulp(float16=0.51, float32=1.4, float64=1.4, unfused=2.5))
def silu(m: Any, x: Any) -> Any:
    """
    Sigmoid linear unit, ``x / (1 + exp(-x))``, also called swish.

    Returns
    -------
    0 at -inf, inf at inf, NaN at NaN; least, -0.278, at -1.278. It underflows gradually.

    Notes
    -----
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107 (2018).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.silu(np.array([-100.0, -1.0, 3.0]))
    array([-3.72007598e-42, -2.68941421e-01,  2.85772238e+00])
    """
    return x / (1 + m.exp(-x))


_each_erfc = np.frompyfunc(math.erfc, 1, 1)  # plain NumPy has none


def _numpy_gelu(x: Any, out: Any) -> Any:
    np.multiply(x, -math.sqrt(0.5), out=out)
    out[...] = _each_erfc(out)
    np.multiply(out, x, out=out)
    return np.divide(out, 2, out=out)


@row(numpy=_numpy_gelu, ulp=Ulp(float16=0.51, float32=2.1, float64=2.1, unfused=4))
def gelu(m: Any, x: Any) -> Any:
    """
    Gaussian error linear unit, `x` times the normal distribution function at `x`.

    Returns
    -------
    0 at -inf, inf at inf, NaN at NaN; least, -0.17, at -0.752. It underflows gradually.

    Notes
    -----
    The tail comes from a rational function of least relative error for the ratio of Mills, and the exponential of a
    square that is computed in two parts.

    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415 (2016).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.gelu(np.array([-12.0, -1.0, 3.0]))
    array([-2.13177853e-32, -1.58655254e-01,  2.99595031e+00])
    """
    return x / 2 * m.erfc(-x / m.sqrt(2))


def _numpy_gelu_tanh(x: Any, out: Any) -> Any:
    np.multiply(x, x, out=out)
    np.multiply(out, 0.044715 * math.sqrt(2 / math.pi), out=out)
    np.add(out, math.sqrt(2 / math.pi), out=out)
    np.multiply(out, x, out=out)
    np.tanh(out, out=out)
    np.add(out, 1, out=out)
    np.multiply(out, x, out=out)
    return np.divide(out, 2, out=out)


@row(numpy=_numpy_gelu_tanh, ulp=Ulp(float16=0.51, float32=1.6, float64=1.6, unfused=3))
def gelu_tanh(m: Any, x: Any) -> Any:
    """
    Approximation of `gelu`, ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``.

    Returns
    -------
    0 at -inf, inf at inf, NaN at NaN. It underflows gradually.

    Notes
    -----
    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415 (2016).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.gelu_tanh(np.array([-6.0, -1.0, 3.0]))
    array([-8.43964670e-11, -1.58808009e-01,  2.99636261e+00])
    """
    return x / (1 + m.exp(-m.sqrt(8 / m.pi) * (x + 44715 * x**3 / 1000000)))


def _numpy_log_of_1_plus_decay(x: Any, out: Any) -> Any:
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    return np.log1p(out, out=out)


def _numpy_softplus(x: Any, out: Any) -> Any:
    return np.add(_numpy_log_of_1_plus_decay(x, out), np.maximum(x, x.dtype.type(0)), out=out)


@row(numpy=_numpy_softplus, ulp=Ulp(float16=0.51, float32=2, float64=2, unfused=2.5))
def softplus(m: Any, x: Any) -> Any:
    """
    Smooth rectifier, ``log(1 + exp(x))``.

    Returns
    -------
    0 at -inf, inf at inf, NaN at NaN. It underflows gradually and nowhere overflows; there is no threshold.

    Notes
    -----
    C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia, "Incorporating second-order functional knowledge for better
    option pricing", NIPS 2000.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.softplus(np.array([-100.0, 0.0, 1000.0]))
    array([3.72007598e-44, 6.93147181e-01, 1.00000000e+03])
    """
    return m.where(x > 0, x, 0) + m.log1p(m.exp(-abs(x)))


def _numpy_log_sigmoid(x: Any, out: Any) -> Any:
    return np.subtract(np.minimum(x, x.dtype.type(0)), _numpy_log_of_1_plus_decay(x, out), out=out)


@row(numpy=_numpy_log_sigmoid, ulp=Ulp(float16=0.51, float32=2, float64=2, unfused=2.5))
def log_sigmoid(m: Any, x: Any) -> Any:
    """
    Logarithm of `sigmoid`, ``-log(1 + exp(-x))``.

    Returns
    -------
    -inf at -inf, 0 at inf, NaN at NaN. It underflows gradually and nowhere overflows.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.log_sigmoid(np.array([-800.0, 0.0, 100.0]))
    array([-8.00000000e+02, -6.93147181e-01, -3.72007598e-44])
    """
    return m.where(x < 0, x, 0) - m.log1p(m.exp(-abs(x)))


def _numpy_logit(x: Any, out: Any) -> Any:
    np.subtract(1, x, out=out)
    np.divide(x, out, out=out)
    return np.log(out, out=out)


@row(numpy=_numpy_logit, ulp=Ulp(float16=0.51, float32=2, float64=2, unfused=2.5), domain=(0, 1))
def logit(m: Any, x: Any) -> Any:
    """
    Logarithm of the odds, ``log(x / (1 - x))``, the inverse of `sigmoid`.

    Returns
    -------
    -inf at 0, inf at 1, NaN below 0, above 1 and at NaN.

    Notes
    -----
    One division: ``n log 2 + 2 artanh(s)``, with a minimax polynomial. It loses nothing near 1/2, where it is near 0.

    J. Berkson, "Application of the logistic function to bio-assay", Journal of the American Statistical Association 39
    (1944).

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.logit(np.array([0.0, 1e-300, 0.5, 0.75]))
    array([         -inf, -690.7755279 ,    0.        ,    1.09861229])
    """
    near_half = abs(4 * x - 2) < 1
    return m.where(
        near_half, 2 * m.arctanh(m.where(near_half, 2 * x - 1, 0)), m.log(m.where(near_half, 1, x / (1 - x)))
    )


def _numpy_mish(x: Any, out: Any) -> Any:
    np.tanh(_numpy_softplus(x, out), out=out)
    return np.multiply(x, out, out=out)


@row(numpy=_numpy_mish, ulp=Ulp(float16=0.51, float32=1.5, float64=1.5, unfused=3.5))
def mish(m: Any, x: Any) -> Any:
    """
    `x` times the hyperbolic tangent of `softplus` of `x`.

    Returns
    -------
    0 at -inf, inf at inf, NaN at NaN; least, -0.309, at -1.192. It underflows gradually.

    Notes
    -----
    D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.

    Examples
    --------
    >>> import fastact, numpy as np
    >>> fastact.mish(np.array([-100.0, -1.0, 3.0]))
    array([-3.72007598e-42, -3.03401461e-01,  2.98653500e+00])
    """
    return x * m.tanh(m.where(x > 0, x, 0) + m.log1p(m.exp(-abs(x))))


#: What `neuron` takes where no activation is wanted.
linear = Activation("linear", "linear", "Identity, for `neuron`.", parameters=["x"], integers=False, memory_bound=True)
