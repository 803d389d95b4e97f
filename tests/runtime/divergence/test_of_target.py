"""A target that does not compute what the integers say: what is told of the value it gets wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Listed
from snnc.compiler.retime import retime
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.compare import Divergence, compare
from snnc.runtime.divergence.explain import explain
from snnc.runtime.divergence.explanation import Cause, Explanation
from snnc.runtime.divergence.parted import Parted
from snnc.targets.artifact import Artifact
from snnc.targets.hardware.load import load_hardware
from tests import oracle
from tests.builders import (
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    population,
    projection,
    spikes,
)

X = {"x": spikes((30, 1, 4), seed=2, rate=0.5)}


def chain(**fields: Any) -> FixedNetwork:
    """Give ``x -> a -> b``, retimed; ``fields`` are of ``b``."""
    rng = np.random.default_rng(1)
    return retime(
        fixed_network(
            [
                fixed_population("a", 5, dv=400, origin=("net.a",)),
                fixed_population("b", 3, **{"dv": 300, "origin": ("net.fc2", "net.b")} | fields),
            ],
            [
                fixed_projection("x", "a", rng.integers(-3, 9, (5, 4)), delay=0, name="fc1"),
                fixed_projection("a", "b", rng.integers(-3, 9, (3, 5)), delay=0, name="fc2"),
            ],
        )
    )


REAL = network(
    [population("a", 5), population("b", 3, origin=("net.fc2", "net.b"))],
    [projection("x", "a", np.ones((5, 4))), projection("a", "b", np.ones((3, 5)))],
)


def artifact(fixed: FixedNetwork) -> Artifact:
    return Artifact(target="integer", network=REAL, fixed=fixed)


def explained(fixed: FixedNetwork, other: Trace, **fields: Any) -> Explanation:
    """Explain where ``other`` parts from ``fixed``."""
    made = artifact(fixed)
    reference = made.run(X, record=SIGNALS)
    found = compare(reference, other, SIGNALS).first
    parted = Parted(
        names=("integer", "lava"),
        artifact=made,
        inputs=X,
        reference=reference,
        other=other,
        sample=7,
    )
    assert found is not None
    told = explain(replace(parted, **fields), replace(found, sample=7))
    assert told is not None
    return told


def test_a_threshold_that_is_off_by_one() -> None:
    right, wrong = chain(), chain(threshold=11)
    told = explained(right, artifact(wrong).run(X, record=SIGNALS))
    at = told.divergence
    (neuron,) = at.neuron
    assert (at.population, at.signal, at.sample) == ("b", "spikes", 7)
    assert told.cause is Cause.BIAS_OR_THRESHOLD_ROUNDING
    assert told.layer == "net.fc2 + net.b"
    assert told.parameters["threshold"] == 10
    signals = oracle.as_arrays(oracle.run(right, {"x": X["x"].astype(np.int64)}))
    now = at.step + right.population("b").lag
    assert told.states is not None
    reference, other = told.states
    assert reference.v == signals["v"]["b"][now, 0, neuron]
    assert reference.v_before == signals["v"]["b"][now - 1, 0, neuron]
    assert reference.a == signals["u"]["b"][now, 0, neuron] / 64  # no current is kept
    assert reference.compared is not None
    assert 640 < reference.compared <= 704
    assert (told.threshold, told.distance) == (640, reference.compared - 640)
    assert (reference.spike, other.spike) == (1, 0)
    assert other.v == reference.compared
    a = signals["spikes"]["a"][now - 1, 0]
    w = right.projections[1].operators[0].weight[neuron]  # type: ignore[union-attr]
    arrived = {o.neuron[0]: o.weight for o in told.operands}
    assert arrived == {int(j): w[j] for j in np.flatnonzero(a) if w[j]}
    assert told.n_operands == len(arrived)
    assert told.because.startswith("spikes is 1 in integer and 0 in lava. With ")


def test_of_a_value_of_u() -> None:
    right = chain(du=2000)
    other = artifact(right).run(X, record=SIGNALS)
    u = other.u["b"].copy()
    u[9, 0, 1] += 64
    told = explained(right, replace(other, u={**other.u, "b": u}))
    assert (told.divergence.signal, told.divergence.step) == ("u", 9)
    assert told.because.startswith(f"u is {u[9, 0, 1] - 64} in integer and {u[9, 0, 1]} in lava.")
    assert {c.signal for c in told.courses} == {"u", "v"}
    assert [r.population for r in told.rasters][-1] == "b"
    assert told.remedy == (
        "snnc bisect narrows it to the smallest part of the network on which lava fails, and snnc "
        "reduce makes a small example of it: please report that. docs/accuracy_dropped.md tells "
        "how to go on."
    )
    assert {e.population for e in told.local if e.differing} == set()  # what it holds is right


def test_only_one_is_wrong_by_itself() -> None:
    right, wrong = chain(), chain(threshold=11)
    other = artifact(wrong).run(X, record=SIGNALS)
    told = explained(right, other, artifact=artifact(wrong))
    assert {e.population for e in told.local if e.differing} == {"b"}
    assert {e.first.sample for e in told.local if e.first is not None} == {7}


def test_a_sample_that_is_right_by_itself() -> None:
    """What differed among other samples does not differ alone."""
    right = artifact(chain())
    trace = right.run(X, record=SIGNALS)
    found = Divergence(3, 7, "b", (2,), "v", 5, 6)
    parted = Parted(
        names=("integer", "cuda"),
        artifact=right,
        inputs=X,
        reference=trace,
        other=trace,
        sample=7,
    )
    told = explain(parted, found)
    assert told is not None
    assert told.divergence == found
    assert told.cause is Cause.UNKNOWN
    assert told.because == (
        "Run by itself, the sample gives the same in integer and cuda: what differs needs the "
        "samples beside it, or is left to chance."
    )


def test_nothing_explains_it() -> None:
    """What was ruled out is said, and what comes nearest."""
    right = chain(du=2000)
    other = artifact(right).run(X, record=SIGNALS)
    noise = np.random.default_rng(0).integers(-99, 99, other.v["b"].shape)
    noise[:, :, 0] = 0
    shifted = replace(other, v={**other.v, "b": other.v["b"] + noise})
    told = explained(right, shifted)
    assert told.cause is Cause.UNKNOWN
    assert (
        " No single fault of these gives half of the values that differ, the first among them: "
        in (told.because)
    )
    assert "decay rounding, wrap, saturation" in told.because
    assert (
        f" The nearest is {told.candidates[1].cause}, {told.candidates[1].what}: " in told.because
    )
    assert told.because.endswith(" Two faults at once look like this, too.")


def test_what_may_as_well_be() -> None:
    """A population that one source feeds is late, or what feeds it."""
    right = chain(du=2000)
    (fc1, fc2) = right.projections
    late = replace(right, projections=(fc1, replace(fc2, delay=fc2.delay + 1)))
    told = explained(right, artifact(retime(late)).run(X, record=SIGNALS))
    assert told.cause is Cause.DELAY
    assert told.because.endswith(
        "With fc2 delivers 1 step late the arithmetic gives 100.00 % of the values of b that "
        "differ. It may as well be latency: the population runs 1 step late."
    )


def test_the_core_of_a_neuron() -> None:
    """Of a network over cores its place is told, and its parts are run by themselves."""
    right, wrong = chain(), chain(threshold=11)
    other = artifact(wrong).run(X, record=SIGNALS)
    made = replace(artifact(right), mapped=over_two_cores(wrong))
    told = explained(right, other, artifact=made, names=("integer", "mapped"))
    (neuron,) = told.divergence.neuron
    slot, core = (6, 1) if neuron else (4, 0)
    assert told.because.endswith(f" The neuron is on core {core}, which is slot {slot} of chip 0.")
    assert {e.population for e in told.local if e.differing} == {"b"}


def over_two_cores(fixed: FixedNetwork) -> MappedNetwork:
    """Put ``a`` and a neuron of ``b`` on one core, and the others of ``b`` on another."""

    def part(name: str, *neurons: int) -> Part:
        return Part(name, Listed(np.array(neurons, np.int64)))

    encodings = {"fc1": "dense", "fc2": "dense"}
    cores = (
        Core(parts=(part("a", *range(5)), part("b", 0)), chip=0, slot=4, encodings=encodings),
        Core(parts=(part("b", 1, 2),), chip=0, slot=6, encodings=encodings),
    )
    return MappedNetwork(fixed=fixed, hardware=load_hardware("loihi1"), cores=cores, seed=0)


def test_in_a_refractory_step_nothing_is_compared() -> None:
    """The reference holds the potential at 0, whatever arrives."""
    right = chain(refractory=3)
    reference = artifact(right).run(X, record=SIGNALS)
    sent, u = reference.spikes["b"][:, 0].astype(np.int64), reference.u["b"][:, 0]
    held = sum(np.pad(sent[:-k], ((k, 0), (0, 0))) for k in (1, 2, 3))
    step, neuron = (int(i) for i in np.argwhere((held > 0) & (u > 0))[0])
    v = reference.v["b"].copy()
    v[step, 0, neuron] += 7
    told = explained(right, replace(reference, v={**reference.v, "b": v}))
    assert (told.divergence.signal, told.divergence.step) == ("v", step)
    assert told.states is not None
    assert (told.states[0].compared, told.states[0].v) == (0, 0)
    assert (told.states[0].a or 0) > 0
