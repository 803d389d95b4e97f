"""What the target gives and what it says is missing, without running Lava."""

from __future__ import annotations

from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault
from snnc.compiler.rules import PACKAGE_PRESENT
from snnc.targets import get_target
from snnc.targets.base import RunOptions
from snnc.targets.lava import target
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.target import LavaTarget
from tests.targets.lava.networks import artifact, recurrent

SOURCE = Path(target.__file__).resolve().parent


def test_members_are_the_plan_and_the_whole_runner() -> None:
    fixed = recurrent()
    members = dict(LavaTarget().members(fixed))
    assert members == LavaTarget().members(fixed)
    assert members.pop("lava.json") == make_plan(fixed).to_bytes()
    assert members.pop("run.py") == (SOURCE / "run.py").read_bytes()
    runner = {f"runner/{p.name}": p.read_bytes() for p in (SOURCE / "runner").glob("*.py")}
    assert members == runner
    assert "runner/main.py" in members


def test_registered() -> None:
    found = get_target("lava")
    assert isinstance(found, LavaTarget)
    assert (found.name, found.fixed) == ("lava", True)


def missing(found: str) -> str:
    return (
        "error[SNN501]: the packages that a run needs are installed\n"
        "  --> target lava\n"
        f"   found: {found}\n"
        "   limit: lava-nc 0.10.0 with asteval, networkx, numpy, safetensors, scipy\n"
        "  remedy: pip install 'snnc[lava]' and then "
        "pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
    )


def install(monkeypatch: pytest.MonkeyPatch, packages: set[str], version: str | None) -> None:
    """Pretend that these packages, and lava-nc of that version, are installed."""

    def find_spec(name: str) -> ModuleSpec | None:
        return ModuleSpec(name, None) if name in packages else None

    def find_version(name: str) -> str:
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(target, "find_spec", find_spec)
    monkeypatch.setattr(metadata, "version", find_version)


ALL: set[str] = {*target.NEEDS}


@pytest.mark.parametrize(
    ("packages", "version", "found"),
    [
        (ALL - {"lava"}, None, "no lava"),
        (ALL - {"scipy", "asteval"}, "0.10.0", "no asteval, scipy"),
        (ALL, "0.9.0", "lava-nc 0.9.0"),
        (ALL, None, "a package lava that is not lava-nc"),
    ],
)
def test_missing(
    monkeypatch: pytest.MonkeyPatch, packages: set[str], version: str | None, found: str
) -> None:
    install(monkeypatch, packages, version)
    diagnostic = LavaTarget().missing()
    assert diagnostic is not None
    assert diagnostic.rule is PACKAGE_PRESENT
    assert str(diagnostic) == missing(found)
    with pytest.raises(EnvironmentFault) as error:
        LavaTarget().run(artifact(recurrent()), {"x": np.zeros((3, 1, 6))}, RunOptions())
    assert str(error.value) == missing(found)


def test_nothing_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ALL, "0.10.0")
    assert LavaTarget().missing() is None


def test_no_room_for_the_files_of_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, ALL, "0.10.0")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", refuse)
    with pytest.raises(EnvironmentFault) as error:
        LavaTarget().run(artifact(recurrent()), {"x": np.zeros((3, 1, 6))}, RunOptions())
    (diagnostic,) = error.value.diagnostics
    assert str(diagnostic) == (
        "error[SNN002]: the place that is named can be written\n"
        f"  --> {diagnostic.node}\n"
        "   found: No space left on device\n"
        "   limit: a place where this user may write, with room left\n"
        "  remedy: name another place with TMPDIR, or free this one"
    )
    assert Path(diagnostic.node).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
