"""METIS cuts graphs, and says nothing where users expect data."""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy.sparse import csr_array

from snnc.compiler.mapping.metis import cut_graph, silent


def test_more_blocks_than_it_can_fill(capfd: pytest.CaptureFixture[str]) -> None:
    graph = csr_array(np.ones((4, 4)) - np.eye(4))
    load = np.array([1, 1e-3, 1e-3, 1e-3])
    for k in (3, 4, 5):
        assert cut_graph(graph, k, load, 0).shape == (4,)
    assert capfd.readouterr().out == ""


def test_what_is_printed_before_and_after_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"before\n")
    with silent():
        os.write(1, b"within\n")
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "before\nafter\n"
