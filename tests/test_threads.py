"""Threads change how long a call takes and nothing else."""

from __future__ import annotations

import ctypes
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import fastact
from fastact._kernels import pool
from fastact._runtime import float_modes, pool_record, quota
from fastact._runtime import threads as threads_policy

from .cases import long_but_for
from .processes import BEFORE_MODULES, run
from .reference import ACTIVATIONS

LIMIT = numba.config.NUMBA_NUM_THREADS


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


def test_each_part_is_computed_once() -> None:
    fastact.tanh(np.zeros(10_000_000, np.float32))  # starts the pool
    modes = ctypes.c_ssize_t.from_address(float_modes.address()).value
    run_shares = numba.njit(
        lambda address, function, job, threads, parts: pool.run(
            address, modes, function, job, pool.Shares(threads, parts)
        )
    )

    def count(job: Any, index: Any) -> None:
        job[index] += 1

    part = numba.cfunc(pool.PART_SIGNATURE)(count)
    for threads in (1, 2, 3, 7):
        for parts in (1, 2, 50):
            for _ in range(20):
                counts = np.zeros(threads * parts + 1, np.intp)
                run_shares(threads_policy.pool_address(), part.address, counts.ctypes.data, threads, parts)
                assert counts.tolist() == [1] * (threads * parts) + [0]


def test_as_many_threads_as_are_soonest_done() -> None:
    shares = numba.njit(lambda address, time: pool.shares(address, time))
    words = np.zeros(pool_record.WORDS, np.intp)
    for most, fan_out, thread in [(1, 0, 3500), (2, 0, 3500), (16, 0, 3500), (16, 3000, 500), (200, 100, 1)]:
        words[pool_record.THREADS] = most
        words[pool_record.FAN_OUT_TIME] = fan_out
        words[[pool_record.THREAD_TIME, pool_record.LEAST_THREAD_TIME]] = thread
        for time in np.geomspace(1, 1e9, 100):
            taken = [time, *(time / t + fan_out + thread * t for t in range(2, most + 1))]
            found = shares(words.ctypes.data, time)
            assert taken[found.threads - 1] <= 1.07 * min(taken)
            assert taken[found.threads - 1] <= time
            assert found.parts >= 1
    assert tuple(shares(0, 1e9)) == (1, 1)


#: A function that knows how many threads are inside it at once.
COUNTED = """
seconds = 0.001
import ctypes, threading, time, numpy as np, fastact
lock, inside, most = threading.Lock(), 0, 0
def count(x):
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    time.sleep(seconds)
    with lock:
        inside -= 1
    return x
counted = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(count)
"""


@pytest.mark.parametrize("layer", ["tbb", "omp"])
def test_never_more_threads_than_were_set(layer: str) -> None:
    """Counted by an activation that knows how many are inside it at once."""
    code = """
function = fastact.activation(lambda x: counted(x) if x % 200 == 0 else x)
x = np.arange(60_000.0)
for threads in (1, 3, 8, 2):
    fastact.set_num_threads(threads)
    most = 0
    np.testing.assert_array_equal(function(x), x)
    assert most <= threads and (most > 1) == (threads > 1), (most, threads)
fastact.set_num_threads(3)
callers = [threading.Thread(target=function, args=(x,)) for _ in range(20)]
most = 0
for caller in callers:
    caller.start()
for caller in callers:
    caller.join()
assert most <= 20 + 2, most  # one has the pool, each other its own thread
"""
    run(COUNTED + code, NUMBA_NUM_THREADS="8", NUMBA_THREADING_LAYER=layer)


DEAR_OR_CHEAP = (
    COUNTED
    + """
seconds = 0.002
function = fastact.activation(lambda x: counted(x) if x > 0 else x)
dear = np.zeros(10_000)
dear[::1000] = 1
cheap = np.zeros(10_000)
one = np.ones((1, 8))
calls = {
    "ufunc": lambda x: function(x), "strided": lambda x: function(np.repeat(x, 2)[::2]),
    "neuron": lambda x: fastact.neuron(x.reshape(1250, 8)[:, :1], one, 0.0, function),
}
"""
)


@pytest.mark.parametrize("way", ["ufunc", "strided", "neuron"])
def test_what_a_call_costs_is_learnt_again_and_again(way: str) -> None:
    """Calls of a function whose cost depends on its numbers: cheap, then dear, then cheap ones."""
    code = f"""
call = calls[{way!r}]
fastact.tanh(np.zeros(10**6))  # starts the pool
def threads_of(x, times):
    global most
    most = 0
    for _ in range(times):
        call(x)
    return most
for _ in range(2):
    for _ in range(300):
        call(cheap)
    assert threads_of(dear, 8) == 2, most
"""
    run(DEAR_OR_CHEAP + code, NUMBA_NUM_THREADS="2")


def test_the_threshold_of_threads_falls_and_rises() -> None:
    code = """
from fastact._runtime import loop_record, neuron, neuron_record, ufunc
record = ufunc.find(function).loop("d").record
neurons = neuron._entry_of(function)._words
def learnt():
    return int(record[loop_record.FEWEST]), int(neurons[neuron_record.RATE + 1])
calls["ufunc"](dear), calls["neuron"](dear)
seen = [learnt()]
for x in (cheap, dear, cheap):
    for _ in range(30):
        calls["ufunc"](x), calls["neuron"](x)
    seen.append(learnt())
for first, second, third in zip(*seen[1:]):
    assert second < first / 10 and second < third / 10, seen
"""
    run(DEAR_OR_CHEAP + code, NUMBA_NUM_THREADS="2")


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


@pytest.mark.long
def test_a_thread_that_compiles_may_need_a_loop_that_another_loads(tmp_path: Path) -> None:
    code = """
import threading, numba, numpy as np, fastact
from numba.extending import overload
compiling, loading = threading.Event(), threading.Event()
def stub(): pass
@overload(stub)
def implementation():
    compiling.set()
    loading.wait(1)
    assert fastact.tanh(1.0) > 0
    return lambda: 1
def compile_stub():
    numba.njit(lambda: stub())()
thread = threading.Thread(target=compile_stub)
thread.start()
compiling.wait()
other = threading.Thread(target=lambda: (loading.set(), fastact.sigmoid(np.ones(3))))
other.start()
thread.join()
other.join()
"""
    run(code, tmp_path)


def test_racing_first_calls(tmp_path: Path) -> None:
    code = """
import threading, numpy as np, fastact
start = threading.Barrier(8)
x = np.linspace(-3, 3, 100_000)
wrong = []
def work(function, reference):
    start.wait()
    if not np.allclose(function(x), reference, rtol=1e-12):
        wrong.append(function)
cases = [(fastact.tanh, np.tanh(x)), (fastact.sigmoid, 1 / (1 + np.exp(-x)))] * 4
threads = [threading.Thread(target=work, args=case) for case in cases]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not wrong, wrong
"""
    for _ in range(2):  # compiled, then loaded
        run(code, tmp_path)


NO_LAYER = """
import warnings, numpy as np, fastact
x = np.linspace(-3, 3, 300_000)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for function in (fastact.tanh, fastact.tanh, fastact.sigmoid):
        function(x)
    np.testing.assert_allclose(fastact.tanh(x), np.tanh(x), rtol=1e-14)
assert [w.category for w in caught] == [RuntimeWarning], caught
assert "threading layer" in str(caught[0].message)
assert fastact.get_num_threads() == 1
"""


def test_no_threading_layer() -> None:
    run(NO_LAYER, NUMBA_THREADING_LAYER="missing")


def test_no_threading_layer_and_warnings_are_errors() -> None:
    code = """
import numpy as np, fastact
x = np.linspace(-3, 3, 300_000)
try:
    fastact.tanh(x)
except RuntimeWarning as warning:
    assert "threading layer" in str(warning)
else:
    raise AssertionError("no warning")
np.testing.assert_allclose(fastact.tanh(x), np.tanh(x), rtol=1e-14)
"""
    run(code, NUMBA_THREADING_LAYER="missing")


def test_a_choice_that_can_not_be_had_is_not_dropped_in_silence() -> None:
    code = """
import warnings, numpy as np, fastact
fastact.set_num_threads(2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fastact.tanh(np.ones(300_000))
    fastact.set_num_threads(2)
    fastact.set_num_threads(1)
assert ["workqueue" in str(w.message) for w in caught] == [True, True], caught
assert fastact.get_num_threads() == 1
"""
    run(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2")


@pytest.mark.parametrize("chosen", [None, "77"])
def test_the_environment_of_later_processes_is_left_alone(chosen: str | None) -> None:
    code = """
import os, numpy as np, fastact
fastact.tanh(np.ones(300_000))
print(os.environ.get("GOMP_SPINCOUNT"))
"""
    assert run(code, **({} if chosen is None else {"GOMP_SPINCOUNT": chosen})).strip() == str(chosen)


def test_an_error_while_loading_is_the_callers() -> None:
    @fastact.activation
    def broken(x):  # type: ignore[no-untyped-def]
        return nowhere(x)  # type: ignore[name-defined]  # noqa: F821

    x = np.ones((300, 100))
    for call in (
        lambda: broken(1.0),
        lambda: broken(x),
        lambda: broken(x[:, ::2]),
        lambda: broken(x, out=np.empty_like(x), where=x > 0),
        lambda: broken.at(x, 1),
        lambda: broken(np.ones(3, int)),
        lambda: fastact.neuron(x, x[0], activation=broken),
    ):
        for _ in range(2):
            with pytest.raises(numba.TypingError, match="nowhere"):
                call()


@pytest.mark.parametrize("disabled", [0, 1])
def test_import_takes_no_lock_of_the_compiler(disabled: int) -> None:
    code = f"""
import threading, numba
from numba.core.compiler_lock import global_compiler_lock
numba.njit(lambda: 1)()  # Numba makes its target at the first compilation, under the same lock
numba.config.DISABLE_JIT = {disabled}
held, done = threading.Event(), threading.Event()
def compile_for_ever():
    with global_compiler_lock:
        held.set()
        done.wait(60)
thread = threading.Thread(target=compile_for_ever)
thread.start()
held.wait()
importing = threading.Thread(target=lambda: __import__("fastact"))
importing.start()
importing.join(30)
stuck = importing.is_alive()
done.set()
assert not stuck
"""
    run(code)


def test_import_while_another_thread_makes_us_known() -> None:
    code = """
import threading, numba
imports, makes_known = threading.Event(), threading.Event()
before("fastact._runtime.warmup", lambda: (imports.set(), makes_known.wait(1)))  # what is imported last
before("fastact._compiler", makes_known.set)
def compile_first():
    imports.wait()
    numba.njit(lambda: 1)()
compiling = threading.Thread(target=compile_first)
compiling.start()
import fastact
compiling.join()
assert makes_known.is_set()
assert numba.njit(lambda x: fastact.relu(x))(-1.0) == 0
"""
    run(BEFORE_MODULES + code)


def test_compiling_while_another_thread_makes_us_known() -> None:
    code = """
import threading, fastact, numba
makes_known, compiles = threading.Event(), threading.Event()
before("fastact._compiler.njit", lambda: (makes_known.set(), compiles.wait(1)))
first = threading.Thread(target=lambda: numba.njit(lambda: 1)())
first.start()
makes_known.wait()
assert numba.njit(lambda x: fastact.relu(x))(-1.0) == 0
compiles.set()
first.join()
"""
    run(BEFORE_MODULES + code)


FIRST_CALLS = {
    "own": "assert fastact.activation(lambda x: x * unseen[0] + fastact.sigmoid(x))(0.0) == 0.5",
    "njit": "assert numba.njit(lambda x: fastact.neuron(x, x, 0.5, 'tanh'))(np.zeros(3)) == np.tanh(0.5)",
    "argument": "assert numba.njit(lambda f, x: f(x))(fastact.leaky_relu, -1.0) == -0.01",
    "signature": "assert numba.njit('f8(f8)')(lambda x: fastact.relu(x))(-1.0) == 0",
    "vectorize": "assert numba.vectorize(lambda x: fastact.relu(x))(-1.0) == 0",
}


@pytest.mark.parametrize("first_call", long_but_for(["own", "argument"], FIRST_CALLS))
def test_first_call_while_another_thread_loads_the_extensions_of_numba(first_call: str) -> None:
    """Numba says that they are loaded before they are, and its dispatchers remember what did not compile."""
    code = f"""
import threading, numpy as np, fastact, numba
from importlib import metadata
unseen = (3.0,)
loads, called = threading.Event(), threading.Event()
found = metadata.entry_points
metadata.entry_points = lambda **of: (loads.set(), called.wait(30), found(**of))[-1]
first = threading.Thread(target=lambda: numba.njit(lambda: 1)())
first.start()
assert loads.wait(30)
try:
    {FIRST_CALLS[first_call]}
finally:
    called.set()
    first.join()
"""
    run(code)


def test_first_calls_of_one_activation_from_many_threads() -> None:
    code = """
import os, threading, numpy as np, fastact
factor = float(int.from_bytes(os.urandom(4), "big"))  # so it is not in the store
@fastact.activation
def scaled(x): return x * factor + fastact.sigmoid(x)
start, results = threading.Barrier(4), []
def call():
    start.wait()
    results.append(scaled(np.zeros(9))[0])
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert results == [0.5] * 4, results
"""
    run(code)


@pytest.mark.long
def test_an_extension_of_numbas_that_another_thread_imports(tmp_path: Path) -> None:
    home = tmp_path / "theirs-1.dist-info"
    home.mkdir()
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (home / "entry_points.txt").write_text("[numba_extensions]\ninit = theirs:init\n")
    (tmp_path / "theirs.py").write_text("""
import fastact
def init(): pass
@fastact.activation
def mine(x): return x + 1
import __main__
__main__.imports.set()
__main__.compiles.wait(2)
assert mine(1.0) == 2
""")
    code = f"""
import sys, threading, numpy as np, fastact
sys.path.append({str(tmp_path)!r})
imports, compiles = threading.Event(), threading.Event()
before("fastact._compiler.compile", compiles.set)
thread = threading.Thread(target=lambda: __import__("theirs"))
thread.start()
imports.wait()
fastact.relu(np.ones(3))
thread.join()
assert sys.modules["theirs"].mine
"""
    run(BEFORE_MODULES + code, tmp_path / "cache", FASTACT_NO_AOT="1")


def test_a_function_is_passed_while_another_thread_compiles() -> None:
    code = """
import math, threading, numba, fastact
from numba.core.registry import cpu_target
taken, compiled = threading.Event(), threading.Event()
context, insert = cpu_target.typing_context, cpu_target.typing_context._insert_global
def slow(value, *rest):
    if value is math.sin and threading.current_thread() is passing:
        taken.set()
        compiled.wait(1)
    return insert(value, *rest)
context._insert_global = slow
apply = numba.njit(lambda f, x: f(x))
passing = threading.Thread(target=lambda: apply(fastact.relu, -1.0))
passing.start()
taken.wait()
assert numba.njit(lambda x: fastact.relu(math.sin(x)))(0.0) == 0
compiled.set()
passing.join()
"""
    run(code)


@pytest.mark.long
def test_a_helper_is_compiled_for_another_type_while_it_is_looked_at(tmp_path: Path) -> None:
    code = """
import threading, numba, numpy as np, fastact
from fastact._runtime import fingerprint
scale = 3.0
@numba.njit
def helper(x):
    return x * scale
twice = fastact.activation(lambda x: helper(x))
twice(1.0), twice(np.float32(1))
looked_at, digest = [], fingerprint._Walk.digest
def slow(self):
    if threading.current_thread() is first and not looked_at:
        looked_at.append(True)
        compiling = threading.Thread(target=lambda: helper(np.int8(1)))
        compiling.start()
        compiling.join(2)
    return digest(self)
fingerprint._Walk.digest = slow
failed = []
def call():
    try:
        assert fastact.activation(lambda x: helper(x) + 1)(1.0) == 4
    except BaseException as error:
        failed.append(repr(error))
first = threading.Thread(target=call)
first.start()
first.join()
assert looked_at and not failed, failed
"""
    run(code, tmp_path)


def test_two_threads_get_one_derivative() -> None:
    code = """
import threading, time, fastact
from fastact._runtime import registry
make = registry._row
registry._row = lambda *arguments: (time.sleep(0.2), make(*arguments))[1]
found = []
threads = [threading.Thread(target=lambda: found.append(fastact.derivative(fastact.elu))) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert found[0] is found[1]
"""
    run(code)


CONTROL_GROUPS = {
    "none": ({}, None),
    "no limit": ({"sys/fs/cgroup/job/cpu.max": "max 100000"}, None),
    "one": ({"sys/fs/cgroup/job/cpu.max": "100000 100000"}, 1),
    "one and a half": ({"sys/fs/cgroup/job/cpu.max": "150000 100000"}, 2),
    "a tenth": ({"sys/fs/cgroup/job/cpu.max": "10000 100000"}, 1),
    "above": ({"sys/fs/cgroup/cpu.max": "300000 100000", "sys/fs/cgroup/job/cpu.max": "max 100000"}, 3),
    "the least": ({"sys/fs/cgroup/cpu.max": "300000 100000", "sys/fs/cgroup/job/cpu.max": "200000 100000"}, 2),
    "a blank": ({"with blank/job/cpu.max": "200000 100000"}, 2),
    "nonsense": ({"sys/fs/cgroup/job/cpu.max": "many"}, None),
    "version 1": ({"v1/job/cpu.cfs_quota_us": "250000", "v1/job/cpu.cfs_period_us": "100000"}, 3),
    "version 1, no limit": ({"v1/job/cpu.cfs_quota_us": "-1", "v1/job/cpu.cfs_period_us": "100000"}, None),
    "version 1, above": ({"v1/cpu.cfs_quota_us": "50000", "v1/cpu.cfs_period_us": "50000"}, 1),
}


@pytest.mark.parametrize("case", CONTROL_GROUPS)
def test_the_share_of_a_container(case: str, tmp_path: Path) -> None:
    files, expected = CONTROL_GROUPS[case]
    mounts = (
        "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 23 0:27 / /v1 rw - cgroup cgroup rw,cpu,cpuacct\n"
        "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "33 23 0:29 / /with\\040blank rw - cgroup2 cgroup2 rw\n"
    )
    groups = "0::/job\n3:memory:/other\n2:cpu,cpuacct:/job\n"
    for name, content in (files | {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert quota.processors(tmp_path) == expected
    # A container sees of the tree of groups its own part.
    part = mounts.replace("0:26 / ", "0:26 /docker/job ").replace("0:27 / ", "0:27 /docker/job ")
    part = part.replace("0:29 / ", "0:29 /docker/job ")
    (tmp_path / "proc/self/mountinfo").write_text(part)
    (tmp_path / "proc/self/cgroup").write_text(groups.replace("/job", "/docker/job/job"))
    assert quota.processors(tmp_path) == expected


@pytest.mark.parametrize("broken", ["cgroup", "mountinfo"])
@pytest.mark.parametrize("content", [b"nonsense\n", b"a - b\n", b"\xff\n", b"1:2"])
def test_a_share_that_can_not_be_read(broken: str, content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "proc" / "self"
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text("0::/job\n")
    (folder / "mountinfo").write_text("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    (folder / broken).write_bytes(content)
    assert quota.processors(tmp_path) is None


def test_the_default_is_at_most_the_share_of_a_container() -> None:
    code = """
from fastact._runtime import quota
quota.processors = lambda: 1
from fastact._runtime import numba_settings
print(numba_settings.threads_at_first())
"""
    several = "import os; os.sched_getaffinity = lambda process: range(8)\n" + code
    assert run(several) == "1\n"
    assert run(several, NUMBA_NUM_THREADS="4") == "4\n"
    assert run(f"{several}print(numba_settings.threads())").split() == ["1", "8"]


@pytest.mark.parametrize("delay", long_but_for([0.01], [0.0005, 0.002, 0.005, 0.01, 0.02, 0.03]))
def test_an_interrupt_while_the_pool_starts_leaves_the_setting_of_numba_alone(delay: float) -> None:
    code = f"""
import signal, numba, numpy as np, fastact
class Interrupt(Exception): pass
def interrupt(*_): raise Interrupt
signal.signal(signal.SIGALRM, interrupt)
x = np.zeros(10**6)
fastact.tanh(x[:9])
numba.set_num_threads(1)
try:
    signal.setitimer(signal.ITIMER_REAL, {delay})
    fastact.tanh(x)
    signal.setitimer(signal.ITIMER_REAL, 0)
except Interrupt:
    pass
assert numba.get_num_threads() == 1, numba.get_num_threads()
assert fastact.tanh(x)[-1] == 0
assert numba.get_num_threads() == 1
"""
    run(code, NUMBA_NUM_THREADS="2")


def test_what_measures_the_pool_gives_back_the_setting_of_numba() -> None:
    code = """
import time, numba, numpy as np, fastact
numba.set_num_threads(1)
clock, ticks = time.perf_counter_ns, []
class Interrupt(BaseException): pass
def interrupting():
    ticks.append(numba.get_num_threads())
    if len(ticks) == 9:
        raise Interrupt
    return clock()
time.perf_counter_ns = interrupting
try:
    fastact.tanh(np.zeros(10**6))
except Interrupt:
    pass
else:
    raise AssertionError
assert ticks[-1] == 2 and numba.get_num_threads() == 1
time.perf_counter_ns = clock
assert fastact.tanh(np.zeros(10**6))[-1] == 0
assert numba.get_num_threads() == 1
"""
    run(code, NUMBA_NUM_THREADS="2")


def test_tbb_is_found_wherever_pip_put_it(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "libtbb.so.12"
    library.parent.mkdir()
    library.touch()
    home = tmp_path / "site-packages" / "tbb-2023.0.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: tbb\nVersion: 2023.0\n")
    (home / "RECORD").write_text("../lib/libtbb.so.12,,\ntbb-2023.0.dist-info/METADATA,,\n")
    code = f"""
import sys
sys.path.insert(0, {str(home.parent)!r})
from fastact._runtime import threads
print(next(iter(threads.installed_tbb())))
"""
    assert run(code).strip() == str(library)


def test_elsewhere_than_on_linux_no_process_is_taken_for_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("win32", "darwin"):
        monkeypatch.setattr(sys, "platform", platform)
        assert not threads_policy._may_be_a_copy()


@pytest.mark.parametrize("call", ["neuron(x, w, 0.5)", "neuron(x, w[:, 0], 0.5, out=out)", "neuron(x, w32)"])
@pytest.mark.parametrize("threads", [1, 2])
def test_other_threads_run_during_long_calls(call: str, threads: int) -> None:
    """Python takes the interpreter from nobody here: one who waits for it gets it where it is given up."""
    code = f"""
import sys, threading, numpy as np
from fastact import neuron, set_num_threads
x, w, out = np.ones((2000, 600)), np.ones((600, 64)), np.empty(2000)
w32 = w.astype(np.float32)
set_num_threads({threads})
{call}
sys.setswitchinterval(10000)
begin, ran = threading.Event(), []
helper = threading.Thread(target=lambda: begin.wait() and ran.append(True))
helper.start()
begin.set()
assert not ran
for _ in range(300):
    {call}
    if ran:
        break
assert ran
helper.join()
"""
    run(code)
