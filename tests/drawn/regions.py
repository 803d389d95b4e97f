"""Hypothesis strategies of parts of populations."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.operators import Shape


@st.composite
def boxes(draw: st.DrawFn, shape: Shape) -> Box:
    """Draw a box of a population of ``shape``."""
    begin = tuple(draw(st.integers(0, n - 1)) for n in shape)
    return Box(begin, tuple(draw(st.integers(b + 1, n)) for b, n in zip(begin, shape, strict=True)))


@st.composite
def lists(draw: st.DrawFn, n: int) -> Listed:
    """Draw some of ``n`` neurons."""
    neurons = draw(st.sets(st.integers(0, n - 1), min_size=1))
    return Listed(np.array(sorted(neurons), np.int64))
