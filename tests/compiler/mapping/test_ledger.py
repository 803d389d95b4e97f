"""Every resource of a core is counted against its own limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snnc.compiler.mapping.demand import NOTHING, Demand, Format, ProjectionDemand
from snnc.compiler.mapping.hardware import Certainty, Limit
from snnc.compiler.mapping.kinds import Parameters
from snnc.compiler.mapping.ledger import Resource, Sent, Use, fits, uses
from snnc.targets.hardware.load import load_hardware

LOIHI1 = load_hardware("loihi1")
PROJECTION = ProjectionDemand("q", 5, 60, "dense", 40, 8, (8, 0, "mixed", 0, "dense"))
SETS = frozenset[Parameters]({(1, 2, "zero", 0, True), (1, 3, "zero", 0, True)})
DEMAND = Demand(
    parts=2,
    neurons=20,
    compartments=30,
    parameter_sets=SETS,
    thresholds=frozenset({7, 8, 9}),
    fan_in=11,
    projections=(PROJECTION, replace(PROJECTION, projection="r", words=50, words_per_axon=9)),
    resets=10,
    reset_words=10,
)
SENT = Sent(axons=13, fan_out=17, destinations=4)
USED = {
    Resource.NEURONS: ("neurons", 30),
    Resource.SYNAPSE_MEMORY: ("synapse_memory", 40 + 50 + 10),
    Resource.WORDS_PER_AXON: ("words_per_axon", 9),
    Resource.INPUT_AXONS: ("input_axons", 5 + 5 + 10),
    Resource.OUTPUT_AXONS: ("output_axons", 13 + 10),
    Resource.PARAMETER_SETS: ("parameter_sets", 2),
    Resource.THRESHOLDS: ("thresholds", 3),
    Resource.SYNAPSE_FORMATS: ("synapse_formats", 2),
    Resource.POPULATIONS: ("populations", 2),
    Resource.FAN_IN: ("fan_in", 11),
    Resource.FAN_OUT: ("fan_out", 17),
    Resource.DESTINATIONS: ("destinations", 4),
}


def limit(value: int) -> Limit:
    return Limit(value, "a test", Certainty.CHOSEN)


@pytest.mark.parametrize("resource", Resource)
def test_resource(resource: Resource) -> None:
    field, used = USED[resource]
    for value, enough in ((used, True), (used - 1, False)):
        change: dict[str, Any] = {field: limit(value)}
        hardware = replace(LOIHI1, **change)
        (use,) = (u for u in uses(DEMAND, SENT, hardware) if u.resource is resource)
        assert use == Use(resource, used, limit(value))
        assert use.fits == enough
        assert fits(DEMAND, SENT, hardware) == enough


def test_what_has_no_limit_is_not_counted() -> None:
    there = {u.resource for u in uses(DEMAND, SENT, LOIHI1)}
    missing = {Resource.POPULATIONS, Resource.FAN_IN, Resource.FAN_OUT, Resource.DESTINATIONS}
    assert there == set(Resource) - missing


def test_share() -> None:
    assert Use(Resource.NEURONS, 3, limit(4)).share == 0.75
    assert Use(Resource.NEURONS, 0, limit(0)).share == 0
    assert Use(Resource.NEURONS, 1, limit(0)).share == float("inf")


def test_nothing_fits() -> None:
    assert fits(NOTHING, Sent(), LOIHI1)
    assert all(use.used == 0 for use in uses(NOTHING, Sent(), LOIHI1))


def test_formats_of_one_kind_are_one() -> None:
    formats: set[Format] = {PROJECTION.format}
    assert replace(DEMAND, resets=0).formats == formats
