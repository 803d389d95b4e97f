"""What the target gives and what it says is missing, without running Lava."""

from __future__ import annotations

from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault
from snnc.compiler.rules import PACKAGE_PRESENT
from snnc.targets import get_target
from snnc.targets.lava import target
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.runner import packages
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests.targets.lava.networks import artifact, recurrent

SOURCE = Path(target.__file__).resolve().parent


def test_members_are_the_plan_and_the_whole_runner() -> None:
    fixed = recurrent()
    members = dict(LavaTarget().members(fixed, {}))
    assert members == LavaTarget().members(fixed, {})
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


def install(monkeypatch: pytest.MonkeyPatch, absent: set[str], version: str | None) -> None:
    """Pretend that all modules but ``absent``, and lava-nc of that version, are installed."""

    def find_spec(name: str) -> ModuleSpec | None:
        if name in absent:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(LAVA)]
        return spec

    def find_version(name: str) -> str:
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(packages, "find_spec", find_spec)
    monkeypatch.setattr(metadata, "version", find_version)


@pytest.fixture(autouse=True)
def lava(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that holds so much of Lava that it is taken for it."""
    folder = tmp_path_factory.mktemp("site") / "lava"
    core = folder / "magma" / "core"
    core.mkdir(parents=True)
    (core / "run_configs.py").touch()
    monkeypatch.setattr(f"{__name__}.LAVA", folder)
    return folder


LAVA = Path()


@pytest.mark.parametrize(
    ("absent", "version", "found"),
    [
        ({"lava"}, None, "no lava-nc"),
        ({"scipy", "lava", "asteval"}, None, "no asteval, lava-nc, scipy"),
        ({"scipy"}, "0.10.0", "no scipy"),
        (set[str](), "0.9.0", "lava-nc 0.9.0"),
    ],
)
def test_missing(
    monkeypatch: pytest.MonkeyPatch, absent: set[str], version: str | None, found: str
) -> None:
    install(monkeypatch, absent, version)
    diagnostic = LavaTarget().missing()
    assert diagnostic is not None
    assert diagnostic.rule is PACKAGE_PRESENT
    assert str(diagnostic) == missing(found)
    with pytest.raises(EnvironmentFault) as error:
        LavaTarget().run(artifact(recurrent()), {"x": np.zeros((3, 1, 6))}, RunOptions())
    assert str(error.value) == missing(found)


def test_folder_that_a_removed_lava_left(monkeypatch: pytest.MonkeyPatch, lava: Path) -> None:
    install(monkeypatch, set(), None)
    (lava / "magma" / "core" / "run_configs.py").unlink()
    assert str(LavaTarget().missing()) == missing("no lava-nc")


@pytest.mark.parametrize("version", ["0.10.0", None])
def test_nothing_missing(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    """A copy of Lava that pip did not install has no version."""
    install(monkeypatch, set(), version)
    assert LavaTarget().missing() is None


@pytest.mark.parametrize("file", ["program.json", "request.json", "log.txt"])
def test_no_room_for_the_files_of_a_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str
) -> None:
    install(monkeypatch, set(), "0.10.0")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    really_open = cast("Any", Path.open)

    def refuse(self: Path, *arguments: Any, **options: Any) -> IO[Any]:
        if self.name == file:
            raise OSError(28, "No space left on device")
        return cast("IO[Any]", really_open(self, *arguments, **options))

    monkeypatch.setattr(Path, "open", refuse)
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
