"""What an activation is: a row for each, from which everything else that is known of it follows."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import re
import textwrap
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import door
from .pickling import stands_behind
from .sources import PACKAGE
from .ufunc import Activation, find


class Ulp(NamedTuple):
    """The largest errors, in units in the last place, subnormal results included."""

    float16: float
    float32: float
    float64: float
    unfused: float  #: of float32 and float64 on a processor without fused multiply-add


class Row(NamedTuple):
    """An activation that has a name."""

    name: str
    face: Callable[..., Any]  #: what users call: the ufunc, or a function that fills in a default
    activation: Activation
    defaults: tuple[float, ...]  #: of the inputs after x, if they have any
    definition: Callable[..., Any]  #: `definition(m, x, alpha)`, in as many digits as the functions of `m` give
    ulp: Ulp
    numpy: Any = None  #: `numpy(x, alpha, out)`, the quickest plain NumPy; None for a derivative
    domain: tuple[float, float] = (-math.inf, math.inf)  #: outside of which it is NaN
    crossing: float | None = None  #: where a derivative is 0 by cancellation; the bounds hold 0.3 from there on


rows: dict[str, Row] = {}


def of_x_alone() -> dict[str, Row]:
    """The rows of functions that may be called with x and nothing else, by name."""
    return {name: row for name, row in rows.items() if row.activation.inputs == 1 + len(row.defaults)}


#: Called with each row that is added: so the face shows it, and the half that compiles knows it.
when_added: list[Callable[[Row], None]] = []

#: What makes the row of the derivative of an activation, by its name.
derivatives: dict[str, Callable[[], Row]] = {}

#: Such rows that were made, and what is called with each.
derived: list[Row] = []
when_derived: list[Callable[[Row], None]] = []

_by_kernel: dict[Any, Activation] = {}
_by_face: dict[Any, Row] = {}


def row(
    *,
    numpy: Callable[..., Any],
    ulp: Ulp,
    kernel: str | types.FunctionType | None = None,
    integers: bool = False,
    memory_bound: bool = False,
    domain: tuple[float, float] = (-math.inf, math.inf),
) -> Callable[[Callable[..., Any]], Any]:
    """Make a row of a definition, whose name, parameters, default and docstring it takes; gives what users call.

    The docstring is what is particular to the function; what is the same of all is added (`_documented`).

    Parameters
    ----------
    numpy, ulp, domain : callable, Ulp, tuple of two numbers
        As in `Row`.
    kernel : str or function, optional
        The function of numbers, or the name of one in `_kernels.scalar`; by default that of the definition. Rows of
        one kernel share their compiled code.
    integers, memory_bound : bool, optional
        As for `fastact.activation`.
    """

    def add(definition: Callable[..., Any]) -> Any:
        name, doc = definition.__name__, inspect.getdoc(definition) or ""
        made = _row(name, doc, definition, ulp, kernel or name, integers, memory_bound)
        rows[name] = added = made._replace(numpy=numpy, domain=domain)
        _by_face[added.face] = added
        for tell in when_added:
            tell(added)
        return added.face

    return add


def derivative(
    *, ulp: Ulp, kernel: str | None = None, memory_bound: bool = False, crossing: float | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a definition that of the derivative of the activation of its name, whose row is made when it is asked for.

    Parameters
    ----------
    ulp, crossing : Ulp, float or None
        As in `Row`.
    kernel : str, optional
        The name of the function of numbers, by default that of the activation and `_derivative`.
    memory_bound : bool, optional
        As for `fastact.activation`.
    """

    def add(definition: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{definition.__name__}_derivative"
        code = kernel or name

        @functools.cache
        def make() -> Row:
            doc = f"Derivative of `{definition.__name__}` with respect to x, {inspect.getdoc(definition)}"
            owner = code.removesuffix("_derivative")
            if code not in (name, owner):  # another derivative's, which then is made first: the ufunc is named for it
                derivatives[owner]()
            made = _row(name, doc, definition, ulp, code, False, memory_bound)
            added = made._replace(domain=rows[definition.__name__].domain, crossing=crossing)
            for called in (added.activation.ufunc, added.face):
                if called not in _by_face:
                    with contextlib.suppress(AttributeError):  # as for the module of every ufunc
                        called.__module__ = definition.__module__
            _by_face.setdefault(added.face, added)
            derived.append(added)
            for tell in when_derived:
                tell(added)
            return added

        def made() -> Row:
            with door.importing:  # so that two threads get one function
                return make()

        derivatives[definition.__name__] = made
        return definition

    return add


def _row(
    name: str, doc: str, definition: Callable[..., Any], ulp: Ulp, kernel: Any, integers: bool, memory_bound: bool
) -> Row:
    _, _, *parameters = inspect.signature(definition).parameters.values()
    if [parameter.name for parameter in parameters] not in ([], ["alpha"]):
        raise TypeError(f"{name}: an activation is defined as of (m, x) or (m, x, alpha)")
    defaults = tuple(float(p.default) for p in parameters if p.default is not p.empty)
    doc = _documented(doc, bool(defaults), integers, ulp)
    if kernel not in _by_kernel:
        inputs = ["x", *(parameter.name for parameter in parameters)]
        called = kernel if isinstance(kernel, str) else name
        _by_kernel[kernel] = Activation(kernel, called, doc, inputs, integers, memory_bound)
    activation = _by_kernel[kernel]
    face: Any = _with_default(name, doc, activation.ufunc, *defaults) if defaults else activation.ufunc
    return Row(name, face, activation, defaults, definition, ulp)


def _documented(doc: str, has_default: bool, integers: bool, ulp: Ulp) -> str:
    """The docstring of an activation: what its row says, and what is the same of all, in numpydoc's order."""
    summary, *given = re.split(r"\n\n(?=\w+\n-+\n)", doc)
    own: dict[str, str] = dict(re.split(r"\n-+\n", section) for section in given)
    types_kept = "Floats and integers keep their type." if integers else FLOATS_KEPT
    parameters = [
        f"x : array_like\n    Real numbers of any shape. {types_kept}",
        *filter(None, [own.pop("Parameters", "")]),
    ]
    parameters.append("out : ndarray, optional\n    As for every ufunc, like all its other keywords.")
    if has_default:
        parameters.append(
            "**ufunc_kwargs\n    Every other keyword of a ufunc: `where`, `dtype`, `casting`, `order`, `subok`."
        )
    sections = {
        "Parameters": "\n".join(parameters),
        "Returns": f"ndarray or scalar\n{textwrap.indent(own.pop('Returns', 'The values.'), '    ')}",
        "Raises": "TypeError\n    If an operand is complex, longdouble, an object or a string.",
        "Notes": "\n\n".join(
            filter(None, [f"{stated(ulp)} No floating-point warning is raised.", own.pop("Notes", "")])
        ),
        **own,
    }
    return "\n\n".join([summary, *(f"{title}\n{'-' * len(title)}\n{text}" for title, text in sections.items())])


def stated(ulp: Ulp) -> str:
    """The largest errors as docstrings have them."""
    if not any(ulp):
        return "Exact: 0 ULP."
    return (
        f"Largest error, subnormal results included: {ulp.float32:g} ULP in float32, {ulp.float64:g} in float64\n"
        f"({ulp.unfused:g} in both on a CPU without fused multiply-add), {ulp.float16:g} in float16."
    )


FLOATS_KEPT = "float16, float32 and float64 keep their type; integers are converted\n    as by `numpy.tanh`."


def _with_default(name: str, doc: str, ufunc: np.ufunc, default: float) -> Callable[..., Any]:
    arrays = {np.dtype(code): np.array(default, code) for code in "efd"}  # which NumPy need not make for each call

    def face(x: Any, /, alpha: Any = None, out: Any = None, **ufunc_kwargs: Any) -> Any:
        if ufunc_kwargs:  # to hand on even none of them takes 150 ns
            if OTHER_WORD in ufunc_kwargs:
                raise TypeError(other_word(name))
            return ufunc(x, alpha, out=out, **ufunc_kwargs)
        if alpha is default and type(x) is np.ndarray:
            alpha = arrays.get(x.dtype, default)
        return ufunc(x, alpha, out=out)

    face.__name__ = face.__qualname__ = name
    face.__module__, face.__doc__ = PACKAGE, doc
    face.__defaults__ = (default, None)
    stands_behind(face, ufunc)
    return face


OTHER_WORD = "negative_slope"  # of PyTorch and Keras


def other_word(name: str) -> str:
    """What to say to those who use it."""
    return f"{name}: the second input is called alpha, not {OTHER_WORD}"


def row_of(function: Any) -> Row | None:
    """The row of what users call, if it has one."""
    try:
        return _by_face.get(function)
    except TypeError:  # it can not be hashed
        return None


def behind(function: Any) -> Activation | None:
    """The activation behind a ufunc or another function that users call, if it is one."""
    if isinstance(function, np.ufunc):
        return find(function)
    row = row_of(function)
    return None if row is None else row.activation
