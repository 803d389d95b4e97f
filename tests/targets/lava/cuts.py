"""Networks cut over cores by hand: neuron by neuron, all weights a matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from snnc.compiler.fixed import FixedAxons, FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Listed, Region
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedDense
from snnc.targets.hardware.load import load_hardware
from snnc.targets.lava.forms import Form
from snnc.targets.lava.groups import Groups
from snnc.targets.lava.target import LavaTarget
from tests.targets.lava.networks import Array, artifact

ARRAYS = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial", "scale", "offset")


@dataclass(frozen=True)
class _Place:
    """Where a neuron is: the name of its part, and its index there."""

    part: str
    element: int


def cut_by_hand(fixed: FixedNetwork, core_of: dict[str, Array]) -> Groups:
    """Cut ``fixed``, in which all projections are dense, as ``core_of`` says of each neuron.

    A part hears what it has a weight for that is not 0, from an input or a population that is
    not cut at its own port where that is all of it, and else by axons.
    """
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    axons: list[FixedAxons] = []
    places = {i.name: [_Place(i.name, k) for k in range(i.size)] for i in fixed.inputs}
    for p in fixed.populations:
        count: dict[int, int] = {}
        places[p.name] = []
        for core in core_of[p.name].tolist():
            place = count.get(core, 0)
            places[p.name].append(_Place(f"{p.name}@{core}", place))
            count[core] = place + 1
    for p in fixed.populations:
        for core in sorted(set(core_of[p.name].tolist())):
            mine = np.flatnonzero(core_of[p.name] == core)
            arrays = {f: getattr(p, f)[mine] for f in ARRAYS}
            name = f"{p.name}@{core}"
            shape = p.shape if mine.size == p.size else mine.shape
            populations.append(replace(p, name=name, shape=shape, **arrays))
            for q in fixed.incoming(p.name):
                made, new = _cut_projection(q, name, mine, places[q.source])
                projections.append(made)
                axons.extend(new)
    return Groups(
        network=replace(
            fixed,
            populations=tuple(populations),
            projections=tuple(projections),
            axons=tuple(axons),
            outputs=tuple(
                Output(f"{o.name} of {part}", part)
                for o in fixed.outputs
                for part in _parts(places[o.source])
            ),
        ),
        cores={part: int(part.rpartition("@")[2]) for part in (p.name for p in populations)},
        joined=tuple(_axons(p.name, p.shape, places[p.name]) for p in fixed.populations),
        outputs=fixed.outputs,
    )


def _cut_projection(
    q: FixedProjection, part: str, mine: Array, places: list[_Place]
) -> tuple[FixedProjection, list[FixedAxons]]:
    (dense,) = q.operators
    assert isinstance(dense, FixedDense)
    rows = dense.weight[mine]
    heard = np.flatnonzero(rows.any(axis=0))
    if heard.size == 0:
        heard = np.arange(1)
    name = f"{q.name} into {part}"
    operators = (FixedDense(weight=rows[:, heard]),)
    source, axons = f"axons of {name}", list[FixedAxons]()
    sources = [places[k] for k in heard]
    if len(_parts(places)) == 1 and heard.size == len(places):
        source = places[0].part
    else:
        axons = [_axons(source, heard.shape, sources)]
    return replace(q, name=name, source=source, target=part, operators=operators), axons


def _axons(name: str, shape: tuple[int, ...], places: list[_Place]) -> FixedAxons:
    sources = _parts(places)
    return FixedAxons(
        name=name,
        shape=shape,
        sources=sources,
        member=np.array([sources.index(place.part) for place in places], np.int32),
        element=np.array([place.element for place in places], np.int32),
    )


def _parts(places: list[_Place]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place.part for place in places))


def scattered(fixed: FixedNetwork, cores: int, seed: int) -> Groups:
    """Cut ``fixed`` by hand with every neuron on a core that is drawn."""
    return cut_by_hand(fixed, _drawn(fixed, cores, seed))


def on_cores(fixed: FixedNetwork, cores: int, seed: int) -> MappedNetwork:
    """Give the same as a mapping."""
    drawn = _drawn(fixed, cores, seed)
    regions: list[dict[str, Region]] = [
        {n: Listed(np.flatnonzero(of == core)) for n, of in drawn.items() if (of == core).any()}
        for core in range(cores)
    ]
    return mapped_to(fixed, *regions)


def _drawn(fixed: FixedNetwork, cores: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {p.name: rng.integers(0, cores, p.size) for p in fixed.populations}


def write_cut_artifact(
    directory: Path, fixed: FixedNetwork, groups: Groups, form: Form = Form.MIXED
) -> Path:
    """Write an artifact of ``fixed`` that runs as ``groups``, and give the script that runs it."""
    made = artifact(fixed, form)
    members = {
        **LavaTarget().members(fixed, made.options),
        **groups.files(),
        "lava.json": groups.plan(form).to_bytes(),
    }
    for name, content in replace(made, members=members).files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory / "run.py"


def mapped_to(fixed: FixedNetwork, *cores: dict[str, Region]) -> MappedNetwork:
    """Map ``fixed`` to cores, each with a region of some populations."""
    on = tuple(
        Core(
            parts=tuple(Part(name, region) for name, region in regions.items()),
            chip=0,
            slot=slot,
            encodings={},
        )
        for slot, regions in enumerate(cores)
    )
    return MappedNetwork(fixed=fixed, hardware=load_hardware("loihi1"), cores=on, seed=0)
