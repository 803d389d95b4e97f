"""Give every population a lag and every projection a hardware delay of at least one step."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import networkx as nx

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.compiler.fixed import LONGEST_DELAY, FixedNetwork, FixedProjection

_START = ("start",)  # no population bears this name: theirs are strings


def retime(network: FixedNetwork) -> FixedNetwork:
    """Let later populations run behind, so that no spike has to arrive within its own step.

    With the least lags for which every projection has ``delay_hw >= 1``::

        delay_hw = delay + lag(target) - lag(source)

    Given::

        x -0-> hidden -0-> out,  x -0-> out,  hidden -1-> hidden

    Result::

        x -1-> hidden (lag 1) -1-> out (lag 2),  x -2-> out,  hidden -1-> hidden

    Every population computes the same spikes, ``lag`` hardware steps later: around a loop the
    lags cancel, and along parallel branches they agree. Inputs keep lag 0. A population that
    nothing feeds waits for those that it feeds, so that its delays stay as short as theirs. A
    network in which every delay is at least 1 already is returned as it is.

    Reference: Leiserson and Saxe 1991, Retiming Synchronous Circuitry, Algorithmica 6.

    Raises:
        InputError: SNN121, a loop has less delay than projections; SNN201, a delay would be
            longer than relays can make it.
    """
    if all(p.delay >= 1 for p in network.projections):
        return network
    lags = _least_lags(network)
    lags |= _lags_of_unfed(network, lags)
    populations = tuple(replace(p, lag=lags[p.name]) for p in network.populations)
    projections = tuple(
        replace(p, delay=p.delay + lags[p.target] - lags[p.source]) for p in network.projections
    )
    raise_all(too_long(p) for p in projections if p.delay > LONGEST_DELAY)
    return replace(network, populations=populations, projections=projections)


def unretimed(network: FixedNetwork) -> FixedNetwork:
    """Give the network that ``retime`` made ``network`` of: no lags, delays as in the model.

    Axons send in the step of their sources, which are parts of one population, of one lag.
    """
    lags = {i.name: 0 for i in network.inputs} | {p.name: p.lag for p in network.populations}
    lags |= {a.name: lags[a.sources[0]] for a in network.axons}
    return replace(
        network,
        populations=tuple(replace(p, lag=0) for p in network.populations),
        projections=tuple(
            replace(p, delay=p.delay - lags[p.target] + lags[p.source]) for p in network.projections
        ),
    )


def _least_lags(network: FixedNetwork) -> dict[str, int]:
    """Solve ``lag(target) >= lag(source) + 1 - delay`` by the longest path from the start."""
    graph: nx.DiGraph[object] = nx.DiGraph()
    names = [i.name for i in network.inputs] + [p.name for p in network.populations]
    graph.add_weighted_edges_from((_START, name, 0) for name in names)
    for p in network.projections:
        known = graph.get_edge_data(p.source, p.target, {"weight": p.delay - 1})
        graph.add_edge(p.source, p.target, weight=min(p.delay - 1, known["weight"]))
    try:
        distances = nx.single_source_bellman_ford_path_length(graph, _START)
    except nx.NetworkXUnbounded as unbounded:
        cycle = [str(name) for name in nx.find_negative_cycle(graph, _START)]
        raise InputError([_loop(network, cycle)]) from unbounded
    return {str(name): -int(d) for name, d in distances.items() if name != _START}


def _lags_of_unfed(network: FixedNetwork, lags: dict[str, int]) -> dict[str, int]:
    """Give lags of the populations that nothing feeds: as late as what they feed allows."""
    unfed = {p.name for p in network.populations} - {q.target for q in network.projections}
    latest: dict[str, int] = {}
    for q in network.projections:
        if q.source in unfed:
            lag = lags[q.target] - (q.delay == 0)
            latest[q.source] = min(lag, latest.get(q.source, lag))
    return latest


def _loop(network: FixedNetwork, cycle: list[str]) -> Diagnostic:
    steps = list(pairwise(cycle))
    delays = [
        min(p.delay for p in network.projections if (p.source, p.target) == step) for step in steps
    ]
    return Diagnostic(
        rule=rules.LOOP_DELAYED,
        node=" -> ".join(cycle),
        found=f"delays of {' + '.join(map(str, delays))} steps on {len(steps)} projections",
        limit=f"{len(steps)} steps: a spike takes one step for each projection (Lava's Dense)",
        remedy="give the recurrent connection a delay of a step for each projection of the loop",
    )


def too_long(projection: FixedProjection) -> Diagnostic:
    """Say that a spike is to arrive later than anything can let it."""
    return Diagnostic(
        rule=rules.DELAY_RANGE,
        node=" + ".join(projection.origin) or projection.name,
        found=f"{projection.delay} steps of delay from {projection.source} to {projection.target}",
        limit=f"{LONGEST_DELAY:,} steps: what is on its way is kept step by step",
        remedy="shorten the delay, or take longer steps (--dt)",
    )
