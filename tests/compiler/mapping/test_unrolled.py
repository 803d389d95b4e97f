"""Synapses and words of the checker, against what a hand counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.mapping.unrolled import (
    Pairs,
    axon_words,
    delay_bits,
    kernel_words,
    numbers,
    unrolled,
)
from snnc.compiler.operators import FixedOperator, FixedScaling, FixedSparse, MaxPooling
from snnc.targets.hardware.load import load_hardware
from tests.builders import fixed_convolution, fixed_dense, window

LOIHI = {e.name: e for e in load_hardware("loihi1").encodings}
KERNELS = {e.name: e for e in load_hardware("loihi2").encodings}["kernels"]


def reached(*neurons: int) -> Pairs:
    """One axon that reaches these."""
    return Pairs(np.array(neurons), np.zeros(len(neurons), np.int64))


WORDS: list[tuple[str, Iterable[int], int]] = [
    # 10 of the header, 10 of the first neuron, 8 each, and 6 that stay free; words of 64
    ("dense", range(4), 1),
    ("dense", range(5), 2),  # 60 bits, so that there are no 6
    ("dense", range(60), 8),
    ("dense", range(61), 9),
    ("dense", (0, 59), 8),  # all zeros in between
    ("dense", (0, 60), 1),  # two entries of 28 bits
    # 10 of the header, 18 each
    ("sparse", (0, 900), 1),
    ("sparse", range(60), 18),
    ("sparse", range(0, 1020, 17), 18),
    # 20, and 8 each with the bits of the longest way; beyond 31 there is another entry
    ("run-length", range(0, 310, 31), 3),
    ("run-length", range(0, 320, 32), 5),
    ("run-length", range(60), 10),
    ("run-length", range(61), 11),
    # 20, and 8 each; every gap is another entry
    ("runs", range(60), 8),
    ("runs", range(0, 20, 2), 5),
]


@pytest.mark.parametrize(("name", "neurons", "words"), WORDS)
def test_words(name: str, neurons: Iterable[int], words: int) -> None:
    assert axon_words(LOIHI[name], reached(*neurons), np.arange(2000), 8, 1024) == [words]


def test_each_entry_fills_words_where_they_are_aligned() -> None:
    aligned = replace(LOIHI["runs"], align="entry")
    assert axon_words(aligned, reached(*range(0, 20, 2)), np.arange(20), 8, 1024) == [10]


def test_an_index_that_is_too_short() -> None:
    """A core of 4096 neurons has some that 10 bits do not reach."""
    number = np.arange(2000)
    assert axon_words(LOIHI["dense"], reached(1023), number, 8, 4096) == [1]
    assert axon_words(LOIHI["dense"], reached(1024), number, 8, 4096) is None


def test_delays() -> None:
    assert [delay_bits(LOIHI["dense"], d) for d in (1, 2, 8, 9, 64, 65)] == [0, 3, 3, 4, 6, None]


def test_numbers() -> None:
    assert numbers(Box((1, 0, 2), (3, 1, 5))).tolist() == [0, 2, 4, 1, 3, 5]
    assert numbers(Box((3,), (6,))).tolist() == numbers(Listed(np.array([1, 5, 6]))).tolist()


def test_kernels() -> None:
    """Of one channel onto two, 3 wide: 6 weights of 8 bits and one, whatever the box is."""
    operators = (fixed_convolution(np.ones((2, 1, 3)), padding=1),)
    box = Box((0, 1), (2, 5))
    pairs = unrolled(operators, (1, 8), box.indices((2, 8)))
    assert kernel_words(KERNELS, pairs, ((1, 8), box), [1], 8) == [2]
    wide = (fixed_convolution(np.ones((2, 3, 3)), padding=1),)
    pairs = unrolled(wide, (3, 8), box.indices((2, 8)))
    assert kernel_words(KERNELS, pairs, ((3, 8), box), [1], 8) == [2, 2, 2]


SYNAPSES: dict[str, tuple[tuple[FixedOperator, ...], tuple[int, ...], list[tuple[int, int]]]] = {
    "dense": (
        (fixed_dense([[1, 0, 2], [0, 0, 0], [3, 4, 0]]),),
        (3,),
        [(0, 0), (1, 0), (1, 1), (0, 2)],
    ),
    "lists": (
        (FixedSparse.of(np.array([[1, 0, 2], [0, 0, 0], [3, 4, 0]], np.int8)),),
        (3,),
        [(0, 0), (1, 0), (1, 1), (0, 2)],
    ),
    "factors": ((FixedScaling(weight=np.zeros(3, np.int8)),), (3,), [(0, 0), (1, 2)]),
    "padding is none": (
        (fixed_convolution([[[0, 1, 0]]], padding=1),),
        (1, 3),
        [(0, 0), (0, 1), (1, 1), (1, 2)],
    ),
    "windows that overlap count once": (
        (MaxPooling(window=window(2)), fixed_dense([[1, 1], [0, 0], [1, 0]])),
        (1, 3),
        [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)],
    ),
}


@pytest.mark.parametrize("case", SYNAPSES)
def test_synapses_of_the_first_and_the_last(case: str) -> None:
    operators, shape, wanted = SYNAPSES[case]
    pairs = unrolled(operators, shape, np.array([0, 2]))
    assert [*zip(pairs.target.tolist(), pairs.element.tolist(), strict=True)] == wanted


def test_kernels_of_zeros_are_no_synapses() -> None:
    weight = np.zeros((2, 4, 1), np.int8)
    weight[1, 1] = 7
    pairs = unrolled((fixed_convolution(weight),), (4, 1), np.array([0, 1]))
    assert (pairs.target.tolist(), pairs.element.tolist()) == ([1], [1])
