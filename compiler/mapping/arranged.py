"""Whether a mapped network is one: cores that are there, and every neuron on exactly one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.mapping.mapped import Core, MappedNetwork
from snnc.compiler.mapping.regions import Box, Region
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    result_shape,
)


def arrangement_problems(mapped: MappedNetwork) -> Iterator[Diagnostic]:
    """Yield every way in which cores, parts and neurons are not arranged as they should be."""
    problems = [p for k, core in enumerate(mapped.cores) for p in _core_problems(mapped, k, core)]
    problems += _place_problems(mapped)
    problems += _neuron_problems(mapped)
    yield from problems or _form_problems(mapped)


def faulty(node: str, found: str, limit: str) -> Diagnostic:
    """Say that a mapped network is wrong."""
    return Diagnostic(
        rule=rules.MAPPING_HOLDS,
        node=node,
        found=found,
        limit=limit,
        remedy="compile it anew; if that comes to the same, it is a fault of snnc: report it",
    )


def on_core(mapped: MappedNetwork, k: int) -> str:
    """Name a core by its place."""
    return f"core {k}: chip {mapped.cores[k].chip}, slot {mapped.cores[k].slot}"


def _place_problems(mapped: MappedNetwork) -> Iterator[Diagnostic]:
    places = [(core.chip, core.slot) for core in mapped.cores]
    for k, (before, here) in enumerate(pairwise(places)):
        if here <= before:
            found = "a place that is not behind that of the core before"
            yield faulty(on_core(mapped, k + 1), found, "by chip and slot, one core at each")


def _core_problems(mapped: MappedNetwork, k: int, core: Core) -> Iterator[Diagnostic]:
    hardware, shapes = mapped.hardware, mapped.fixed.shapes
    names = [p.name for p in mapped.fixed.populations]
    if not (0 <= core.chip < hardware.chips.value and 0 <= core.slot < hardware.cores_per_chip):
        limit = f"{hardware.chips.value} chips of {hardware.cores_per_chip} cores"
        yield faulty(on_core(mapped, k), "a place that is not there", limit)
    if not core.parts:
        yield faulty(on_core(mapped, k), "no neurons", "those that are used")
    ranks = [names.index(p.population) for p in core.parts if p.population in names]
    if len(ranks) < len(core.parts) or any(b <= a for a, b in pairwise(ranks)):
        found = ", ".join(part.population for part in core.parts)
        yield faulty(on_core(mapped, k), found, "each population once, in the order of the network")
    for part in core.parts:
        shape = shapes.get(part.population)
        if shape is not None and not _inside(part.region, shape):
            found = f"neurons that {part.population} has not, or in another order"
            yield faulty(on_core(mapped, k), found, f"neurons of {list(shape)}, ascending")


def _inside(region: Region, shape: Shape) -> bool:
    """Tell whether a region has neurons, and a population of ``shape`` has them all."""
    if isinstance(region, Box):
        axes = zip(region.begin, region.end, shape, strict=False)
        alike = len(region.begin) == len(region.end) == len(shape)
        return alike and all(0 <= b < e <= n for b, e, n in axes)
    neurons, size = region.neurons, int(np.prod(shape))
    ascends = neurons.size > 0 and bool((np.diff(neurons) > 0).all())
    return ascends and bool(neurons[0] >= 0 and neurons[-1] < size)


def _neuron_problems(mapped: MappedNetwork) -> Iterator[Diagnostic]:
    shapes = mapped.fixed.shapes
    cores = {p.name: np.zeros(p.size, np.int64) for p in mapped.fixed.populations}
    for core in mapped.cores:
        for part in core.parts:
            if part.population in cores and _inside(part.region, shapes[part.population]):
                cores[part.population][part.region.indices(shapes[part.population])] += 1
    for p in mapped.fixed.populations:
        for found, wrong in (("no core", cores[p.name] == 0), ("several cores", cores[p.name] > 1)):
            if wrong.any():
                node = " + ".join(p.origin) or p.name
                text = (
                    f"{wrong.sum()} neurons on {found}, neuron {wrong.argmax()} the first of them"
                )
                yield faulty(node, text, "every neuron on one core")


def _form_problems(mapped: MappedNetwork) -> Iterator[Diagnostic]:
    """Yield the parts that are no box of what windows give."""
    shapes = mapped.fixed.shapes
    forms = [
        (q.target, result_shape(q.operators, shapes[q.source]))
        for q in mapped.fixed.projections
        if any(isinstance(o, FixedConvolution | SumPooling | MaxPooling) for o in q.operators)
        and not isinstance(q.operators[-1], FixedDense | FixedSparse)
    ]
    for k, core in enumerate(mapped.cores):
        for part in core.parts:
            neurons = part.region.indices(shapes[part.population])
            for target, form in forms:
                if target == part.population and not _is_box(neurons, form):
                    found = f"{neurons.size} neurons of {target} that are no box"
                    yield faulty(on_core(mapped, k), found, f"a box of {list(form)}")


def _is_box(neurons: npt.NDArray[np.int64], shape: Shape) -> bool:
    """Tell whether neurons are all those within the box around them."""
    return (
        prod(int(p.max() - p.min()) + 1 for p in np.unravel_index(neurons, shape)) == neurons.size
    )
