"""Hypothesis strategies of networks over cores, cut in any way there is."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork, FixedPopulation
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.pieces import box_shape
from snnc.compiler.mapping.regions import Box, Listed, Region
from tests.compiler.mapping.unlimited import UNLIMITED


@st.composite
def mapped_networks(
    draw: st.DrawFn, fixed: FixedNetwork, hardware: Hardware = UNLIMITED
) -> MappedNetwork:
    """Draw regions of each population of ``fixed``, and a core for each of them."""
    n = draw(st.integers(1, 4))
    on: list[list[Part]] = [[] for _ in range(n)]
    for p in fixed.populations:
        regions = draw(regions_of(fixed, p, n))
        cores = draw(st.permutations(range(n)))
        for region, core in zip(regions, cores, strict=False):
            on[core].append(Part(p.name, region))
    cores = tuple(Core(parts=tuple(parts), chip=0, slot=k, encodings={}) for k, parts in enumerate(on))
    return MappedNetwork(fixed=fixed, hardware=hardware, cores=cores, seed=0)
