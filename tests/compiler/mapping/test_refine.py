"""Refinement counts right, never makes worse, and keeps what blocks may hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.mapping.blocks import evened
from snnc.compiler.mapping.refine import Blocks, Nets, refine


def random_nets(seed: int, n: int = 30, nets: int = 20) -> Nets:
    rng = np.random.default_rng(seed)
    member = rng.random((n, nets)) < 0.2
    degree = int(member.sum(axis=1).max()) + 1
    of = np.full((n, degree), nets, np.int64)
    for i in range(n):
        own = np.flatnonzero(member[i])
        of[i, : own.size] = own
    return Nets(of, np.append(rng.random(nets), 0.0), np.ones(n))


def plain_cost(nets: Nets, block: npt.NDArray[np.int64]) -> float:
    """Count the blocks of each net."""
    total = 0.0
    for net, weight in enumerate(nets.weight[:-1]):
        total += weight * len({int(b) for b, of in zip(block, nets.of, strict=True) if net in of})
    return total


@given(st.integers(0, 10**6))
def test_gains_are_differences_of_cost(seed: int) -> None:
    nets, rng = random_nets(seed), np.random.default_rng(seed)
    block = rng.integers(0, 4, 30)
    blocks = Blocks(nets, block, np.full(4, 30.0))
    assert blocks.cost == pytest.approx(plain_cost(nets, block))
    vertex, target = int(rng.integers(30)), int(rng.integers(4))
    if target == block[vertex]:
        return
    gain = blocks.gains(np.array([vertex]))[0, target]
    assert gain == pytest.approx(blocks.gains_to(np.array([vertex]), target)[0])
    before = blocks.cost
    blocks.move(vertex, target)
    assert before - blocks.cost == pytest.approx(gain)
    assert blocks.cost == pytest.approx(plain_cost(nets, blocks.block))
    assert blocks.loads.tolist() == np.bincount(blocks.block, minlength=4).tolist()


@given(st.integers(0, 10**6), st.integers(8, 12))
def test_never_worse_and_never_over(seed: int, most: int) -> None:
    nets = random_nets(seed)
    block = np.arange(30) % 4
    found = refine(nets, block, np.full(4, float(most)), seed)
    assert plain_cost(nets, found) <= plain_cost(nets, block) + 1e-9
    assert np.bincount(found, minlength=4).max() <= most


@pytest.mark.parametrize("most", [4, 5])
def test_two_groups_are_found(most: int) -> None:
    """With room by moves, without it by swaps."""
    of = np.array([[i // 4] for i in range(8)])
    nets = Nets(of, np.array([1.0, 1.0, 0.0]), np.ones(8))
    found = refine(nets, np.array([0, 0, 0, 1, 1, 1, 1, 0]), np.full(2, float(most)), 0)
    assert len({*found[:4].tolist()}) == len({*found[4:].tolist()}) == 1
    assert found[0] != found[7]


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_evened(seed: int, most: int) -> None:
    block = np.random.default_rng(seed).integers(0, 4, 30)
    found = evened(block, np.ones(30), np.full(4, float(most)))
    if 4 * most < 30:
        assert found is None
        return
    assert found is not None
    assert np.bincount(found, minlength=4).max() <= most
    changed = int((found != block).sum())
    assert changed == np.maximum(np.bincount(block, minlength=4) - most, 0).sum()
