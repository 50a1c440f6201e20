"""One row is all that an activation needs: one that is added is found everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import fastact
from fastact._runtime import registry

from .processes import ROOT, copy_of_package, run
from .test_docs import README, accuracy_table

ADDED = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import inspect, io
import numpy as np
import fastact
from fastact._runtime.registry import Ulp, row
X = np.linspace(-4, 4, 1001)

def quotient(x):
    return x / (1 + abs(x))
def plain_softsign(x, out):
    np.abs(x, out=out)
    np.add(out, 1, out=out)
    return np.divide(x, out, out=out)
@row(kernel=quotient, numpy=plain_softsign, ulp=Ulp(0.51, 1.5, 1.5, 1.5))
def softsign(m, x):
    '''The quotient of x and 1 + |x|.'''
    return x / (1 + abs(x))

def scaled(x, alpha):
    return alpha * x
@row(kernel=scaled, numpy=lambda x, alpha, out: np.multiply(x, alpha, out=out), ulp=Ulp(0.51, 0.5, 0.5, 0.5))
def steep(m, x, alpha=3.0):
    '''x times alpha.'''
    return alpha * x
"""


def test_on_the_face() -> None:
    code = """
assert fastact.softsign is softsign and isinstance(softsign, np.ufunc)
assert {"softsign", "steep"} < set(fastact.__all__) < set(dir(fastact))
assert "The quotient of x" in softsign.__doc__
assert str(inspect.signature(fastact.steep)).startswith("(x: 'Any', /, alpha: 'Any' = 3.0, out: 'Any' = None")
np.testing.assert_allclose(fastact.softsign(X), X / (1 + abs(X)), rtol=1e-15)
np.testing.assert_array_equal(fastact.steep(X), 3 * X)
np.testing.assert_array_equal(fastact.steep(X, 0.5, out=np.empty(1001)), 0.5 * X)
"""
    run(ADDED + code)


@pytest.mark.long
def test_in_the_neuron_and_inside_njit() -> None:
    code = """
import numba
x, w = np.outer(X, [1, 2, 3]), np.array([0.1, 0.2, 0.3])
np.testing.assert_array_equal(fastact.neuron(x, w, 0.5, "softsign"), softsign(fastact.neuron(x, w, 0.5, None)))
np.testing.assert_array_equal(fastact.neuron(x, w, 0.5, fastact.steep, 2), 2 * fastact.neuron(x, w, 0.5, None))
try:
    fastact.neuron(x, w, 0.5, "unknown")
except ValueError as error:
    assert "softsign, steep" in str(error)
@numba.njit
def call(x, w):
    return fastact.softsign(x), fastact.steep(x), fastact.steep(x, 0.5), fastact.neuron(x, w, 0.5, "softsign")
@numba.njit
def passed(function, x):
    return function(x)
one, two, three, four = call(x, w)
np.testing.assert_array_equal(one, softsign(x))
np.testing.assert_array_equal(two, 3 * x)
np.testing.assert_array_equal(three, 0.5 * x)
np.testing.assert_array_equal(four, fastact.neuron(x, w, 0.5, "softsign"))
np.testing.assert_array_equal(passed(fastact.steep, x), 3 * x)
np.testing.assert_array_equal(passed(fastact.softsign, x), one)
fastact.warmup()
"""
    run(ADDED + code)


def test_in_the_report_and_the_curves(tmp_path: Path) -> None:
    code = f"""
from fastact._shell import curves, measure, report, subjects
from fastact._runtime import registry
measure._SECONDS, subjects.SAMPLES = 0.001, 99
for name in set(registry.rows) - {{"sigmoid", "softsign", "steep"}}:
    del registry.rows[name]
lines = [line.split() for line in report.lines()]
for name in ("softsign", "steep"):
    assert [line[1] for line in lines if line[:1] == [name] and len(line) > 7] == ["float16", "float32", "float64"]
    assert [line for line in lines if line[:1] == [name] and len(line) == 7]  # the simulation
curves.draw({str(tmp_path / "curves.svg")!r}, list(registry.rows))
"""
    run(ADDED + code)
    assert (tmp_path / "curves.svg").exists()


def test_in_the_oracle_the_benchmarks_and_the_table_of_the_readme() -> None:
    code = """
from asv_bench.benchmarks import activations
from tests import reference, test_docs
assert {"softsign", "steep"} < set(reference.ACTIVATIONS) and {"softsign", "steep"} < set(activations.NAMES)
assert float(reference.exact("softsign", 2.0)) == 2 / 3
x = X.astype(np.float32)
np.testing.assert_array_equal(reference.in_float64("steep", x), 3 * x.astype(float))
assert activations.defaults("steep", "float32") == [3.0]
assert "| `softsign` | 0.51 | 1.5 | 1.5 | 1.5 |" in test_docs.accuracy_table()
"""
    run(ADDED + code)


def test_the_table_of_the_readme() -> None:
    assert accuracy_table() in README.read_text(encoding="utf-8")


def test_the_types_name_every_activation() -> None:
    stub = ast.parse((Path(fastact.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    names = {
        node.target.id for node in stub.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    names |= {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert {name for name in names if not name.startswith("_")} == set(fastact.__all__)
    assert set(registry.rows) < set(fastact.__all__)


@pytest.mark.long
def test_the_example_of_how_to_add_one(tmp_path: Path) -> None:
    kernel, row = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    package = copy_of_package(tmp_path)
    for name, block in (("_kernels/sigmoids.py", kernel), ("_runtime/activations.py", row)):
        path = package / name
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{block}", encoding="utf-8")
    code = f"""
import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]
import doctest, numba, numpy as np, fastact
assert fastact.__file__.startswith({str(tmp_path)!r})
from tests.reference import ACTIVATIONS, ROWS, exact, hard_float64, in_float64, patterns, ulps
x = patterns(np.float32, step=4099)
x = x[~np.isnan(x) & ~np.isinf(x)]
assert ulps(fastact.softsign(x), in_float64("softsign", x)).max() <= ROWS["softsign"].ulp.float32
x = np.linspace(-3, 3, 101)
np.testing.assert_array_equal(numba.njit(lambda x: fastact.softsign(x))(x), fastact.softsign(x))
np.testing.assert_array_equal(fastact.neuron(x[:, None], x[:1], 0.5, "softsign"), fastact.softsign(x * x[0] + 0.5))
doctest.run_docstring_examples(fastact.softsign, {{}})
"""
    assert run(code, tmp_path / "store") == ""
