"""Each check is one command: `nox -s lint`, `nox -s tests`, ...; `nox -l` lists them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """What runs at each commit: the linters, the types."""
    session.install("pre-commit", "-e", ".[test]")
    session.run("pre-commit", "run", "--all-files")


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The tests; `nox -s tests-3.13 -- -m long` those that take long."""
    session.install("-e", ".[test]")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """A wheel with machine code, and the tests of it."""
    session.install("build", "twine", "-e", ".[test]")
    dist = _dist(session)
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    files = ("tests/test_ahead.py", "tests/test_processors.py")
    session.run("pytest", "-n", "2", "-m", "", *files, env={"FASTACT_WHEEL": _wheel(session)})


@nox.session(requires=["wheel"])
def without_numba(session: nox.Session) -> None:
    """The wheel where there is no Numba and nowhere to keep code."""
    session.install("numpy", "llvmlite")
    session.install("--no-deps", _wheel(session))
    with tempfile.TemporaryDirectory() as apart, session.chdir(apart):
        for command in ("warmup", "config"):
            session.run("python", "-W", "error", "-m", "fastact", command, env={"NUMBA_CACHE_DIR": "/dev/null/nowhere"})


@nox.session(requires=["wheel"])
def oldest(session: nox.Session) -> None:
    """The wheel beside the oldest Numba and NumPy, as far as the tests rest on these."""
    dependencies = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
    versions = [f"{each.replace('>=', '==')}.*" for each in dependencies if each.startswith(("numba>=", "numpy>="))]
    tools = ("hypothesis", "mpmath", "pytest", "pytest-timeout", "pytest-xdist", "scipy")
    wheel = _wheel(session)
    session.install(wheel, *versions, *tools)
    files = [f"tests/test_{name}.py" for name in ("ahead", "njit", "threads", "activation", "softmax")]
    some = (
        "is_taken",
        "test_threads",
        "test_activation and inside_njit",
        "sigmoid and as_arguments",
        "relu and same_bits",
    )
    with tempfile.TemporaryDirectory() as apart:
        shutil.copy("pyproject.toml", apart)
        for folder in ("tests", "asv_bench"):
            shutil.copytree(folder, Path(apart, folder), ignore=shutil.ignore_patterns(".asv"))
        with session.chdir(apart):
            command = ("python", "-m", "pytest", "-n", "2", "-m", "", "-p", "no:cacheprovider", *files)
            session.run(*command, "-k", " or ".join(some), env={"FASTACT_WHEEL": wheel})


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in `docs/site`; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-c", "docs", ".", "docs/site")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Each benchmark once; `nox -s benchmarks -- --bench neuron` those of that name."""
    session.install("-e", ".[bench]")
    session.chdir("asv_bench")
    session.run("asv", "machine", "--yes")
    session.run("asv", "check", "--python=same")
    once = ("--quick", "--dry-run", "--launch-method=forkserver")  # imports the package once
    session.run("asv", "run", "--python=same", "--show-stderr", *once, *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Whether what is checked out is slower than main, or what is named after `--`."""
    session.install("-e", ".[bench]")
    session.run("python", "asv_bench/gate.py", *(session.posargs or ["main"]))


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """What CI does beside `.ci/run`."""
    for check in ("wheel", "without_numba", "oldest", "docs"):
        session.notify(check)
    session.notify("benchmarks", ["--bench", r"\('?float32|(sigmoid|silu|softmax)'?, '?float32|process|[nN]euron"])
    # Whether the gate works: a machine that others use as well is none to judge by.
    few = "Small.*(sigmoid, float32|leaky_relu, float64), 100"
    session.notify("gate", ["HEAD", "HEAD", "--threshold", "1.5", "--only", few])


@nox.session(venv_backend="none")
def ci(session: nox.Session) -> None:
    """All that CI does."""
    session.run(".ci/run", external=True)
    session.notify("release")


def _dist(session: nox.Session) -> Path:
    return session.cache_dir / "dist"


def _wheel(session: nox.Session) -> str:
    (wheel,) = _dist(session).glob("*.whl")
    return str(wheel.absolute())
