"""Reference, native engine, host-built kernels and executed PTX: the same bits, the same hashes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.targets.cuda import driver

pytestmark = [pytest.mark.cuda, pytest.mark.slow, pytest.mark.timeout(900)]
PARTS = 4
NETWORKS = 75
"""Of each part; ``python -m tests.fuzz_cuda`` runs others, and more."""


@pytest.mark.parametrize("part", range(PARTS))
def test_random_networks(part: int, tmp_path: Path) -> None:
    module = "tests.targets.cuda.emulated"
    command = [sys.executable, "-m", module, str(NETWORKS), "--seed", str(part)]
    ended = driver.run(command, tmp_path, driver.cached(), capability=75)
    assert ended.code == 0, ended.out + ended.err
    assert ended.report is not None
    assert ended.report.wrong == []
    seen = json.loads(ended.out)["seen"]
    assert seen["networks"] == seen["executed PTX"] == seen["host-built kernels"] == NETWORKS
    assert seen["engine, level 0, 1 threads"] == NETWORKS
    assert len(ended.report.launched) > 20
