"""Many threads, many calls, for long: `python -m tests.soak 10000000`. The test suite does a little of each.

Thirty-two Python threads call at once on each of Numba's threading layers, beside parallel functions of the user's and
with forks in between. Then so many calls of one process, after which it has the memory and the files that it had.
"""

from __future__ import annotations

import sys

from . import processes
from .processes import HAS_TBB, run

LAYERS = ("tbb",) * HAS_TBB + ("omp", "workqueue", "missing")

SETTING = """
import os, random, signal, threading, time, warnings
import numpy as np, numpy.testing, numba, fastact
warnings.simplefilter("ignore", RuntimeWarning)  # that one thread is used on some layers

generator = np.random.default_rng(1)
x = generator.normal(size=150_000)
w = generator.normal(size=(64, 40)).astype(np.float32)
rows = generator.normal(size=(900, 64)).astype(np.float32)
sizes = (0, 1, 10, 100, 1000, 10_000, 150_000)
calls = [
    *(lambda n=n: fastact.tanh(x[:n]) for n in sizes),
    *(lambda n=n: fastact.relu(x[:n].astype("f4")) for n in sizes),
    *(lambda n=n: fastact.gelu(x[:n][::-1]) for n in sizes[:5]),
    *(lambda n=n: fastact.sigmoid(x[:n], out=x[:n].copy()) for n in sizes),
    *(lambda n=n: fastact.neuron(rows[:n], w, 0.5, "silu") for n in (0, 1, 10, 900)),
    *(lambda n=n: fastact.neuron(rows[:n], w[:, 0]) for n in (1, 10, 900)),
    lambda: fastact.softmax(rows),
]
weights = [1 / (1 + call().size) ** 0.5 for call in calls]  # of small ones there are more
right = [call() for call in calls]
def check(chosen):
    i = chosen.choices(range(len(calls)), weights)[0]
    np.testing.assert_array_equal(calls[i](), right[i])
"""

UNDER_LOAD = """
@numba.njit(parallel=True)
def double(x):
    y = np.empty_like(x)
    for i in numba.prange(x.size):
        y[i] = 2 * x[i]
    return y
layer = {layer!r}
if layer != "missing":
    double(x)
users = threading.Lock()  # Numba's own workqueue is for one at a time
failed, forks = [], 0
def work(seed):
    chosen = random.Random(seed)
    try:
        for _ in range({calls}):
            check(chosen)
            if layer != "missing" and chosen.random() < 0.01:
                with users:
                    np.testing.assert_array_equal(double(x), 2 * x)
    except BaseException as error:
        failed.append(repr(error))
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(32)]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            for seed in range(30):
                check(random.Random(seed))
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        failed.append("a child")
    forks += 1
    time.sleep(0.05)
assert not failed, failed[:3]
print(forks, 'forks')
"""

LONG = """
def state():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGESIZE"), len(os.listdir("/proc/self/fd")), threading.active_count()
chosen, start = random.Random(0), time.time()
def call(count):
    for _ in range(count):
        check(chosen)
    return state()
first = call({calls} // 20)
memory, *others = call({calls} - {calls} // 20)
assert others == [*first[1:]], (first, others)
assert memory - first[0] < 2 << 20, (first, memory)
print(round(time.time() - start), memory - first[0])
"""


def under_load(layer: str, calls: int) -> str:
    """So many calls of each of 32 threads."""
    said = run(SETTING + UNDER_LOAD.format(layer=layer, calls=calls), NUMBA_THREADING_LAYER=layer)
    return f"{layer}: 32 threads, {calls} calls each, {said.splitlines()[-1]}"


def for_long(calls: int) -> str:
    """So many calls of one thread."""
    seconds, memory = run(SETTING + LONG.format(calls=calls)).split()
    return f"{calls} calls in {seconds} s; memory grew by {memory} bytes, files and threads stayed"


if __name__ == "__main__":
    processes.limit = None
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    for layer in LAYERS:
        print(under_load(layer, many // 1000), flush=True)
    print(for_long(many))
