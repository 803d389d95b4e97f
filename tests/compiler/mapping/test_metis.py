"""METIS cuts graphs, and says nothing where users expect data."""

from __future__ import annotations

import os
import threading
import time

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


def test_two_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """The one that comes later, and stays longer, must not keep the silence of the other."""
    begun = threading.Event()

    def first() -> None:
        with silent():
            begun.set()
            time.sleep(0.05)

    def second() -> None:
        begun.wait()
        with silent():
            time.sleep(0.1)

    threads = [threading.Thread(target=of) for of in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "after\n"


def test_nothing_to_print_on(capfd: pytest.CaptureFixture[str]) -> None:
    kept = os.dup(1)
    os.close(1)
    try:
        with silent():
            done = True
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert done
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "after\n"
