"""Relay neurons: they pass spikes on where a delay is longer than the hardware's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import (
    MAX_DELAY,
    MAX_DU,
    MAX_DV,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    SignMode,
)
from snnc.compiler.operators import FixedScaling

MAX_RELAYS = 2**20
"""Most relay neurons: all that a Loihi 2 chip has, 128 cores of 8192 (Orchard et al. 2021,
Efficient Neuromorphic Signal Processing with Loihi 2)."""


@dataclass(frozen=True)
class Relayed:
    """The relays of one population.

    Attributes:
        source: Whose spikes they pass on.
        relays: Their names, one behind the other.
        neurons: Neurons of all of them together.
        delays: Hardware steps of each projection that needs them, by its name.
    """

    source: str
    relays: tuple[str, ...]
    neurons: int
    delays: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        return {
            "source": self.source,
            "relays": list(self.relays),
            "neurons": self.neurons,
            "delays": dict(self.delays),
        }


def beyond_hardware(network: FixedNetwork) -> tuple[FixedProjection, ...]:
    """Give the projections from neurons whose delay the hardware does not have.

    Those from inputs are none of them: whoever sends an input holds it back as long as it takes.
    """
    inputs = {i.name for i in network.inputs}
    return tuple(q for q in network.projections if q.delay > MAX_DELAY and q.source not in inputs)


def insert_relays(network: FixedNetwork) -> FixedNetwork:
    """Let relay neurons pass on what arrives later than the hardware can let it.

    Given::

        a (lag 1) -140-> b (lag 0),  a -70-> a

    Result::

        a (lag 1) -63-> a.relay1 (lag 1) -63-> a.relay2 (lag 0) -14-> b (lag 0),  a.relay1 -7-> a

    A relay spikes in the hardware step in which a spike arrives, and keeps nothing. Each has as
    many neurons as the population whose spikes it passes on, one relay for every 63 steps, and
    all projections of that population share them: each projection starts from the last relay
    before its end, with its own operators, and what is left of its delay.

    A population runs for the ``T`` steps of the input only, from its lag on, and a relay is no
    exception. Of relay ``k``, ``63 k`` steps behind its source, the lag is ::

        min(lag(source) + 63 k, largest lag(target) of the projections that start there or later)

    so the network's latency stays. Spikes of the source reach it from its first step on: at most
    63 steps pass from relay to relay, and no lag differs by more. And what reaches it after its
    last step reaches targets after theirs: from here to a target it takes at least as long as
    their lags differ, since none of the projections had less than that to begin with.

    Relays follow their source in the order of evaluation. A network that needs none is returned
    as it is.

    Args:
        network: Retimed.

    Raises:
        InputError: SNN202, there would be more relay neurons than a chip has neurons.
    """
    late = beyond_hardware(network)
    if not late:
        return network
    raise_all(_too_many(network, late))
    taken = {*network.shapes, *(q.name for q in network.projections)}
    populations: list[FixedPopulation] = []
    chains: dict[str, tuple[FixedPopulation, ...]] = {}
    links: list[FixedProjection] = []
    for p in network.populations:
        populations.append(p)
        served = [q for q in late if q.source == p.name]
        if served:
            chains[p.name] = tuple(_chain(network, p, served, _base(p.name, served, taken)))
            populations += chains[p.name]
            links += _links(p, chains[p.name])
    moved = tuple(_moved(q, chains[q.source]) if q in late else q for q in network.projections)
    return replace(network, populations=tuple(populations), projections=(*moved, *links))


def relayed(before: FixedNetwork, after: FixedNetwork) -> tuple[Relayed, ...]:
    """Say what ``insert_relays`` made of ``before``."""
    own = {p.name for p in before.populations}
    sources = {q.target: q.source for q in after.projections if q.target not in own}
    chains: dict[str, list[str]] = {}
    for p in after.populations:  # relays follow their source
        if p.name in sources:
            source = sources[p.name]
            chains[p.name] = [*chains.pop(source, [source]), p.name]
    late = beyond_hardware(before)
    return tuple(
        Relayed(
            source=source,
            relays=tuple(relays),
            neurons=len(relays) * before.population(source).size,
            delays={q.name: q.delay for q in late if q.source == source},
        )
        for source, *relays in chains.values()
    )


def _relays_before(q: FixedProjection) -> int:
    """Give the number of relays on the way of ``q``, which leaves it a delay of 1 to 63."""
    return (q.delay - 1) // MAX_DELAY


def _base(source: str, served: Iterable[FixedProjection], taken: set[str]) -> str:
    """Give what the names of relays of ``source`` begin with: none of them is taken."""
    base, count = f"{source}.relay", max(map(_relays_before, served))
    while any(name.endswith(f"{base}{k}") for name in taken for k in range(1, count + 1)):
        base += ".relay"
    return base


def _chain(
    network: FixedNetwork, source: FixedPopulation, served: list[FixedProjection], base: str
) -> Iterator[FixedPopulation]:
    lags = {p.name: p.lag for p in network.populations}
    for k in range(1, max(map(_relays_before, served)) + 1):
        behind = [q for q in served if _relays_before(q) >= k]
        yield memoryless(
            f"{base}{k}",
            tuple(dict.fromkeys(o for q in behind for o in q.origin)),
            source.shape,
            lag=min(source.lag + MAX_DELAY * k, max(lags[q.target] for q in behind)),
        )


def memoryless(
    name: str, origin: tuple[str, ...], shape: tuple[int, ...], *, lag: int = 0, threshold: int = 0
) -> FixedPopulation:
    """Give neurons that keep nothing, and spike where what arrives in a step is above a threshold.

    Args:
        name: Of the population.
        origin: The modules that it is there for.
        shape: Of the population.
        lag: As of any population.
        threshold: Mantissa; 0 lets a neuron spike for one synapse of weight 1: ``v = 64``.
    """
    n = prod(shape)

    def each(value: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.full(n, value, np.int32)

    return FixedPopulation(
        name=name,
        origin=origin,
        shape=shape,
        du=each(MAX_DU),
        dv=each(MAX_DV),
        threshold=each(threshold),
        bias_mant=each(0),
        bias_exp=each(0),
        initial=each(0),
        reset=FixedReset.ZERO,
        refractory=0,
        spiking=True,
        lag=lag,
        scale=np.ones(n),
        offset=np.zeros(n),
    )


def _links(source: FixedPopulation, chain: Iterable[FixedPopulation]) -> Iterator[FixedProjection]:
    """Give the projections from one relay to the next: a weight of 1 from neuron to neuron."""
    one = FixedScaling(weight=np.ones(source.size, np.int8))
    sender = source.name
    for relay in chain:
        yield FixedProjection(
            name=f"{sender}->{relay.name}",
            origin=relay.origin,
            source=sender,
            target=relay.name,
            operators=(one,),
            weight_bits=1,
            sign_mode=SignMode.EXCITATORY,
            weight_exp=0,
            delay=MAX_DELAY,
        )
        sender = relay.name


def _moved(q: FixedProjection, chain: tuple[FixedPopulation, ...]) -> FixedProjection:
    passed = _relays_before(q)
    return replace(q, source=chain[passed - 1].name, delay=q.delay - MAX_DELAY * passed)


def _too_many(network: FixedNetwork, late: tuple[FixedProjection, ...]) -> Iterator[Diagnostic]:
    longest: dict[str, FixedProjection] = {}
    for q in late:
        longest[q.source] = max(q, longest.get(q.source, q), key=lambda p: p.delay)
    counts = {
        name: network.population(name).size * _relays_before(q) for name, q in longest.items()
    }
    if sum(counts.values()) > MAX_RELAYS:
        worst = max(counts, key=lambda name: counts[name])
        q, n = longest[worst], network.population(worst).size
        yield Diagnostic(
            rule=rules.RELAYS_FIT,
            node=" + ".join(q.origin) or q.name,
            found=f"{sum(counts.values()):,} relay neurons, {counts[worst]:,} of them for "
            f"{q.delay} steps of delay behind the {n:,} neurons of {worst}",
            limit=f"{MAX_RELAYS:,}: a neuron for each neuron and each {MAX_DELAY} steps, and a "
            "Loihi 2 chip has no more",
            remedy="shorten the delay, delay a smaller population, or take longer steps (--dt)",
        )
