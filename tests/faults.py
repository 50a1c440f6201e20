"""What goes wrong around the package, many times over: `python -m tests.faults 200`. The test suite does a few of each.

Whatever happened, the next call gives what is right, and a store serves the next process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fastact._runtime import entry_file

from . import processes
from .processes import KERNEL, NO_COMPILER, copy_of_package, edit, files, filled_store, run, symbol_of, with_copy

#: What a process does to be interrupted or starved: it uses what is threaded, what needs scratch memory, and neurons.
WORK = """
import os, random, signal, threading, time
import numpy as np, fastact
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background has not
generator = np.random.default_rng(1)
x = generator.normal(size=400_000)
w = generator.normal(size=(256, 300))
rows, narrow, strided = x[: 256 * 1500].reshape(-1, 256), x.astype(np.float16), np.repeat(x, 3)[::3]
calls = [
    lambda: fastact.sigmoid(x), lambda: fastact.gelu(narrow), lambda: fastact.tanh(strided),
    lambda: fastact.prelu(rows, w[:, 0]), lambda: fastact.softmax(rows), lambda: fastact.logsumexp(rows, 0),
    lambda: fastact.neuron(rows, w, 0.5, "silu"), lambda: fastact.neuron(rows, w[:, 0]),
    lambda: fastact.neuron(narrow[:1024].reshape(4, 256), w.astype(np.float16)),
]
right = [call() for call in calls]
def check():
    for call, expected in zip(calls, right):
        np.testing.assert_array_equal(call(), expected)
check()
def interrupt(delay):
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGINT)
"""

USE = """
import fastact, numpy as np
assert fastact.sigmoid(np.zeros(3))[0] == 0.5 and fastact.neuron(np.ones(2), np.ones(2), 0.0, "relu") == 2
"""


def interrupted_calls(count: int) -> str:
    """Ctrl-C at random moments of calls; nothing is lost but the call."""
    code = f"""{WORK}
caught, threads = 0, fastact.get_num_threads()
for seed in range({count}):
    chosen = random.Random(seed)
    try:
        threading.Thread(target=interrupt, args=(chosen.uniform(0, 0.02),)).start()
        while True:
            place = chosen.randrange(len(calls))
            np.testing.assert_array_equal(calls[place](), right[place])
    except KeyboardInterrupt:
        caught += 1
    check()
assert fastact.get_num_threads() == threads
print(caught)
"""
    assert int(run(code)) == count
    return f"{count} interrupted calls"


def interrupted_compilations(count: int) -> str:
    """Ctrl-C at random moments of what compiles; the next call compiles it."""
    code = f"""{WORK}
caught = 0
for seed in range({count}):
    @fastact.activation
    def scaled(x):
        return x * seed
    helper = threading.Thread(target=interrupt, args=(random.Random(seed).uniform(0, 0.8),))
    try:
        helper.start()
        scaled(x), fastact.neuron(rows, w, 0.5, scaled), fastact.derivative(fastact.sigmoid)(x)
        helper.join()
        time.sleep(0.01)
    except KeyboardInterrupt:
        caught += 1
    np.testing.assert_array_equal(scaled(x), x * seed)
    np.testing.assert_allclose(fastact.neuron(rows, w, 0.5, scaled), (rows @ w + 0.5) * seed, atol=1e-9)
check()
print(caught)
"""
    with tempfile.TemporaryDirectory() as cache:
        assert int(run(code, cache)) == count
    return f"{count} interrupted compilations"


def killed_writers(count: int) -> str:
    """SIGKILL at random moments while a store is filled; the next process fills the rest."""
    use = f"{USE}assert fastact.activation(lambda x: x + 1)(1.0) == 2"
    chosen, killed = np.random.default_rng(1), 0
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        for i in range(count):
            if i % 10 == 0:
                shutil.rmtree(Path(cache, "fastact"), ignore_errors=True)
            process = subprocess.Popen([sys.executable, "-c", use], env=environment)
            time.sleep(chosen.uniform(0.1, 1.5))
            process.kill()
            killed += process.wait() == -signal.SIGKILL
            if i % 10 == 9:
                run(use, cache)
        left = len(list(Path(cache).rglob("*.tmp")))
    return f"{killed} killed of {count} that fill a store; {left} temporary files left"


def damaged_bytes(count: int) -> str:
    """Each byte of an entry is another, and some bytes are each other one; it is not taken."""
    damaged = 0
    with tempfile.TemporaryDirectory() as cache:
        for path in sorted(filled_store(Path(cache)).rglob("*.o"))[: max(1, count // 20)]:
            content = path.read_bytes()
            symbol = symbol_of(path)
            assert entry_file.unpacked(content, symbol) is not None
            flips = [(place, place % 255 + 1) for place in range(len(content))]
            flips += [(place, flip) for place in range(0, len(content), 997) for flip in range(1, 256)]
            for place, flip in flips:
                other = bytearray(content)
                other[place] ^= flip
                assert entry_file.unpacked(bytes(other), symbol) is None
            damaged += len(flips)
    return f"{damaged} damaged bytes"


def too_little_memory(count: int) -> str:
    """Each allocation of Python's in a call fails once: MemoryError, and the call after it works.

    Only those calls that NumPy itself survives: with operands of several layouts or an axis it crashes, `np.add`, too.
    """
    code = f"""{WORK}
try:
    import _testcapi
except ImportError:
    print("none")
    raise SystemExit
refused = 0
for place in (0, 1, 2, 6, 7, 8):
    for i in range({count}):
        found = None
        try:
            _testcapi.set_nomemory(i, i + 1)
            found = calls[place]()
        except MemoryError:
            refused += 1
        finally:
            _testcapi.remove_mem_hooks()
        assert found is None or np.array_equal(found, right[place])
        check()
print(refused)
"""
    return f"{run(code).strip()} calls without memory"


def no_place_on_the_disk(count: int) -> str:
    """Files can not become longer than a limit, as on a full disk: what is compiled stays in memory."""
    chosen, rounds = np.random.default_rng(2), max(1, count // 20)
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds):
            limit = chosen.integers(0, 12_000)
            run(f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})){USE}", cache)
            assert not list(Path(cache).rglob("*.tmp"))
        run(USE, cache)
    return f"{rounds} full disks"


def read_only_disk(count: int) -> str:
    """The disk of the store, which has something or nothing, can only be read; what is there is used."""
    namespace = ("unshare", "--map-root-user", "--mount", "sh", "-c")
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    rounds = max(1, count // 20)
    for i in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            wrapper = [*namespace, mount, cache]
            if not shutil.which("unshare") or subprocess.run([*wrapper, "true"], capture_output=True).returncode:
                return "no disk can be mounted here"
            use = "import fastact; fastact.sigmoid(1.0)"
            if i % 2:
                run(use, cache)
                run(NO_COMPILER + use, cache, wrapper)
            before = files(Path(cache))
            run(f"import os; assert not os.access({cache!r}, os.W_OK){USE}", cache, wrapper)
            assert files(Path(cache)) == before
    return f"{rounds} disks that can only be read"


def two_versions(count: int) -> str:
    """Two versions of the package, and four processes of each at once, in one store; each runs its own code."""
    rounds = max(1, count // 20)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(8) as pool:
        codes, cache = [], Path(folder, "cache")
        for version in (1, 2):
            package = copy_of_package(Path(folder, str(version)))
            edit(package, f"{KERNEL} * {version}")
            use = f"{USE.replace('== 2', f'== {2 * version}')}assert fastact.relu(3.0) == {3 * version}"
            codes.append(with_copy(package, use))
        for _ in range(rounds):
            shutil.rmtree(cache, ignore_errors=True)
            list(pool.map(lambda code: run(code, cache), codes * 4))
            for code in codes:
                run(NO_COMPILER + code, cache)
    return f"4 processes of either of two versions on one store, {rounds} times"


def vanishing_folder(count: int) -> str:
    """The store is deleted again and again while it is written and read."""
    code = f"""
import shutil, os, threading
going = True
def delete():
    while going:
        shutil.rmtree(os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)
thread = threading.Thread(target=delete)
thread.start()
try:
    import numpy as np, fastact
    for name in fastact.__all__[:6]:
        if isinstance(getattr(fastact, name), np.ufunc):
            getattr(fastact, name)(*[np.ones(3)] * getattr(fastact, name).nin)
    assert fastact.neuron(np.ones(2), np.ones(2), 0.0, "relu") == 2
finally:
    going = False
    thread.join()
{USE}"""
    rounds = max(1, count // 20)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as parent:
            run(code, Path(parent, "cache"))
    return f"{rounds} vanishing folders"


def processes_at_once(count: int) -> str:
    """Eight processes on one empty store."""
    rounds = max(1, count // 10)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: run(USE, cache), range(8)))
            assert not list(Path(cache).rglob("*.tmp"))
    return f"8 processes on an empty store, {rounds} times"


CHECKS: dict[str, Callable[[int], str]] = {
    check.__name__: check
    for check in (
        interrupted_calls,
        interrupted_compilations,
        killed_writers,
        damaged_bytes,
        too_little_memory,
        no_place_on_the_disk,
        read_only_disk,
        two_versions,
        vanishing_folder,
        processes_at_once,
    )
}

if __name__ == "__main__":
    processes.limit = None
    for check in CHECKS.values():
        print(check(int(sys.argv[1]) if len(sys.argv) > 1 else 200), flush=True)
