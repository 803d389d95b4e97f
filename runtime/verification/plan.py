"""What a verification does: its stages, who executes each, and its batches of samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.compiler.network import Network
from snnc.compiler.trace import SIGNALS
from snnc.runtime.subject import Subject
from snnc.targets import TARGETS, get_target
from snnc.targets.artifact import Artifact
from snnc.targets.inputs import narrow_inputs, real_inputs
from snnc.targets.running import Inputs

FRAMEWORK, FLOAT, INTEGER = "framework", "float", "integer"
"""Stages of every chain."""
MAPPED = "mapped"
"""The stage of a network that is cut over cores: its parts, whoever executes them."""
NO_MODULE = "no trained module is at hand"
SEVERAL_INPUTS = "the framework's module takes several inputs"
GROUP = 64
"""Most samples that framework and float network compute at once. The order of a float32 sum depends
on how many there are, so groups are the same whatever a batch is."""
BATCH = 256
"""Most samples of a batch: what is lost when a run is killed, and what a process gets at once. Lava
takes a second or two to begin each."""
BYTES = 2**28
"""Of the traces of a batch, beside which executors and comparisons need several times as much."""
SIGNAL_BYTES = 9
"""A spike of 1 byte, ``u`` and ``v`` of 4."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What is done with every batch.

    Attributes:
        subject: What is verified.
        chain: ``float``, ``integer`` and the stages that are compared with it.
        absent: Stages that are not run, and why.
        timeout: Seconds for each run of a batch, or None for the target's own limit.
        group: Samples that framework and float network compute at once.
        artifacts: What each stage runs, made when it is first asked for.
    """

    subject: Subject
    chain: tuple[str, ...]
    absent: Mapping[str, EnvironmentFault | str] = field(
        default_factory=dict[str, EnvironmentFault | str]
    )
    timeout: float | None
    group: int
    artifacts: dict[tuple[str, str], Artifact] = field(
        default_factory=dict[tuple[str, str], Artifact]
    )

    @property
    def network(self) -> Network:
        """The float network."""
        return self.subject.artifact.network

    def executor(self, stage: str) -> str:
        """Give who runs a stage: the native engine the integers, where it is not to be compared."""
        if stage not in (INTEGER, MAPPED):
            return stage
        return INTEGER if "cpu" in self.chain or get_target("cpu").missing() is not None else "cpu"

    def artifact(self, stage: str, by: str) -> Artifact:
        """Give what ``by`` runs as ``stage``; the integers are not cut over cores.

        Raises:
            InputError: It cannot do it.
        """
        key = stage, by
        if key not in self.artifacts:
            self.artifacts[key] = self.subject.artifact_for(by, whole=stage == INTEGER)
        return self.artifacts[key]

    def recorded(self, stage: str) -> tuple[str, ...]:
        """Give the signals of a stage that are compared with others."""
        if stage == FLOAT:
            return SIGNALS
        watched = len(self.chain) > 2 or self.executor(stage) != stage
        return SIGNALS if watched else ("spikes",)


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """Some samples.

    Attributes:
        first: Index of the first among all.
        inputs: Of each input, ``[steps, batch, *shape]``.
        labels: The true class of each, or None.
        without: Stages that failed before and are not tried again.
    """

    first: int
    inputs: Inputs
    labels: npt.NDArray[Any] | None
    without: frozenset[str] = frozenset()

    @property
    def samples(self) -> int:
        """How many."""
        return int(next(iter(self.inputs.values())).shape[1])

    def skipping(self, stages: Iterable[str]) -> Batch:
        """Give the same without ``stages``."""
        return replace(self, without=frozenset(stages))

    def part(self, begin: int, end: int) -> Batch:
        """Give the samples from ``begin`` to ``end``, counted from the first of these."""
        return replace(
            self,
            first=self.first + begin,
            inputs={name: x[:, begin:end] for name, x in self.inputs.items()},
            labels=None if self.labels is None else self.labels[begin:end],
        )

    def groups(self, size: int) -> Iterator[Batch]:
        """Give them in groups of ``size``."""
        for begin in range(0, self.samples, size):
            yield self.part(begin, min(begin + size, self.samples))


def plan_of(
    subject: Subject, targets: Sequence[str], inputs: Inputs, timeout: float | None
) -> Plan:
    """Plan the verification of ``subject`` on ``inputs``."""
    chain = chain_of(targets, mapped=subject.artifact.mapped is not None)
    absent: dict[str, EnvironmentFault | str] = {}
    if subject.framework is None:
        absent[FRAMEWORK] = NO_MODULE
    elif len(inputs) != 1 and not isinstance(subject.framework, Path):
        absent[FRAMEWORK] = SEVERAL_INPUTS
    for stage in chain:
        if stage in TARGETS and (missing := get_target(stage).missing()) is not None:
            absent[stage] = EnvironmentFault([missing])
    steps = next(iter(inputs.values())).shape[0]
    group = min(GROUP, fitting(subject, chain, steps))
    return Plan(subject=subject, chain=chain, absent=absent, timeout=timeout, group=group)


def chain_of(targets: Sequence[str], *, mapped: bool) -> tuple[str, ...]:
    """Give ``float``, ``integer`` and the further stages, each once, as far as asked for."""
    fixed = [t for t in TARGETS if t in targets and get_target(t).fixed]
    integers = [INTEGER, *([MAPPED] if mapped else []), *fixed]
    return (FLOAT, *dict.fromkeys(integers if fixed else []))


def fitting(subject: Subject, chain: Sequence[str], steps: int) -> int:
    """Give the number of samples, 1 or more, whose traces take ``BYTES``."""
    neurons = sum(p.size for p in subject.artifact.network.populations)
    traces = len(chain) + 1  # and that of the framework
    return max(1, BYTES // (max(1, steps * neurons) * SIGNAL_BYTES * traces))


def batch_size(plan: Plan, inputs: Inputs) -> int:
    """Give the samples of a batch: whole groups, as many as memory holds."""
    most = min(BATCH, fitting(plan.subject, plan.chain, next(iter(inputs.values())).shape[0]))
    return max(1, most // plan.group) * plan.group


def check_inputs(plan: Plan, inputs: Inputs) -> None:
    """Find out before the work whether the stages take the values, batch by batch.

    Raises:
        InputError: SNN503; of all data where some are wrong.
    """
    network, fixed = plan.network, plan.subject.artifact.fixed

    def check(data: Inputs) -> None:
        real_inputs(network, data)
        if len(plan.chain) > 1 and fixed is not None:
            narrow_inputs(fixed, data)

    samples = next(iter(inputs.values())).shape[1]
    try:
        for begin in range(0, samples, BATCH):
            check({name: x[:, begin : begin + BATCH] for name, x in inputs.items()})
    except InputError:
        check(inputs)  # which tells of all that is wrong
        raise
