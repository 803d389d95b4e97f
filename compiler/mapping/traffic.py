"""Who sends to whom: spikes between cores, grouped into the multicast trees that carry them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.mapped import Flows, Part
from snnc.compiler.mapping.pieces import elements_read
from snnc.compiler.mapping.regions import Box, Listed, Region
from snnc.compiler.operators import Shape

Rates = Mapping[str, npt.NDArray[np.float64]]
"""Spikes a step of each neuron of a population or element of an input, shape ``[n]`` or ``[]``."""
DEFAULT_RATE = 1.0
"""Of what no rate is known of: a spike in every step, the most there can be."""


class HasParts(Protocol):
    """A core, placed or not."""

    @property
    def parts(self) -> Sequence[Part]:
        """What lies on it."""
        ...


@dataclass(frozen=True, eq=False)
class Reading:
    """Elements of one source that come to one core.

    Attributes:
        source: Name of an input or a population.
        core: Index of the core.
        region: Its elements.
    """

    source: str
    core: int
    region: Region


def rate_of(rates: Rates, name: str, n: int) -> npt.NDArray[np.float64]:
    """Give the rate of each of the ``n`` elements of ``name``."""
    rate = np.asarray(rates.get(name, DEFAULT_RATE), np.float64)
    return np.broadcast_to(rate.reshape(-1) if rate.ndim else rate, (n,))


def reads(network: FixedNetwork, part: Part) -> Iterator[tuple[str, Region]]:
    """Give what each projection into a part reads: the source and its elements.

    Raises:
        NotABox: The part is none.
    """
    shapes = network.shapes
    for projection in network.incoming(part.population):
        region = elements_read(
            projection.operators,
            shapes[projection.source],
            part.region,
            shapes[part.population],
        )
        if region is not None:
            yield projection.source, region


def united(regions: Iterable[Region], shape: Shape) -> Region:
    """Give the elements that are in one region at least."""

    def both(a: Region, b: Region) -> Region:
        if a is b or (isinstance(a, Box) and a == b):
            return a
        return Listed(np.union1d(a.indices(shape), b.indices(shape)))

    return reduce(both, regions)


def readings(network: FixedNetwork, cores: Sequence[HasParts]) -> Iterator[Reading]:
    """Give what comes to each core, core by core, each source once."""
    shapes = network.shapes
    for index, core in enumerate(cores):
        regions: dict[str, list[Region]] = {}
        for part in core.parts:
            for source, region in reads(network, part):
                regions.setdefault(source, []).append(region)
        for source, found in regions.items():
            yield Reading(source, index, united(found, shapes[source]))


def view(values: npt.NDArray[Any], region: Region, shape: Shape) -> npt.NDArray[Any]:
    """Give the values, shape ``[n]``, in a region: of a box a view."""
    if isinstance(region, Listed):
        return values[region.neurons]
    slices = tuple(slice(b, e) for b, e in zip(region.begin, region.end, strict=True))
    inside: npt.NDArray[Any] = values.reshape(shape)[slices]
    return inside


def put(values: npt.NDArray[Any], region: Region, shape: Shape, value: object) -> None:
    """Set the values, shape ``[n]``, in a region to ``value``."""
    if isinstance(region, Listed):
        values[region.neurons] = value
    else:
        view(values, region, shape)[...] = value


def add(values: npt.NDArray[Any], region: Region, shape: Shape, value: object) -> None:
    """Add ``value`` to the values, shape ``[n]``, in a region."""
    if isinstance(region, Listed):
        values[region.neurons] += value
    else:
        inside = view(values, region, shape)
        inside += value


def flows(network: FixedNetwork, cores: Sequence[HasParts], rates: Rates) -> Flows:
    """Give the spikes between cores.

    Neurons that send to the same cores are found by a sum of random numbers of 64 bits, one for
    each core, so that the work grows with the number of axons alone. The chance that two of
    ``m`` sets of cores have the same sum is below ``m**2 / 2**65``.

    Args:
        network: Whole and retimed.
        cores: Each neuron lies on one of them.
        rates: Spikes a step; those not known of are 1.
    """
    shapes = network.shapes
    owners = _owners(network, cores)
    keys = np.random.default_rng(0).integers(1, 2**63, len(cores) + 1, dtype=np.int64)
    by_source: dict[str, list[Reading]] = {}
    for reading in readings(network, cores):
        by_source.setdefault(reading.source, []).append(reading)
    trees: dict[int, tuple[int, list[int], float]] = {}
    for source, found in by_source.items():
        shape = shapes[source]
        n = int(np.prod(shape, dtype=np.int64))
        owner = owners.get(source, np.full(n, -1, np.int32))
        for tree in _trees(found, shape, owner, keys, rate_of(rates, source, n)):
            core, targets, rate = trees.get(tree.key, (tree.core, tree.targets, 0.0))
            trees[tree.key] = core, targets, rate + tree.rate
    return _packed(sorted(trees.values()))


def km1(flows: Flows) -> float:
    """Give the spikes a step that leave their core, each counted once for each other core.

    It is the connectivity metric (lambda - 1) of the partitioned hypergraph of neurons.
    """
    sizes = np.diff(flows.begin)
    own = np.zeros(len(sizes), np.int64)
    source = np.repeat(flows.source, sizes)
    np.add.at(own, np.repeat(np.arange(len(sizes)), sizes), flows.target == source)
    return float((flows.rate * (sizes - own)).sum())


@dataclass(frozen=True)
class _Tree:
    key: int
    core: int
    targets: list[int]
    rate: float


def _owners(network: FixedNetwork, cores: Sequence[HasParts]) -> dict[str, npt.NDArray[np.int32]]:
    """Give the core of each neuron by population."""
    shapes = network.shapes
    owners = {p.name: np.full(p.size, -1, np.int32) for p in network.populations}
    for index, core in enumerate(cores):
        for part in core.parts:
            put(owners[part.population], part.region, shapes[part.population], index)
    return owners


def _trees(
    found: list[Reading],
    shape: Shape,
    owner: npt.NDArray[np.int32],
    keys: npt.NDArray[np.int64],
    rate: npt.NDArray[np.float64],
) -> Iterator[_Tree]:
    """Give the trees that start at one source: what its elements have in common."""
    signature = np.zeros(owner.size, np.int64)
    for reading in found:
        add(signature, reading.region, shape, keys[reading.core])
    sent = np.flatnonzero(signature)
    mixed = signature[sent] * 3 + keys[owner[sent]]  # -1, the outside, has the last key
    codes, first, group = np.unique(mixed, return_index=True, return_inverse=True)
    total = np.bincount(group, rate[sent], len(codes))
    place = np.full(owner.size, -1, np.int32)
    place[sent[first]] = np.arange(len(codes))
    targets = [list[int]() for _ in codes]
    for reading in found:
        inside = view(place, reading.region, shape)
        found_there: list[int] = inside[inside >= 0].tolist()
        for tree in found_there:
            targets[tree].append(reading.core)
    for i, code in enumerate(codes):
        yield _Tree(int(code), int(owner[sent[first[i]]]), targets[i], float(total[i]))


def _packed(trees: list[tuple[int, list[int], float]]) -> Flows:
    sizes = [len(targets) for _, targets, _ in trees]
    return Flows(
        source=np.array([core for core, _, _ in trees], np.int32),
        begin=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        target=np.array([t for _, targets, _ in trees for t in targets], np.int32),
        rate=np.array([rate for _, _, rate in trees], np.float64),
    )
