"""How many links spikes go over after placement, and how long that takes.

    python -m tests.benchmarks.mapping.placing [sheet] [layers] [growth]

Without an argument all three. ``sheet``: 10,000 neurons with 24 targets nearby and 2 anywhere, cut
by METIS; ``layers``: each core to all, or to three, of the next layer; ``growth``: more of these.
The published way, FAQ and then the best swap again and again, is run on the same numbers.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pymetis

from snnc.compiler.mapping.assignment import Assignment, faq
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit, Mesh
from snnc.compiler.mapping.mapped import Flows
from snnc.compiler.mapping.pairs import Pairs, pairs_of
from snnc.compiler.mapping.place import place
from snnc.compiler.mapping.routes import Traffic, route
from snnc.compiler.mapping.system import System
from snnc.targets.hardware.load import load_hardware

Ints = npt.NDArray[np.int64]
SIDE, NEARBY, ANYWHERE, SPREAD = 100, 24, 2, 3.0
"""Neurons on a side of the sheet, targets of each, and the standard deviation of those nearby."""


def main() -> None:
    """Run what is asked for."""
    asked = sys.argv[1:] or ["sheet", "layers", "growth"]
    for name in asked:
        {"sheet": sheets, "layers": layers, "growth": growth}[name]()


def sheets() -> None:
    """Place the sheet on meshes with one core at each router, each spike sent to each target."""
    _head("mesh", "random", "FAQ + swaps", "place", "to FAQ", "to random", "s")
    for side in (8, 16):
        n, hardware = side * side, _meshed(Mesh(side, side, 1))
        flows = sheet(n)
        costs = [_hops(flows, p, hardware) for p in (_random(n), _published(flows, hardware))]
        begin = time.perf_counter()
        costs.append(route(flows, *place(flows, n, hardware, 0), hardware).spike_hops)
        taken = time.perf_counter() - begin
        _row(f"{side} x {side}", *costs, costs[2] / costs[1], costs[2] / costs[0], taken)


def layers() -> None:
    """Place layers on the mesh of a Loihi: trees, which pairs of cores do not tell all of."""
    _head("layers", "row by row", "FAQ + swaps", "place", "to FAQ", "to rows", "s")
    hardware = load_hardware("loihi1")
    for n_layers, width, reach in ((8, 16, 16), (4, 32, 32), (8, 16, 1), (2, 64, 64)):
        flows, n = layered(n_layers, width, reach), n_layers * width
        costs = [_hops(flows, p, hardware) for p in (np.arange(n), _published(flows, hardware))]
        begin = time.perf_counter()
        costs.append(route(flows, *place(flows, n, hardware, 0), hardware).spike_hops)
        taken = time.perf_counter() - begin
        name = f"{n_layers} of {width}, {'all' if reach >= width else 'near'}"
        _row(name, *costs, costs[2] / costs[1], costs[2] / costs[0], taken)


def growth() -> None:
    """Place more and more cores on Loihis, as many as it takes."""
    _head("cores", "chips", "hops, rows", "hops", "chips, rows", "chips", "s")
    loihi = load_hardware("loihi1")
    hardware = replace(loihi, chips=Limit(10_000, "no limit", Certainty.CHOSEN))
    for n_layers in (8, 32, 128, 320):
        flows, n = layered(n_layers, 32, 2), n_layers * 32
        rows = _traffic(flows, np.arange(n), hardware)
        begin = time.perf_counter()
        chip, slot = place(flows, n, hardware, 0)
        taken = time.perf_counter() - begin
        found = route(flows, chip, slot, hardware)
        pairs = [(t.spike_hops, t.inter_chip) for t in (rows, found)]
        chips = int(chip.max()) + 1
        _row(str(n), chips, pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1], taken)


def sheet(parts: int) -> Flows:
    """Give spikes between ``parts`` of the sheet, a flow for each two of them, in random order."""
    rng, n = np.random.default_rng(0), SIDE * SIDE
    y, x = np.divmod(np.arange(n), SIDE)
    moved = np.rint(rng.normal(0, SPREAD, (2, n, NEARBY))).astype(np.int64)
    near = (y[:, None] + moved[0]) % SIDE * SIDE + (x[:, None] + moved[1]) % SIDE
    targets = np.concatenate((near, rng.integers(0, n, (n, ANYWHERE))), axis=1)
    rate, source = rng.gamma(2, 0.5, n), np.repeat(np.arange(n), targets.shape[1])
    graph = Pairs.of(n, source, targets.reshape(-1), rate[source])
    _, part = pymetis.part_graph(
        parts,
        adjacency=pymetis.CSRAdjacency(graph.begin, graph.near),
        eweights=np.rint(100 * graph.weight).astype(np.int64) + 1,
    )
    core = rng.permutation(parts)[np.asarray(part)]
    reached = np.unique(source * parts + core[targets.reshape(-1)])  # a core counts once
    source, target = np.divmod(reached, parts)
    pairs, which = np.unique(core[source] * parts + target, return_inverse=True)
    total = np.bincount(which, rate[source]).astype(np.float64)
    return _unicast(pairs // parts, pairs % parts, total)


def layered(n_layers: int, width: int, reach: int) -> Flows:
    """Give layers of cores; each sends to those of the next that are ``reach`` aside at most."""
    n = (n_layers - 1) * width
    there = [
        range(max(0, at - reach), min(width, at + reach + 1))
        for _ in range(n_layers - 1)
        for at in range(width)
    ]
    ahead = [(core // width + 1) * width for core in range(n)]
    return Flows(
        source=np.arange(n, dtype=np.int32),
        begin=np.concatenate(([0], np.cumsum([len(reached) for reached in there]))),
        target=np.array([ahead[core] + k for core in range(n) for k in there[core]], np.int32),
        rate=np.random.default_rng(0).gamma(2, 0.5, n),
    )


def _published(flows: Flows, hardware: Hardware) -> Ints:
    """Give places by FAQ, then by the best swap of two again and again."""
    n = int(max(flows.source.max(), flows.target.max())) + 1
    system = System.of(hardware, n)
    weight = np.zeros((system.places, system.places))
    weight[:n, :n] = pairs_of(flows, n)[0].matrix
    a = Assignment(weight, system.distances(np.arange(system.places)), np.zeros_like(weight))
    places = faq(a, 0)
    while True:
        moved = a.distance[np.ix_(places, places)]
        product = weight @ moved
        changes = product + product.T - product.diagonal()[:, None] - product.diagonal()
        changes += 2 * weight * moved
        np.fill_diagonal(changes, 0)
        i, j = divmod(int(changes.argmin()), len(changes))
        if changes[i, j] > -1e-9:
            return places[:n]
        places[[i, j]] = places[[j, i]]


def _unicast(source: Ints, target: Ints, rate: npt.NDArray[np.float64]) -> Flows:
    return Flows(
        source=source.astype(np.int32),
        begin=np.arange(source.size + 1),
        target=target.astype(np.int32),
        rate=rate,
    )


def _meshed(mesh: Mesh) -> Hardware:
    one = Limit(1, "one chip", Certainty.CHOSEN)
    return replace(load_hardware("loihi1"), mesh=mesh, chips=one, chip_columns=1)


def _random(n: int) -> Ints:
    return np.random.default_rng(1).permutation(n)


def _hops(flows: Flows, places: Ints, hardware: Hardware) -> float:
    return _traffic(flows, places, hardware).spike_hops


def _traffic(flows: Flows, places: Ints, hardware: Hardware) -> Traffic:
    return route(flows, *np.divmod(places, hardware.cores_per_chip), hardware)


def _head(*names: str) -> None:
    print("\n", *(f"{name:>14}" for name in names), sep="")


def _row(name: str, *cells: float) -> None:
    print(f"{name:>14}", *(f"{c:14,.2f}" if c < 100 else f"{c:14,.0f}" for c in cells), sep="")


if __name__ == "__main__":
    main()
