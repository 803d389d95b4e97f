"""The tree is a package, and importing it loads little."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import snnc

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("compiler", "frontends", "runtime", "targets")
LATE = ("torch", "snntorch", "norse", "lava", "onnx", "h5py", "jinja2", "networkx", "rich", "scipy")


@pytest.mark.parametrize("part", PARTS)
def test_link(part: str) -> None:
    link = ROOT / "snnc" / part
    assert link.is_symlink(), (
        f"snnc/{part} is not a link; on Windows: git config core.symlinks true, then check out anew"
    )
    assert link.readlink() == Path("..", part)


def test_every_folder_of_code_is_a_package() -> None:
    """A folder without __init__.py is left out of the wheel, and nothing says so."""
    folders = {p.parent for part in PARTS for p in (ROOT / part).rglob("*.py")}
    bare = [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()]
    assert not bare


def test_changelog_tells_of_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == snnc.__version__


@pytest.mark.parametrize("module", ["snnc", "snnc.runtime.cli"])
def test_import_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({LATE}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_tests_are_found_without_optional_packages() -> None:
    """A test module that needs one at its import would break a machine that lacks it."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.without", "--collect-only", "-q"]
    command += ["-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
