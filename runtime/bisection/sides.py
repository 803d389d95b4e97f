"""The two executions that are held side by side: whole networks, and parts of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.names import nearest
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.bisection.alike import unlike
from snnc.targets import TARGETS, get_target
from snnc.targets.artifact import Artifact, load
from snnc.targets.running import Inputs, Progress, no_progress

Program = Artifact | str | os.PathLike[str]
"""An artifact, or the directory of one."""
INTEGER = "integer"
ON = " on "
"""Between the name of an artifact and its target, where there are two artifacts."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two executions.

    Attributes:
        name: As it is told to the user.
        artifact: Made for the target that executes it.
        timeout: Seconds for each run, or None for the target's own limit.
    """

    name: str
    artifact: Artifact
    timeout: float | None = None

    @property
    def network(self) -> FixedNetwork:
        """The integers, not cut over cores."""
        return self.artifact.required_fixed

    def run(self, inputs: Inputs, progress: Progress = no_progress) -> Trace:
        """Run the artifact as it is, and record everything."""
        return self.artifact.run(inputs, record=SIGNALS, timeout=self.timeout, progress=progress)

    def run_part(self, part: FixedNetwork, inputs: Inputs) -> Trace:
        """Run a part of the network in the same way, not cut over cores.

        Raises:
            InputError: The target cannot do it.
        """
        return self.part(part).run(inputs, record=SIGNALS, timeout=self.timeout)

    def part(self, part: FixedNetwork) -> Artifact:
        """Give a part of the network as an artifact for the same target, of integers alone."""
        options = {n: value for n, value in self.artifact.options.items() if n != "hardware"}
        inputs = replace(self.artifact.network, inputs=())
        whole = replace(
            self.artifact, network=inputs, fixed=part, mapped=None, options=options, account={}
        )
        return whole.for_target(self.artifact.target)


@dataclass(frozen=True, eq=False)
class Pair:
    """Both executions.

    Attributes:
        reference: What should be.
        other: What is.
    """

    reference: Side
    other: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """The reference, then the other."""
        return self.reference, self.other

    @cached_property
    def one_artifact(self) -> bool:
        """Whether both execute the same integers."""
        return self.reference.network is self.other.network


def pair_of(
    model: Program,
    other: Program | None,
    targets: str | Sequence[str] | None,
    timeout: float | None = None,
) -> Pair:
    """Load what is named, and make it for the targets that execute it.

    Args:
        model: The reference.
        other: The other artifact; None for the same one on another target.
        targets: Of two artifacts one target for both, one for each, or None for their own. Of one
            artifact two; one beside the reference of the integers; or None for its own beside it.
        timeout: Seconds for each run.

    Raises:
        InputError: SNN004, there is no such pair of executions; SNN621, one of them does not
            execute integers; SNN622, the artifacts are not of one topology.
    """
    first = _loaded(model)
    second = first if other is None else _loaded(other)
    names = (targets,) if isinstance(targets, str) else targets
    raise_all(_target_problems(names))
    chosen = _chosen(names, first, second)
    labels = _labels((model, first), (other, second), chosen)
    raise_all(_integer_problems((first, second), labels, chosen))
    if other is not None:
        raise_all(unlike(labels, first.required_fixed, second.required_fixed))
    sides = [
        Side(label, a if a.target == t else a.for_target(t), timeout)
        for label, a, t in zip(labels, (first, second), chosen, strict=True)
    ]
    return Pair(*sides)


def _loaded(model: Program) -> Artifact:
    return model if isinstance(model, Artifact) else load(Path(model))


def _chosen(names: Sequence[str] | None, first: Artifact, second: Artifact) -> tuple[str, str]:
    """Give the target of each side.

    Raises:
        InputError: SNN004, both would be the same execution.
    """
    own = first.target, second.target
    named = tuple(names or own)
    reference, other = named[0], named[-1]
    if first is second:
        reference = INTEGER if len(names or ()) < 2 else reference
        raise_all(_same_problems((reference, other)))
    return reference, other


def _labels(
    first: tuple[Program, Artifact],
    second: tuple[Program | None, Artifact],
    targets: tuple[str, str],
) -> tuple[str, str]:
    """Name the sides: by their targets, or by artifact and target where there are two artifacts."""
    if second[0] is None:
        return targets
    named = [_name(model, artifact) for model, artifact in (first, second)]
    named = named if all(named) and named[0] != named[1] else ["the first", "the second"]
    return f"{named[0]}{ON}{targets[0]}", f"{named[1]}{ON}{targets[1]}"


def _name(model: Program | None, artifact: Artifact) -> str:
    if isinstance(model, str | os.PathLike):
        return os.fspath(model)
    return "" if artifact.path is None else str(artifact.path)


def _target_problems(names: Sequence[str] | None) -> Iterator[Diagnostic]:
    """Yield that there are no such targets, or too many."""
    unknown = [name for name in names or () if name not in TARGETS]
    meant = [nearest(name, TARGETS) or "" for name in names or ()]
    if unknown:
        remedy = f"--targets {','.join(meant)}" if all(meant) else "snnc targets lists them"
        yield _wrong_targets(", ".join(unknown), ", ".join(TARGETS), remedy)
    elif names is not None and not 0 < len(names) < 3:
        found = ", ".join(names) or "none"
        yield _wrong_targets(found, "two, or one", "--targets integer,lava")


def _same_problems(chosen: tuple[str, str]) -> Iterator[Diagnostic]:
    if chosen[0] == chosen[1]:
        yield _wrong_targets(
            f"one artifact, twice on {chosen[0]}",
            "two executions: two artifacts, or one on two targets",
            "name another artifact, or --targets integer,cpu",
        )


def _wrong_targets(found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID, node="--targets", found=found, limit=limit, remedy=remedy
    )


def _integer_problems(
    artifacts: tuple[Artifact, Artifact], labels: tuple[str, str], targets: tuple[str, str]
) -> Iterator[Diagnostic]:
    integers = ", ".join(t for t in TARGETS if get_target(t).fixed)
    for artifact, label, target in zip(artifacts, labels, targets, strict=True):
        found = None
        if not get_target(target).fixed:
            found = f"target {target}, which executes real numbers"
        elif artifact.fixed is None:
            found = f"an artifact that was compiled for {artifact.target}"
        if found is not None:
            yield Diagnostic(
                rule=rules.BISECT_INTEGERS,
                node=label,
                found=found,
                limit=f"artifacts of integers, on {integers}",
                remedy="snnc verify tells where real numbers and integers part, and why",
            )
