"""From a function of Python's to an object file."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numba

from .._kernels.numba_internals import make_runtime_known
from .._runtime import linker, numba_settings
from .._runtime.entry_file import Entry
from . import entries, trial
from .compiler_lock import always_compiling, lock

__all__ = ["compiled", "lock"]


def compiled(kind: str, particulars: tuple[Any, ...], symbol: str) -> Entry:
    """The machine code of an entry point, which `entries` describes."""
    with always_compiling():
        # Numba's own just-in-time compiler uses such a machine, so that its optimised IR meets the same target.
        name, features = numba_settings.processor()
        machine = linker.machine(int(numba.config.OPT), name, features)
        trial.try_out_numba()
        function = getattr(entries, kind)(*particulars)
        module = llvm.parse_assembly(function.inspect_llvm())
        module.get_function(function.native_name).name = symbol
        _isolate(module, symbol, machine)
        values = (*module.functions, *module.global_variables)
        outside = [value.name for value in values if value.is_declaration and not value.name.startswith("llvm.")]
        if kind == "loop" and _UNRAISABLE in outside:
            raise TypeError(
                f"{particulars[0].name}() can raise an exception, as print, lists, arrays and a power like x**-2 "
                "(write 1 / x**2) can too, and there is nobody to catch it inside a loop over an array: let it return "
                "a value (NaN, say) for every input"
            )
        return Entry(tuple(outside), numba_settings.named(features), machine.emit_object(module))


_UNRAISABLE = "PyErr_WriteUnraisable"  #: what a C function of Numba's calls with an exception, if one can come to it


def _isolate(module: Any, symbol: str, machine: Any) -> None:
    """Leave one function visible, so that what can not happen, such as an exception, leaves no code behind."""
    for value in (*module.functions, *module.global_variables):
        if not value.is_declaration and value.name != symbol and not value.name.startswith("llvm."):
            value.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()  # what the vectoriser called
    passes.add_ipsccp_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    tuning = llvm.create_pipeline_tuning_options(speed_level=int(numba.config.OPT))
    passes.run(module, llvm.create_pass_builder(machine, tuning))


make_runtime_known()
