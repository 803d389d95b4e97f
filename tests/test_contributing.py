"""The exercise of docs/contributing.md works: its blocks, put where it says, do what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.test_package import PARTS, ROOT


@pytest.mark.slow
def test_first_change(tmp_path: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__")  # into which others write meanwhile
    for folder in ("snnc", *PARTS):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=ignore)
    page = (ROOT / "docs" / "contributing.md").read_text()
    blocks = re.findall(r"^ *```python\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    test, rule, constant, check = [dedent(block) for block in blocks]
    (tmp_path / "test_noisy_weights.py").write_text(test)

    assert "1 failed, 1 passed" in run_test(tmp_path)
    compiler = tmp_path / "compiler"
    rules, guards = compiler / "rules" / "numbers.py", compiler / "quantization" / "guards.py"
    rules.write_text(rules.read_text() + rule)
    before, found, after = guards.read_text().partition("\n\ndef _signals(")
    assert found, "the check is put at the end of _weights, which _signals follows"
    in_function = "".join(f"    {line}\n" for line in check.splitlines())
    guards.write_text(before + in_function + found + after + "\n" + constant)
    assert "2 passed" in run_test(tmp_path)
    guards.write_text(guards.read_text().replace("db < NOISY", "db <= NOISY"))
    assert "1 failed, 1 passed" in run_test(tmp_path)


def run_test(tree: Path) -> str:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return done.stdout
