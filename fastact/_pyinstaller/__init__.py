"""What PyInstaller is told, which finds this folder by the entry point `pyinstaller40`."""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """Where the hook is."""
    return [str(Path(__file__).parent)]
