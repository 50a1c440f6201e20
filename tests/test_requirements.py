"""Versions of Numba: too old, tried, and newer than those tried."""

from __future__ import annotations

from pathlib import Path

import numba
import pytest

from fastact._kernels import requirements

from .processes import filled_store, run


def test_an_old_numba_is_named() -> None:
    with pytest.raises(ImportError, match=r"needs numba>=0.62 and found 0.61.2"):
        requirements.check("0.61.2")
    for version in ("0.62.0", "0.68.1rc1", "1.0.0", "0+untagged.1.g1234567"):
        requirements.check(version)


def test_this_numba_is_tried() -> None:
    assert not requirements.is_untried(numba.__version__)
    major, minor = requirements.NEWEST_TRIED
    for version in (f"{major}.{minor + 1}.0rc1", f"{major + 1}.0.0", "0+untagged.1.g1234567"):
        assert requirements.is_untried(version)


def test_an_old_numba_has_no_threads_for_us(tmp_path: Path) -> None:
    """What is loaded goes on."""
    code = """
import warnings, numpy as np, fastact
fastact.sigmoid(np.zeros(9)[::2])
import numba
numba.__version__ = "0.61.2"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        assert fastact.sigmoid(np.zeros(10**6))[-1] == 0.5
    fastact.set_num_threads(2)
assert fastact.get_num_threads() == 1
assert [str(w.message) for w in caught] == 2 * [
    "fastact uses one thread: Numba can not be used: "
    "fastact needs numba>=0.62 and found 0.61.2: pip install 'numba>=0.62'"
]
"""
    run(code, filled_store(tmp_path), NUMBA_NUM_THREADS="2")


NEWER = """
import warnings, numpy as np, numba
numba.__version__ = "0.99.0"
import fastact
def call():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.testing.assert_allclose(fastact.tanh(np.ones(3)), np.tanh(1.0))
    return [str(w.message) for w in caught]
"""


@pytest.mark.long
def test_a_newer_numba_is_tried_out(tmp_path: Path) -> None:
    code = """
from fastact._kernels import requirements
(message,) = call()
tried = "{}.{}".format(*requirements.NEWEST_TRIED)
assert f"up to {tried}, and this is 0.99.0; a short test passed" in message
assert call() == []
fastact.neuron(np.ones((3, 2)), np.ones((2, 3)))
"""
    run(NEWER + code, tmp_path)


def test_a_newer_numba_that_does_not_serve(tmp_path: Path) -> None:
    code = """
from fastact._kernels import driver
def broken(kernel, inputs, real):
    def loop(addresses, n):
        driver.at(addresses[inputs], real)[0] = 1
    return loop
driver.inner_loop = broken
for _ in range(2):
    try:
        call()
    except RuntimeError as error:
        assert "wrong numbers with numba 0.99.0" in str(error)
    else:
        raise AssertionError("not seen")
"""
    run(NEWER + code, tmp_path)


LACKS = """
import warnings, numpy as np, numba, numba.core.caching
right, numba.__version__ = numba.__version__, "0.99.0"
numba.njit(lambda: 1)()  # what Numba imports late is there
del numba.core.caching.NullCache
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastact
    from fastact._runtime import numba_settings
    of_code = numba_settings.of_code
    numba_settings.of_code = lambda: (right, *of_code()[1:])  # a wheel's code is for every version of Numba
    assert fastact.sigmoid(np.zeros(9)[::2])[0] == 0.5
    fastact.sigmoid(np.zeros(10**6))
says = "fastact does not serve numba 0.99.0, as it was tried up to 0.68: "
messages = [str(w.message) for w in caught]
assert len(messages) == 2 and all(says in message for message in messages), messages
assert messages[0].startswith("fastact's functions are not known inside @njit"), messages
assert messages[1].startswith("fastact uses one thread: Numba can not be used"), messages
assert numba.njit(lambda x: x + 1)(1) == 2
try:
    fastact.activation(lambda x: x + 1)(1.0)
except ImportError as error:
    assert says in str(error) and "NullCache" in str(error), error
else:
    raise AssertionError("compiled")
"""


def test_a_newer_numba_that_lacks_a_name(tmp_path: Path) -> None:
    """What is loaded serves; what compiles says which version is not served."""
    run(LACKS, filled_store(tmp_path), NUMBA_NUM_THREADS="2")


@pytest.mark.parametrize("name", ["get_num_threads", "numba_parallel_for"])
def test_a_newer_numba_whose_threads_have_other_names(name: str, tmp_path: Path) -> None:
    code = f"""
import warnings, numpy as np, numba, fastact
import llvmlite.binding as llvm
find = llvm.address_of_symbol
llvm.address_of_symbol = lambda symbol: None if symbol == {name!r} else find(symbol)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        assert fastact.sigmoid(np.zeros(10**6))[-1] == 0.5
(warning,) = caught
assert "has other threads" in str(warning.message) and {name!r} in str(warning.message), warning
assert fastact.get_num_threads() == 1
"""
    run(code, filled_store(tmp_path), NUMBA_NUM_THREADS="2")
