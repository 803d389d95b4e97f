"""Events of a step, and what they cost, against counting them one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedProjection
from snnc.compiler.linear import apply, as_steps
from snnc.compiler.mapping.cost import ON_CORES, Estimate, Event, core_counts, estimate
from snnc.compiler.mapping.hardware import Certainty, Coefficient, Hardware, Mesh
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.metrics import metrics_of
from snnc.compiler.mapping.operations import Counted, operations
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.routes import route
from snnc.compiler.mapping.traffic import flows
from snnc.compiler.operators import FixedConvolution, FixedSparse, MaxPooling, SumPooling
from snnc.targets.hardware.load import load_hardware
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    window,
)
from tests.compiler.mapping.made import hardware_of
from tests.drawn.deployed import deployed_networks
from tests.drawn.mapped import mapped_networks
from tests.drawn.numbers import SEEDS

Reals = npt.NDArray[np.float64]
LOIHI = load_hardware("loihi1")


def unrolled(network: FixedNetwork, q: FixedProjection, counted: Counted) -> Reals:
    """Give how often each element of the source acts at each neuron, ``[source, target]``."""
    shape = network.shapes[q.source]
    n = int(np.prod(shape))
    values = np.eye(n).reshape(n, *shape)
    for o in q.operators:
        made = fixed_dense(o.matrix) if isinstance(o, FixedSparse) else o
        if isinstance(made, SumPooling | MaxPooling):
            made = SumPooling(window=made.window)
        else:
            there = made.weight != 0
            if counted is Counted.ALL or (counted is Counted.PRESENT and there.ndim == 1):
                there = np.ones_like(there)
            elif counted is Counted.PRESENT and isinstance(made, FixedConvolution):
                axes = tuple(range(2, there.ndim))
                there = np.broadcast_to(there.any(axis=axes, keepdims=True), there.shape)
            made = replace(made, weight=there.astype(np.int8))
        (step,) = as_steps((made,), values.shape[1:])
        values = apply(step, values)
    return values.reshape(n, -1)


def drawn_rates(network: FixedNetwork, seed: int) -> dict[str, Reals]:
    """Give a rate for each neuron, and for each input but the first."""
    rng = np.random.default_rng(seed)
    inputs = {i.name: rng.random(i.size) for i in network.inputs[1:]}
    return inputs | {p.name: rng.random(p.size) for p in network.populations}


@settings(max_examples=60)
@given(deployed_networks(), SEEDS, st.sampled_from(Counted))
def test_operations(network: FixedNetwork, seed: int, counted: Counted) -> None:
    rates = drawn_rates(network, seed)
    for q in network.projections:
        known = rates.get(q.source, np.ones(int(np.prod(network.shapes[q.source]))))
        wanted = known @ unrolled(network, q, counted)
        assert operations(network, q, rates, counted) == pytest.approx(wanted)


@settings(max_examples=40)
@given(st.data(), SEEDS)
def test_counts_of_cores(data: st.DataObject, seed: int) -> None:
    mapped = data.draw(deployed_networks().flatmap(mapped_networks))
    network, rng = mapped.fixed, np.random.default_rng(seed)
    kinds = {e.name: e.layout.value for e in LOIHI.encodings}
    cores = tuple(
        replace(
            core,
            encodings={
                q.name: str(rng.choice(list(kinds)))
                for part in core.parts
                for q in network.incoming(part.population)
            },
        )
        for core in mapped.cores
    )
    mapped, rates = replace(mapped, cores=cores), drawn_rates(mapped.fixed, seed)
    found = flows(network, mapped.cores, rates)
    counts = core_counts(mapped, found, rates)
    assert tuple(counts) == ON_CORES
    for k, core in enumerate(cores):
        wanted: dict[str, float] = dict.fromkeys(ON_CORES, 0.0)
        for part in core.parts:
            p = network.population(part.population)
            neurons = part.region.indices(p.shape)
            spikes = float(rates[p.name][neurons].sum()) if p.spiking else 0.0
            compartments = LOIHI.resets.get(p.reset, 1) if p.spiking else 1
            wanted["spike"] += spikes
            wanted["neuron.access"] += neurons.size * compartments
            wanted["neuron.update"] += neurons.size * compartments
            wanted["synapse.dense"] += spikes * (compartments - 1)
            for q in network.incoming(p.name):
                kind = kinds[core.encodings[q.name]]
                event = {"run-length": "sparse"}.get(kind, kind)
                counted = Counted.ALL if event == "dense" else Counted.PRESENT
                known = rates.get(q.source, np.ones(int(np.prod(network.shapes[q.source]))))
                done = known @ unrolled(network, q, counted)[:, neurons]
                wanted[f"synapse.{event}"] += float(done.sum())
        wanted["axon.out"] = sum(
            float(found.rate[f]) * int(found.begin[f + 1] - found.begin[f])
            for f in range(found.source.size)
            if found.source[f] == k
        )
        assert {name: of[k] for name, of in counts.items()} == pytest.approx(wanted)


COSTS = {
    "synapse.dense": Coefficient(1.0, 10.0, "a", Certainty.PUBLISHED),
    "neuron.access": Coefficient(100.0, 5.0, "b", Certainty.DERIVED),
    "neuron.update": Coefficient(None, None, "c", Certainty.PUBLISHED),
    "spike": Coefficient(1000.0, None, "d", Certainty.PUBLISHED),
    "hop.y": Coefficient(0.5, 400.0, "e", Certainty.RECALLED),
    "barrier": Coefficient(None, 7.0, "f", Certainty.PUBLISHED),
}


def two_cores(costs: dict[str, Coefficient]) -> tuple[MappedNetwork, Estimate]:
    """Give an input of two, ``a`` of three on one core, ``b`` of one on a core two rows below."""
    fixed = fixed_network(
        [fixed_population("a", 3), fixed_population("b", 1, lag=1)],
        [
            fixed_projection("x", "a", [[1, 0], [2, 3], [0, 4]]),
            fixed_projection("a", "b", [[1, 2, 3]], delay=2),
        ],
    )
    made: Hardware = replace(
        hardware_of(Mesh(1, 3, 1), costs=costs),
        encodings=tuple(e for e in LOIHI.encodings if e.layout.value == "dense"),
    )
    dense = made.encodings[0].name
    cores = (
        Core(parts=(Part("a", Box((0,), (3,))),), chip=0, slot=0, encodings={"x->a": dense}),
        Core(parts=(Part("b", Box((0,), (1,))),), chip=0, slot=2, encodings={"a->b": dense}),
    )
    mapped = MappedNetwork(fixed=fixed, hardware=made, cores=cores, seed=0)
    rates = {"x": np.array([0.5, 1.0]), "a": np.array([0.1, 0.2, 0.3]), "b": np.array(0.0)}
    found = flows(fixed, cores, rates)
    traffic = route(found, [0, 0], [0, 2], made)
    return mapped, estimate(mapped, found, traffic, rates)


def test_estimate() -> None:
    """``a`` spikes 0.6 times a step, over two links; a spike of ``x`` meets 3 weights."""
    _, found = two_cores(COSTS)
    counts = {event.name: event.count for event in found.events}
    assert counts == pytest.approx(
        {
            "synapse.dense": 1.5 * 3 + 0.6,
            "neuron.access": 4,
            "neuron.update": 4,
            "spike": 0.6,
            "axon.out": 0.6,
            "hop.y": 1.2,
            "barrier": 1,
        }
    )
    assert found.joules == pytest.approx(5.1 + 400 + 600 + 0.6)
    assert found.without_energy == ("neuron.update", "axon.out", "barrier")
    assert found.without_time == ("neuron.update", "spike", "axon.out")
    assert found.core_seconds == pytest.approx([4.5 * 10 + 3 * 5, 0.6 * 10 + 5])
    assert found.link_seconds == pytest.approx(0.6 * 400)
    assert found.seconds == pytest.approx(240 + 7)
    assert found.certainty is Certainty.RECALLED


def test_the_busiest_core_takes_longest() -> None:
    slow = {**COSTS, "hop.y": Coefficient(None, 1e-3, "e", Certainty.PUBLISHED)}
    _, found = two_cores(slow)
    assert found.seconds == pytest.approx(4.5 * 10 + 3 * 5 + 7)
    assert found.certainty is Certainty.DERIVED


def test_nothing_is_known() -> None:
    _, found = two_cores({})
    assert (found.joules, found.seconds, found.certainty) == (None, None, None)
    assert found.without_energy == found.without_time == tuple(e.name for e in found.events)
    assert Event("spike", 2.0, None).joules is None


def test_what_loihi_knows() -> None:
    """Every coefficient that is there has a number, and none is left out of the sums."""
    _, found = two_cores(LOIHI.costs)
    assert found.without_time == ()
    assert found.without_energy == ("barrier",)
    assert found.joules == pytest.approx(
        5.1 * 35.5e-12 + 4 * (51.2e-12 + 21.6e-12) + 0.6 * (69.3e-12 + 111e-12) + 1.2 * 4.2e-12
    )


# --- NeuroBench ---------------------------------------------------------------------------------


def test_metrics() -> None:
    """Two integers into three neurons, two of them spike into one; 3 of 9 weights are 0."""
    network = fixed_network(
        [fixed_population("a", 3), fixed_population("b", 1, lag=1)],
        [
            fixed_projection("x", "a", [[1, 0], [2, 3], [0, 4]], weight_bits=4),
            fixed_projection("a", "b", [[1, 2, 0]], delay=2),
        ],
        inputs=[FixedInput("x", (2,), 0.1, 7)],
    )
    rates = {"x": np.array([0.5, 1.0]), "a": np.array([0.1, 0.2, 0.3]), "b": np.array([0.4])}
    assert metrics_of(network, rates).as_json() == {
        "footprint": pytest.approx((6 * 4 + 3 * 8 + 4 * (12 + 12 + 17 + 13 + 3)) / 8),
        "connection_sparsity": pytest.approx(3 / 9),
        "activation_sparsity": pytest.approx(1 - 1.0 / 4),
        "synaptic_operations": {
            "Effective_MACs": pytest.approx(2 * 0.5 + 2 * 1.0),
            "Effective_ACs": pytest.approx(0.1 + 0.2),
            "Dense": 9,
        },
    }


def test_metrics_of_kernels_and_lists() -> None:
    """A kernel counts once in the footprint, and at each place where it acts; lists as a matrix."""
    kernel = fixed_convolution([[[1, 0, 2]]], padding=1)
    lists = FixedSparse.of(np.array([[0, 0, 5, 0], [0, 0, 0, 0]], np.int8))
    network = fixed_network(
        [fixed_population("a", 4, shape=(1, 4)), fixed_population("b", 2, spiking=False)],
        [fixed_projection("x", "a", None, kernel), fixed_projection("a", "b", None, lists)],
        inputs=[FixedInput("x", (1, 4))],
    )
    found = metrics_of(network, {})
    assert found.footprint == (3 * 8 + 1 * 8 + 6 * 57) / 8
    assert found.connection_sparsity == pytest.approx(1 - 3 / 11)
    assert found.activation_sparsity == 0
    assert found.synaptic_operations.dense == 10 + 8
    assert found.synaptic_operations.effective_acs == 6 + 1


def test_metrics_without_spikes() -> None:
    network = fixed_network(
        [fixed_population("a", 1, spiking=False)], [fixed_projection("x", "a", [[1]])]
    )
    assert metrics_of(network, {}).activation_sparsity is None


def test_pooling_counts_what_is_under_its_windows() -> None:
    """Two spikes under a window are two, whether sums or the largest are taken."""
    for pooling in (SumPooling, MaxPooling):
        pooled = pooling(window=window(2, stride=2))
        network = fixed_network(
            [fixed_population("a", 1)],
            [fixed_projection("x", "a", None, pooled, fixed_dense([[1, 0]]))],
            inputs=[FixedInput("x", (1, 4))],
        )
        (q,) = network.projections
        assert operations(network, q, {}, Counted.EFFECTIVE).tolist() == [2]
