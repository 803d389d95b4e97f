"""A mapped network as a network of parts: what its cores execute."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import FixedAxons, FixedNetwork, FixedPopulation, FixedProjection, Ints
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.pieces import Piece, piece
from snnc.compiler.mapping.regions import Region
from snnc.compiler.mapping.sliced import kept
from snnc.compiler.network import Output

PARAMETERS = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")
"""Of a ``FixedPopulation``, one of each neuron."""


@dataclass(frozen=True, eq=False)
class Homes:
    """Where the neurons of a population are.

    Attributes:
        regions: Those on each core, by the core's index, ascending.
        names: Of the part on each core.
        core: Of each neuron, shape ``[n]``.
        place: Of each neuron among those of its core, shape ``[n]``.
    """

    regions: dict[int, Region]
    names: dict[int, str]
    core: Ints
    place: Ints


def cut(mapped: MappedNetwork) -> FixedNetwork:
    """Give the network of all parts, which computes the same bits.

    A population becomes a part ``NAME@CORE`` on each core that has neurons of it. A projection into
    it becomes one into each part, from axons ``PROJECTION@CORE.axons``, which give the elements of
    its source that the part reads, in the same step; or from the source itself, if that is not cut
    and all of it is read. Delays and lags stay. An output becomes one of each part.

    Args:
        mapped: Every neuron is on exactly one core, and every part is one that can be cut out.

    Raises:
        InternalError: A neuron is on no core, or on two.
        NotABox: A part cannot be cut out.
    """
    fixed, found = mapped.fixed, homes(mapped)
    arriving: dict[str, list[FixedProjection]] = {p.name: [] for p in fixed.populations}
    for q in fixed.projections:
        arriving[q.target].append(q)
    populations = list[FixedPopulation]()
    projections = list[FixedProjection]()
    axons = list[FixedAxons]()
    shapes, at = fixed.shapes, mark(fixed)
    for p in fixed.populations:
        for core, region in found[p.name].regions.items():
            target = found[p.name].names[core]
            populations.append(_part(p, region, target))
            for q in arriving[p.name]:
                of = piece(q.operators, shapes[q.source], region, p.shape)
                if of is None:
                    continue
                name = f"{q.name}{at}{core}"
                source = _in_full(q.source, of, shapes[q.source], found)
                if source is None:
                    axons.append(_axons(f"{name}.axons", q.source, of, shapes, found))
                    source = axons[-1].name
                projections.append(
                    replace(q, name=name, source=source, target=target, operators=of.operators)
                )
    return FixedNetwork(
        inputs=fixed.inputs,
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=tuple(_outputs(fixed, found)),
        dt=fixed.dt,
        axons=tuple(axons),
    )


def homes(mapped: MappedNetwork) -> dict[str, Homes]:
    """Find the neurons of each population.

    Raises:
        InternalError: A neuron is on no core, or on two.
    """
    fixed, at = mapped.fixed, mark(mapped.fixed)
    regions: dict[str, dict[int, Region]] = {p.name: {} for p in fixed.populations}
    for k, on in enumerate(mapped.cores):
        for part in on.parts:
            regions[part.population][k] = part.region
    found: dict[str, Homes] = {}
    for p in fixed.populations:
        core, place = np.full(p.size, -1, np.int32), np.zeros(p.size, np.int32)
        for k, region in regions[p.name].items():
            neurons = region.indices(p.shape)
            core[neurons] = k
            place[neurons] = np.arange(neurons.size)
        if (core < 0).any() or sum(r.size for r in regions[p.name].values()) != p.size:
            raise InternalError(f"{p.name}: not every neuron is on exactly one core")
        names = {k: f"{p.name}{at}{k}" for k in regions[p.name]}
        found[p.name] = Homes(regions[p.name], names, core, place)
    return found


def mark(fixed: FixedNetwork) -> str:
    """Give what stands between the name of a population and a core: ``@``, or more of them.

    More where an input is called as a part or its axons could be.
    """
    names = [i.name for i in fixed.inputs]
    marks = ("@" * n for n in count(1))
    return next(
        m for m in marks if not any(re.search(rf"{m}[0-9]+(\.axons)?$", name) for name in names)
    )


def _part(p: FixedPopulation, region: Region, name: str) -> FixedPopulation:
    """Give the neurons of a region as a population."""
    neurons = region.indices(p.shape)
    vectors: dict[str, Any] = {
        field: kept(getattr(p, field)[neurons]) for field in (*PARAMETERS, "scale", "offset")
    }
    return replace(p, name=name, shape=region.shape, **vectors)


def _in_full(source: str, of: Piece, shape: tuple[int, ...], found: dict[str, Homes]) -> str | None:
    """Name the input or the part that a piece reads from its first element to the last.

    A list of all neurons is none: it has lost their shape.
    """
    if of.shape != shape:
        return None
    if source not in found:  # an input
        return source
    alike = [k for k, region in found[source].regions.items() if region.shape == shape]
    return found[source].names[alike[0]] if len(found[source].regions) == len(alike) == 1 else None


def _axons(
    name: str,
    source: str,
    of: Piece,
    shapes: Mapping[str, tuple[int, ...]],
    found: dict[str, Homes],
) -> FixedAxons:
    """Give the axons that hold what a piece reads of its source, cut or not."""
    elements = of.source.indices(shapes[source])
    if source not in found:  # an input
        return FixedAxons(
            name=name,
            shape=of.shape,
            sources=(source,),
            member=kept(np.zeros(elements.size, np.int32)),
            element=kept(elements.astype(np.int32)),
        )
    cores, member = np.unique(found[source].core[elements], return_inverse=True)
    return FixedAxons(
        name=name,
        shape=of.shape,
        sources=tuple(found[source].names[int(core)] for core in cores),
        member=kept(member.astype(np.int32)),
        element=kept(found[source].place[elements]),
    )


def _outputs(fixed: FixedNetwork, found: dict[str, Homes]) -> Iterator[Output]:
    at = mark(fixed)
    for o in fixed.outputs:
        for core, name in found[o.source].names.items():
            yield Output(f"{o.name}{at}{core}", name)
