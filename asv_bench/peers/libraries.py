"""What several kinds of problems need of a library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .work import Array, Call, Made


def fresh(call: Call) -> Made:
    """A call that makes its output."""
    return call, call


def torch_with(threads: int) -> Any:
    """PyTorch on so many threads, without what it keeps for derivatives."""
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    return torch


def jax_in_float64() -> Any:
    """JAX that does not make float32 of float64."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def jitted(function: Callable[..., Any], *operands: Array) -> Made:
    """A call of a function that JAX compiles."""
    jax = jax_in_float64()
    compiled = jax.jit(function)
    arrays = [jax.numpy.asarray(operand) for operand in operands]
    return fresh(lambda: compiled(*arrays).block_until_ready())


def onnx_graph(
    nodes: Sequence[tuple[str, Sequence[str], str, dict[str, Any]]],
    x: Array,
    out: Array,
    threads: int,
    constants: dict[str, Array] | None = None,
) -> Made:
    """A call of ONNX Runtime.

    Parameters
    ----------
    nodes : sequence of tuples
        Operator, names of its inputs, name of its output, and attributes. The graph's input is `x`, its output `y`.
    x, out : ndarray
        The input, and where the output goes.
    threads : int
        How many threads compute.
    constants : dict, optional
        Further inputs, by name.

    Returns
    -------
    tuple of callables or None
        None if the library lacks an operator for the type.
    """
    import onnx
    import onnx.numpy_helper
    import onnxruntime
    from onnx import TensorProto, helper

    element = {"float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}[
        str(x.dtype)
    ]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, [output], **attributes) for operator, inputs, output, attributes in nodes],
        "work",
        [helper.make_tensor_value_info("x", element, list(x.shape))],
        [helper.make_tensor_value_info("y", element, list(out.shape))],
        [onnx.numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    newest = 24 if any(operator == "Swish" for operator, *_ in nodes) else 22
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", newest)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:
        if any(word in str(error).upper() for word in ("NOT_IMPLEMENTED", "INVALID_GRAPH", "NO_SUCH")):
            return None
        raise
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, out.dtype.type, list(out.shape), out.ctypes.data)

    def call(kept: tuple[Array, Array] = (x, out)) -> Array:
        """The call, which keeps the arrays: the binding does not."""
        session.run_with_iobinding(binding)
        return kept[1]

    return fresh(call)
