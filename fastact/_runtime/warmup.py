"""Everything compiled at once."""

from __future__ import annotations

from . import neuron, threads, ufunc


def warmup() -> None:
    """
    Compile everything now, or load it from the compiled-code store, and start the threads.

    Inner loops are otherwise compiled when they are first called. Activations made with `fastact.activation` are
    included, if they were made before.

    Warns
    -----
    RuntimeWarning
        For each loop that can not be compiled, an activation of somebody's that has a mistake in it, say; the rest is
        compiled all the same.

    Examples
    --------
    >>> import fastact
    >>> fastact.warmup()
    """
    ufunc.load_all()
    neuron.load_all()
    threads.start()
