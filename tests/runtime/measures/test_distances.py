"""Distances of spike trains against elephant, PySpike, and cases done by hand."""

from __future__ import annotations

from importlib import import_module
from itertools import product
from math import exp, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.runtime.measures.distances import distances
from snnc.runtime.measures.spike_distance import spike_distance
from snnc.runtime.measures.trains import NEURONS, SAMPLES, chosen_neurons
from snnc.runtime.measures.van_rossum import van_rossum
from snnc.runtime.measures.victor_purpura import victor_purpura

Trains = npt.NDArray[np.uint8]
STEPS = (1, 2, 5, 40)
SHARES = (0.0, 0.05, 0.3, 0.8, 1.0)


def trains(steps: int, *spikes: tuple[int, ...]) -> Trains:
    """Give trains that spike in the steps given, ``[steps, trains]``."""
    found = np.zeros((steps, len(spikes)), np.uint8)
    for i, at in enumerate(spikes):
        found[list(at), i] = 1
    return found


def random_pairs() -> list[tuple[Trains, Trains]]:
    """Give pairs of random trains: short and long, empty, sparse, dense and full."""
    random = np.random.default_rng(12)

    def drawn(steps: int, share: float) -> Trains:
        return (random.random((steps, 2)) < share).astype(np.uint8)

    return [(drawn(steps, a), drawn(steps, b)) for steps, a, b in product(STEPS, SHARES, SHARES)]


def elephant_distances(
    function: str, reference: Trains, other: Trains, **options: float
) -> npt.NDArray[np.float64]:
    """Give the distances that elephant computes, with a step of one second."""
    dissimilarity: Any = import_module("elephant.spike_train_dissimilarity")
    neo: Any = import_module("neo")
    pq: Any = import_module("quantities")
    units = {"time_constant": pq.s, "cost_factor": pq.Hz}
    given: dict[str, Any] = {name: value * units[name] for name, value in options.items()}

    def train(spikes: Trains) -> Any:
        return neo.SpikeTrain(np.flatnonzero(spikes) * pq.s, t_stop=len(spikes) * pq.s)

    return np.array(
        [
            getattr(dissimilarity, function)([train(a), train(b)], **given)[0, 1]
            for a, b in zip(reference.T, other.T, strict=True)
        ]
    )


@pytest.mark.filterwarnings("ignore:van_rossum_distance. very small negative values")
@pytest.mark.parametrize("tau", [1, 10])
def test_van_rossum_is_that_of_elephant(tau: float) -> None:
    for n, m in random_pairs():
        wanted = elephant_distances("van_rossum_distance", n, m, time_constant=tau)
        # of equal trains elephant gives the root of what rounding leaves, so squares are compared
        assert van_rossum(n, m, tau) ** 2 == pytest.approx(wanted**2, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("cost", [1, 5])
def test_victor_purpura_is_that_of_elephant(cost: int) -> None:
    for n, m in random_pairs():
        wanted = elephant_distances("victor_purpura_distance", n, m, cost_factor=1 / cost)
        assert victor_purpura(n, m, cost) / cost == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_spike_distance_is_that_of_pyspike() -> None:
    pyspike: Any = import_module("pyspike")
    for n, m in random_pairs():
        steps = len(n)
        wanted = [
            pyspike.spike_distance(
                *(pyspike.SpikeTrain(np.flatnonzero(x) + 0.5, (0, steps)) for x in pair)
            )
            for pair in zip(n.T, m.T, strict=True)
        ]
        assert spike_distance(n, m) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_one_spike_against_none() -> None:
    one, none = trains(9, (4,), (0,), (8,)), trains(9, (), (), ())
    assert van_rossum(one, none) == pytest.approx([1, 1, 1], rel=1e-15)
    assert victor_purpura(one, none).tolist() == [5, 5, 5]


def test_one_spike_moved() -> None:
    """Ten steps cost as much as to remove it and add another one, with ``q`` of 1/5."""
    n, m = trains(30, (3,), (3,), (3,)), trains(30, (5,), (12,), (29,))
    assert victor_purpura(n, m).tolist() == [2, 9, 10]
    assert van_rossum(n, m) == pytest.approx([sqrt(2 - 2 * exp(-k / 10)) for k in (2, 9, 26)])


def test_victor_purpura_chooses_what_is_cheapest() -> None:
    n, m = trains(20, (2, 4, 18)), trains(20, (3, 10))
    assert victor_purpura(n, m).tolist() == [1 + 6 + 5]  # 18 is removed
    assert victor_purpura(n, m, 100).tolist() == [1 + 6 + 100]
    assert victor_purpura(n, m, 2).tolist() == [1 + 2 + 2 + 2]  # 4 and 18 removed, 10 added


def test_spike_distance_by_hand() -> None:
    """Two trains of one spike, at 1.5 and 3.5 of 5, so that all spikes are 2 apart.

    Before 1.5 the intervals are 1.5 and 3.5, and ``s`` is the distance to the nearest spike of the
    other, auxiliary ones at 0 and 5 among them: 1.5 for both. In between they are 3.5 of both, with
    1.5 for either, and behind 3.5 they are 3.5 and 1.5.
    """
    ends = (1.5 * 3.5 + 1.5 * 1.5) / 2 / 2.5**2
    middle = (1.5 * 3.5 + 1.5 * 3.5) / 2 / 3.5**2
    found = spike_distance(trains(5, (1,)), trains(5, (3,)))
    assert found == pytest.approx([(1.5 * ends + 2 * middle + 1.5 * ends) / 5])


def test_trains_are_measured_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    n, m = (np.random.default_rng(s).integers(0, 2, (7, 3, 5), np.uint8) for s in (1, 2))
    whole = distances(n, m)
    monkeypatch.setattr("snnc.runtime.measures.distances.AT_ONCE", 4 * 7)
    assert distances(n, m) == whole
    monkeypatch.setattr("snnc.runtime.measures.distances.AT_ONCE", 1)
    assert distances(n, m) == whole


def test_chosen_neurons() -> None:
    assert chosen_neurons(3).tolist() == [0, 1, 2]
    found = chosen_neurons(10 * NEURONS)
    assert found.tolist() == list(range(0, 10 * NEURONS, 10))
    assert len(chosen_neurons(NEURONS + 1)) == NEURONS


def test_chosen_trains_alone_are_measured() -> None:
    shape = (6, SAMPLES + 2, NEURONS + NEURONS // 2)
    n, m = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    m[0, SAMPLES:] = 1  # samples behind the chosen ones
    m[0, :, 2] = 1  # a neuron between two chosen ones
    assert distances(n, m).model_dump() == {
        "trains": SAMPLES * NEURONS,
        "rossum": 0,
        "purpura": 0,
        "spike": 0,
    }
    m[0, SAMPLES - 1, 1] = 1
    found = distances(n, m)
    assert found.van_rossum == pytest.approx(1 / (SAMPLES * NEURONS))
    assert found.victor_purpura == pytest.approx(1 / (SAMPLES * NEURONS))
    assert found.spike_distance == pytest.approx(
        spike_distance(n[:, 0, :1], m[:, -1, :1])[0] / (SAMPLES * NEURONS)
    )
    later = distances(n[:, 2:], m[:, 2:], first_sample=SAMPLES - 1)
    assert later.trains == NEURONS
    none = distances(n, m, first_sample=SAMPLES)
    assert (none.trains, none.van_rossum, none.victor_purpura, none.spike_distance) == (
        0,
        None,
        None,
        None,
    )
