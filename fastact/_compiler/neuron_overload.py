"""`neuron` inside `@njit`: the same layers as from Python, on the caller's thread."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import overload

from .._kernels import arrays, dots, jobs, tiles, vectors
from .._kernels.calls import address_of_loop
from .._kernels.compiled import STRICT, always_inlined, compiled, is_given, is_real
from .._kernels.float_state import in_default_float_modes
from .._kernels.jobs import SPACE as JOB_SPACE
from .._kernels.memory import at, stack
from .._kernels.numba_internals import errors, numpy_support
from .._runtime import caches
from .._runtime.neuron import chosen_activation, default_alpha, neuron
from .._runtime.ufunc import Activation
from . import loops
from .overloads import can_be_passed, function_of

# Written into the caller. Numba compiles a function again with all that it calls for every function on the way to it,
# which would take half a second each for the layers.
_WRITTEN_IN = {**STRICT, "inline": "always"}


def _named_in_type(activation: Any) -> Any:
    """The activation that an argument's Numba type stands for."""
    if activation is None or isinstance(activation, (str, types.NoneType)):
        return activation if isinstance(activation, str) else None
    if isinstance(activation, types.Omitted):
        return activation.value
    if isinstance(activation, types.StringLiteral):
        return activation.literal_value
    if isinstance(activation, types.Function):
        return function_of(activation.typing_key)
    raise errors.RequireLiteralValue("neuron: inside @njit the activation must be a literal name, a function or None")


def _compiled_type(*operands: Any) -> Any:
    """The type of a compiled neuron: arrays promote, scalars follow, and integers become float64."""
    dtypes = []
    for operand in operands:
        if isinstance(operand, types.Array):
            if not is_real(operand.dtype):
                raise errors.TypingError(f"neuron: expected arrays of real numbers, got {operand}")
            dtypes.append(numpy_support.as_dtype(operand.dtype))
    common = np.result_type(*dtypes)
    if common == np.float16:
        raise errors.TypingError("neuron: Numba has no float16 inside @njit; use float32")
    return common.type if common.kind == "f" else np.float64


@loops.for_each_source
def _computation(activation: Activation, number: Any, weights_ndim: int) -> Any:
    """`compute(x, weights, bias, alpha, z, z_row)`, given where the result lies and its stride from row to row."""
    loop, inputs = loops.loop_for_callers(activation, number), activation.inputs
    single, several = _on_this_thread(dots, number), _on_this_thread(tiles, number)
    one = weights_ndim == 1
    cache, shared_cache = caches.second_level_bytes(), caches.third_level_bytes()

    @compiled(**_WRITTEN_IN)
    def compute(x, weights, bias, alpha, z, z_row):
        rows, columns = arrays.as_matrix(arrays.in_type(x, number)), arrays.in_type(weights, number)
        biases, slopes = arrays.in_type(bias, number), arrays.in_type(alpha, number)
        run(rows, columns, biases, slopes, z, z_row)
        arrays.live_on(rows, columns, biases, slopes)

    @compiled(**_WRITTEN_IN)
    def run(x, weights, bias, alpha, z, z_row):
        cells = stack(16)
        job = at(stack(JOB_SPACE), types.intp)
        job[jobs.ROWS], job[jobs.K] = x.shape
        job[jobs.X], job[jobs.X_ROW], job[jobs.X_STEP] = x.ctypes.data, x.strides[0], x.strides[1]
        job[jobs.W], job[jobs.W_STEP] = weights.ctypes.data, weights.strides[0]
        job[jobs.COLUMNS], job[jobs.W_COLUMN] = arrays.columns(weights)
        job[jobs.BIAS], job[jobs.BIAS_COLUMN] = arrays.for_columns(bias, cells, number)
        job[jobs.SLOPE], job[jobs.SLOPE_COLUMN] = arrays.for_columns(alpha, cells + 8, number)
        job[jobs.Z], job[jobs.Z_ROW] = z, z_row
        job[jobs.LOOP], job[jobs.INPUTS] = address_of_loop(loop), inputs
        job[jobs.POOL], job[jobs.CACHE], job[jobs.SHARED_CACHE] = 0, cache, shared_cache
        done = 1
        if job[jobs.ROWS] != 0 and job[jobs.COLUMNS] != 0:
            done = single(job) if one or job[jobs.COLUMNS] == 1 else several(job)
        if done == 0:
            raise MemoryError("neuron: no memory for packed weights")

    return compute


@loops.for_each_source
def _one_neuron(activation: Activation, number: Any) -> Any:
    """`compute(x, weights, k, bias, alpha)`, given addresses of contiguous numbers: what a loop calls for each row."""
    kernel, takes_slope = loops.kernel_for_callers(activation, number), activation.inputs == 2
    one_dot, size = vectors.dots(number, 1), number.bitwidth // 8
    finish = kernel if takes_slope else compiled(**_WRITTEN_IN)(lambda z, slope: kernel(z))

    @compiled(**STRICT)
    def compute(x, weights, k, bias, alpha):
        always_inlined()
        cells = stack(24)
        values = at(cells, number)
        values[0], values[1] = bias, alpha
        one_dot(x, 0, weights, k, cells, cells + 2 * size)
        return finish(values[2], values[1])

    return compute


@functools.cache
def _on_this_thread(kind: Any, number: Any) -> Any:
    layer = kind.layer(number)
    return compiled(**STRICT)(jobs.runner(layer, jobs.on_this_thread(layer)))


@overload(neuron, jit_options=STRICT, strict=False)
def _neuron_compiled(
    x: Any, weights: Any, bias: Any = 0.0, activation: Any = "sigmoid", alpha: Any = 0.01, out: Any = None
) -> Any:
    if not (isinstance(x, types.Array) and isinstance(weights, types.Array) and weights.ndim in (1, 2)):
        raise errors.TypingError(f"neuron: expected x and weights to be arrays, (k,) or (k, m), got {x} and {weights}")
    real = _compiled_type(x, weights, bias)
    named = _named_in_type(activation)
    try:
        chosen = chosen_activation(named)
    except (TypeError, ValueError) as error:
        raise errors.TypingError(str(error)) from None
    default = default_alpha(named)
    if isinstance(alpha, types.Array) and alpha.ndim == 0:
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None: neuron(
            x, weights, bias, activation, alpha[()], out
        )
    if isinstance(bias, types.Array) and bias.ndim == 0:
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None: neuron(
            x, weights, bias[()], activation, alpha, out
        )
    for name, operand in (("bias", bias), ("alpha", alpha)):
        if not is_real(operand.dtype if isinstance(operand, types.Array) else operand):
            raise errors.TypingError(f"neuron: {name} must be a real number or an array of real numbers, got {operand}")
        if isinstance(operand, types.Array) and (weights.ndim, operand.ndim) != (2, 1):
            raise errors.TypingError(
                f"neuron: {name} must be a number, or an array of shape (m,) with weights of shape (k, m)"
            )
    if isinstance(alpha, types.Array) and chosen.inputs == 1:

        def without_alpha(x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None):
            arrays.check_one_each(alpha, arrays.columns(weights)[0], "alpha")
            return neuron(x, weights, bias, activation, default, out)

        return without_alpha
    if isinstance(out, types.BaseTuple) and len(out) == 1:
        return lambda x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None: neuron(
            x, weights, bias, activation, alpha, out[0]
        )
    has_out = is_given(out)
    ndim = x.ndim + weights.ndim - 2
    if has_out and not (isinstance(out, types.Array) and out.ndim == ndim and ndim > 0):
        raise errors.TypingError(f"neuron: out must be an array of {ndim} dimensions, got {out}")
    if has_out and not np.can_cast(real, numpy_support.as_dtype(out.dtype), "same_kind"):
        raise errors.TypingError(f"neuron: cannot cast the result from {np.dtype(real)} to {out.dtype}")
    number = from_dtype(np.dtype(real))
    if ndim == 0 and all(operand.layout == "C" and operand.dtype == number for operand in (x, weights)):
        one_dot = _one_neuron(chosen, number)

        def direct_sum(x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None):
            always_inlined()  # so that a loop's count of references to its rows can be left out
            arrays.check_inner(x.size, weights.size)
            return in_default_float_modes(one_dot, (x.ctypes.data, weights.ctypes.data, x.size, bias, alpha))

        return direct_sum
    compute = _computation(chosen, number, weights.ndim)
    leading = ndim - weights.ndim + 1
    row = compiled(**_WRITTEN_IN)((lambda z: z.strides[leading - 1]) if leading else (lambda z: 0))
    whole_rows = compiled(**_WRITTEN_IN)(
        (lambda z: True) if weights.ndim == 1 else (lambda z: z.strides[leading] == z.itemsize)
    )
    # Rows of more dimensions are seen as one only where they are contiguous.
    direct = has_out and out.dtype == number and (leading < 2 or out.layout == "C")

    @compiled(**_WRITTEN_IN)
    def checked_shape(x, weights, bias, alpha):
        arrays.check_inner(x.shape[-1], weights.shape[0])
        columns = arrays.columns(weights)[0]
        arrays.check_one_each(bias, columns, "bias")
        arrays.check_one_each(alpha, columns, "alpha")
        return x.shape[:-1] + weights.shape[1:]

    def one_sum(x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None):
        arrays.check_inner(x.size, weights.size)
        z = stack(8)
        compute(x, weights, bias, alpha, z, 0)
        return at(z, number)[0]

    @compiled(**_WRITTEN_IN)
    def new_result(x, weights, bias, alpha):
        z = np.empty(checked_shape(x, weights, bias, alpha), real)
        compute(x, weights, bias, alpha, z.ctypes.data, row(z))
        return z

    def allocated(x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None):
        return new_result(x, weights, bias, alpha)

    def into_out(x, weights, bias=0.0, activation="sigmoid", alpha=default, out=None):
        shape = checked_shape(x, weights, bias, alpha)
        arrays.check_out(out.shape, shape)
        apart = arrays.is_apart(out, x) and arrays.is_apart(out, weights)
        apart = apart and arrays.is_apart(out, bias) and arrays.is_apart(out, alpha)
        if direct and apart and whole_rows(out):
            compute(x, weights, bias, alpha, out.ctypes.data, row(out))
        else:
            arrays.assign(out, new_result(x, weights, bias, alpha))
        return out

    if ndim == 0:
        return one_sum
    return into_out if has_out else allocated


can_be_passed(neuron)
