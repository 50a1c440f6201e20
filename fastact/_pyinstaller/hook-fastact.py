"""What a frozen program needs to have: the modules that are imported by name, all sources as files, and machine code.

The keys of compiled code are made of the sources, and of the version of Numba, which is read from its file.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("fastact", filter=lambda name: "_pyinstaller" not in name)
datas = collect_data_files("fastact", include_py_files=True)
module_collection_mode = {"fastact": "py", "numba._version": "py"}

# Numba's threads are those of a library that it does not name a place of.
binaries = [
    (str(found.locate_file(file)), ".")
    for found in metadata.distributions(name="tbb")
    for file in found.files or ()
    if file.name in ("libtbb.so.12", "tbb12.dll") and Path(str(found.locate_file(file))).exists()
]
