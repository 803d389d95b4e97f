"""Whether a placement is one of its network at all: what is checked when an artifact is read."""

from __future__ import annotations

import numpy as np

from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Box, Region


def placement_problem(mapped: MappedNetwork) -> str | None:
    """Say what keeps the parts from being the network, or give None.

    Each neuron is on exactly one core, each core at a place of its own that the hardware has. That
    the cores have room for what lies on them is another matter (``checker.py``).
    """
    places = [(core.chip, core.slot) for core in mapped.cores]
    if len(set(places)) < len(places):
        return "two cores at one place"
    for index, core in enumerate(mapped.cores):
        problem = _core_problem(mapped, core)
        if problem is not None:
            return f"core {index}: {problem}"
    return _neuron_problem(mapped)


def _neuron_problem(mapped: MappedNetwork) -> str | None:
    times = {p.name: np.zeros(p.size, np.int64) for p in mapped.fixed.populations}
    shapes = mapped.fixed.shapes
    for core in mapped.cores:
        for part in core.parts:
            times[part.population][part.region.indices(shapes[part.population])] += 1
    for name, of in times.items():
        if (of != 1).any():
            neuron = int(np.flatnonzero(of != 1)[0])
            return f"neuron {neuron} of {name!r:.60} on {of[neuron]} cores"
    return None


def _core_problem(mapped: MappedNetwork, core: Core) -> str | None:
    hardware, shapes = mapped.hardware, {p.name: p.shape for p in mapped.fixed.populations}
    if not (0 <= core.chip < hardware.chips.value and 0 <= core.slot < hardware.cores_per_chip):
        return f"slot {core.slot} of chip {core.chip}, which there is not"
    names = [part.population for part in core.parts]
    if len(set(names)) < len(names):
        return "two parts of one population"
    known = {e.name for e in hardware.encodings}
    if not known.issuperset(core.encodings.values()):
        return "an encoding that the hardware does not have"
    if any(
        n not in shapes or not _is_within(part, shapes[n])
        for part, n in zip(core.parts, names, strict=True)
    ):
        return "neurons that the network does not have"
    return None


def _is_within(part: Part, shape: tuple[int, ...]) -> bool:
    region: Region = part.region
    if isinstance(region, Box):
        if len(region.begin) != len(shape) or len(region.end) != len(shape):
            return False
        axes = zip(region.begin, region.end, shape, strict=True)
        return all(0 <= begin < end <= n for begin, end, n in axes)
    neurons = region.neurons
    n = int(np.prod(shape, dtype=np.int64))
    if neurons.ndim != 1 or not neurons.size or neurons[0] < 0 or neurons[-1] >= n:
        return False
    return bool((np.diff(neurons) > 0).all())
