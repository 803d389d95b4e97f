"""Run a network on a GPU: ``python run.py --input X.npy --output OUT.npz``.

Needs numpy, safetensors, cuda-bindings and, for a GPU that nothing was compiled for ahead of time,
nvidia-cuda-nvrtc; ``--help`` tells the rest.
"""

from __future__ import annotations

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
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import_module("runner.main").main()
