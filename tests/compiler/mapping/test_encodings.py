"""Words of synapse memory: as published code counts them, and as plain loops do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.mapping.encodings import SynapseLists, width_for, words
from snnc.compiler.mapping.hardware import Encoding, Layout
from tests.compiler.mapping.plain import plain_words


def nengo(layout: Layout, *index_bits: int) -> Encoding:
    """Give an encoding by the rule of nengo-loihi's ``bits_per_axon`` (``block.py:530-548``)."""
    return Encoding("nengo", layout, 64, 64, 10, index_bits, (), (0, 3, 4, 5, 6), "entry", 0)


def nxtf(layout: Layout, *skip_bits: int) -> Encoding:
    """Give an encoding by the rule of NxTF's ``SynEntry`` and ``SynapseGroup``."""
    index = (6, 7, 8, 9, 10)
    return Encoding("nxtf", layout, 64, 60, 10, index, skip_bits, (0, 3, 4, 5, 6), "axon", 6)


def lists_of(*reached: list[int]) -> SynapseLists:
    begin = np.cumsum([0, *map(len, reached)])
    index = np.array([i for one in reached for i in one], np.int64)
    return SynapseLists(begin, index, np.ones(len(reached), np.int64))


def run(n: int, encoding: Encoding, bits: int = 8) -> int:
    found = words(encoding, lists_of(list(range(n))), bits, 1024)
    assert found is not None
    return int(found[0])


# The table of fan-outs, 8 bits a weight. nengo-loihi keeps one width of index for all synapses of
# a group: that of its last neuron.


TABLE = [
    # n, nengo dense, sparse, NxTF dense, sparse, run-length
    (1, 1, 1, 1, 1, 1),
    (10, 2, 3, 2, 3, 2),
    (64, 9, 15, 9, 15, 11),
    (128, 18, 32, 17, 30, 21),
    (256, 36, 68, 34, 63, 42),
    (512, 72, 144, 67, 131, 83),
    (1024, 144, 304, 134, 277, 166),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row[0]))
def test_words_of_an_axon(row: tuple[int, ...]) -> None:
    n, *expected = row
    width = width_for((6, 7, 8, 9, 10), n - 1)
    assert width is not None
    encodings = (
        nengo(Layout.DENSE),
        nengo(Layout.SPARSE, width),
        nxtf(Layout.DENSE),
        nxtf(Layout.SPARSE),
        nxtf(Layout.RUN_LENGTH, 2, 3, 4, 5),
    )
    assert [run(n, e) for e in encodings] == expected
    assert run(n, nxtf(Layout.RUN_LENGTH, 0)) == run(n, nxtf(Layout.DENSE))


@pytest.mark.parametrize(
    ("n", "of_nengo", "of_nxtf"),
    [
        (1, 16384, 16383),
        (10, 8192, 8191),
        (64, 1820, 1820),
        (128, 910, 963),
        (256, 455, 481),
        (512, 227, 244),
        (1024, 113, 122),
    ],
)
def test_dense_axons_of_a_core(n: int, of_nengo: int, of_nxtf: int) -> None:
    assert 16384 // run(n, nengo(Layout.DENSE)) == of_nengo
    assert 16383 // run(n, nxtf(Layout.DENSE)) == of_nxtf


@pytest.mark.parametrize(
    ("encoding", "bits", "synapses"),
    [
        (nengo(Layout.DENSE), 8, 116_480),
        (nengo(Layout.DENSE), 4, 209_664),
        (nengo(Layout.DENSE), 1, 524_288),
        (nengo(Layout.DENSE), 8 + 6, 69_888),
        (nengo(Layout.SPARSE, 8), 8, 61_632),
        (nengo(Layout.SPARSE, 10), 8, 55_168),
    ],
    ids=str,
)
def test_synapses_of_a_core(encoding: Encoding, bits: int, synapses: int) -> None:
    assert 16384 // run(64, encoding, bits) * 64 == synapses


def test_words_that_are_nearly_full_take_one_more() -> None:
    """NxTF leaves 6 bits behind the last entry: 58 bits fit a word, 59 do not."""
    bare = replace(nxtf(Layout.DENSE), index_bits=())
    assert [run(n, bare, 1) for n in (48, 49)] == [1, 2]


@pytest.mark.parametrize(("skip_bits", "farthest"), [((0,), 1), ((1,), 1), ((2,), 3), ((2, 5), 31)])
def test_the_longest_skip(skip_bits: tuple[int, ...], farthest: int) -> None:
    """What is one neuron farther than the widest skip begins an entry of its own: a word each."""
    bare = replace(nxtf(Layout.RUN_LENGTH, *skip_bits), index_bits=(), align="entry")
    for way, entries in ((farthest, 1), (farthest + 1, 2)):
        found = words(bare, lists_of([0, way]), 8, 1024)
        assert found is not None
        assert found.tolist() == [entries]


def test_an_index_too_wide_cannot_be_encoded() -> None:
    narrow = replace(nxtf(Layout.SPARSE), index_bits=(6,))
    assert words(narrow, lists_of([63]), 8, 1024) is not None
    assert words(narrow, lists_of([63], [64]), 8, 1024) is None


def test_a_neuron_beyond_the_core_counts_as_its_last() -> None:
    """A population is measured whole before it is cut, and its index would fit no width."""
    found = words(nxtf(Layout.SPARSE), lists_of([1023], [10**6]), 8, 1024)
    assert found is not None
    assert found.tolist() == [1, 1]


def test_no_axons() -> None:
    for layout in (Layout.DENSE, Layout.SPARSE, Layout.RUN_LENGTH):
        found = words(nxtf(layout, 2), lists_of(), 8, 1024)
        assert found is not None
        assert found.tolist() == []


@st.composite
def encodings(draw: st.DrawFn) -> Encoding:
    layout = draw(st.sampled_from([Layout.DENSE, Layout.SPARSE, Layout.RUN_LENGTH]))
    widths = st.lists(st.integers(1, 9), max_size=3, unique=True).map(sorted)
    place = [*draw(widths), 10] if layout is Layout.SPARSE or draw(st.booleans()) else []
    skips = draw(st.sampled_from([(0,), (1,), (2,), (2, 3, 4, 5), (0, 3)]))
    return Encoding(
        name="drawn",
        layout=layout,
        word_bits=draw(st.sampled_from([8, 32, 64])),
        entry_synapses=draw(st.sampled_from([None, 1, 2, 7, 60])),
        header_bits=draw(st.integers(0, 20)),
        index_bits=tuple(place),
        skip_bits=skips if layout is Layout.RUN_LENGTH else (),
        delay_bits=(0,),
        align=draw(st.sampled_from(["axon", "entry"])),
        spare_bits=draw(st.sampled_from([0, 0, 6])),
    )


@given(
    encodings(),
    st.lists(st.sets(st.integers(0, 1023) | st.integers(0, 20), min_size=1), max_size=5),
    st.integers(1, 14),
)
def test_as_plain_loops(encoding: Encoding, reached: list[set[int]], bits: int) -> None:
    lists = [sorted(one) for one in reached]
    found = words(encoding, lists_of(*lists), bits, 1024)
    assert found is not None
    assert found.tolist() == [plain_words(encoding, one, bits) for one in lists]
