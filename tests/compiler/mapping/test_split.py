"""Boxes are cut so that each fits, none is missed, and there are few of them."""

from __future__ import annotations

from math import inf, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.split import Share, best_grid, cores_alone, cover, cut_at, slab

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


def by_size(most: int) -> Share:
    """Give the share of a core that has room for so many neurons."""
    return lambda box: box.size / most


def no_cost(box: Box) -> float:
    del box
    return 0.0


def covered(shape: tuple[int, ...], boxes: list[Box]) -> bool:
    neurons = np.concatenate([box.indices(shape) for box in boxes])
    return sorted(neurons.tolist()) == list(range(prod(shape)))


@given(SHAPES, st.integers(1, 60))
def test_every_neuron_once_in_a_box_that_fits(shape: tuple[int, ...], most: int) -> None:
    boxes, hopeless = cover(Box.whole(shape), by_size(most), no_cost)
    assert covered(shape, boxes)
    assert not hopeless
    assert max(box.size for box in boxes) <= most


@given(SHAPES, st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_as_few_as_any_grid(shape: tuple[int, ...], most: list[int]) -> None:
    """Limits of each axis: then the best grid is known."""

    def share(box: Box) -> float:
        return max(n / m for n, m in zip(box.shape, most, strict=False))

    boxes, _ = cover(Box.whole(shape), share, no_cost)
    assert len(boxes) == prod(-(-n // m) for n, m in zip(shape, most, strict=False))


def test_neurons_that_fit_nowhere_are_told() -> None:
    def share(box: Box) -> float:
        return inf if 3 in box.indices((8,)) else box.size / 4

    boxes, hopeless = cover(Box.whole((8,)), share, no_cost)
    assert hopeless == [Box((3,), (4,))]
    assert covered((8,), [*boxes, *hopeless])
    assert len(boxes) == 2


@pytest.mark.parametrize(("axis", "tile"), [(0, (2, 8)), (1, (8, 2))])
def test_of_grids_with_as_many_boxes_the_cheapest(axis: int, tile: tuple[int, ...]) -> None:
    grid = best_grid(Box.whole((8, 8)), by_size(16), lambda box: box.shape[axis])
    assert grid.tile == tile


def test_boxes_grow_and_leave_the_last_small() -> None:
    assert [box.size for box in cover(Box.whole((128,)), by_size(54), no_cost)[0]] == [54, 54, 20]
    boxes, _ = cover(Box.whole((2, 2, 64)), by_size(100), no_cost)
    assert sorted(box.shape for box in boxes) == [(2, 2, 14), (2, 2, 25), (2, 2, 25)]


@given(st.integers(1, 300), st.integers(0, 300), st.none() | st.integers(1, 300))
def test_the_thickest_slab(n: int, most: int, guess: int | None) -> None:
    whole = Box((0, 2), (3, 2 + n))
    cut = slab(whole, 1, lambda box: box.shape[1] / max(most, 1e-3), guess)
    if most == 0:
        assert cut is None
        return
    assert cut is not None
    thickness = cut[0].shape[1]
    assert cut == cut_at(whole, 1, thickness)
    nearly = guess is not None and thickness == guess and guess > 0.96 * most
    assert thickness == min(n, most) or nearly


def test_slabs_where_shares_are_not_straight() -> None:
    """Whole words: a share that stays, and then jumps."""
    cut = slab(Box.whole((1000,)), 0, lambda box: -(-box.size // 64) * 64 / 700)
    assert cut is not None
    assert cut[0].size == 640


@pytest.mark.parametrize(("n", "cores"), [(10, 0.1), (100, 1.0), (250, 2.5)])
def test_cores_alone(n: int, cores: float) -> None:
    assert cores_alone(Box.whole((n,)), by_size(100)) == cores
    assert cores_alone(Box.whole((n, 1)), by_size(100)) == pytest.approx(cores)
