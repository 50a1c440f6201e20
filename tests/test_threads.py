"""Threads change how long a call takes and nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import pytest

import fastact

from .reference import ACTIVATIONS

LIMIT = numba.config.NUMBA_NUM_THREADS


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    before = fastact.get_num_threads()
    yield
    fastact.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_same_bits_with_any_number_of_threads(dtype: Any) -> None:
    x = np.random.default_rng(0).normal(scale=5, size=300_001).astype(dtype)
    for function in ACTIVATIONS.values():
        results = []
        for threads in range(1, LIMIT + 1):
            fastact.set_num_threads(threads)
            results += [function(x), function(x[::-1])[::-1], function(x.copy(), out=x.copy())]
        for result in results[1:]:
            np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("n", [0, -1, LIMIT + 1, 10**6])
def test_out_of_range(n: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and {LIMIT}, got {n}"):
        fastact.set_num_threads(n)


@pytest.mark.parametrize("n", [1.5, "2", None])
def test_not_a_number(n: Any) -> None:
    with pytest.raises(TypeError):
        fastact.set_num_threads(n)


def test_seen_by_every_python_thread() -> None:
    fastact.set_num_threads(1)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(fastact.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [1]


def test_numbas_own_setting_is_left_alone() -> None:
    numba.set_num_threads(1)
    fastact.sigmoid(np.zeros(200_000))
    assert numba.get_num_threads() == 1
    numba.set_num_threads(LIMIT)
    fastact.sigmoid(np.zeros(200_000))
    assert numba.get_num_threads() == LIMIT


def test_many_python_threads_at_once() -> None:
    generator = np.random.default_rng(1)
    inputs = [generator.normal(scale=4, size=n).astype(np.float32) for n in (10, 5_000, 60_000, 250_000)]
    expected = {(name, x.size): f(x) for name, f in ACTIVATIONS.items() for x in inputs}

    def work(seed: int) -> None:
        order = np.random.default_rng(seed)
        for _ in range(30):
            name = str(order.choice(sorted(ACTIVATIONS)))
            x = inputs[int(order.integers(len(inputs)))]
            np.testing.assert_array_equal(ACTIVATIONS[name](x), expected[name, x.size])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(32)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_after_threads() -> None:
    x = np.random.default_rng(2).normal(size=200_000)
    expected = fastact.tanh(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(fastact.tanh(x), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(fastact.tanh(x), expected)
