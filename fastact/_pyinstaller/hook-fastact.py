"""What a frozen program needs to have: the modules that are imported by name, all sources as files, and machine code.

The keys of compiled code are made of the sources, and of the version of Numba, which is read from its file.
"""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

from fastact._runtime.threads import installed_tbb

hiddenimports = collect_submodules("fastact", filter=lambda name: "_pyinstaller" not in name)
datas = collect_data_files("fastact", include_py_files=True)
module_collection_mode = {"fastact": "py", "numba._version": "py"}

binaries = [(str(library), ".") for library in installed_tbb()]  # which Numba's extension does not say where to find
