"""Which sums of a network are divided over relays, so that no neuron has too many synapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.digits import Ints, divided, grouped, is_sum, synapses_of
from snnc.compiler.mapping.matrices import unrolled
from snnc.compiler.operators import Shape
from snnc.compiler.retime import retime

OPTION = "--split-fan-in"


@dataclass(frozen=True)
class Division:
    """A projection whose sums are divided.

    Attributes:
        projection: Its name.
        target: Whose neurons had too many synapses.
        synapses: Of one neuron by this projection before, most.
        digits: Binary digits of the sum of a group.
        neurons: Relay neurons.
        synapses_left: Of one neuron of the target by this projection, most.
    """

    projection: str
    target: str
    synapses: int
    digits: int
    neurons: int
    synapses_left: int

    def as_json(self) -> Mapping[str, Any]:
        """Give the fields as JSON values."""
        return dict(vars(self))


def split_fan_in(network: FixedNetwork, most: int) -> tuple[FixedNetwork, tuple[Division, ...]]:
    """Divide sums over relays until no neuron has more than ``most`` synapses.

    The neurons of ``network`` compute what they did, bit for bit, some hardware steps later.

    Args:
        network: Not retimed.
        most: 1 or more.

    Returns:
        The network, not retimed, and what was divided.

    Raises:
        InputError: SNN415, what cannot be divided, and why.
    """
    split = _Split(network, most)
    for population in network.populations:
        split.look_at(population)
    raise_all(split.problems)
    if not split.divisions:
        return network, ()
    found = replace(
        network, populations=tuple(split.populations), projections=tuple(split.projections)
    )
    _check_loops(found, split.divisions)
    return found, tuple(split.divisions)


def largest_fan_in(network: FixedNetwork) -> int:
    """Give the synapses of a neuron, most."""
    shapes = network.shapes
    return max(
        _total({q.name: _fan_in(q, shapes[q.source]) for q in network.incoming(p.name)})
        for p in network.populations
    )


def _check_loops(network: FixedNetwork, divisions: list[Division]) -> None:
    try:
        retime(network)
    except InputError as error:
        steps = max(d.digits for d in divisions) + 1
        nodes = " + ".join(dict.fromkeys(d.target for d in divisions))
        problem = _problem(
            nodes,
            f"a loop with less delay than the {steps} steps that digits take",
            "sums outside of loops, or in loops with so much delay",
            "prune the recurrent weights, or give them more delay",
        )
        raise InputError([problem]) from error


class _Split:
    """The network as it becomes."""

    def __init__(self, network: FixedNetwork, most: int) -> None:
        self.network = network
        self.most = most
        self.shapes = network.shapes
        self.large = {i.name for i in network.inputs if i.max_abs > 1}
        self.populations: list[FixedPopulation] = []
        self.projections = list(network.projections)
        self.divisions: list[Division] = []
        self.problems: list[Diagnostic] = []

    def look_at(self, p: FixedPopulation) -> None:
        """Divide what enters a population, the largest sums first, as far as there is need."""
        incoming = list(self.network.incoming(p.name))
        counts = {q.name: _fan_in(q, self.shapes[q.source]) for q in incoming}
        for q in sorted(incoming, key=lambda q: -int(counts[q.name].max())):
            if _total(counts) <= self.most:
                break
            self._divide_if_it_helps(q, counts)
        if _total(counts) > self.most and not self._not_divisible(incoming, counts):
            self.problems.append(self._no_use(p, incoming, _total(counts)))
        self.populations.append(p)

    def _divide_if_it_helps(self, q: FixedProjection, counts: dict[str, Ints]) -> None:
        if not is_sum(q) or q.source in self.large:
            return
        synapses = synapses_of(q, self.shapes[q.source])
        groups = grouped(synapses, q.weight_exp, self.most)
        if groups is None or groups.fan_in >= counts[q.name].max():
            return
        relays, links = divided(q, synapses, groups, self._prefix(q))
        place = self.projections.index(q)
        self.projections[place : place + 1] = links
        self.populations += relays
        self.divisions.append(
            Division(
                projection=q.name,
                target=q.target,
                synapses=int(counts[q.name].max()),
                digits=groups.digits,
                neurons=sum(r.size for r in relays),
                synapses_left=groups.fan_in,
            )
        )
        counts[q.name] = np.bincount(groups.neuron, minlength=synapses.n) * groups.digits

    def _prefix(self, q: FixedProjection) -> str:
        prefix = q.name
        while any(name.startswith(f"{prefix}.") for name in self.shapes):
            prefix += ".sum"
        return prefix

    def _not_divisible(self, incoming: list[FixedProjection], counts: dict[str, Ints]) -> bool:
        """Say of large sums that they are none of weights and spikes; whether there are any."""
        found = [q for q in incoming if not is_sum(q) or q.source in self.large]
        found = [q for q in found if counts[q.name].max() > 1]
        for q in found:
            pooled = not is_sum(q)
            self.problems.append(
                _problem(
                    " + ".join(q.origin) or q.name,
                    f"{int(counts[q.name].max())} synapses of a neuron, and "
                    + ("pooling among them" if pooled else f"integers of {q.source}, no spikes"),
                    f"{self.most} synapses, or sums of weights and spikes, which can be divided",
                    "pool in a population of its own, or prune"
                    if pooled
                    else "encode the input as spikes before it enters",
                )
            )
        return bool(found)

    def _no_use(
        self, p: FixedPopulation, incoming: list[FixedProjection], total: int
    ) -> Diagnostic:
        bits = max(q.weight_bits for q in incoming)
        return _problem(
            " + ".join(p.origin) or p.name,
            f"{total} synapses of a neuron, however its sums are divided: with weights of {bits} "
            "bits the digits of partial sums are too many",
            f"{self.most} synapses, as {OPTION} says",
            f"{OPTION} with a larger number, or narrower weights (--weight-bits)",
        )


def _fan_in(q: FixedProjection, shape: Shape) -> Ints:
    """Give the synapses of each neuron."""
    return np.asarray(unrolled(q.operators, shape).sum(axis=1), np.int64).reshape(-1)


def _total(counts: dict[str, Ints]) -> int:
    """Give the synapses of a neuron by all projections, most."""
    return int(np.sum([*counts.values()], axis=0).max()) if counts else 0


def _problem(node: str, found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(rules.FAN_IN_SPLIT, node, found, limit, remedy)
