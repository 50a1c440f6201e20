"""The threats of SECURITY.md: code is taken from nobody but the user, root and those who can write the package."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastact
from fastact._runtime import store

from .processes import NO_COMPILER, files, run, said

USE = "import numpy as np, fastact; assert fastact.sigmoid(np.zeros(3))[0] == 0.5"


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("filled")
    run(USE, cache)
    return cache


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Path:
    """A store of its own that has what is used here."""
    return shutil.copytree(filled_once, tmp_path, dirs_exist_ok=True)


not_windows = pytest.mark.skipif(sys.platform == "win32", reason="permissions are access lists there")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")


@not_windows
@pytest.mark.parametrize(("mode", "who"), [(0o777, "others"), (0o775, "its group")])
def test_a_folder_that_others_can_write_is_not_used(filled: Path, mode: int, who: str) -> None:
    before = files(filled)
    (filled / "fastact").chmod(mode)
    assert re.findall("RuntimeWarning: .*: (.*);", said(USE, filled)) == [f"{who} can write it"]
    assert files(filled) == before


@not_windows
def test_a_file_that_others_can_write_is_not_used(filled: Path) -> None:
    for name in files(filled):
        (filled / name).chmod(0o666)
    assert re.findall("RuntimeWarning: .*: (.*);", said(USE, filled)) == ["others can write it"] * 2


# All that a compilation imports is there before the user changes, who may not be allowed to read it.
AS_NOBODY = """
import os, multiprocessing
before, os.environ["NUMBA_CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"], os.devnull
import fastact
fastact.activation(lambda x: 2 * x)(1.0)
os.environ["NUMBA_CACHE_DIR"] = before
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user can come to."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.long
@as_root
def test_a_folder_filled_by_root_serves_other_users(open_path: Path) -> None:
    run(USE, open_path)
    before = files(open_path)
    run(f"{AS_NOBODY}{NO_COMPILER}{USE}", open_path)
    assert "(read only)" in run(
        f"{AS_NOBODY}fastact.activation(lambda x: 3 * x)(1.0); fastact.show_config()", open_path
    )
    assert files(open_path) == before


@as_root
def test_a_folder_of_another_user_is_not_used(open_path: Path) -> None:
    open_path.chmod(0o777)
    run(f"{AS_NOBODY}fastact.tanh(1.0)", open_path)
    before = files(open_path)
    assert before
    assert re.findall("RuntimeWarning: .*: (.*);", said(USE, open_path)) == ["it belongs to another user"]
    assert files(open_path) == before


@pytest.mark.long
@not_windows
@pytest.mark.parametrize("home", [{}, {"HOME": "somewhere", "XDG_CACHE_HOME": "there"}])
def test_no_code_is_kept_where_the_process_happens_to_be(home: dict[str, str], tmp_path: Path) -> None:
    code = f"""
import os, pwd
def nobody(user):
    raise KeyError(user)
pwd.getpwuid = nobody
os.chdir({str(tmp_path)!r})
for name in ("HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
    os.environ.pop(name, None)
os.environ |= {home}
{USE}
fastact.show_config()
"""
    assert "none (there is no home folder: code stays in memory)" in run(code)
    assert not files(tmp_path)


def test_a_relative_folder_is_that_of_the_import(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    code = f"""
import os
os.chdir({str(first)!r})
import numpy as np, fastact
os.chdir({str(second)!r})
assert fastact.sigmoid(np.zeros(3))[0] == 0.5
"""
    run(code, "cache")
    assert any("sigmoid" in name for name in files(first / "cache"))
    assert not files(second)
    run(NO_COMPILER + code, "cache")


def test_on_windows_only_the_users_profile_is_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    (tmp_path / "home" / "cache").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    for folder, private in ((tmp_path / "home" / "cache", True), (tmp_path / "shared", False)):
        assert store._private(folder.stat(), folder, warn=False) == private
    with pytest.warns(RuntimeWarning, match="it is not in the user's profile"):
        store._private((tmp_path / "shared").stat(), tmp_path / "shared")


@as_root
def test_a_folder_that_may_not_be_searched(open_path: Path) -> None:
    (open_path / "closed").mkdir(mode=0)
    code = f"os.environ['NUMBA_CACHE_DIR'] = {str(open_path / 'closed' / 'cache')!r}\nfastact.show_config()"
    assert "(can not be made: code stays in memory)" in run(AS_NOBODY + code, open_path)


def entry(cache: Path) -> Path:
    """The file of the code of `sigmoid`."""
    (found,) = cache.rglob("sigmoid-*.o")
    return found


@as_root
def test_a_link_to_a_file_of_another_user_is_not_followed(filled: Path) -> None:
    path = entry(filled)
    other = path.rename(filled / "other")
    os.chown(other, 65534, 65534)
    path.symlink_to(other)
    assert "it belongs to another user" in said(USE, filled)


@as_root
def test_a_file_that_is_exchanged_after_the_folder_was_looked_at(filled: Path) -> None:
    """What is checked is what was opened."""
    code = f"""
import os
from fastact._runtime import store
stat = os.stat
def exchanged(path, *arguments, **keywords):
    result = stat(path, *arguments, **keywords)
    if str(path).endswith("fastact") and os.path.exists({str(entry(filled))!r}):
        os.chown({str(entry(filled))!r}, 65534, 65534)
    return result
os.stat = exchanged
"""
    assert "it belongs to another user" in said(f"{code}{USE}", filled)


@not_windows
def test_whatever_the_mask_nobody_else_can_write(tmp_path: Path) -> None:
    run(f"import os; os.umask(0)\n{USE}", tmp_path)
    assert files(tmp_path)
    for path in (tmp_path / "fastact").rglob("*"):
        assert path.stat().st_mode & 0o022 == 0
    assert (tmp_path / "fastact").stat().st_mode & 0o022 == 0


@not_windows
def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Not even where the name of the temporary file is known."""
    folder, victim = tmp_path / "fastact", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("kept")
    (folder / f".{bytes(8).hex()}.tmp").symlink_to(victim)
    run(f"import os; os.urandom = bytes\n{USE}", tmp_path)
    assert victim.read_text() == "kept"


def test_nothing_is_unpickled() -> None:
    for path in Path(fastact.__file__).parent.rglob("*.py"):
        assert not re.search(r"import (pickle|marshal|shelve)\b|\b(eval|exec)\(", path.read_text(encoding="utf-8")), (
            path
        )
