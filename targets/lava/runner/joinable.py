"""What an artifact is to a network of Lava processes, and why it cannot take part. Without Lava."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from .program import Population, Process, Program
from .window import Array, Window

ENDLESS = 2**62
"""Hardware steps of a network that never restarts."""


@dataclass(frozen=True, eq=False)
class Exit:
    """What leaves through an output.

    Attributes:
        shape: Of one step; the port is flat, in row-major order.
        latency: Hardware steps by which it is late: what belongs to step ``t`` of the network
            leaves at hardware step ``t + latency``.
        spiking: Whether 0 and 1 leave, or the potential of a read-out in integers.
        scale: Integers per unit of the potential, float64, shape ``[n]``; None of spikes.
        offset: Potential where the integer is 0, float64, shape ``[n]``; None of spikes.
    """

    shape: tuple[int, ...]
    latency: int
    spiking: bool
    scale: Array | None
    offset: Array | None


@dataclass(frozen=True)
class Objection:
    """Why an artifact cannot take part as it is asked to.

    Attributes:
        option: Whether another value of an option helps.
        node: Which option or output.
    """

    option: bool
    node: str
    found: str
    limit: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.node}: {self.found}; {self.limit}; {self.remedy}"


def objections(program: Program, start: object, period: object) -> Iterator[Objection]:
    """Yield all that speaks against a program in a network of Lava processes.

    Args:
        program: Of the artifact.
        start: Hardware steps before its first.
        period: Hardware steps from one restart to the next, or None.
    """
    if not _is_count(start, 0):
        yield Objection(
            option=True,
            node="start=",
            found=f"{start!r:.40}",
            limit="a number of hardware steps, 0 or more",
            remedy="start=0",
        )
    if period is not None and not _is_count(period, program.gap + 1):
        yield Objection(
            option=True,
            node="period=",
            found=f"{period!r:.40}",
            limit=f"hardware steps, more than the {program.gap} of rest in each period",
            remedy=f"period={program.gap + 1} or more, or None",
        )
    if program.form == "stock":
        yield from _of_stock(program, silenced=start != 0 or period is not None)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _of_stock(program: Program, *, silenced: bool) -> Iterator[Objection]:
    """Yield what only processes of ours can do."""
    for name, source in program.exits.items():
        if not program.whole(source).spiking:
            yield Objection(
                option=False,
                node=name,
                found="the potential of a read-out, and form stock",
                limit="Lava's own neurons send spikes only",
                remedy="compile with --lava mixed, or probe the potential with Lava's means",
            )
    for name in program.inputs:
        if silenced and needs_gate(program, name):
            yield Objection(
                option=True,
                node=name,
                found="a projection that delays, start= or period=, and form stock",
                limit="Lava has no process that keeps out what is sent before or between samples",
                remedy="leave start= and period= out, or compile with --lava mixed",
            )


def needs_gate(program: Program, name: str) -> bool:
    """Tell whether what an input is sent outside of a sample can reach into one.

    It does where a projection has a delay of its own, beyond the lags of its ends.
    """
    projections = [p for p in program.projections.values() if name in program.senders(p.source)]
    return any(p.delay > program.populations[p.target].lag for p in projections)


@dataclass(frozen=True)
class Schedule:
    """When the network of an artifact works.

    Attributes:
        start: Hardware steps before its first.
        period: Hardware steps from one restart to the next, or None.
    """

    start: int = 0
    period: int | None = None

    @property
    def always(self) -> bool:
        """Whether it works from the first hardware step to the last."""
        return self.start == 0 and self.period is None

    def window(self, gap: int) -> Window:
        """Give its steps as one sample without end, or as samples without number."""
        if self.period is None:
            return Window(ENDLESS, 1, ENDLESS, self.start)
        return Window(self.period - gap, ENDLESS, self.period, self.start)

    def shifted(self, program: Program) -> Program:
        """Let every population run behind its input by ``start`` more."""
        later = {n: replace(p, lag=p.lag + self.start) for n, p in program.populations.items()}
        return replace(program, populations=later)


def exit_of(population: Population, start: int) -> Exit:
    """Say what leaves a population whose network starts ``start`` steps late."""
    spiking = population.spiking
    return Exit(
        shape=population.shape,
        latency=population.lag + start,
        spiking=spiking,
        scale=None if spiking else population.scale,
        offset=None if spiking else population.offset,
    )


def node_processes(program: Program) -> Iterator[Process]:
    """Yield what all but inputs and outputs run on; those of form ``fused`` run apart.

    What enters comes from a port, also at axons that a run feeds from memory.
    """
    apart = {"population": "Population", "projection": "Synapse", "axons": "Axons"}
    for process in program.processes:
        if process.role in apart:
            own = program.form == "fused" or process.role == "axons"
            yield replace(process, kind=apart[process.role]) if own else process


def identifiers(kind: str, names: Iterable[str], taken: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each name with one that Python and Lava can use, its own wherever possible.

    Args:
        kind: Begins those that have to be made up.
        names: From the user's model: any text.
        taken: Names that mean something else; grows.
    """
    names = list(names)
    for name in names:
        identifier = name
        if not _is_usable(name) or name in taken:
            made_up = (f"{kind}_{number}" for number in count(1))
            identifier = next(i for i in made_up if i not in taken and i not in names)
        taken.add(identifier)
        yield name, identifier


def _is_usable(name: str) -> bool:
    plain = name.isascii() and name.isidentifier() and not name.startswith("_")
    return plain and not keyword.iskeyword(name)
