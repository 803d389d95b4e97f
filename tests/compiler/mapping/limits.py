"""Hardware with few of everything, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from snnc.compiler.fixed import FixedReset
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit
from snnc.targets.hardware.load import load_hardware

LOIHI = load_hardware("loihi1")
LOIHI2 = load_hardware("loihi2-nxcompiler")


def limit(value: int) -> Limit:
    """Make a limit that somebody chose."""
    return Limit(value, "a test", Certainty.CHOSEN)


def able(hardware: Hardware = LOIHI, **limits: int | None) -> Hardware:
    """Make hardware that does whatever a network can, with other limits where they are named."""
    changed: Any = {name: None if value is None else limit(value) for name, value in limits.items()}
    return replace(
        hardware,
        resets=dict.fromkeys(FixedReset, 1),
        spike_bits=limit(32),
        max_delay=limit(10**6),
        chips=limit(10**6),
        **changed,
    )


@st.composite
def small_hardware(draw: st.DrawFn) -> Hardware:
    """Draw limits of which any may bind for networks of a few dozen neurons."""
    maybe = st.none() | st.integers(4, 12)
    return able(
        draw(st.sampled_from([LOIHI, LOIHI2])),
        neurons=draw(st.integers(1, 12)),
        synapse_memory=draw(st.integers(20, 100)),
        words_per_axon=None,
        input_axons=draw(st.none() | st.integers(20, 80)),
        output_axons=draw(st.none() | st.integers(20, 80)),
        parameter_sets=draw(st.none() | st.integers(1, 4)),
        thresholds=draw(st.none() | st.integers(1, 4)),
        synapse_formats=draw(maybe),
        populations=draw(st.none() | st.integers(1, 3)),
        destinations=draw(maybe),
    )
