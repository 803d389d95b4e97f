"""Each seeded fault is found by a rung of the ladder, and docs/cuda.md says by which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snnc.targets.cuda.runner.compilation import selected
from tests.targets.cuda import build, driver, host
from tests.targets.cuda.cases import case, wrong
from tests.targets.cuda.compiled import compiled, sources
from tests.targets.cuda.device import ORDERS, kernels_of
from tests.targets.cuda.faults import (
    HOST,
    HOST_FAULTS,
    KERNEL_FAULTS,
    PATH,
    PTX_CHECKS,
    PTX_VALUES,
    SANITIZERS,
    Fault,
    row,
)
from tests.targets.cuda.test_kernels import sanitized

pytestmark = [pytest.mark.cuda, pytest.mark.slow, pytest.mark.timeout(900)]
PAGE = (build.ROOT / "docs" / "cuda.md").read_text()
SEEDS = range(9)
NETWORKS = 40
"""Of which at least one has to show a fault of the host path."""


def on_ptx(ptx: str, kernel: str) -> tuple[bool, bool]:
    """Say whether values differ, and whether a check finds something."""
    built = kernels_of(ptx)[kernel]
    found: list[str] = []
    for seed in SEEDS:
        drawn = case(kernel, seed)
        for k, grid in enumerate(drawn.grids):
            found += wrong(drawn, built, grid, ORDERS[(k + seed) % 3], seed)
    values = [f for f in found if "values of argument" in f]
    return bool(values), len(values) < len(found)


def on_host(library: Path, kernel: str) -> bool:
    """Say whether values differ, or the process comes to an end."""
    command = [sys.executable, "-m", "tests.targets.cuda.sanitized", str(library), kernel]
    done = subprocess.run(
        command, cwd=build.ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode <= 0 or "values of argument" in done.stdout, done.stderr
    return done.returncode != 0


def rungs_of_kernel(fault: Fault | None, kernel: str) -> dict[str, bool]:
    """Try each rung on a kernel, with a fault in its text or without."""
    given = sources() if fault is None else fault.sources(sources())
    bytes_of = {name: text.encode() for name, text in given.items()}
    given = {name: text.decode() for name, text in selected(bytes_of, [kernel]).items()}
    text = '#include "kernels.h"\n'
    ptx = compiled(text, 75, given).ptx
    values, checks = on_ptx(ptx, kernel)
    watched = sanitized(host.library(ptx, text, given, "-O1", *host.SANITIZE), kernel)
    said = "runtime error" in watched.stderr or "AddressSanitizer" in watched.stderr
    assert said or watched.returncode <= 1, watched.stderr
    return {
        HOST: on_host(host.library(ptx, text, given), kernel),
        SANITIZERS: said,
        PTX_VALUES: values,
        PTX_CHECKS: checks,
    }


@pytest.mark.parametrize("fault", KERNEL_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_a_kernel(fault: Fault) -> None:
    found = rungs_of_kernel(fault, fault.kernel)
    assert any(found.values())
    assert row(fault, found) in PAGE


def test_no_rung_finds_what_is_not_there() -> None:
    assert not any(rungs_of_kernel(None, "sparse_bits_i8").values())


def rungs_of_path(number: str, folder: Path) -> dict[str, bool]:
    command = [sys.executable, "-m", "tests.targets.cuda.faulty", number, str(NETWORKS)]
    ended = driver.run(command, folder, driver.cached(), capability=75)
    assert ended.report is not None, ended.err
    assert ended.code == 0 or "AssertionError" in ended.out or "DriverError" in ended.out, ended
    return {PATH: ended.code != 0 or ended.report.wrong != []}


@pytest.mark.parametrize("fault", HOST_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_the_host_path(fault: Fault, tmp_path: Path) -> None:
    found = rungs_of_path(str(HOST_FAULTS.index(fault)), tmp_path)
    assert found[PATH]
    assert row(fault, found) in PAGE


def test_a_fault_that_does_not_apply() -> None:
    with pytest.raises(AssertionError, match="x: 'a' stands not once in b"):
        Fault("x", "b", "a", "c").applied("aa")
