"""Files of the small network, and the command in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from snnc.runtime.cli import main
from tests.runtime.samples import artifact, write_files


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
