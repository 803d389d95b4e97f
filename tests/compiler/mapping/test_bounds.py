"""No partition needs fewer cores than the bound, and the bound is not far below."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput
from snnc.compiler.mapping.bounds import lower_bound, lower_bounds
from snnc.compiler.mapping.demand import demand
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.ledger import Resource
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.partition import partition
from snnc.compiler.mapping.regions import Box
from tests.benchmarks.mapping.networks import layered
from tests.builders import fixed_convolution, fixed_network, fixed_population, fixed_projection
from tests.compiler.mapping.limits import LOIHI, LOIHI2, able


@pytest.mark.parametrize(
    ("hardware", "words", "cores"),
    [
        # 784 axons of 128 weights, 60 an entry: 3 headers of 10 + 10 bits, 1024 bits and 6 to spare
        # fill 18 words; 128 axons of 64: 40 + 512 + 6 bits, 9; 64 of 10: 20 + 80 + 6 bits, 2
        (LOIHI, 784 * 18 + 128 * 9 + 64 * 2, 1),
        # 10 bits a synapse, and 10 for each 64 of them: 41 words of 32 bits, 21, 4
        (LOIHI2, 784 * 41 + 128 * 21 + 64 * 4, 3),
    ],
)
def test_words_of_dense_layers(hardware: Hardware, words: int, cores: int) -> None:
    found = {b.resource: b for b in lower_bounds(layered([784, 128, 64, 10]), hardware)}
    assert found[Resource.SYNAPSE_MEMORY].total == words
    assert found[Resource.NEURONS].total == 128 + 64 + 10
    assert found[Resource.INPUT_AXONS].total == 784 + 128 + 64
    assert lower_bound(layered([784, 128, 64, 10]), hardware) == cores


@pytest.mark.parametrize("hardware", [LOIHI, LOIHI2])
def test_the_whole_takes_no_less(hardware: Hardware) -> None:
    network = fixed_network(
        [fixed_population("c", 4 * 9 * 9, shape=(4, 9, 9))],
        [fixed_projection("x", "c", None, fixed_convolution(np.ones((4, 2, 3, 3)), padding=1))],
        inputs=[FixedInput("x", (2, 9, 9))],
    )
    bounds = {b.resource: b for b in lower_bounds(network, hardware)}
    whole = demand(network, Part("c", Box.whole((4, 9, 9))), hardware)
    assert 0.5 * whole.words < bounds[Resource.SYNAPSE_MEMORY].total <= whole.words
    assert bounds[Resource.INPUT_AXONS].total == whole.input_axons == 2 * 9 * 9


@pytest.mark.parametrize("shape", [(16, 1, 1), (16,)])
@pytest.mark.parametrize("hardware", [LOIHI, LOIHI2])
def test_weights_that_only_padding_meets_are_none(
    hardware: Hardware, shape: tuple[int, ...]
) -> None:
    """Of a kernel of 5 x 5 on one pixel there is one weight."""
    network = fixed_network(
        [fixed_population("c", 16, shape=shape)],
        [fixed_projection("x", "c", None, fixed_convolution(np.ones((16, 16, 5, 5)), padding=2))],
        inputs=[FixedInput("x", (16, 1, 1))],
    )
    small = able(hardware, synapse_memory=120)
    assert len(partition(network, small)) == lower_bound(network, small) == 1


def test_resets_that_take_two_compartments_count() -> None:
    network = fixed_network(
        [fixed_population("a", 10, reset="subtract")],
        [fixed_projection("x", "a", np.ones((10, 2)))],
    )
    assert lower_bound(network, able(LOIHI, neurons=5)) == 2
    assert {b.resource: b.total for b in lower_bounds(network, LOIHI)}[Resource.NEURONS] == 20


def test_what_differs_has_to_be_somewhere() -> None:
    network = fixed_network(
        [
            fixed_population("a", 5, threshold=[1, 2, 3, 4, 5], dv=[0, 1, 2, 3, 4]),
            fixed_population("b", 2, threshold=[5, 6], dv=[4, 4]),
        ],
        [fixed_projection("x", "a", np.ones((5, 2))), fixed_projection("x", "b", np.ones((2, 2)))],
    )
    for limit, distinct in (("thresholds", 6), ("parameter_sets", 5), ("populations", 2)):
        assert lower_bound(network, able(LOIHI, **{limit: distinct})) == 1
        assert lower_bound(network, able(LOIHI, **{limit: 1})) == distinct
