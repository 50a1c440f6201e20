"""Machine code in the wheel, which `pyproject.toml` has no words for.

A wheel that is built of a source distribution, as `python -m build` does, has machine code for every level of
processors in `fastact/_runtime/levels.py`. One that is built of a clone, as by `pip install .`, has none, and so has
one that is built with FASTACT_NO_AOT=1, for another system or for a Python that no Numba that was tried is there for:
what is used is compiled there when it is first called.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
levels = runpy.run_path(str(ROOT / "fastact" / "_runtime" / "levels.py"))
AHEAD = (
    (ROOT / "PKG-INFO").exists()
    and levels["are_wanted"]()
    and bool(levels["LEVELS"])
    and sys.version_info < (3, 15)  # the first that the newest Numba of `compilers` is not there for
)


class BinaryDistribution(Distribution):  # type: ignore[misc]
    """One whose wheel is for one version of Python and one kind of machine."""

    def has_ext_modules(self) -> bool:
        return True


class BuildAhead(build_py):  # type: ignore[misc]
    """Compile, once the sources are where the wheel is made of."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
            command = [sys.executable, "-m", "fastact._compiler.ahead"]
            subprocess.run(command, cwd=self.build_lib, env=environment, check=True)  # noqa: S603


class ManyLinux(bdist_wheel):  # type: ignore[misc]
    """The code asks nothing of the C library that every version does not have, so the oldest with a name will do."""

    def get_tag(self) -> Any:
        python, abi, system = super().get_tag()
        return python, abi, system.replace("linux_", "manylinux2014_", 1) if system.startswith("linux_") else system


def compilers() -> list[str]:
    """What the build needs: a Numba that was tried, and what comes with it."""
    text = (ROOT / "fastact" / "_kernels" / "requirements.py").read_text(encoding="utf-8")
    versions = dict(re.findall(r"^(LOWEST|NEWEST_TRIED) = \((\d+, \d+)\)", text, re.MULTILINE))
    lowest, newest = (tuple(map(int, versions[name].split(","))) for name in ("LOWEST", "NEWEST_TRIED"))
    return [f"numba>={lowest[0]}.{lowest[1]},<{newest[0]}.{newest[1] + 1}"]


if AHEAD:
    setup(
        distclass=BinaryDistribution,
        cmdclass={"build_py": BuildAhead, "bdist_wheel": ManyLinux},
        setup_requires=compilers(),
    )
else:
    setup()
