"""Hypothesis strategies of hardware: what comes with snnc, with less or more in a core."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from snnc.compiler.fixed import FixedReset
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit, Mesh
from snnc.targets.hardware.load import hardware_names, load_hardware

KNOWN = tuple(map(load_hardware, hardware_names()))
SCARCE = {
    "neurons": (1, 12),
    "synapse_memory": (4, 200),
    "words_per_axon": (1, 12),
    "input_axons": (2, 60),
    "output_axons": (2, 60),
    "parameter_sets": (1, 6),
    "thresholds": (1, 8),
    "synapse_formats": (1, 4),
    "populations": (1, 3),
    "fan_in": (2, 60),
    "fan_out": (2, 60),
    "destinations": (1, 5),
}
"""Limits of a core, and how low and how high they are drawn."""


def limit(value: int) -> Limit:
    """Give a limit that nobody has published."""
    return Limit(value, "drawn", Certainty.CHOSEN)


@st.composite
def hardwares(draw: st.DrawFn) -> Hardware:
    """Draw one of the descriptions, with some of its limits changed and a mesh of another size."""
    known = draw(st.sampled_from(KNOWN))
    scarce = set(draw(st.lists(st.sampled_from(sorted(SCARCE)), max_size=3, unique=True)))
    scarce |= {"neurons"} if draw(st.integers(0, 2)) else set()
    changed: dict[str, Any] = {
        name: draw(st.none() | st.integers(*SCARCE[name]).map(limit))
        if name not in ("neurons", "synapse_memory")
        else limit(draw(st.integers(*SCARCE[name])))
        for name in sorted(scarce)
    }
    if draw(st.booleans()):
        sides = st.integers(1, 5)
        changed["mesh"] = Mesh(draw(sides), draw(sides), draw(st.integers(1, 3)))
        changed["chips"] = limit(draw(st.integers(1, 40)))
        changed["chip_columns"] = draw(st.integers(1, 4))
    if draw(st.integers(0, 5)):  # most drawn networks do something that some hardware cannot
        changed["resets"] = {r: known.resets.get(r, 1) for r in FixedReset}
        changed["spike_bits"] = limit(33)
    return replace(known, **changed)
