"""Lists compute the same in every form in which they may lie in memory, up to full sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedOperator, FixedSparse
from snnc.targets.cpu.engine import Engine
from tests.benchmarks.sparse_engine import large_network
from tests.builders import fixed_dense
from tests.targets.cpu.test_sharing import unequal
from tests.targets.lava.networks import population, projection

SOURCES = 200
"""So many that few of the weights of a dense matrix are not 0."""


def column(weights: list[int]) -> npt.NDArray[np.int8]:
    """Give a matrix of one row, the rest of which is 0."""
    return np.array([weights + [0] * (SOURCES - len(weights))], np.int8)


def reached(*operators: tuple[FixedOperator, int]) -> FixedNetwork:
    """Give one neuron, and what reaches it with the exponent beside it."""
    return FixedNetwork(
        inputs=(FixedInput("x", (SOURCES,), max_abs=217),),
        populations=(population("p", (1,), FixedReset.NONE, 1, du=2000, dv=300, spiking=False),),
        projections=tuple(projection("x", "p", o, exp=exp) for o, exp in operators),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )


LISTS: dict[str, Callable[[list[int]], FixedOperator]] = {
    "sparse": lambda w: FixedSparse.of(column(w)),
    "dense": lambda w: fixed_dense(column(w)),
}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize(
    "weights",
    [[[127, 24]], [[127, 25]], [[-127, 24]], [[100, 20], [0, 30, 1]], [[100, 20], [0, 30, 2]]],
    ids=str,
)
def test_sums_at_the_bounds_of_16_bits(weights: list[list[int]], kind: str, sign: int) -> None:
    """217 times 151 is 2**15 - 1: sums of more have 32 bits, those of two projections too."""
    of = LISTS[kind]
    for exponents in ((0, 0), (2, 2), (-3, -3), (0, -1)):
        made = [(of(w), exp) for w, exp in zip(weights, exponents, strict=False)]
        fixed = reached(*made)
        signs = np.sign(sum(column(w)[0].astype(int) for w in weights))
        x = {"x": sign * 217 * signs[None, None].repeat(3, 0).astype(np.int32)}
        assert unequal(fixed, x, 1, Engine(fixed)) == 0


def sent(n: int, synapses: int, wide: bool) -> FixedNetwork:
    """Give a large network; the weights have 16 bits where they are to be ``wide``."""
    fixed = large_network(n, synapses)
    among = fixed.projections[1]
    (lists,) = among.operators
    assert isinstance(lists, FixedSparse)
    if wide:
        lists = replace(lists, weight=lists.weight.astype(np.int16) * 6)
    projections = (fixed.projections[0], replace(among, operators=(lists,)), fixed.projections[2])
    neurons, shown = fixed.populations
    busy = replace(neurons, bias_mant=4 * neurons.bias_mant)  # a spike each in eleven steps
    return replace(fixed, populations=(busy, shown), projections=projections)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("synapses", [100, 10], ids=lambda n: f"{n} synapses")
@pytest.mark.parametrize("n", [5_000, 70_000])
def test_forms(n: int, synapses: int, wide: bool) -> None:
    """Targets of 16 bits, in one block and in two; and of more, where lists are short."""
    fixed = sent(n, synapses, wide)
    x = {"x": np.arange(14).reshape(14, 1, 1) % 7 == 0}
    engine = Engine(fixed)
    assert [unequal(fixed, x, parts, engine) for parts in (1, 2, 3)] == [0, 0, 0]


def test_memory_of_lists() -> None:
    """A synapse takes 3 bytes in lists of 100, and an empty list 4."""
    n = 70_000
    engine = Engine(sent(n, 100, wide=False))
    states, lists = 5 * 4 * n + 64 * 1024, 2 * 4 * (n + 1) + 4 * (n + 1)
    assert engine.bytes <= 3.25 * 100 * n + lists + states
