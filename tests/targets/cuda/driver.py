"""The stand-in for NVIDIA's driver: how it is built, and how a process comes to use it.

The environment asks for what a test needs; every name is optional.

==========================  ====================================================================
EMULATED_SEED               which order queued work and threads take; seed modulo 3 says how much
                            of it is done before somebody waits: nothing, some, nearly all
EMULATED_EXECUTE            ``ptx``, or ``host``: the kernels as g++ builds them
EMULATED_REPORT             a file to which a line of JSON is added at the end of the process
EMULATED_DEVICES            0: there is no device
EMULATED_DRIVER_VERSION     1000 * major + 10 * minor of CUDA, 13050
EMULATED_CAPABILITY         10 * major + minor of the device, 90
EMULATED_MEMORY             bytes of the device, 2**30
EMULATED_FAIL_ALLOCATION    number of the allocation, from 1, for which there is no memory
EMULATED_FAIL_LAUNCH        number of the launch, from 1, that fails on the device
==========================  ====================================================================
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.targets.cuda import build

PREFIX = "EMULATED_"


@dataclass(frozen=True)
class Report:
    """What the driver saw in one process.

    Attributes:
        faults: What kernels or the host did wrong.
        left: What was not given back, and how often.
        launched: How often each kernel ran.
        allocations: How many there were.
    """

    faults: list[str]
    left: dict[str, int]
    launched: dict[str, int]
    allocations: int

    @property
    def wrong(self) -> list[str]:
        """Faults, and leaks as texts."""
        return [
            *self.faults,
            *(f"{count} {what} left" for what, count in self.left.items() if count),
        ]


@dataclass(frozen=True)
class Ended:
    """A process that used the stand-in.

    Attributes:
        code: Its exit code.
        out: What it wrote.
        err: What it wrote on its error stream.
        report: None where it never reached the driver.
    """

    code: int
    out: str
    err: str
    report: Report | None


def library() -> Path:
    """Build the stand-in; the name is the one under which bindings look for the driver."""
    source = (build.HERE / "driver.cpp").read_text()
    built = build.library(source, "-O2", "-Wl,-soname,libcuda.so.1")
    folder = built.with_suffix("")
    folder.mkdir(exist_ok=True)
    link = folder / "libcuda.so.1"
    if not link.exists():
        build.write_bytes(link, built.read_bytes())
    return link


def environment(report: Path, **asked: object) -> dict[str, str]:
    """Give the environment of a process for which the stand-in is the driver.

    Args:
        report: Where the driver writes what it saw.
        asked: Without ``EMULATED_``, in lower case.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    asked = {"python": sys.executable, "tree": build.ROOT, "report": report, **asked}
    given = {f"{PREFIX}{name.upper()}": str(value) for name, value in asked.items()}
    return {**clean, **given, "LD_PRELOAD": str(library())}


def cached() -> dict[str, str]:
    """Give what makes processes keep what NVRTC makes of the kernels with what tests build."""
    return {"XDG_CACHE_HOME": str(build.KEPT)}


def run(
    command: Sequence[str | Path],
    folder: Path,
    extra: Mapping[str, str] | None = None,
    **asked: Any,
) -> Ended:
    """Run a command with the stand-in, and read what the driver saw.

    Args:
        command: Begins with its program.
        folder: Where the report is written.
        extra: More of the environment.
        asked: See ``environment``.
    """
    path = folder / f"report-{len(list(folder.glob('report-*')))}.json"
    done = subprocess.run(
        command,
        env=environment(path, **asked) | dict(extra or {}),
        cwd=build.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    report = None
    if lines:
        (seen,) = lines
        report = Report(seen["faults"], seen["left"], seen["launched"], seen["allocations"])
    return Ended(done.returncode, done.stdout, done.stderr, report)
