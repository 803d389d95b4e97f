"""Random networks, coarsely rounded: the neuron that parts is computed again as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snnc.compiler.diagnostics import InputError
from snnc.compiler.network import Network, Reset
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.relays import insert_relays
from snnc.compiler.retime import retime
from snnc.compiler.trace import SIGNALS
from snnc.runtime.divergence.explain import explain
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.parted import Parted
from snnc.runtime.divergence.states import course_of
from snnc.targets.artifact import Artifact
from tests.builders import spikes
from tests.drawn.networks import networks

STEPS = 12


def parted(real: Network, bits: int, decays: Decays, seed: int) -> Parted:
    """Compile a network and run both forms on a sample.

    Raises:
        InputError: It has no integers of this width.
    """
    fixed = quantize(real, weight_bits=bits, decays=decays)
    made = Artifact(
        target="integer",
        network=real,
        fixed=insert_relays(retime(fixed)),
        options={"decays": str(decays)},
    )
    inputs = {i.name: spikes((STEPS, 1, *i.shape), seed=seed, rate=0.5) for i in real.inputs}
    return Parted(
        names=("float", "integer"),
        artifact=made,
        inputs=inputs,
        reference=replace(made, target="float").run(inputs, record=SIGNALS),
        other=made.run(inputs, record=SIGNALS),
        sample=0,
    )


@settings(max_examples=40)
@given(networks(), st.integers(2, 5), st.sampled_from(Decays), st.integers(0, 2**32 - 1))
def test_both_forms_are_computed_as_they_ran(
    real: Network, bits: int, decays: Decays, seed: int
) -> None:
    try:
        pair = parted(real, bits, decays, seed)
    except InputError:
        assume(False)
        raise
    told = explain(pair, None)
    assume(told is not None)
    assert told is not None
    assert told.states is not None
    at, (reference, other) = told.divergence, told.states
    p = pair.artifact.required_fixed.population(at.population)
    neuron = int(np.ravel_multi_index(at.neuron, p.shape))
    assert told.cause is not Cause.UNKNOWN, told.because
    if real.population(p.name).reset is Reset.SUBTRACT_RETEST:
        return  # its potential is another one after the test, spike or no spike
    if not at.other:
        v = course_of(pair.other, "v", p.name, neuron)
        assert v is not None
        wanted = v[at.step] / p.scale[neuron] + p.offset[neuron]
        assert other.compared == pytest.approx(wanted, rel=1e-12)
    if not at.reference:
        extent = float(np.abs(pair.reference.v[p.name]).max())
        assert reference.compared == pytest.approx(reference.v, abs=1e-4 * extent)
