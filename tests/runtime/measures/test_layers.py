"""What a report tells of populations: grouping of samples, time, and units of potentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from math import log10
from operator import add
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.measures.layers import CELLS, LayerTally, disagreements, layer_tallies
from snnc.runtime.measures.potentials import potentials
from snnc.runtime.verify import verify
from tests.runtime.samples import artifact, data, labels

STEPS, SAMPLES = 11, 9


def traces() -> tuple[Trace, Trace]:
    """Give two runs: a read-out of floats, and integers of a population in two axes."""
    random = np.random.default_rng(31)
    spikes = (random.random((STEPS, SAMPLES, 3, 2)) < 0.3).astype(np.uint8)
    flipped = spikes ^ (random.random(spikes.shape) < 0.05).astype(np.uint8)
    v = random.integers(-(2**23), 2**23, spikes.shape).astype(np.int32)
    w = v + (random.random(v.shape) < 0.5) * random.integers(-9, 9, v.shape).astype(np.int32)
    read = random.normal(size=(STEPS, SAMPLES, 4)).astype(np.float32)
    off = read * np.float32(3.3)
    return (
        Trace(
            executor="a", outputs={"o": spikes}, spikes={"one": spikes}, v={"two": read, "one": v}
        ),
        Trace(
            executor="b", outputs={"o": flipped}, spikes={"one": flipped}, v={"two": off, "one": w}
        ),
    )


def tallies(begin: int, end: int) -> tuple[LayerTally, ...]:
    """Give what is counted of some of the samples."""
    one, two = (t.of_samples(begin, end) for t in traces())
    return layer_tallies(one, two, SIGNALS, begin)


def text(of: Sequence[LayerTally]) -> list[str]:
    """Give tallies as JSON: equal texts are equal bits."""
    return [t.model_dump_json() for t in of]


@given(st.lists(st.integers(1, SAMPLES - 1), unique=True), st.randoms(use_true_random=False))
def test_any_grouping_of_samples_gives_the_same_bits(cuts: list[int], random: Random) -> None:
    edges = [0, *sorted(cuts), SAMPLES]
    parts = [tallies(a, b) for a, b in pairwise(edges)]
    whole = tallies(0, SAMPLES)
    while len(parts) > 1:  # neighbors are added in any order
        i = random.randrange(len(parts) - 1)
        parts[i : i + 2] = [tuple(map(add, parts[i], parts[i + 1]))]
    assert text(parts[0]) == text(whole)
    assert [t.measures for t in parts[0]] == [t.measures for t in whole]


def test_a_tally_that_is_kept_is_read_again() -> None:
    found = tallies(0, SAMPLES)
    again = [LayerTally.model_validate_json(line) for line in text(found)]
    assert text(again) == text(found)
    assert text(list(map(add, again, tallies(0, 2)))) == text(list(map(add, found, tallies(0, 2))))


def test_distances_are_of_the_first_samples_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnc.runtime.measures.distances.SAMPLES", 4)
    whole, parts = tallies(0, SAMPLES)[-1], [tallies(i, i + 3)[-1] for i in (0, 3, 6)]
    assert [p.distances.trains for p in (whole, *parts)] == [24, 18, 6, 0]
    assert reduce(add, parts).distances == whole.distances


def test_large_integers() -> None:
    v, w = (np.full((1, 1, 1), x, np.int32) for x in (2**31 - 1, -(2**31) + 1))
    found = potentials(v, w)
    assert found.sqnr_db == pytest.approx(-20 * log10(2))


def test_populations_in_the_order_of_the_network() -> None:
    two, one = tallies(0, SAMPLES)
    assert (one.measures.population, one.measures.neurons) == ("one", 6)
    assert (one.measures.values, one.measures.samples) == (STEPS * SAMPLES * 6, SAMPLES)
    assert (two.measures.population, two.measures.neurons) == ("two", 4)
    assert (two.measures.values, two.measures.trains) == (0, 0)
    assert two.measures.precision is None


def test_noise_of_potentials() -> None:
    reference, other = traces()
    two, one = tallies(0, SAMPLES)
    v, w = (t.v["one"].astype(object) for t in (reference, other))
    wanted = 10 * log10((v * v).sum() / ((v - w) ** 2).sum())
    assert one.measures.sqnr_db == pytest.approx(wanted, rel=1e-14)
    v, w = (t.v["two"].astype(float) for t in (reference, other))
    wanted = 10 * log10(np.square(v).sum() / np.square(v - w).sum())
    assert two.measures.sqnr_db == pytest.approx(wanted, rel=1e-12)


def test_equal_potentials_have_no_noise() -> None:
    reference, _ = traces()
    found = layer_tallies(reference, reference, SIGNALS)
    assert [t.measures.sqnr_db for t in found] == [None, None]
    assert disagreements(found) == ()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_potentials_that_are_no_numbers(wrong: float) -> None:
    reference, other = traces()
    v = other.v["two"].copy()
    v[3, 2, 1] = wrong
    found = layer_tallies(reference, replace(other, v={**other.v, "two": v}), SIGNALS)
    assert found[0].potentials.infinite == 1
    assert found[0].measures.sqnr_db is None
    assert (found[0] + tallies(0, 2)[0]).measures.sqnr_db is None


def test_cells_of_time() -> None:
    """A cell is a share of its steps, samples and neurons; a value differs by any signal."""
    steps = 2 * CELLS + 3
    spikes = np.zeros((steps, 2, 5), np.uint8)
    other, v = spikes.copy(), spikes.astype(np.int32)
    other[4, 0, 1] = other[5, 1, 3] = other[-1, 0, 0] = 1
    w = v.copy()
    w[5, 1, 3] = w[4, 1, 1] = 7  # one of these places, and one more
    a = Trace(executor="a", outputs={}, spikes={"p": spikes}, v={"p": v})
    b = Trace(executor="b", outputs={}, spikes={"p": other}, v={"p": w})
    (of_spikes,) = disagreements(layer_tallies(a, b, ("spikes",)))
    assert (of_spikes.population, of_spikes.width) == ("p", 3)
    assert len(of_spikes.shares) == -(-steps // 3)
    assert [of_spikes.shares[i] for i in (0, 1, 2)] == [0, 2 / 30, 0]
    assert of_spikes.shares[-1] == 1 / (steps % 3 * 10)
    (of_all,) = disagreements(layer_tallies(a, b, SIGNALS))
    assert of_all.shares[1] == 3 / 30


def test_tallies_of_other_populations_do_not_add_up() -> None:
    two, one = tallies(0, SAMPLES)
    with pytest.raises(InternalError, match="do not add up"):
        reduce(add, (one, two))


def test_links_of_a_report() -> None:
    report = verify(artifact(), data(), labels=labels(), targets=("integer",), max_drop=100)
    link = next(link for link in report.links if link.name == "float -> integer")
    hidden, output = link.layers
    assert [layer.population for layer in link.layers] == ["hidden", "output_layer"]
    assert hidden.hamming + output.hamming == link.differing
    assert hidden.values + output.values == link.values
    assert hidden.sqnr_db is not None
    assert 20 < hidden.sqnr_db < 100  # in units of the model: rounding, not another scale
    assert link.statistics is not None
    assert link.statistics.claim == "shown"
