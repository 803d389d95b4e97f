"""Run networks with a fault in the host path: ``python -m tests.targets.cuda.faulty 0 40``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from tests.targets.cuda.faults import HOST_FAULTS, Fault


def put_in(fault: Fault) -> None:
    """Execute a module of the runner anew, with a fault, before others take names out of it."""
    module = import_module(f"snnc.targets.cuda.runner.{fault.file}")
    path = Path(str(module.__file__))
    exec(compile(fault.applied(path.read_text()), path, "exec"), vars(module))


if __name__ == "__main__":
    put_in(HOST_FAULTS[int(sys.argv[1])])
    sys.exit(import_module("tests.targets.cuda.emulated").main([sys.argv[2], "--once"]))
