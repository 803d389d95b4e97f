"""From which share of weights on ``Sparse`` takes less time than ``Dense``.

    python -m tests.benchmarks.sparse

One step of a layer of ``n`` by ``n`` weights where 5 % of the inputs spike, and the given share of
weights is not 0. Every row is one run; what is compared takes turns, and medians are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_matrix

REPEATS = 21
ACTIVE = 0.05
HEADER = ("n", "share", "Dense", "rows", "Sparse", "product", "product / rows")


def main() -> None:
    """Measure, and print a table in microseconds."""
    print(*(f"{name:>15}" for name in HEADER), sep="")
    rng = np.random.default_rng(0)
    for n in (256, 1024, 4096):
        for share in (0.02, 0.05, 0.1):
            weights = rng.integers(1, 128, (n, n)) * (rng.random((n, n)) < share)
            times = measured(weights.astype(np.int32), rng.random(n) < ACTIVE)
            cells = [*times, times[3] / times[1]]
            print(f"{n:15}{share:15}", *(f"{cell:15.3g}" for cell in cells), sep="")


def measured(weights: np.ndarray[Any, Any], spikes: np.ndarray[Any, Any]) -> list[float]:
    """Give the median time of each way to multiply, in microseconds.

    Lava's ``Dense`` picks columns, and its ``Sparse`` too (lava 0.10.0, ``dense/models.py:102``,
    ``sparse/models.py:102``). ``rows`` picks rows of the transposed weights.
    """
    transposed, sparse = np.ascontiguousarray(weights.T), cast("Any", csr_matrix(weights))
    x = spikes.astype(np.int32)
    ways: list[Callable[[], Any]] = [
        lambda: weights[:, spikes].sum(axis=1),
        lambda: transposed[spikes].sum(axis=0),
        lambda: sparse[:, spikes].sum(axis=1),
        lambda: sparse.dot(x),
    ]
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for way, times in zip(ways, taken, strict=True):
            begin = time.perf_counter()
            way()
            times.append(1e6 * (time.perf_counter() - begin))
    return [median(times) for times in taken]


if __name__ == "__main__":
    main()
