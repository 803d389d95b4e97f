"""Run a network on Lava: ``python run.py --input X.npy --output OUT.npz``.

Needs lava-nc 0.10.0, numpy and safetensors, and nothing else; ``--help`` tells the rest.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

NEEDS = ("numpy", "safetensors")
"""What all else stands on; whoever lacks only others is told of them by the runner."""

if __name__ == "__main__":
    if absent := [name for name in NEEDS if find_spec(name) is None]:
        sys.stderr.write(f"error: no {', '.join(absent)}: pip install {' '.join(absent)}\n")
        sys.exit(3)
    # Lava starts a process for each of its processes: a pool of threads in each is a burden.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import_module("runner.main").main()
