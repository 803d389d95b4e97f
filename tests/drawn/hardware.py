"""Hypothesis strategies of hardware with few of everything."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from snnc.compiler.fixed import FixedReset
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit
from snnc.targets.hardware.load import load_hardware

KINDS = tuple(map(load_hardware, ("loihi1", "loihi2-nxcompiler", "loihi2", "spinnaker2")))


def limit(value: int) -> Limit:
    """Make a limit that somebody chose."""
    return Limit(value, "a test", Certainty.CHOSEN)


@st.composite
def small_hardware(draw: st.DrawFn) -> Hardware:
    """Draw limits that networks of a few dozen neurons reach; it does all that a network can."""
    kind = draw(st.sampled_from(KINDS))

    def few(low: int, high: int) -> Limit | None:
        value = draw(st.none() | st.integers(low, high))
        return None if value is None else limit(value)

    return replace(
        kind,
        neurons=limit(draw(st.integers(1, 24))),
        synapse_memory=limit(draw(st.integers(4, 200))),
        words_per_axon=few(2, 20),
        input_axons=few(4, 60),
        output_axons=few(6, 60),
        parameter_sets=few(2, 12),
        thresholds=few(2, 12),
        synapse_formats=few(2, 12),
        populations=few(1, 3),
        fan_in=few(8, 60),
        fan_out=None,
        destinations=few(2, 8),
        max_delay=limit(10**6),
        spike_bits=limit(32),
        resets={reset: draw(st.integers(1, 2)) for reset in FixedReset},
        encodings=tuple(replace(e, delay_bits=(*e.delay_bits, 9)) for e in kind.encodings),
    )
