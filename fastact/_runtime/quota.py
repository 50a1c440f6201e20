"""How many processors the control groups of Linux let a process use, as those of a container do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def processors(root: Path = Path("/")) -> int | None:
    """The share of processors that the process has, rounded up; None where it has no limit, or none can be read.

    `root` is the folder that has `proc` and what is mounted.
    """
    try:
        found = [share for group in _groups(root) if (share := _share(group)) is not None]
    except (OSError, ValueError):  # not there, or not in the form that Linux documents
        return None
    return max(1, math.ceil(min(found))) if found else None


def _groups(root: Path) -> Iterator[Path]:
    """The folders of the groups that the process is in and of those above them, of either version (cgroups(7))."""
    own = (root / "proc/self/cgroup").read_text().splitlines()
    mounts = (root / "proc/self/mountinfo").read_text().splitlines()
    names: dict[str, str] = {}  # of the group by controller; that of version 2 has none
    for line in own:
        _, controllers, group = line.split(":", 2)
        names |= dict.fromkeys(controllers.split(","), group)
    for line in mounts:
        fields, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        controller = "" if kind == "cgroup2" else "cpu"
        if controller not in names or not (kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(","))):
            continue
        base, mounted = map(_unescaped, fields.split(" ")[3:5])  # what of the tree of groups is mounted, and where
        name = PurePosixPath(names[controller])
        below = name.relative_to(base) if name.is_relative_to(base) else PurePosixPath()
        folder = root / mounted.lstrip("/")
        yield folder
        for part in below.parts:
            folder /= part
            yield folder


def _unescaped(path: str) -> str:
    """A path of `mountinfo`, which has octal numbers for blanks and the like."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _share(group: Path) -> float | None:
    """The processors of a group: time that it may use by the period in which it may."""
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / file).read_text() for file in files).split()
            return int(quota) / int(period) if int(quota) > 0 else None
        except (OSError, ValueError):  # "max", where there is no limit
            pass
    return None
