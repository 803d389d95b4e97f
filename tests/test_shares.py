"""``--share K/N`` loses no test: what ``.ci/run`` asks of the cells of the matrix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ["tests/compiler/semantics", "tests/targets/lava/test_graphs.py"]


def collected(*options: str) -> set[str]:
    """Give the tests that pytest finds."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *FILES, *options], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_each_file_is_in_one_share_and_those_of_lava_in_all() -> None:
    everything = collected()
    shares = [collected(f"--share={number}/2") for number in (1, 2)]
    of_lava = {test for test in everything if test.startswith(FILES[1])}
    assert of_lava
    assert shares[0] | shares[1] == everything
    assert shares[0] & shares[1] == of_lava
    assert all(share > of_lava for share in shares)
    files = [{test.partition("::")[0] for test in share - of_lava} for share in shares]
    assert not files[0] & files[1]
