"""Type checkers see what the face takes and gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CALLS = Path(__file__).parent / "users_calls.py"
ROOT = CALLS.parent.parent


def check(*command: str, folder: Path) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_by_mypy(tmp_path: Path) -> None:
    check("mypy", "--strict", "--cache-dir", str(tmp_path), str(CALLS), folder=ROOT)


def test_by_pyright(tmp_path: Path) -> None:
    configuration = {
        "include": [str(CALLS)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "standard",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(configuration), encoding="utf-8")
    check("basedpyright", "-p", str(tmp_path), "--pythonpath", sys.executable, folder=tmp_path)
