"""Files and a report of the small network, and the command in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from snnc.compiler.trace import Trace
from snnc.runtime.cli import main
from snnc.runtime.report import Report
from snnc.runtime.verify import verify
from snnc.targets.integer.target import IntegerTarget
from snnc.targets.lava.target import LavaTarget
from tests.runtime.samples import artifact, data, graph, labels, write_files


@dataclass(frozen=True)
class Ended:
    """How the command ended, and what it printed."""

    code: int
    out: str
    err: str


Snnc = Callable[..., Ended]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of ``model.nir``, ``x.npy``, ``y.npy`` and the artifact ``model.integer``."""
    folder = tmp_path_factory.mktemp("samples")
    write_files(folder)
    artifact("integer").save(folder / "model.integer")
    return folder


@pytest.fixture(scope="session")
def report() -> Report:
    """Give a real report; nobody can change it."""
    return verify(graph(), data(), labels=labels(), dt=1e-4, targets=("integer",))


@pytest.fixture
def here(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of its own, made the current one, with links to the samples."""
    for path in samples.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def snnc(capsys: pytest.CaptureFixture[str]) -> Snnc:
    """Run the command in this process."""

    def run(*arguments: str) -> Ended:
        code = main(arguments)
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return run


@pytest.fixture
def lava(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put a target in the place of Lava that computes as the integers do, and can be spoiled.

    What is appended to the list is done to its trace, or raised.
    """
    changes: list[Any] = []

    def run(self: LavaTarget, *arguments: Any) -> Trace:
        trace = replace(IntegerTarget().run(*arguments), executor=self.name)
        for change in changes:
            if isinstance(change, Exception):
                raise change
            trace = change(trace)
        return trace

    def missing(self: LavaTarget) -> None:
        del self

    monkeypatch.setattr(LavaTarget, "run", run)
    monkeypatch.setattr(LavaTarget, "missing", missing)
    return changes
