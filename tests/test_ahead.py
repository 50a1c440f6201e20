"""Machine code that was compiled before the package was installed: taken where it fits, and nowhere else.

The tests of a whole wheel have one where FASTACT_WHEEL names it; the others compile a little of it into a copy.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from fastact._runtime import entry_file, numba_settings
from fastact._runtime.levels import LEVELS, Level, best

from .processes import (
    EVERY_UFUNC,
    FIND_TESTS,
    HERE,
    copy_of_package,
    installed_in,
    on_level,
    run,
    skip_unless_it_runs,
    start,
    symbol_of,
)

IDS = [level.name for level in LEVELS]

pytestmark = pytest.mark.skipif(HERE is None, reason="nothing is compiled ahead for such a processor")


def test_a_level_is_chosen_by_features() -> None:
    assert best(()) is None
    for i, level in enumerate(LEVELS):
        assert best(frozenset(level.features)) == level
        assert best({*level.features, "anything"}) == level
        for feature in level.features:
            assert best(set(level.features) - {feature}) in (*LEVELS[i + 1 :], None)


def test_usable_features_are_those_of_the_processor_and_of_the_settings() -> None:
    ask = "from fastact._runtime.numba_settings import usable_features as f\nprint(*sorted(f()))"
    everything = set(run(ask).split())
    feature = HERE.features[0] if HERE else ""
    assert feature in everything
    assert set(run(ask, NUMBA_CPU_NAME="any", NUMBA_CPU_FEATURES=f"+{feature},-fma,+no-such").split()) == {feature}
    assert set(run(ask, NUMBA_CPU_NAME="generic").split()) == set()
    assert set(run(ask, NUMBA_CPU_NAME=LEVELS[0].name).split()) == everything  # a name tells nothing
    assert not any(name.startswith("avx") for name in run(ask, NUMBA_ENABLE_AVX="0").split())


SOME = """
from fastact._runtime import levels, store, registry
store.level_ahead = levels.LEVELS[{}]
registry.rows["sigmoid"].activation.loop("d").load()
store.load_own("drive_part")
"""
USE = "import sys, numpy as np, fastact; assert (fastact.sigmoid(np.zeros(9)[::2]) == 0.5).all()"
NOT_COMPILED = f"{USE}; assert 'numba' not in sys.modules"
COMPILED = f"{USE}; assert 'fastact._compiler' in sys.modules"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that has a little machine code."""
    folder = tmp_path_factory.mktemp("made")
    copy_of_package(folder)
    for i, level in enumerate(LEVELS):
        if level == HERE or level == LEVELS[-1]:
            run(SOME.format(i), folder / "cache", **on_level(level, folder))
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """One that may be changed."""
    return Path(shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns("cache")))


def code_files(folder: Path, level: Level) -> list[Path]:
    found = sorted((folder / "fastact" / "_machine_code" / level.name).glob("*.o"))
    assert len(found) == 3
    return found


def kept(cache: Path) -> list[str]:
    """What is kept of what was compiled on use, in words."""
    return sorted(path.name.split("-")[0] for path in cache.rglob("*.o") if not path.name.startswith("ask"))


def test_it_is_taken(made: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run(NOT_COMPILED, tmp_path, **installed_in(made))
    assert kept(tmp_path) == []
    run(NOT_COMPILED, "/dev/null/nowhere", **installed_in(made))


@pytest.mark.long
def test_a_lower_level_is_taken(made: Path, tmp_path: Path) -> None:
    lowest = LEVELS[-1]
    run(NOT_COMPILED, tmp_path, **on_level(lowest, made))
    run(COMPILED, tmp_path, **on_level(lowest._replace(features=lowest.features[1:]), made))
    assert kept(tmp_path) == ["drive", "drive_part", "sigmoid"]


@pytest.mark.long
def test_it_is_compiled_on_demand(made: Path, tmp_path: Path) -> None:
    run(NOT_COMPILED, tmp_path, **installed_in(made), FASTACT_NO_AOT="0")
    run(COMPILED, tmp_path, **installed_in(made), FASTACT_NO_AOT="1")
    assert kept(tmp_path) == ["drive", "drive_part", "sigmoid"]


@pytest.mark.long
def test_what_is_not_there_is_compiled(made: Path, tmp_path: Path) -> None:
    run("import fastact; assert fastact.tanh(0.0) == 0", tmp_path, **installed_in(made))
    assert kept(tmp_path) == ["tanh"]


@pytest.mark.long
@pytest.mark.parametrize("damage", ["", "cut", "flipped", "other"])
def test_a_damaged_file_is_compiled_again(damage: str, copy: Path, tmp_path: Path) -> None:
    assert HERE is not None
    *_, last = code_files(copy, HERE)
    content = last.read_bytes()
    middle = len(content) // 2
    last.write_bytes(
        {
            "": b"",
            "cut": content[:-1],
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "other": code_files(copy, HERE)[0].read_bytes(),
        }[damage]
    )
    run(COMPILED, tmp_path / "cache", **installed_in(copy))
    assert kept(tmp_path / "cache") == ["sigmoid"]


@pytest.mark.long
def test_code_that_needs_what_the_processor_lacks(copy: Path, tmp_path: Path) -> None:
    """Though it lies where that for a lower level does."""
    assert HERE is not None
    for path in code_files(copy, HERE):
        symbol = symbol_of(path)
        entry = entry_file.unpacked(path.read_bytes(), symbol)
        assert entry is not None
        assert entry.features == HERE.features
        path.write_bytes(entry_file.packed(entry._replace(features=(*entry.features, "no-such")), symbol))
    run(COMPILED, tmp_path / "cache", **installed_in(copy))
    assert kept(tmp_path / "cache") == ["drive", "drive_part", "sigmoid"]


def test_other_sources(copy: Path, tmp_path: Path) -> None:
    source = copy / "fastact" / "_kernels" / "sigmoids.py"
    source.write_text(source.read_text() + "\n")
    run(COMPILED, tmp_path / "cache", **installed_in(copy))
    assert kept(tmp_path / "cache") == ["drive", "drive_part", "sigmoid"]


WITHOUT_NUMBA = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "numba" else find(name, package)
class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "numba":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse)
"""


def test_without_numba(made: Path, tmp_path: Path) -> None:
    def said(code: str, **variables: str) -> tuple[str, str]:
        done = start(f"{WITHOUT_NUMBA}import fastact\n{code}", tmp_path, **installed_in(made), **variables)
        return done.stdout, done.stderr

    code = f"{NOT_COMPILED}\nassert fastact.sigmoid(np.zeros(10**6))[-1] == 0.5\nfastact.show_config()"
    out, errors = said(code)
    assert errors == ""
    assert re.search("^numba +not installed$", out, re.MULTILINE)
    _, errors = said("fastact.activation(lambda x: 2 * x)(1.0)")
    assert errors.splitlines()[-1] == (
        "ModuleNotFoundError: fastact needs Numba to compile this, and it is not installed: pip install numba"
    )
    out, errors = said("fastact.set_num_threads(2); print(fastact.get_num_threads())")
    assert out == "1\n"
    assert "RuntimeWarning: fastact uses one thread: the threads are Numba's, and it is not installed" in errors
    assert said("print(fastact.activation(lambda x: 2 * x)(1.0))", NUMBA_DISABLE_JIT="1") == ("2.0\n", "")


def test_an_untried_numba_compiles_nothing_ahead(copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(copy / "fastact" / "_machine_code")
    untried = "import numba; numba.__version__ = '0.99.0'\n"
    done = start(untried + SOME.format(0), tmp_path, **installed_in(copy))
    assert "not tried with numba 0.99.0, so nothing is compiled ahead" in done.stderr
    assert not (copy / "fastact" / "_machine_code").exists()


# Of a whole wheel


@pytest.fixture
def whole(wheel: Path | None) -> Path:
    if wheel is None:
        pytest.skip("FASTACT_WHEEL names no wheel")
    return wheel


USE_EVERYTHING = f"""
import sys, numpy as np, fastact
{EVERY_UFUNC}
for function in map(fastact.__dict__.get, fastact.__all__):
    if isinstance(function, np.ufunc):
        fastact.derivative(function)
fastact.warmup()
"""


@pytest.mark.parametrize("level", LEVELS, ids=IDS)
@pytest.mark.parametrize("numba", [True, False])
def test_all_is_there(level: Level, numba: bool, whole: Path, tmp_path: Path) -> None:
    skip_unless_it_runs(level)
    without = "" if numba else WITHOUT_NUMBA
    run(f"{without}{USE_EVERYTHING}assert 'fastact._compiler' not in sys.modules", tmp_path, **on_level(level, whole))
    assert not list(tmp_path.rglob("*.o"))


#: What code may refer to: functions of C that every version of it has, of Python's API, and of Numba's pool.
KNOWN = re.compile(
    "fegetenv|fesetenv|sqrt|printf|Py[A-Z]\\w+|Py_(Inc|Dec)Ref|_PyTime_GetPerfCounter|fastact_callable_\\w+"
    "|(NRT|numba)_\\w+|(get|set)_(num_threads|parallel_chunksize)|(de)?allocate_sched|get_sched_size"
    "|do_scheduling_\\w+"
)


def test_the_tag_is_true(whole: Path) -> None:
    """One version of Python, one kind of machine, and nothing of a newer C library or of any other."""
    (metadata,) = whole.glob("*.dist-info/WHEEL")
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    machine = "x86_64" if LEVELS[0].name.startswith("x86") else "aarch64"
    assert f"Tag: {version}-{version}-manylinux2014_{machine}\n" in metadata.read_text()
    files = list((whole / "fastact" / "_machine_code").rglob("*.o"))
    assert {path.parent.name for path in files} == {"_machine_code", *IDS}
    for path in files:
        entry = entry_file.unpacked(path.read_bytes(), symbol_of(path))
        assert entry is not None
        assert entry.features == next((level.features for level in LEVELS if level.name == path.parent.name), ())
        assert [name for name in entry.outside if not KNOWN.fullmatch(name)] == []
    assert sum(path.stat().st_size for path in files) < 3_000_000


BITS = f"""{FIND_TESTS}import json, hashlib, numpy as np, fastact
from fastact._runtime import softmax
from tests.reference import FUNCTIONS, patterns
def digest(*arrays):
    return hashlib.sha256(b"".join(np.where(np.isnan(a), np.nan, a).tobytes() for a in arrays)).hexdigest()
generator = np.random.default_rng(0)
doubles = generator.integers(0, 2**64, 500_000, np.uint64).view(np.float64)
x = {{
    "float16": [patterns(np.float16, 1)],
    "float32": [patterns(np.float32, 1009), generator.normal(scale=3, size=500_000).astype(np.float32)],
    "float64": [doubles, generator.normal(scale=3, size=500_000)],
}}
found = {{}}
for dtype, each in x.items():
    for name, row in FUNCTIONS.items():
        found[f"{{name}} {{dtype}}"] = digest(*[row.face(a) for a in each])
    for name in softmax.bounds:
        rows = [each[-1][:60_000].reshape(-1, n) for n in (3, 10, 100, 3000)]
        found[f"{{name}} {{dtype}}"] = digest(*[getattr(fastact, name)(a) for a in rows])
    a, b = each[-1][:21_000].reshape(300, 70), each[-1][-21_000:].reshape(70, 300)
    found[f"neuron {{dtype}}"] = digest(
        fastact.neuron(a, b), fastact.neuron(a, b[:, 0]), fastact.neuron(a[0], b, 1.0, None)
    )
print(json.dumps(found))
print(sum(a.size for each in x.values() for a in each), file=sys.stderr)
"""


@pytest.mark.long
def test_the_same_bits_at_every_level(whole: Path) -> None:
    """As from code for the very processor: millions of numbers through every function."""

    def found(**variables: str) -> dict[str, str]:
        done = start(BITS, **variables)
        assert done.returncode == 0, done.stderr
        assert int(done.stderr.split()[-1]) > 5_000_000
        result: dict[str, str] = json.loads(done.stdout)
        return result

    expected = found()
    usable = numba_settings.usable_features()
    for level in LEVELS:
        if usable.issuperset(level.features) and {"fma", "neon"} & set(level.features):
            other = {name for name, digest in found(**on_level(level, whole)).items() if digest != expected[name]}
            # With longer registers tanh of float32 looks up a table, and a sum is one of more partial sums.
            shorter = "avx512f" in usable and "avx512f" not in level.features
            assert other == ({"tanh float32", "neuron float32", "neuron float64"} if shorter else set())
