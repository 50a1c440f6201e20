"""Activations that a user makes with the decorator, beside PyTorch's own: `python -m asv_bench.own_activations`.

`pip install -e ".[networks]"`. The values must agree before the times are told, which are medians on one thread, into
an output of ours and a new one of PyTorch's, in turns.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import fastact
from asv_bench.peers.workers import medians_in_turns

SIZE = 10_000
SECONDS, ROUNDS = 0.1, 5


@fastact.activation
def swish(x: Any) -> Any:
    return x * fastact.sigmoid(x)


@fastact.activation
def softplus(x: Any) -> Any:
    return -fastact.log_sigmoid(-x)


@fastact.activation
def gelu(x: Any) -> Any:
    return x * fastact.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))


def theirs() -> dict[str, Callable[[Any], Any]]:
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    return {
        "swish": functional.silu,
        "softplus": functional.softplus,
        "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    }


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    import torch

    fastact.set_num_threads(1)
    print(f"{'':18}fastact   torch   ns per element, {SIZE:,} elements, 1 thread")
    for ours, (name, function) in zip((swish, softplus, gelu), theirs().items(), strict=True):
        for dtype in ("float32", "float64"):
            x = np.random.default_rng(0).normal(scale=3, size=SIZE).astype(dtype)
            out, tensor = np.empty_like(x), torch.from_numpy(x)
            # Where x is far below 0 PyTorch's float32 is right to some places of 1.
            np.testing.assert_allclose(ours(x), function(tensor).numpy(), rtol=1e-5, atol=1e-6)
            calls = {"fastact": functools.partial(ours, x, out=out), "torch": functools.partial(function, tensor)}
            took = medians_in_turns(calls, SECONDS, ROUNDS)
            print(f"{name:9} {dtype}" + "".join(f"  {seconds / SIZE * 1e9:6.2f}" for seconds in took.values()))


if __name__ == "__main__":
    main()
