"""Each check is one command: `nox -s lint`, `nox -s tests`, ...; `nox -l` lists them."""

from __future__ import annotations

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
    folder = session.create_tmp()
    session.run("python", "-m", "build", "--outdir", folder)
    session.run("bash", "-c", f"twine check --strict {folder}/*", external=True)
    tests = "python -m pytest -n 2 -m '' tests/test_ahead.py tests/test_processors.py"
    session.run("bash", "-c", f"FASTACT_WHEEL=$(echo {folder}/*.whl) {tests}", external=True)


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
    once = ("--quick", "--dry-run", "--launch-method=forkserver")  # imports the package once
    session.run("asv", "run", "--python=same", "--show-stderr", *once, *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Whether what is checked out is slower than main, or what is named after `--`."""
    session.install("-e", ".[bench]")
    session.run("python", "asv_bench/gate.py", *(session.posargs or ["main"]))


@nox.session(venv_backend="none")
def ci(session: nox.Session) -> None:
    """All that CI does."""
    session.run(".ci/run", external=True)
    session.run(".ci/release", external=True)
