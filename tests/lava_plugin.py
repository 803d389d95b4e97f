"""A pytest plugin that repairs Lava and tells what becomes of each test; see ``lava_suite.py``.

It is copied, beside ``compat`` and ``orphans`` of the runner, into the folder from which Lava's own
tests are run, and knows nothing of snnc there. Python 3.10 has to understand it.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

REPAIRS, EVENTS, PREFIX = "LAVA_SUITE_REPAIRS", "LAVA_SUITE_EVENTS", "LAVA_SUITE_PREFIX"
"""Variables of the environment: ``all`` or ``start``, a file, and how shared memory is called."""


def _tell(**event: object) -> None:
    with Path(os.environ[EVENTS]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def pytest_configure() -> None:
    """Repair Lava before any test imports it."""
    compat: Any = importlib.import_module("compat")
    orphans: Any = importlib.import_module("orphans")
    orphans.name_shared_memory(os.environ[PREFIX])
    if os.environ[REPAIRS] == "all":
        compat.install()
        compat.install_libraries()
    else:
        compat._keep_start_method()


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        _tell(test=report.nodeid, outcome="failed")


def pytest_runtest_logstart(nodeid: str) -> None:
    _tell(test=nodeid, outcome="begun")


def pytest_runtest_logreport(report: Any) -> None:
    _tell(test=report.nodeid, outcome=report.outcome, phase=report.when)


def pytest_sessionfinish() -> None:
    _tell(end=True)
