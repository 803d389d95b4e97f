"""Run a network on Lava: ``python run.py --input X.npy --output OUT.npz``.

Needs lava-nc 0.10.0, numpy and safetensors, and nothing else; ``--help`` tells the rest.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    # Lava starts a process for each of its processes: a pool of threads in each is a burden.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import_module("runner.main").main()
