"""What lies under windows, against loops over positions and elements."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.operators import Shape, Window
from snnc.compiler.sliding import counted, elements, halves, padded, sliding, trailing
from tests.drawn.operators import windows

EXTENTS = st.lists(st.integers(1, 6), min_size=1, max_size=2).map(tuple)


@st.composite
def placed(draw: st.DrawFn) -> tuple[Window, Shape]:
    extent: Shape = draw(EXTENTS)
    return draw(windows(extent)), extent


def places(window: Window, position: Shape) -> Iterator[tuple[Shape, Shape]]:
    """Give each element under the window, and where it is: padding is below 0 or behind."""
    for element in product(*map(range, window.kernel)):
        axes = zip(position, window.stride, element, window.dilation, window.padding, strict=True)
        yield element, tuple(p * s + e * d - before for p, s, e, d, (before, _) in axes)


@given(placed())
def test_what_lies_under_a_window(drawn: tuple[Window, Shape]) -> None:
    window, extent = drawn
    x: Any = np.arange(2 * np.prod(extent), dtype=np.float32).reshape(2, *extent)
    around = padded(x, window, -1.0)
    under: Any = sliding(around, window)
    assert under.shape == (2, *window.positions(extent), *window.kernel)
    for position in product(*map(range, window.positions(extent))):
        for element, place in places(window, position):
            inside = all(0 <= i < n for i, n in zip(place, extent, strict=True))
            wanted = x[(slice(None), *place)] if inside else [-1, -1]
            assert under[(slice(None), *position, *element)].tolist() == list(wanted)
    for element, seen in zip(
        product(*map(range, window.kernel)), elements(around, window), strict=True
    ):
        assert (seen == under[(..., *element)]).all()


def test_what_lies_under_a_window_can_be_written() -> None:
    x = np.zeros((1, 4))
    window = Window((2,), (1,), ((0, 0),), (2,))
    for seen in elements(x, window):
        seen[...] += 1
    assert x.tolist() == [[1, 1, 1, 1]]
    assert padded(x, window) is x


@given(placed(), st.data())
def test_elements_that_an_average_counts(drawn: tuple[Window, Shape], data: st.DataObject) -> None:
    """Also of positions that ``ceil_mode`` adds, of which the padding does not reach the end."""
    window, extent = drawn
    more = data.draw(st.tuples(*(st.integers(0, 1) for _ in extent)))
    positions = tuple(n + k for n, k in zip(window.positions(extent), more, strict=True))
    for padding in (False, True):
        found: Any = counted(window, extent, positions, padding=padding)
        assert found.shape == positions
        limits = [
            (-before * padding, n + after * padding)
            for n, (before, after) in zip(extent, window.padding, strict=True)
        ]
        for position in product(*map(range, positions)):
            inside = [
                all(low <= i < high for i, (low, high) in zip(place, limits, strict=True))
                for _, place in places(window, position)
            ]
            assert found[position] == sum(inside)


@given(placed())
def test_how_far_the_last_window_reaches(drawn: tuple[Window, Shape]) -> None:
    window, extent = drawn
    positions = window.positions(extent)
    last = [place for _, place in places(window, tuple(n - 1 for n in positions))][-1]
    wanted = tuple(i + 1 - n for i, n in zip(last, extent, strict=True))
    assert trailing(window, extent, positions) == wanted


@pytest.mark.parametrize(("total", "wanted"), [(0, (0, 0)), (3, (1, 2)), (4, (2, 2))])
def test_the_odd_zero_is_behind(total: int, wanted: tuple[int, int]) -> None:
    assert halves(total) == wanted
