"""Random networks on random hardware, laid out over cores."""

from __future__ import annotations

from hypothesis import strategies as st

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Core, MappedNetwork
from snnc.compiler.mapping.partition import partition
from tests.drawn.deployed import deployed_networks
from tests.drawn.hardware import small_hardware


def pairs() -> st.SearchStrategy[tuple[FixedNetwork, Hardware]]:
    """Draw a network, and hardware with few of everything."""
    return st.tuples(deployed_networks(), small_hardware())


def laid_out(fixed: FixedNetwork, hardware: Hardware) -> MappedNetwork | None:
    """Partition a network, and put the cores where they come; None where it does not fit."""
    try:
        bundles = partition(fixed, hardware)
    except InputError:
        return None
    cores = tuple(
        Core(
            parts=bundle.parts,
            chip=k // hardware.cores_per_chip,
            slot=k % hardware.cores_per_chip,
            encodings=bundle.encodings,
        )
        for k, bundle in enumerate(bundles)
    )
    return MappedNetwork(fixed=fixed, hardware=hardware, cores=cores, seed=0)
