"""Saving an artifact: what was there before is replaced whole, or stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.targets.artifact import load
from tests.builders import one_neuron
from tests.targets.artifacts import integer, link_member, text


def tree(path: Path) -> dict[str, bytes | None]:
    found = sorted(path.rglob("*"))
    return {str(p.relative_to(path)): p.read_bytes() if p.is_file() else None for p in found}


def test_an_artifact_is_replaced_whole(saved: Path) -> None:
    other = integer(one_neuron(3))
    other.save(saved)
    assert {n: c for n, c in tree(saved).items() if c is not None} == other.files()
    assert sorted(p.name for p in saved.parent.iterdir()) == [saved.name]


def test_an_empty_directory_is_used(tmp_path: Path) -> None:
    assert load(integer().save(tmp_path)).target == "integer"


def test_folders_are_made(tmp_path: Path) -> None:
    assert load(integer().save(tmp_path / "a" / "b")).target == "integer"


@pytest.mark.parametrize("kind", ["directory", "file", "dangling link"])
def test_what_is_not_ours_stays(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    if kind == "directory":
        path.mkdir()
        (path / "thesis.txt").write_text("all of it")
    elif kind == "file":
        path.write_text("all of it")
    else:
        path.symlink_to(tmp_path / "nowhere")
    before = tree(tmp_path)
    with pytest.raises(InputError) as raised:
        integer().save(path)
    assert str(raised.value) == text(
        "SNN003",
        str(path),
        "a directory with 'thesis.txt', which is no part of an artifact of snnc"
        if kind == "directory"
        else "a file",
        "a new directory, an empty one, or an artifact of snnc to replace",
        "name another directory with -o",
    )
    assert tree(tmp_path) == before


def put(name: str, content: str = "all of it") -> Callable[[Path], object]:
    """Give what writes the file ``name`` of a user."""

    def write(path: Path) -> None:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)

    return write


def link_manifest(path: Path) -> None:
    (path / "manifest.json").rename(path.parent / "manifest")
    (path / "manifest.json").symlink_to(path.parent / "manifest")


OF_OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a manifest of others": (put("manifest.json", '{"name": "web app"}'), "manifest.json"),
    "a manifest that is not JSON": (put("manifest.json", "{"), "manifest.json"),
    "a manifest of bytes": (lambda p: (p / "manifest.json").write_bytes(b"\xff"), "manifest.json"),
    "a file beside the artifact": (put("notes.txt"), "notes.txt"),
    "a file in a folder": (put("src/thesis.txt"), "src/thesis.txt"),
    "a file in a folder of the artifact": (put("sub/thesis.txt"), "sub/thesis.txt"),
    "an empty folder": (lambda p: (p / "src").mkdir(), "src"),
    "a folder __pycache__ of others": (put("src/__pycache__/a.pyc"), "src/__pycache__/a.pyc"),
    "a cache without a program": (put("my/__pycache__/a.pyc"), "my/__pycache__/a.pyc"),
    "a text in a cache": (put("sub/__pycache__/thesis.txt"), "sub/__pycache__/thesis.txt"),
    "a folder in a cache": (put("sub/__pycache__/b/c.pyc"), "sub/__pycache__/b/c.pyc"),
    "a link": (lambda p: (p / "data").symlink_to(p.parent), "data"),
    "a member that is a link": (link_member, "weights.safetensors"),
    "a manifest that is a link": (link_manifest, "manifest.json"),
}


@pytest.mark.parametrize("case", OF_OTHERS)
def test_an_artifact_with_something_of_others_stays(case: str, saved: Path) -> None:
    spoil, found = OF_OTHERS[case]
    spoil(saved)
    before = tree(saved.parent)
    with pytest.raises(InputError) as raised:
        integer(one_neuron(3)).save(saved)
    assert str(raised.value) == text(
        "SNN003",
        str(saved),
        f"a directory with {found!r}, which is no part of an artifact of snnc",
        "a new directory, an empty one, or an artifact of snnc to replace",
        "name another directory with -o",
    )
    assert tree(saved.parent) == before


def test_a_project_with_a_manifest_of_its_own_stays(tmp_path: Path) -> None:
    put("manifest.json", '{"members": {}}')(tmp_path)
    put("src/thesis.txt")(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"a directory with 'manifest\.json', which is no part"):
        integer().save(tmp_path)
    assert tree(tmp_path) == before


def test_caches_of_its_runner_do_not_keep_an_artifact(saved: Path) -> None:
    put("sub/__pycache__/runner.cpython-311.pyc")(saved)
    other = integer(one_neuron(3))
    other.save(saved)
    assert {n: c for n, c in tree(saved).items() if c is not None} == other.files()


def test_a_part_of_an_artifact_is_replaced(saved: Path) -> None:
    """What is changed or missing loses nothing that is not snnc's."""
    (saved / "program.json").write_text("changed")
    (saved / "weights.safetensors").unlink()
    assert load(integer().save(saved)).target == "integer"


def not_writable(path: Path, reason: str) -> str:
    return text(
        "SNN002",
        str(path),
        reason,
        "a place where this user may write, with room left",
        "name another place with -o, or free this one",
    )


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Below a regular file: nobody can write there, not even root."""
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "artifact"
    with pytest.raises(EnvironmentFault) as raised:
        integer().save(path)
    assert str(raised.value) == not_writable(path, "Not a directory")


@pytest.mark.parametrize("call", range(1, 7))
@pytest.mark.parametrize("there", [False, True], ids=["new", "replaced"])
def test_a_full_disk_leaves_all_as_it_was(
    call: int, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at each of the writes in turn."""
    path = tmp_path / "a"
    artifact = integer(members={"sub/runner.py": b""})
    if there:
        integer(one_neuron(3)).save(path)
    before = tree(tmp_path)
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(EnvironmentFault) as raised:
        artifact.save(path)
    assert str(raised.value) == not_writable(path, "No space left on device")
    assert tree(tmp_path) == before


def test_every_write_was_tried(tmp_path: Path) -> None:
    """The test above fails each of six members."""
    assert len(integer(members={"sub/runner.py": b""}).files()) == 6
    assert integer(members={"sub/runner.py": b""}).save(tmp_path / "a").is_dir()


@pytest.mark.parametrize("call", [1, 2])
def test_a_failed_move_leaves_all_as_it_was(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = integer(one_neuron(3)).save(tmp_path / "a")
    before = tree(tmp_path)
    rename, calls = Path.rename, 0

    def failing(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(EnvironmentFault) as raised:
        integer().save(path)
    assert str(raised.value) == not_writable(path, "Input/output error")
    assert tree(tmp_path) == before
