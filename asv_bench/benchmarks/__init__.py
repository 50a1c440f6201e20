"""The benchmarks. They use nothing of fastact but its public names, so that they measure older revisions, too.

A benchmark that has a `setup` is called once a sample (asv_runner 0.3), so what is short is repeated inside it. What a
revision lacks is skipped.
"""

import os

if "ASV_ENV_DIR" in os.environ:
    # Compiled code of one revision is never found by another.
    os.environ["NUMBA_CACHE_DIR"] = os.path.join(
        os.environ["ASV_ENV_DIR"], "compiled", os.environ.get("ASV_COMMIT", "unknown")
    )
