"""Targets: where a network runs. Each is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

from snnc.targets.base import Target

TARGETS = {
    "float": "snnc.targets.float.target:FloatTarget",
    "integer": "snnc.targets.integer.target:IntegerTarget",
    "cpu": "snnc.targets.cpu.target:CpuTarget",
    "cuda": "snnc.targets.cuda.target:CudaTarget",
    "lava": "snnc.targets.lava.target:LavaTarget",
}


def get_target(name: str) -> Target:
    """Import and make the target of that name; no other target is imported.

    Raises:
        KeyError: No target has that name.
    """
    module, _, attribute = TARGETS[name].partition(":")
    made: Target = getattr(import_module(module), attribute)()
    return made
