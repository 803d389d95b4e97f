"""Damaged files give a graph or a named error; ``tests/fuzz_nir.py`` does it with thousands."""

from __future__ import annotations

import random

import pytest

from tests.fuzz_nir import DAMAGES, damaged, good_files, read_all


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_gives_a_graph_or_a_named_error(seed: int) -> None:
    """Anything else raises out of ``read_all``."""
    outcome = read_all(80, seed)
    assert outcome.counts.total() == 80
    assert 0 < outcome.counts["read"] < 60


def test_files_are_damaged(tmp_path_factory: pytest.TempPathFactory) -> None:
    contents = good_files(tmp_path_factory.mktemp("good"))
    assert len(set(contents)) == 4
    for number, damage in enumerate(DAMAGES):
        draw = random.Random(number)
        assert any(damage(bytearray(contents[0]), draw) != contents[0] for _ in range(9))
    assert damaged(contents[0], random.Random(1)) == damaged(contents[0], random.Random(1))
