"""Files and a report of the small network, and the command in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from snnc.runtime.cli import main
from snnc.runtime.report import Report
from snnc.runtime.verify import verify
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
