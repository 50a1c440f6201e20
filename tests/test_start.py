"""What runs needs NumPy and llvmlite alone; Numba is imported to compile and for threads, and finds us in any order."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from .cases import long_but_for
from .processes import EVERY_UFUNC, PACKAGE, copy_of_package, filled_store, run

SETTING = """
import sys
import numpy as np
import fastact
X = np.linspace(-3, 3, 101)
@fastact.activation
def swish(x):
    return x * fastact.sigmoid(x)
@fastact.activation(integers=True)
def doubled(x):
    return x + x
"""

WARM = f"""{EVERY_UFUNC}
for dtype in (np.float16, np.float32, np.float64):
    x = X.astype(dtype)
    fastact.leaky_relu(x, 0.2), swish(x), doubled(x)
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "linear", None, swish):
        fastact.neuron(x, x, 0.5, name)
        fastact.neuron(x, np.ones((101, 3), dtype), 0.5, name)
doubled(np.arange(5))
fastact.set_num_threads(fastact.get_num_threads())
fastact.show_config()
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with all that is used here."""
    cache = filled_store(tmp_path_factory.mktemp("store"))
    run(SETTING + WARM, cache)
    return cache


def test_what_runs_does_not_import_numba(filled: Path) -> None:
    run(f"{SETTING}{WARM}assert 'numba' not in sys.modules", filled)


def test_no_room_of_the_compiler_is_imported(filled: Path) -> None:
    rooms = "[name for name in sys.modules if name.startswith(('fastact._compiler', 'fastact._kernels'))]"
    run(f"{SETTING}{WARM}assert not {rooms}, {rooms}", filled)


def test_threads_start_without_the_compiler(filled: Path) -> None:
    assert "fastact._compiler" not in run(SETTING + "fastact.tanh(np.zeros(10**6)); print(*sys.modules)", filled)


@pytest.mark.long
def test_settings_are_the_same_with_and_without_numba() -> None:
    code = """
from fastact._runtime import numba_settings
def settings():
    return numba_settings.of_code(), numba_settings.threads(), numba_settings.jit_is_disabled()
before = settings()
import warnings
warnings.simplefilter("ignore")  # Numba's own, of what can not be parsed
import numba
assert settings() == before, (before, settings())
"""
    choices: tuple[dict[str, str], ...] = (
        {},
        {"NUMBA_OPT": "max"},
        {"NUMBA_OPT": "2", "NUMBA_LOOP_VECTORIZE": "0", "NUMBA_SLP_VECTORIZE": "1", "NUMBA_DEBUGINFO": "1"},
        {"NUMBA_ENABLE_AVX": "0", "NUMBA_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1", "NUMBA_BOUNDSCHECK": "1"},
        {"NUMBA_DISABLE_JIT": "", "NUMBA_LOOP_VECTORIZE": " 0", "NUMBA_NUM_THREADS": "many"},
        {"NUMBA_CPU_NAME": "generic", "NUMBA_DISABLE_INTEL_SVML": "1"},
        {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2"},
    )
    for environment in choices:
        run(SETTING + code, **environment)


def test_a_version_of_numba_that_can_not_be_told_is_said(filled: Path) -> None:
    code = """
from fastact._runtime import numba_settings
numba_settings._installed_version = lambda: None
fastact.show_config()
"""
    assert "(not used: the version of Numba can not be told without importing it)" in run(SETTING + code, filled)


@pytest.mark.long
def test_settings_for_finding_mistakes(tmp_path: Path) -> None:
    code = "x = np.arange(-4.0, 5)\nassert fastact.neuron(x, fastact.relu(x), 0.0, 'relu') == 1 + 4 + 9 + 16"
    run(SETTING + code, tmp_path, NUMBA_DEBUGINFO="1", NUMBA_BOUNDSCHECK="1")


def test_a_setting_of_another_type(filled: Path) -> None:
    code = "import numba; numba.config.DISABLE_JIT = False"
    run(
        f"{code}\n{SETTING}from fastact._runtime import numba_settings\nassert not numba_settings.jit_is_disabled()",
        filled,
    )


@pytest.mark.long
def test_the_processor_is_that_of_the_compiler_that_was_made(tmp_path: Path) -> None:
    """Numba compiles for one processor from the first time on, and code for it is not kept as that for another."""
    code = """
import numba
fastact.sigmoid(X)
numba.config.CPU_NAME, numba.config.CPU_FEATURES = "generic", ""
fastact.tanh(X)
"""
    run(SETTING + code, tmp_path)
    run(f"{SETTING}fastact.sigmoid(X), fastact.tanh(X)\nassert 'numba' not in sys.modules", tmp_path)


@pytest.mark.parametrize("second", long_but_for(["swish(X)"], ["import fastact", "fastact.sigmoid(X)", "swish(X)"]))
@pytest.mark.parametrize("delay", long_but_for([0.03], [0, 0.03]))
def test_while_another_thread_imports_numba_and_compiles(second: str, delay: float, filled: Path) -> None:
    code = f"""
import threading, time
failed = []
def first():
    try:
        import numba
        numba.njit(lambda x: x + 1)(1)
    except BaseException as error:
        failed.append(repr(error))
thread = threading.Thread(target=first)
{"" if second == "import fastact" else SETTING}
thread.start()
time.sleep({delay})
{second}
thread.join()
assert not failed, failed
"""
    run(code + (SETTING if second == "import fastact" else "") + "import numba" + CALLS + "check()", filled)


def test_a_file_of_numbas_settings(filled: Path, tmp_path: Path) -> None:
    """Only Numba reads it, so Numba is asked."""
    (tmp_path / ".numba_config.yaml").write_text("opt: '3'\n")
    run(f"import os; os.chdir({str(tmp_path)!r})\n{SETTING}fastact.tanh(X)\nassert 'numba' in sys.modules", filled)


def test_a_numba_of_other_settings(filled: Path) -> None:
    """What was changed after the import of Numba counts, and code that was compiled otherwise is not used."""
    code = f"import numba; numba.config.LOOP_VECTORIZE = 0\n{SETTING}fastact.tanh(X)\n"
    assert "_compiler.compile" in run(f"{code}print([name for name in sys.modules if 'fastact' in name])", filled)


CALLS = """
@numba.njit
def call(x):
    return fastact.sigmoid(x), fastact.leaky_relu(x, 0.2), fastact.neuron(x, x, 0.5, "tanh"), swish(x)
@numba.njit
def passed(function, x):
    return function(x)
@numba.vectorize
def elementwise(x):
    return fastact.tanh(x)
def check():
    got = call(X)
    np.testing.assert_array_equal(got[0], fastact.sigmoid(X))
    np.testing.assert_array_equal(got[1], fastact.leaky_relu(X, 0.2))
    assert got[2] == fastact.neuron(X, X, 0.5, "tanh")
    np.testing.assert_array_equal(got[3], swish(X))
    np.testing.assert_array_equal(passed(fastact.relu, X), fastact.relu(X))
    np.testing.assert_array_equal(elementwise(X), fastact.tanh(X))
"""

USED = "numba.njit(lambda x: x + 1)(1)\n"

ORDERS = {
    "ours first": f"{SETTING}import numba\n{CALLS}check()",
    "Numba first": f"import numba\n{SETTING}{CALLS}check()",
    "Numba used first": f"import numba\n{USED}{SETTING}{CALLS}check()",
    "ours used first": f"{SETTING}fastact.tanh(X), swish(X)\nimport numba\n{CALLS}check()",
    "a function passed first": f"{SETTING}import numba\n{CALLS}passed(fastact.tanh, X); passed(swish, X); check()",
    "vectorize first": f"{SETTING}import numba\n{CALLS}elementwise(X); check()",
    "a signature first": f"{SETTING}import numba\nnumba.njit('f8(f8)')(lambda x: fastact.sigmoid(x)){CALLS}check()",
    "an activation made last": (
        f"{SETTING}import numba\n{USED}swish = fastact.activation(lambda x: x * fastact.sigmoid(x)){CALLS}check()"
    ),
}


@pytest.mark.parametrize("order", long_but_for(["an activation made last"], ORDERS))
def test_numba_finds_us_in_any_order(order: str, filled: Path) -> None:
    run(ORDERS[order], filled)


@pytest.mark.parametrize("order", long_but_for(["ours first"], ["ours first", "Numba first", "Numba used first"]))
def test_with_jit_disabled(order: str, filled: Path) -> None:
    run(ORDERS[order], filled, NUMBA_DISABLE_JIT="1")


@pytest.mark.long
def test_in_a_spawned_child(filled: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import numba\n{SETTING}{CALLS}\nif __name__ == '__main__':\n    import multiprocessing\n    check()\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        pool.apply(check)\n"
    )
    run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", filled)


FOUND = f"""{SETTING}
import numba
assert numba.njit(lambda function, x: function(x) + fastact.relu(x))(fastact.relu, 2.0) == 4
"""


def test_from_a_zip(tmp_path: Path) -> None:
    """There is no file beside it that says to Numba where it is."""
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in PACKAGE.rglob("*.py"):
            file.write(path, path.relative_to(PACKAGE.parent))
    code = f"import sys; sys.path.insert(0, {str(archive)!r})\n{FOUND}\nassert '.zip' in fastact.__file__"
    run(code, tmp_path / "store")


@pytest.mark.long
def test_a_copy_without_metadata(tmp_path: Path) -> None:
    """In a program of somebody's that carries the package along: isolated from what is installed for the tests."""
    copy = tmp_path / "program"
    copy_of_package(copy)
    without = """
from importlib import metadata
metadata.entry_points = lambda **_: metadata.EntryPoints(())
"""
    run(f"{without}import sys; sys.path.insert(0, {str(copy)!r})\n{FOUND}", tmp_path / "store")


@pytest.mark.long
def test_a_copy_of_another_name(tmp_path: Path) -> None:
    """In somebody's package, beside the one that is installed."""
    vendor = tmp_path / "program" / "vendor"
    copy_of_package(vendor)
    code = f"{SETTING.replace('import fastact', 'from program.vendor import fastact')}import numba\n{CALLS}check()"
    as_well = f"import fastact\nassert not fastact.__file__.startswith('{tmp_path}')\ncheck()"
    store = tmp_path / "store"
    for use in (code, f"{code}\n{as_well}", f"import fastact\nfastact.sigmoid(1.0)\n{code}\n{as_well}"):
        run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{use}", store)
    assert len(list(store.rglob("swish-float64-*.o"))) == 1
