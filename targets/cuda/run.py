"""Run a network on a GPU: ``python run.py --input X.npy --output OUT.npz``.

Needs numpy, safetensors, cuda-bindings and, for a GPU that nothing was compiled for ahead of time,
nvidia-cuda-nvrtc; ``--help`` tells the rest.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import_module("runner.main").main()
