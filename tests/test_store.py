"""Compiled once, kept for every later process, and never in anybody's way. Each case runs real processes."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .cases import long_but_for
from .processes import (
    EVERYTHING,
    KERNEL,
    NO_COMPILER,
    copy_of_package,
    edit,
    files,
    filled_store,
    run,
    said,
    start,
    with_copy,
)

USE = "import numpy as np, fastact; half = fastact.sigmoid(np.zeros(3))[0]; assert half == 0.5"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store that has everything."""
    return filled_store(tmp_path)


def kinds(cache: Path) -> list[str]:
    """What is kept, in words, beside what asks Python for a loop."""
    kept = sorted(name.split("/")[-1].split("-")[0] for name in files(cache))
    assert kept.pop(0) == "ask"
    return kept


def test_import_compiles_nothing(tmp_path: Path) -> None:
    run(f"{NO_COMPILER}import fastact", tmp_path)
    assert kinds(tmp_path) == []


@pytest.mark.long
def test_only_what_is_used_is_compiled(tmp_path: Path) -> None:
    run(USE, tmp_path)
    assert kinds(tmp_path) == ["ask", "ask", "drive", "sigmoid"]  # it asks for parts and for threads, too
    run("import fastact, numpy as np; fastact.sigmoid(np.ones(9)[::2])", tmp_path)
    assert kinds(tmp_path) == ["ask", "ask", "drive", "drive_part", "sigmoid"]


def test_later_processes_compile_and_write_nothing(filled: Path) -> None:
    before = files(filled)
    assert before
    for _ in range(2):
        run(f"{NO_COMPILER}{EVERYTHING}", filled)
        assert files(filled) == before


USERS = """
import fastact, numpy as np
@fastact.activation
def swish(x):
    return {factor} * x * fastact.sigmoid(x)
print(swish(np.float64(0.5)))
"""


def test_users_activations_are_kept_too(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    cache = tmp_path / "cache"
    script.write_text(USERS.format(factor=1))
    run(script.read_text(), cache)
    before = files(cache)
    first = run(NO_COMPILER + script.read_text(), cache)
    assert files(cache) == before
    script.write_text(USERS.format(factor=2))
    second = run(script.read_text(), cache)
    assert float(second) == 2 * float(first)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that may be changed."""
    return copy_of_package(tmp_path)


def test_an_edit_of_any_source_is_seen(package: Path, tmp_path: Path) -> None:
    code = with_copy(package, "print(fastact.relu(3.0))")
    assert float(run(code, tmp_path / "cache")) == 3
    edit(package, f"{KERNEL} + x")
    assert float(run(code, tmp_path / "cache")) == 6


def replaced(package: Path) -> str:
    """Code that changes the kernel as an upgrade would."""
    return f"""
from pathlib import Path
kernels = Path({str(package / "_kernels" / "rectifiers.py")!r})
kernels.write_text(kernels.read_text().replace({KERNEL!r}, {KERNEL!r} + " + x"))
"""


@pytest.mark.long
def test_sources_replaced_while_a_process_runs(package: Path, tmp_path: Path) -> None:
    first, second = "print(fastact.relu(3.0))", "import numpy as np; print(fastact.relu(np.float32(3)))"
    code = with_copy(package, f"{first}\n{replaced(package)}\n{second}")
    assert run(code, tmp_path / "cache").split() == ["3.0", "3.0"]
    assert run(with_copy(package, f"{first}; {second}"), tmp_path / "cache").split() == ["6.0", "6.0"]


@pytest.mark.long
def test_sources_replaced_before_the_compiler_is_needed(package: Path, tmp_path: Path) -> None:
    use = "print(fastact.relu(3.0))"
    done = start(with_copy(package, f"{replaced(package)}\n{use}"), tmp_path / "cache")
    assert "RuntimeError: fastact was replaced while this process runs" in done.stderr
    assert float(run(with_copy(package, use), tmp_path / "cache")) == 6


@pytest.mark.parametrize("late", long_but_for(["_runtime/config.py"], ["_runtime/config.py", "_compiler/entries.py"]))
def test_sources_replaced_while_they_are_imported(late: str, package: Path, tmp_path: Path) -> None:
    module = package / late
    module.write_text(module.read_text() + replaced(package))
    use = with_copy(package, "print(fastact.relu(3.0))")
    first = start(use, tmp_path / "cache")
    if late.startswith("_compiler"):
        assert float(first.stdout) == 3  # it had what was there before
    else:
        assert "RuntimeError: fastact was replaced while this process runs" in first.stderr
    module.write_text(module.read_text().replace(replaced(package), ""))
    assert float(run(use, tmp_path / "cache")) == 6


@pytest.mark.long
def test_bytecode_older_than_its_source(package: Path, tmp_path: Path) -> None:
    edit(package, "return zero if x <= zero else x + x")
    kernels = package / "_kernels" / "rectifiers.py"
    code = with_copy(package, "print(fastact.relu(3.0))")
    now = 1_700_000_000
    os.utime(kernels, (now, now))
    assert float(run(code, tmp_path / "cache", PYTHONDONTWRITEBYTECODE="")) == 6
    kernels.write_text(kernels.read_text().replace("else x + x", "else x * 3"))
    (compiled,) = (package / "_kernels" / "__pycache__").glob("rectifiers.*.pyc")
    os.utime(compiled, (now, now))
    os.utime(kernels, ns=(now * 10**9 + 1, now * 10**9 + 1))
    assert float(run(code, tmp_path / "cache")) == 6  # the same second and size: Python takes the old bytecode
    shutil.rmtree(compiled.parent)
    assert float(run(code, tmp_path / "cache")) == 9


@pytest.mark.long
def test_clock_set_back(package: Path, tmp_path: Path) -> None:
    tomorrow = time.time() + 86400
    for path in package.rglob("*.py"):
        os.utime(path, (tomorrow, tomorrow))
    code = with_copy(package, "print(fastact.relu(3.0))")
    for first in ("", NO_COMPILER):
        assert float(run(first + code, tmp_path / "cache", PYTHONDONTWRITEBYTECODE="")) == 3
    assert list((package / "_kernels" / "__pycache__").glob("rectifiers.*.pyc"))


@pytest.mark.long
def test_bytecode_of_sources_edited_since(package: Path, tmp_path: Path) -> None:
    """Python passes it over, and so it says nothing of what runs."""
    code = with_copy(package, "print(fastact.relu(3.0))")
    assert float(run(code, tmp_path / "cache", PYTHONDONTWRITEBYTECODE="")) == 3
    edit(package, f"{KERNEL} + x")
    for first in ("", NO_COMPILER):
        assert float(run(first + code, tmp_path / "cache", PYTHONDONTWRITEBYTECODE="1")) == 6


@pytest.mark.long
def test_nothing_is_kept_without_sources(package: Path, tmp_path: Path) -> None:
    assert compileall.compile_dir(package, quiet=1, legacy=True)
    for path in package.rglob("*.py"):
        path.unlink()
    for path in package.rglob("__pycache__"):
        shutil.rmtree(path)
    code = with_copy(package, "print(fastact.relu(3.0), fastact.__file__)")
    assert run(code, tmp_path / "cache").split() == ["3.0", str(package / "__init__.pyc")]
    assert set(kinds(tmp_path / "cache")) <= {"ask"}


@pytest.mark.long
def test_functions_of_one_name_have_symbols_of_their_own(tmp_path: Path) -> None:
    code = """
import numpy as np, fastact
def make(factor, unseen):
    def scaled(x):
        return factor * x + unseen[0]
    return fastact.activation(scaled)
class Unseen(tuple): pass
made = {(f, u): make(f, (u,)) for f in (2.0, 3.0) for u in (0.0, 1.0)}
for order in (sorted(made), sorted(made, reverse=True)):
    for factor, unseen in order:
        assert made[factor, unseen](5.0) == factor * 5 + unseen
"""
    for _ in range(2):
        run(code, tmp_path)


@pytest.mark.long
def test_damaged_entries_are_compiled_again(filled: Path) -> None:
    before = set(files(filled))
    used = [name for name in sorted(before) if re.search("/sigmoid-float64|drive-|drive_part|enter|dots-float64", name)]
    assert len(used) == 6
    for i, name in enumerate(used):
        path = filled / name
        content = path.read_bytes()
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes([b"", content[:-7], flipped, b"x" * 5000, content + b"x"][i % 5])
    run(f"{USE}; fastact.sigmoid(np.ones(9)[::2]); fastact.neuron(np.ones(3), np.ones(3))", filled)
    assert set(files(filled)) == before
    run(f"{NO_COMPILER}{EVERYTHING}", filled)


def test_no_folder_at_all(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    run(USE, blocked / "below")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


@pytest.mark.long
def test_two_processes_fill_one_store(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run(USE, tmp_path), range(4)))
    before = files(tmp_path)
    assert not [name for name in before if name.endswith(".tmp")]
    run(f"{NO_COMPILER}{USE}", tmp_path)
    assert files(tmp_path) == before


@pytest.mark.long
def test_warmup_goes_on_after_a_broken_activation(filled: Path) -> None:
    code = """
import fastact
@fastact.activation
def broken(x):
    return nowhere(x)
@fastact.activation
def sound(x):
    return x + 1
fastact.warmup()
import numba.core.compiler as compiler
compiler.compile_extra = None
assert sound(1.0) == 2
"""
    assert said(code, filled).count("broken of float") == 3
    run(f"{NO_COMPILER}{EVERYTHING}", filled)


FROZEN = """
import sys, numba, numpy as np, fastact
change = sys.argv[1:] == ["change"]
k = 2.0 if change else 3.0
@numba.njit
def helper(x):
    return k * x
@fastact.activation
def inner(x):
    return k * x
def made():
    @fastact.activation
    def direct(x):
        return helper(x) + 1.0
    @fastact.activation
    def around(x):
        return inner(x) + 1.0
    return direct, around
def use(step):
    return [f(t(1)) for f in (*made(), inner) for t in ((np.float64, np.float32) if step else (np.float16,))]
{first}
if change:
    use(0)
    k = 3.0
use(1)
print(*use(1), *use(0))
"""


@pytest.mark.long
@pytest.mark.parametrize("first", ["", "helper(1.0)", "helper(np.float32(1))"])
def test_values_that_changed_after_something_was_compiled(first: str, tmp_path: Path) -> None:
    """Numba has taken the old ones; code with them is not kept as that of the new ones."""
    script = FROZEN.format(first=f"if change: {first}" if first else "")
    run(f"import sys; sys.argv = ['', 'change']\n{script}", tmp_path)
    right = run(f"import sys; sys.argv = ['', '']\n{script}", tmp_path)
    assert list(map(float, right.split())) == [4.0, 4.0, 4.0, 4.0, 3.0, 3.0, 4.0, 4.0, 3.0]


@pytest.mark.parametrize("options", long_but_for(["cache=True"], ["", "cache=True"]))
def test_values_of_a_module_that_changed_after_a_helper_was_compiled(options: str, tmp_path: Path) -> None:
    (tmp_path / "values.py").write_text("k = 2.0\n")
    helper = f"import numba, values\n@numba.njit({options})\ndef helper(x):\n    return values.k * x\n"
    (tmp_path / "helpers.py").write_text(helper)
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import fastact, helpers, values
FIRST
values.k = 3.0
print(fastact.activation(lambda x: helpers.helper(x) + 1.0)(1.0))
"""
    assert run(code.replace("FIRST", "helpers.helper(1.0)"), tmp_path) == "3.0\n"
    for kept_by_numba in [*tmp_path.rglob("*.nbi"), *tmp_path.rglob("*.nbc")]:
        kept_by_numba.unlink()
    assert run(code.replace("FIRST", ""), tmp_path) == "4.0\n"


@pytest.mark.long
def test_what_calls_a_helper_is_kept_for_every_type(tmp_path: Path) -> None:
    code = """
import numba, numpy as np, fastact
k = 2.0
@numba.njit
def helper(x):
    return k * x
made = fastact.activation(lambda x: helper(x) + 1.0)
print(made(1.0), made(np.float32(1)), numba.njit(lambda x: made(x))(1.0))
"""
    assert run(code, tmp_path).split() == ["3.0", "3.0", "3.0"]
    before = files(tmp_path)
    assert len([name for name in before if "lambda" in name]) == 2
    assert run(code, tmp_path).split() == ["3.0", "3.0", "3.0"]
    assert files(tmp_path) == before


@pytest.mark.long
def test_a_name_that_the_file_system_has_no_letters_for(tmp_path: Path) -> None:
    code = (
        'import fastact\nexec("def s\\xe9il(x): return x * 2")\nassert fastact.activation(vars()["s\\xe9il"])(1.0) == 2'
    )
    run(code, tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert any(name.startswith("fastact/s_il") for name in files(tmp_path))


@pytest.mark.long
def test_an_entry_under_another_name_is_not_taken(filled: Path) -> None:
    folder = filled / "fastact"
    for one, other in (("sigmoid-float64", "tanh-float64"), ("drive-", "drive_part-")):
        (source,), (target,) = folder.glob(f"{one}*"), folder.glob(f"{other}*")
        shutil.copy(source, target)
    run("import numpy as np, fastact\nnp.testing.assert_allclose(fastact.tanh(np.ones(5)), np.tanh(1.0))", filled)
