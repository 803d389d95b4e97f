"""Whether the fused form multiplies in the faster way: ``python -m tests.benchmarks.kernels``.

For layers of several sizes, batches and densities of spikes: what picking rows takes, what BLAS
takes, and what is chosen. Where the choice takes more than one and a half times the better, the
line is marked.
"""

from __future__ import annotations

import time
from itertools import product

import numpy as np

from snnc.targets.lava.runner.kernels import Matrix, Values

SIZES, BATCHES, DENSITIES = (64, 256, 1024, 4096), (1, 8, 64), (0.01, 0.04, 0.2, 0.6)
REPEATS = 5
POOR = 1.5


def milliseconds(matrix: Matrix, x: Values) -> float:
    """Give the shortest of some products."""
    taken: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        matrix.times(x)
        taken.append(1e3 * (time.perf_counter() - begin))
    return min(taken)


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print(f"{'n':>5}{'batch':>7}{'density':>9}{'rows, ms':>12}{'BLAS, ms':>12}  chosen")
    for n in SIZES:
        matrix = Matrix(rng.integers(-128, 128, (n, n)), 128 * n)
        for batch, density in product(BATCHES, DENSITIES):
            x = rng.random((batch, n)) < density
            matrix.times(x)  # plans for the batch
            few, picked = matrix.few, np.count_nonzero(x) <= matrix.few
            matrix.few = x.size
            rows = milliseconds(matrix, x)
            matrix.few = 0
            blas = milliseconds(matrix, x)
            matrix.few = few
            chosen, other = (rows, blas) if picked else (blas, rows)
            mark = "  poor" if chosen > POOR * other else ""
            print(
                f"{n:5}{batch:7}{density:9.2f}{rows:12.4f}{blas:12.4f}  "
                f"{'rows' if picked else 'BLAS'}{mark}",
                flush=True,
            )


if __name__ == "__main__":
    main()
