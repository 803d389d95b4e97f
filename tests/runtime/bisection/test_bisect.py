"""Bisect finds the neuron, the synapses and the steps of a difference that was planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import snnc
from snnc.compiler.fixed import FixedNetwork, FixedReset
from snnc.compiler.retime import retime, unretimed
from tests.runtime.bisection.faulty import (
    artifact,
    layers,
    spikes,
    with_neuron,
    with_population,
    with_weight,
)
from tests.runtime.samples import ROOT

NETWORK = layers(20, 30, 12, 5)
X = spikes(30, 6, 20)


def found(other: FixedNetwork, network: FixedNetwork = NETWORK) -> snnc.Bisection:
    return snnc.bisect(artifact(network), X, other=artifact(other))


def longer_delay(network: FixedNetwork) -> FixedNetwork:
    first, second, third = unretimed(network).projections
    return retime(replace(network, projections=(first, replace(second, delay=1), third)))


def test_no_difference() -> None:
    same = found(with_weight(NETWORK, 1, (3, 4), 0))
    assert (same.differs, same.exit_code, same.cuts) == (False, 0, ())


def test_a_weight_of_one_synapse() -> None:
    b = found(with_weight(NETWORK, 1, (7, 4), 2))
    assert b.exit_code == 1
    assert b.divergence is not None
    assert (b.divergence.population, b.divergence.neuron) == ("p2", (7,))
    assert b.layer == "net.fc2 + net.lif2"
    assert (b.alone, b.isolated, b.narrowed) == (True, True, True)
    assert (b.populations, b.neurons) == (("p2",), ((7,),))
    (synapse,) = b.synapses
    assert (synapse.projection, synapse.source, synapse.neuron) == ("p1->p2", "p1", (4,))
    assert synapse.weight_other == synapse.weight + 2
    assert [(step, value) for step, value in synapse.sent] == [(b.divergence.step, 1)]
    assert {cut.what: cut.after for cut in b.cuts} == dict.fromkeys(
        ("samples", "steps", "populations", "neurons", "synapses", "values"), 1
    )
    assert {cut.what: cut.before for cut in b.cuts if cut.what != "values"} == {
        "samples": 6,
        "steps": 30,
        "populations": 3,
        "neurons": 47,
        "synapses": 20 * 30 + 30 * 12 + 12 * 5,
    }
    (held,) = b.held
    assert (held.where, held.what) == ("p1->p2, from p1 4", "weight")
    (otherwise,) = b.otherwise
    assert (otherwise.where, otherwise.numbers, otherwise.differing) == ("p1->p2", 360, 1)
    wrong = {error.population for error in b.local if error.differing}
    assert wrong == {"p2"}
    best = b.causes[0]
    weights = f"weight {synapse.weight + 2} and not {synapse.weight}"
    assert (best.cause, best.what) == ("weight rounding", f"{weights} of p1->p2 [7, 4]")


PLANTED: dict[str, tuple[Callable[[FixedNetwork], FixedNetwork], str, int | str]] = {
    "threshold": (lambda n: with_neuron(n, "p2", "threshold", 3, 90), "threshold", 90),
    "decay of the potential": (lambda n: with_neuron(n, "p2", "dv", 3, 800), "dv", 800),
    "decay of the current": (lambda n: with_neuron(n, "p2", "du", 3, 3000), "du", 3000),
    "bias": (lambda n: with_neuron(n, "p2", "bias_mant", 3, 5), "bias_mant", 5),
    "initial potential": (lambda n: with_neuron(n, "p2", "initial", 3, 70), "initial", 70),
    "reset": (lambda n: with_population(n, "p2", reset=FixedReset.NONE), "reset", "none"),
    "refractory steps": (lambda n: with_population(n, "p2", refractory=2), "refractory", 2),
    "delay": (longer_delay, "delay", 1),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_what_the_artifacts_hold_there(
    planted: tuple[Callable[[FixedNetwork], FixedNetwork], str, int | str],
) -> None:
    change, what, value = planted
    b = found(change(NETWORK))
    assert b.divergence is not None
    assert (b.divergence.population, b.isolated) == ("p2", True)
    assert b.populations == ("p2",)
    assert len(b.neurons) == 1
    assert [(h.what, h.other) for h in b.held] == [(what, value)]


def test_two_faults() -> None:
    """The first is narrowed, and the other is told of."""
    b = found(with_weight(with_weight(NETWORK, 0, 5, 9), 2, ..., 3))
    assert b.populations == ("p1",)
    assert {error.population for error in b.local if error.differing} == {"p1", "p3"}


def test_a_synapse_of_100_000() -> None:
    network = layers(100, 300, 200, 50, threshold=400)
    planted = with_weight(network, 1, (137, 211), 3)
    b = snnc.bisect(artifact(network), spikes(20, 8, 100, rate=0.1), other=artifact(planted))
    assert (b.populations, b.neurons) == (("p2",), ((137,),))
    assert [(s.source, s.neuron) for s in b.synapses] == [("p1", (211,))]
    assert sum(cut.before for cut in b.cuts if cut.what == "synapses") == 100_000


def test_the_same_again_gives_the_same_record() -> None:
    planted = with_neuron(NETWORK, "p2", "threshold", 3, 90)
    assert found(planted).model_dump_json() == found(planted).model_dump_json()


def test_it_takes_several_synapses_to_reach_a_threshold() -> None:
    """None of them can be left out."""
    b = found(with_neuron(NETWORK, "p2", "threshold", 3, 121))
    assert b.divergence is not None
    assert b.divergence.signal == "spikes"
    assert len(b.synapses) > 1
    assert sum(s.weight for s in b.synapses) > 0


def test_the_page_shows_what_the_example_prints() -> None:
    """docs/bisect.md quotes examples/bisect_synapse.py, whose test compares the same lines."""
    page = (ROOT / "docs" / "bisect.md").read_text()
    assert "    weight of fc2, from layer1 211: 7 against 10\n" in page
    assert "population layer2, neuron 137: u 23936 against 24320\n" in page
