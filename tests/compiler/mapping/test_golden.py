"""Intel's own table: ``test_compressConnections`` in NxTF's ``tests/test_dnn_partitioner.py``.

Which weights are negative is drawn there from a seed that no library draws alike any more. Asserted
is what does not depend on it: all input axons, the synapses where no zeros are filled in, and the
words where they come out the same for almost any signs.
"""

from __future__ import annotations

from statistics import median, mode

import numpy as np
import pytest

from snnc.compiler.mapping.hardware import Encoding, Layout
from tests.compiler.mapping.nxtf import Cost, Layer, cost


def nxtf(layout: Layout, *skip_bits: int) -> Encoding:
    index = (6, 7, 8, 9, 10)
    return Encoding("nxtf", layout, 64, 60, 10, index, skip_bits, (0,), "axon", 6)


SPARSE, RUN_LENGTH = nxtf(Layout.SPARSE), nxtf(Layout.RUN_LENGTH, 2, 3, 4, 5)
DENSE1, DENSE2 = nxtf(Layout.RUN_LENGTH, 0), nxtf(Layout.DENSE)

TABLE: list[tuple[Encoding, Layer, Cost]] = [
    (SPARSE, Layer((7, 7, 2), 3, 1, False, (5, 5)), Cost(14, 900, 281, 378)),
    (SPARSE, Layer((32, 32, 3), 3, 1, False, (30, 10)), Cost(108, 29160, 6873, 10080)),
    (SPARSE, Layer((32, 32, 3), 3, 2, False, (10, 5)), Cost(198, 4050, 2430, 2592)),
    (SPARSE, Layer((27, 26, 2), 1, 2, False, (7, 13)), Cost(52, 56, 42, 28)),
    (SPARSE, Layer((32, 30, 2), 2, 2, False, (16, 5)), Cost(60, 768, 528, 384)),
    (SPARSE, Layer((30, 35, 2), 3, 2, True, (8, 9)), Cost(144, 1408, 808, 868)),
    (RUN_LENGTH, Layer((7, 7, 2), 3, 1, False, (5, 5)), Cost(14, 900, 288, 371)),
    (RUN_LENGTH, Layer((20, 25, 2), 3, 2, True, (6, 9)), Cost(104, 928, 524, 580)),
    (DENSE1, Layer((7, 7, 2), 3, 1, False, (5, 5)), Cost(14, 900, 660, 427)),
    (DENSE1, Layer((30, 35, 2), 3, 2, True, (15, 10)), Cost(72, 1408, 1226, 840)),
    (DENSE2, Layer((7, 7, 2), 3, 1, False, (5, 5)), Cost(14, 3587, 290, 700)),
    (DENSE2, Layer((30, 35, 2), 3, 2, True, (6, 9)), Cost(216, 2920, 874, 1052)),
]
WORDS = (0, 1, 2, 3, 4, 5, 9)
"""Cases in which words do not depend on signs, but for a few of case 1."""


def costs(case: int, seeds: int = 3) -> list[Cost]:
    """Count a case of the table with weights of several seeds."""
    encoding, layer, _ = TABLE[case]
    shape = (layer.source[2], layer.filters, layer.kernel, layer.kernel)
    draws = (np.random.default_rng(seed).integers(-128, 128, shape) for seed in range(seeds))
    return [cost(layer, encoding, weights) for weights in draws]


@pytest.mark.parametrize("case", range(12))
def test_input_axons(case: int) -> None:
    assert {c.axons for c in costs(case, 1)} == {TABLE[case][2].axons}


@pytest.mark.parametrize("case", range(10))
def test_synapses(case: int) -> None:
    assert {c.synapses for c in costs(case, 1)} == {TABLE[case][2].synapses}


@pytest.mark.parametrize("case", WORDS)
def test_words(case: int) -> None:
    assert mode(c.words for c in costs(case)) == TABLE[case][2].words


@pytest.mark.parametrize("case", sorted(set(range(12)) - set(WORDS)))
def test_words_by_chance(case: int) -> None:
    typical = median(c.words for c in costs(case, 5))
    assert typical == pytest.approx(TABLE[case][2].words, rel=0.1)
