"""What fastact costs a process: its start, its threads, and what else runs in it."""

from __future__ import annotations

import numpy as np

import fastact

from .activations import case
from .timing import median_time


def sigmoid_of_a_million() -> None:
    (x,), keywords = case("sigmoid", "float32", "contiguous", 1_000_000)
    fastact.sigmoid(x, **keywords)


class Start:
    """A new process, with the compiled code in the store: what `import numba` costs is to be subtracted."""

    timeout = 600.0  # the first fills the store

    def timeraw_import_numba(self) -> str:
        return "import numba"

    def timeraw_import(self) -> str:
        return "import fastact"

    def timeraw_import_and_first_call(self) -> str:
        return "import numpy, fastact; fastact.sigmoid(numpy.zeros(10))"

    def timeraw_import_and_first_threaded_call(self) -> str:
        return "import numpy, fastact; fastact.sigmoid(numpy.zeros(1_000_000))"

    def timeraw_import_and_first_neuron(self) -> str:
        return "import numpy, fastact; fastact.neuron(numpy.zeros((2, 10)), numpy.zeros((10, 3)))"

    def timeraw_import_and_warmup(self) -> str:
        return "import fastact; fastact.warmup()"

    def timeraw_import_and_first_call_compiled(self) -> str:
        return (
            "import os, tempfile\n"
            "with tempfile.TemporaryDirectory() as empty:\n"
            "    os.environ['NUMBA_CACHE_DIR'] = empty\n"
            "    import numpy, fastact\n"
            "    fastact.sigmoid(numpy.zeros(10))\n"
        )

    def timeraw_show_config(self) -> str:
        return (
            "import contextlib, io, fastact\n"
            "with contextlib.redirect_stdout(io.StringIO()):\n"  # asv reads the time there
            "    fastact.show_config()\n"
        )


class Threads:
    """A million float32 on one thread and on all that there are."""

    params = (("one", "all"),)
    param_names = ("threads",)

    def setup(self, threads: str) -> None:
        self.before = fastact.get_num_threads()
        if threads == "one":
            fastact.set_num_threads(1)
        sigmoid_of_a_million()

    def teardown(self, threads: str) -> None:
        fastact.set_num_threads(self.before)

    def time_sigmoid(self, threads: str) -> None:
        sigmoid_of_a_million()


class AlternatingWithBlas:
    """A matrix product and an activation in turn: the idle threads of one must not be in the way of the other's."""

    def track_time_relative_to_each_alone(self) -> float:
        matrix = np.ones((500, 500), np.float32)
        product = np.empty_like(matrix)

        def multiply() -> None:
            np.matmul(matrix, matrix, out=product)

        def both() -> None:
            multiply()
            sigmoid_of_a_million()

        alone = median_time(multiply), median_time(sigmoid_of_a_million)
        return median_time(both) / sum(alone)

    track_time_relative_to_each_alone.unit = "time / sum of both alone"  # type: ignore[attr-defined]
