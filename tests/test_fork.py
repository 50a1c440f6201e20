"""A forked child works: after threads of any kind, and while another thread compiles."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .cases import long_but_for
from .processes import BEFORE_MODULES, run, start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

SETTING = """
import os, signal, sys, threading, time
import numpy as np, numba

X = np.random.default_rng(2).normal(size=200_000)

def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(100)
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, status

def check():
    import fastact
    np.testing.assert_allclose(fastact.tanh(X), np.tanh(X), rtol=1e-14)
    np.testing.assert_allclose(fastact.tanh(X.astype("f4")), np.tanh(X), rtol=1e-5)

def use_threads():
    @numba.njit(parallel=True)
    def double(x):
        for i in numba.prange(x.size):
            x[i] *= 2
    double(np.ones(1000))
"""

#: Where its wheel puts TBB, which Numba finds by itself only with our help.
FIND_TBB = {"LD_LIBRARY_PATH": str(Path(sys.prefix, "lib"))}
TWO_OF_TBB = FIND_TBB | {"NUMBA_THREADING_LAYER": "tbb", "NUMBA_NUM_THREADS": "2"}

WITHOUT_NUMBA = SETTING.replace("import numpy as np, numba", "import numpy as np")


@pytest.mark.parametrize("layer", ["tbb", "omp", "workqueue"])
def test_after_our_threads(layer: str) -> None:
    code = """
import fastact
check()
in_child(check)
check()
in_child(lambda: in_child(check))
"""
    run(SETTING + code, NUMBA_THREADING_LAYER=layer)


@pytest.mark.parametrize("layer", ["tbb", "omp", "workqueue"])
def test_after_the_users_threads(layer: str) -> None:
    code = """
use_threads()
in_child(check)
import fastact
in_child(check)
check()
if numba.threading_layer() != "workqueue":
    assert fastact.get_num_threads() == numba.config.NUMBA_NUM_THREADS
"""
    run(SETTING + code, NUMBA_THREADING_LAYER=layer, **FIND_TBB)


def test_a_child_on_openmp_keeps_to_one_thread() -> None:
    code = """
import warnings, fastact
check()
assert fastact.get_num_threads() == numba.config.NUMBA_NUM_THREADS
def child():
    check()
    assert fastact.get_num_threads() == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fastact.set_num_threads(2)
    assert "OpenMP" in str(caught[0].message), caught
    check()
in_child(child)
"""
    run(SETTING + code, NUMBA_THREADING_LAYER="omp", NUMBA_NUM_THREADS="2")


USES_AND_FORKS = """
import fastact
from concurrent.futures import ThreadPoolExecutor
def in_thread(work):
    with ThreadPoolExecutor() as executor:
        executor.submit(work).result()
def on(count):
    check()
    assert fastact.get_num_threads() == count
def uses_and_forks(use):
    use()
    in_child(lambda: on(2))
    in_child(lambda: in_child(lambda: on(2)))
"""


def test_a_child_keeps_to_one_thread_if_another_than_its_own_started_tbb() -> None:
    """TBB is there what it was when it was copied, with work that nobody will end."""
    code = """
in_thread(lambda: uses_and_forks(check))
in_child(lambda: on(1))
"""
    run(SETTING + USES_AND_FORKS + code, **TWO_OF_TBB)


def test_so_it_does_where_the_user_started_tbb() -> None:
    code = """
uses_and_forks(use_threads)
check()
in_thread(lambda: in_child(lambda: on(1)))
in_child(lambda: on(2))
"""
    run(SETTING + USES_AND_FORKS + code, **TWO_OF_TBB)


def test_while_another_thread_compiles(tmp_path: Path) -> None:
    run("import fastact, numpy as np; fastact.tanh(np.ones(3)); fastact.tanh(np.ones(3, 'f4'))", tmp_path)
    code = """
import fastact
compiling = threading.Event()
def slow():
    from numba.extending import overload
    def stub(): pass
    @overload(stub)
    def implementation():
        compiling.set()
        time.sleep(1)
        return lambda: 1
    numba.njit(lambda: stub())()
thread = threading.Thread(target=slow)
thread.start()
compiling.wait()
def kept_and_new():
    check()
    fastact.relu(X)
in_child(kept_and_new)
thread.join()
"""
    run(SETTING + code, tmp_path)


def test_while_another_thread_has_the_pool() -> None:
    code = """
import fastact
check()
large = np.zeros(20_000_000)
stop = False
def keep_busy():
    while not stop:
        fastact.tanh(large, out=large)
thread = threading.Thread(target=keep_busy)
thread.start()
for _ in range(10):
    time.sleep(0.01)
    in_child(check)
stop = True
thread.join()
check()
"""
    run(SETTING + code)


def test_while_another_thread_measures_the_pool() -> None:
    code = """
import fastact
from fastact._runtime import threads
use_threads()
costs, measures, forked = threads._costs, threading.Event(), threading.Event()
threads._costs = lambda *arguments: (measures.set(), forked.wait(5), costs(*arguments))[-1]
thread = threading.Thread(target=threads.start)  # as by warmup(), outside of a call
thread.start()
measures.wait()
def child():
    check()
    assert fastact.get_num_threads() == 1
in_child(child)
forked.set()
thread.join()
"""
    run(SETTING + code, **TWO_OF_TBB)


@pytest.mark.parametrize("first", ["", "_thread.start_new_thread(time.sleep, (20,))"])
def test_a_daemon_of_a_process_that_used_openmp(first: str, tmp_path: Path) -> None:
    code = f"""
import _thread
use_threads()
def daemon():
    {first}
    time.sleep(0.2)
    check()
    open({str(tmp_path / "done")!r}, "w").close()
def forks_and_ends():
    if os.fork() == 0:
        signal.alarm(30)
        daemon()
        os._exit(0)
in_child(forks_and_ends)
for _ in range(200):
    if os.path.exists({str(tmp_path / "done")!r}): break
    time.sleep(0.1)
else:
    raise AssertionError("the daemon hangs")
"""
    run(SETTING + code, NUMBA_THREADING_LAYER="omp")


FORKS = """
def forks(work, child):
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        in_child(child)
    thread.join()
def compiled(times=5):
    for i in range(times):
        numba.njit(lambda x: fastact.tanh(x) + i)(1.0)
"""


def test_while_another_thread_compiles_what_logs() -> None:
    """The lock of `logging` is asked for by those who compile, and by a fork."""
    run(f"import fastact\n{SETTING}{FORKS}forks(compiled, lambda: None)")


@pytest.mark.long
@pytest.mark.parametrize("disabled", ["0", "1"])
def test_while_another_thread_makes_first_calls(disabled: str, tmp_path: Path) -> None:
    code = """
import fastact
made = [fastact.activation(lambda x: x + 1) for _ in range(200)]
forks(lambda: [one(1.0) for one in made], lambda: fastact.relu(np.ones(3)))
"""
    for _ in range(2):
        run(SETTING + FORKS + code, tmp_path, NUMBA_DISABLE_JIT=disabled)


def test_while_another_thread_imports_numba(tmp_path: Path) -> None:
    code = """
import fastact
def child():
    fastact.tanh(np.ones(3))
    import numba
forks(lambda: fastact.relu(np.ones(3)), child)
"""
    run(WITHOUT_NUMBA + FORKS + code, tmp_path)


@pytest.mark.long
def test_while_another_thread_imports_what_compiles(tmp_path: Path) -> None:
    code = """
import fastact
begun = threading.Event()
before("fastact._kernels.requirements", lambda: (begun.set(), time.sleep(1)))
thread = threading.Thread(target=lambda: fastact.relu(np.ones(3)))
thread.start()
begun.wait()
in_child(lambda: fastact.tanh(np.ones(3)))
thread.join()
"""
    run(WITHOUT_NUMBA + BEFORE_MODULES + code, tmp_path)


def test_that_has_begun_when_another_thread_imports_numba(tmp_path: Path) -> None:
    code = """
import fastact
begun = threading.Event()
before("numba", lambda: (begun.set(), time.sleep(1)))
thread = threading.Thread(target=lambda: fastact.relu(np.ones(3)))
os.register_at_fork(before=lambda: (thread.start(), begun.wait()))
in_child(lambda: fastact.tanh(np.ones(3)))
thread.join()
"""
    run(WITHOUT_NUMBA + BEFORE_MODULES + code, tmp_path)


def test_while_another_thread_imports_us() -> None:
    code = """
imports = threading.Event()
before("fastact._compiler.njit", lambda: (imports.set(), time.sleep(1)))
thread = threading.Thread(target=lambda: __import__("fastact"))
thread.start()
imports.wait()
in_child(check)
thread.join()
check()
"""
    run(SETTING + BEFORE_MODULES + code)


@pytest.mark.parametrize("layer", ["tbb", "omp"])
def test_while_another_thread_starts_the_pool(layer: str) -> None:
    code = f"""
import fastact
starts, forked = threading.Event(), threading.Event()
before("numba.np.ufunc.{layer}pool", lambda: (starts.set(), forked.wait(1)))
thread = threading.Thread(target=fastact._runtime.threads.start)  # as by warmup(), outside of a call
thread.start()
starts.wait()
in_child(check)
forked.set()
thread.join()
check()
"""
    run(SETTING + BEFORE_MODULES + code, NUMBA_THREADING_LAYER=layer)


@pytest.mark.parametrize("module", long_but_for(["derivatives"], ["fingerprint", "derivatives"]))
def test_while_another_thread_imports_what_comes_late(module: str) -> None:
    code = f"""
import fastact
imports, forked = threading.Event(), threading.Event()
before("fastact._runtime.{module}", lambda: (imports.set(), forked.wait(1)))
def use():
    assert fastact.derivative(fastact.relu)(1.0) == 1
    assert fastact.activation(lambda x: x + 1)(1.0) == 2
thread = threading.Thread(target=use)
thread.start()
imports.wait()
in_child(use)
forked.set()
thread.join()
"""
    run(WITHOUT_NUMBA + BEFORE_MODULES + code)


def test_an_interrupt_while_a_fork_waits_leaves_no_lock_behind() -> None:
    code = """
numba.njit(lambda: 1)()
import fastact
from fastact._runtime import door
holds, done = threading.Event(), threading.Event()
def hold():
    with door.importing:
        holds.set()
        done.wait()
holder = threading.Thread(target=hold)
holder.start()
holds.wait()
main = threading.main_thread().ident
threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
threading.Timer(1, done.set).start()
try:
    in_child(check)
except KeyboardInterrupt:
    pass
holder.join()
compiled = []
thread = threading.Thread(target=lambda: compiled.append(numba.njit(lambda x: x + 1)(1)), daemon=True)
thread.start()
thread.join(30)
os.write(1, b"%d" % sum(compiled))
"""
    done = start(SETTING + code)
    assert (done.returncode, done.stdout) == (0, "2"), done.stderr
