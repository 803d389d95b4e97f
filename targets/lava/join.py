"""An artifact as a Lava process of a user's own network, checked as every artifact is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, raise_all
from snnc.targets import get_target
from snnc.targets.artifact import Artifact, load
from snnc.targets.directory import cannot_write
from snnc.targets.lava.forms import form_of
from snnc.targets.lava.groups import plan_of, runnable
from snnc.targets.lava.runner import join
from snnc.targets.lava.runner.joinable import objections
from snnc.targets.lava.runner.program import Program, read_program
from snnc.targets.lava.target import write_program


def load_process(
    directory: str | os.PathLike[str],
    *,
    name: str | None = None,
    start: int = 0,
    period: int | None = None,
) -> Any:
    """Give an artifact as a Lava process, to be connected to others and run with them.

    Nothing of the artifact is executed: program and weights are read as data.

    Args:
        directory: The artifact, of target ``lava``.
        name: Of the process.
        start: Hardware steps before the network's first; in a chain the latency of what is before.
        period: Hardware steps from one restart of the network to the next; None for no restart.

    Returns:
        A ``runner.joined.ArtifactProcess``.

    Raises:
        InputError: SNN001 or SNN504, the artifact cannot be read; SNN004 or SNN405, it cannot be
            used so.
        EnvironmentFault: SNN501, Lava is not installed.
    """
    artifact = load(directory)
    raise_all(_wrong_target(artifact))
    missing = get_target("lava").missing()
    if missing is not None:
        raise EnvironmentFault([missing])
    program = _program_of(artifact)
    raise_all(
        Diagnostic(
            rule=rules.OPTION_VALID if one.option else rules.JOINABLE,
            node=one.node,
            found=one.found,
            limit=one.limit,
            remedy=one.remedy,
        )
        for one in objections(program, start, period)
    )
    return join(program, name, start, period)


def _wrong_target(artifact: Artifact) -> Iterator[Diagnostic]:
    if artifact.target != "lava":
        yield Diagnostic(
            rule=rules.JOINABLE,
            node=str(artifact.path),
            found=f"an artifact for target {artifact.target}",
            limit="one for target lava",
            remedy="snnc compile MODEL --target lava -o DIR",
        )


def _program_of(artifact: Artifact) -> Program:
    """Give the records of the runner, as a run of the artifact would read them."""
    made = runnable(artifact)
    plan = plan_of(made, form_of(artifact.options))
    with tempfile.TemporaryDirectory(prefix="snnc-lava-") as scratch:
        directory = Path(scratch)
        try:
            write_program(directory, made, plan)
        except OSError as error:
            raise EnvironmentFault([cannot_write(directory, error, "TMPDIR")]) from error
        return read_program(directory)
