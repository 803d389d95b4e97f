"""Runs a program of integers on Lava. Needs lava-nc, numpy and safetensors only, not snnc.

- ``main``: the command, for a user; ``serve``: the same for snnc, which watches from outside
- ``program``: the files of a program, which may be cut over cores, as records
- ``axons``: values of several sources side by side
- ``packages``: looks for the packages that are needed
- ``arrays``: input data and results
- ``network``: runs the program, all samples in one start
- ``fused``: the program as one Lava process
- ``whole``: what that computes, the samples of a batch side by side
- ``build``: the program as connected Lava processes
- ``cores``: cores as Lava processes with others within, and their input axons
- ``processes``: source, sink and population as Lava processes, with their models
- ``models``: models of Lava's own processes that record
- ``neuron``: the arithmetic of a population; ``synapse``: that of a projection
- ``kernels``: products of spikes and weights, in the way that is fastest for them
- ``window``: which step of which sample a hardware step is, and what is recorded of it
- ``channels``, ``bursts``: the same messages and steps as Lava's, at a fraction of its cost
- ``deadline``: ends a run at its time limit, in whatever phase it is
- ``room``: room in shared memory
- ``guard``: starts, steps and ends Lava so that it cannot hang
- ``orphans``: lets nothing outlive a run
- ``compat``: repairs of lava-nc 0.10.0 for current Python and NumPy
- ``joined``: the network as one Lava process, for a user's own network of such
- ``joinable``: what it is there, and why it cannot be
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .compat import install
from .compat import repair_lava as repair_lava


def load_process(
    directory: str | os.PathLike[str],
    *,
    name: str | None = None,
    start: int = 0,
    period: int | None = None,
) -> Any:
    """Give an artifact as a Lava process, to be connected to others and run with them.

    Args:
        directory: The artifact.
        name: Of the process.
        start: Hardware steps before the network's first; in a chain the latency of what is before.
        period: Hardware steps from one restart of the network to the next; None for no restart.

    Returns:
        A ``joined.ArtifactProcess``.

    Raises:
        BadInput: The artifact is damaged, or cannot be used so.
        ProcessFault: A package is not installed.
    """
    from . import packages
    from .faults import BadInput
    from .joinable import objections
    from .program import check_whole, read_program

    packages.require()
    path = Path(directory)
    check_whole(path)
    program = read_program(path)
    problems = [f"{path}: {problem}" for problem in objections(program, start, period)]
    if problems:
        raise BadInput("\n".join(problems))
    return join(program, name, start, period)


def join(program: Any, name: str | None, start: int, period: int | None) -> Any:
    """Give a program, against which nothing speaks, as a Lava process."""
    install()
    from .joinable import Schedule
    from .joined import ArtifactProcess

    return ArtifactProcess(program, Schedule(start, period), name)
