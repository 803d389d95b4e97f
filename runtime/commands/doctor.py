"""``snnc doctor``: whether this machine can do what snnc does."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from snnc.runtime.options import json_option

SHARED_MEMORY = Path("/dev", "shm")
"""Where Lava's processes exchange their messages."""
LAVA_SECONDS = 60
"""Importing Lava takes 1 to 3 s; a machine that needs longer than this cannot run it."""
LAVA_IMPORT = (
    "from snnc.targets.lava.runner import compat; compat.install(); "
    "import lava.magma.core.run_configs, lava.proc.lif.process"
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        found: Its version or state.
        good: Whether it is as it should be; None where snnc can do without.
        purpose: What snnc needs it for.
        remedy: What to do where it is not good.
    """

    name: str
    found: str
    good: bool | None
    purpose: str
    remedy: str = ""


@click.command(name="doctor", short_help="Look at this machine.")
@json_option
def command(as_json: bool) -> int:
    """Look at this machine: packages, Lava, shared memory.

    Ends with 3 where something that snnc itself needs is missing.
    """
    from snnc.runtime.console import Display, emit, emit_json
    from snnc.runtime.exits import ENVIRONMENT
    from snnc.runtime.text import table

    with Display() as display:
        display.stage("looking at this machine")
        findings = list(look())
    if as_json:
        emit_json({"findings": [asdict(f) for f in findings]})
    else:
        signs = {True: "good", False: "BROKEN", None: "absent"}
        emit(table(("what", "", "found", "for"), [_row(f, signs[f.good]) for f in findings]))
        for finding in findings:
            if finding.remedy:
                emit(f"\n{finding.name}: {finding.remedy}")
    return ENVIRONMENT if any(f.good is False for f in findings) else 0


def look() -> Iterator[Finding]:
    """Look at everything, the cheap things first."""
    from snnc import __version__
    from snnc.runtime.environment import PACKAGES

    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("python", python, good=True, purpose="everything")
    yield Finding("platform", platform.platform(), good=True, purpose="everything")
    yield Finding("snnc", __version__, good=True, purpose="everything")
    for package in PACKAGES:
        found = package.version
        if found is not None:
            yield Finding(package.name, found, good=True, purpose=package.purpose)
        else:
            missing = False if package.core else None
            yield Finding(package.name, "not installed", missing, package.purpose, package.command)
    yield _shared_memory()
    if find_spec("lava") is not None:
        yield _lava()


def _row(finding: Finding, sign: str) -> tuple[str, ...]:
    return finding.name, sign, finding.found, finding.purpose


def _shared_memory() -> Finding:
    from snnc.targets.directory import check_writable

    name = str(SHARED_MEMORY)
    try:
        check_writable(SHARED_MEMORY)
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        remedy = "make it writable; in a container, give it --shm-size=1g"
        return Finding(name, found, good=None, purpose="target lava", remedy=remedy)
    return Finding(name, "writable", good=True, purpose="target lava")


def _lava() -> Finding:
    """Import Lava in a process of its own, where it can neither hang nor leave anything behind."""
    import subprocess

    name, purpose = "lava import", "target lava"
    remedy = "reinstall lava-nc; snnc targets says what else it needs"
    try:
        done = subprocess.run(
            [sys.executable, "-c", LAVA_IMPORT],
            capture_output=True,
            text=True,
            timeout=LAVA_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(name, f"longer than {LAVA_SECONDS} s", None, purpose, remedy)
    if done.returncode == 0:
        return Finding(name, "works", good=True, purpose=purpose)
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Finding(name, last[:120], None, purpose, remedy)
