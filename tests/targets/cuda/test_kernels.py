"""The kernels compute the integers of the reference: built for this processor, and as their PTX."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.targets.cuda import build, host
from tests.targets.cuda.cases import case, wrong
from tests.targets.cuda.compiled import compiled, sources
from tests.targets.cuda.device import ORDERS, Kernel, kernels_of
from tests.targets.cuda.ptx import parsed

pytestmark = [pytest.mark.cuda, pytest.mark.xdist_group("kernels of CUDA")]
KERNELS = '#include "kernels.h"\n'
CAPABILITIES = (75, 120)
"""NVRTC has one way to PTX for the older architectures and another for the newer ones."""


@cache
def ptx(capability: int) -> str:
    return compiled(KERNELS, capability, sources()).ptx


@cache
def host_library(*flags: str) -> Path:
    return host.library(ptx(75), KERNELS, sources(), *flags)


@cache
def built() -> dict[str, Kernel]:
    """Give the kernels as g++ builds them."""
    return host.kernels(host_library(), parsed(ptx(75)).entries)


@cache
def executed(capability: int) -> dict[str, Kernel]:
    """Give the kernels as NVRTC compiles them."""
    return kernels_of(ptx(capability), at_once=True)


@cache
def names() -> list[str]:
    return list(parsed(ptx(75)).entries)


def all_wrong(kernels: dict[str, Kernel], seeds: range) -> list[str]:
    """Run each kernel in each order and on each of its grids, and say what is not right."""
    found: list[str] = []
    for name, kernel in kernels.items():
        for seed in seeds:
            drawn = case(name, seed)
            for k, grid in enumerate(drawn.grids):
                found += wrong(drawn, kernel, grid, ORDERS[(k + seed) % 3], seed)
    return found


def test_host_build_in_each_order() -> None:
    assert all_wrong(built(), range(3)) == []


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.data())
def test_host_build_on_random_cases(seed: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names()))
    drawn = case(name, seed)
    grid = data.draw(st.sampled_from(drawn.grids))
    assert wrong(drawn, built()[name], grid, data.draw(st.sampled_from(ORDERS)), seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_ptx_in_each_order(capability: int) -> None:
    assert all_wrong(executed(capability), range(3)) == []


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.data())
def test_ptx_on_random_cases(seed: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names()))
    drawn = case(name, seed)
    grid = data.draw(st.sampled_from(drawn.grids))
    assert wrong(drawn, executed(75)[name], grid, data.draw(st.sampled_from(ORDERS)), seed) == []


def sanitized(library: Path, *names_of: str) -> subprocess.CompletedProcess[str]:
    """Run a host build that was built with sanitizers, in a process that ends at a fault."""
    preloaded = [
        subprocess.run(
            ["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    return subprocess.run(
        [sys.executable, "-m", "tests.targets.cuda.sanitized", str(library), *names_of],
        env=os.environ | {"LD_PRELOAD": " ".join(preloaded), "ASAN_OPTIONS": "detect_leaks=0"},
        cwd=build.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_no_undefined_behavior_and_no_access_outside() -> None:
    done = sanitized(host_library("-O1", *host.SANITIZE), *names())
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr
