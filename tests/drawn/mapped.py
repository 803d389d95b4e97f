"""Hypothesis strategies of networks over cores, cut in any way there is."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork, FixedPopulation
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.pieces import box_shape
from snnc.compiler.mapping.regions import Box, Listed, Region
from snnc.compiler.operators import Shape
from snnc.targets.hardware.load import load_hardware
from tests.drawn.numbers import SEEDS

LOIHI = load_hardware("loihi1")


@st.composite
def mapped_networks(draw: st.DrawFn, fixed: FixedNetwork) -> MappedNetwork:
    """Draw regions of each population of ``fixed``, and a core for each of them.

    They are on the cores of a Loihi, whose limits nobody looks at here.
    """
    n = draw(st.integers(1, 4))
    on: list[list[Part]] = [[] for _ in range(n)]
    for p in fixed.populations:
        regions = draw(regions_of(fixed, p, n))
        for region, core in zip(regions, draw(st.permutations(range(n))), strict=False):
            on[core].append(Part(p.name, region))
    cores = [Core(parts=tuple(parts), chip=0, slot=k, encodings={}) for k, parts in enumerate(on)]
    return MappedNetwork(
        fixed=fixed,
        hardware=LOIHI,
        cores=tuple(core for core in cores if core.parts),
        seed=0,
    )


@st.composite
def regions_of(draw: st.DrawFn, fixed: FixedNetwork, p: FixedPopulation, most: int) -> list[Region]:
    """Draw up to ``most`` regions that have all neurons of a population, each of them once."""
    shapes = {
        shape
        for q in fixed.incoming(p.name)
        if (shape := box_shape(q.operators, fixed.shapes[q.source])) is not None
    }
    if len(shapes) > 1:
        return [Box.whole(p.shape)]
    if not shapes and draw(st.booleans()):
        core = np.random.default_rng(draw(SEEDS)).integers(0, most, p.size)
        return [Listed(np.flatnonzero(core == k)) for k in np.unique(core)]
    shape = shapes.pop() if shapes else p.shape
    boxes = draw(_boxes(shape, most))
    return [box if shape == p.shape else Listed(box.indices(shape)) for box in boxes]


@st.composite
def _boxes(draw: st.DrawFn, shape: Shape, most: int) -> list[Box]:
    """Cut a box again and again."""
    boxes = [Box.whole(shape)]
    for _ in range(draw(st.integers(0, most - 1))):
        largest = max(boxes, key=lambda box: box.size)
        axis = draw(st.sampled_from([i for i, n in enumerate(largest.shape) if n > 1] or [0]))
        if largest.shape[axis] == 1:
            break
        at = draw(st.integers(largest.begin[axis] + 1, largest.end[axis] - 1))
        boxes.remove(largest)
        low, high = list(largest.end), list(largest.begin)
        low[axis] = high[axis] = at
        boxes += [Box(largest.begin, tuple(low)), Box(tuple(high), largest.end)]
    assert sum(box.size for box in boxes) == prod(shape)
    return boxes
