"""Fast, exact activation functions and a fused neuron for NumPy and Numba."""

from ._runtime import interpreter as _interpreter  # noqa: F401  # isort: skip - refuses a sub-interpreter
from ._runtime import sources as _sources  # isort: skip - before all that it watches
from ._runtime import door as _door
from ._runtime import registry as _registry
from ._runtime.config import show_config
from ._runtime.derivative import derivative
from ._runtime.float_modes import get_flush_subnormals, set_flush_subnormals
from ._runtime.neuron import neuron
from ._runtime.softmax import log_softmax, logsumexp, softmax
from ._runtime.threads import get_num_threads, set_num_threads
from ._runtime.ufunc import activation
from ._runtime.warmup import warmup

__version__ = "0.1.0"

__all__ = [
    "activation",
    "derivative",
    "get_flush_subnormals",
    "get_num_threads",
    "log_softmax",
    "logsumexp",
    "neuron",
    "set_flush_subnormals",
    "set_num_threads",
    "show_config",
    "softmax",
    "warmup",
]


def _show(row: _registry.Row) -> None:
    """Give an activation its place among the names above."""
    globals()[row.name] = row.face
    __all__.append(row.name)
    __all__.sort()


for _name in __all__:  # which are shown and pickled as they are imported
    globals()[_name].__module__ = __name__

for _row in _registry.rows.values():
    _show(_row)
_registry.when_added.append(_show)

_sources.seal()
_door.be_found()
