"""Run kernels of a host build: ``python -m tests.targets.cuda.sanitized LIBRARY NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.targets.cuda import host
from tests.targets.cuda.cases import case, wrong
from tests.targets.cuda.device import ORDERS


def main(path: str, *names: str) -> int:
    """Run each kernel in each order; give 1 where a value is wrong."""
    kernels = host.kernels(Path(path), dict.fromkeys(names))
    for name, kernel in kernels.items():
        for seed, order in enumerate(ORDERS * (3 if len(names) == 1 else 1)):
            drawn = case(name, seed)
            for found in wrong(drawn, kernel, drawn.grids[seed % len(drawn.grids)], order, seed):
                sys.stdout.write(f"{found}\n")
                return 1
    sys.stdout.write("all\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
