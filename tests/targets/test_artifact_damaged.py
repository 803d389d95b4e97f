"""Loading an artifact that was touched: refused by its hashes and its form."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from snnc.targets.artifact import load
from tests.targets.artifacts import broken, edit_manifest, link_member, refusal, text


def test_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "my model.nir").write_text("")
    make = "snnc compile MODEL --target TARGET -o DIR makes one"
    first = f"compile it first: snnc compile '{tmp_path}/my model.nir' --target TARGET -o DIR"
    for name, found, remedy in (
        ("nowhere", "no such directory", make),
        ("nowhere.nir", "no such directory", make),
        ("file", "a file", make),
        ("my model.nir", "a file", first),
    ):
        assert refusal(tmp_path / name) == text(
            "SNN001", str(tmp_path / name), found, "a directory that snnc compile wrote", remedy
        )


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def flip_two(path: Path) -> None:
    flip(path / "program.json")
    flip(path / "reference.json")


def empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def link_folder(path: Path) -> None:
    (path / "sub").rename(path.parent / "sub")
    (path / "sub").symlink_to(path.parent / "sub")


def pipe_member(path: Path) -> None:
    (path / "weights.safetensors").unlink()
    os.mkfifo(path / "weights.safetensors")


TOUCHED: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "changed": (
        lambda p: flip(p / "weights.safetensors"),
        ["weights.safetensors is not the file that was written"],
    ),
    "changed twice": (
        flip_two,
        [
            "program.json is not the file that was written",
            "reference.json is not the file that was written",
        ],
    ),
    "longer": (
        lambda p: (p / "sub/runner.py").write_bytes(b"print(1)\n"),
        ["'sub/runner.py' is 9 bytes, not 8"],
    ),
    "missing": (
        lambda p: (p / "program.json").unlink(),
        ["'program.json' is missing"],
    ),
    "additional": (
        lambda p: (p / "sub" / "more.py").write_text(""),
        ["'sub/more.py' is not in the manifest"],
    ),
    "link to a member": (link_member, ["'weights.safetensors' is not a plain file"]),
    "link to a folder": (
        link_folder,
        ["'sub/runner.py' is missing", "'sub' is not in the manifest"],
    ),
    "additional link to a folder": (
        lambda p: (p / "more").symlink_to(p.parent),
        ["'more' is not in the manifest"],
    ),
    "a pipe": (pipe_member, ["'weights.safetensors' is not a plain file"]),
    "no manifest": (
        lambda p: (p / "manifest.json").unlink(),
        ["manifest.json: No such file or directory"],
    ),
    "an empty directory": (
        empty,
        ["manifest.json: No such file or directory"],
    ),
}


@pytest.mark.parametrize("case", TOUCHED)
def test_touched(case: str, saved: Path) -> None:
    touch, problems = TOUCHED[case]
    touch(saved)
    assert refusal(saved) == "\n\n".join(broken(saved, p) for p in problems)


def test_what_python_leaves_behind_is_no_harm(saved: Path) -> None:
    cache = saved / "sub" / "__pycache__"
    cache.mkdir()
    (cache / "runner.pyc").write_bytes(b"")
    assert load(saved).target == "integer"
    (saved / "my__pycache__.py").write_bytes(b"")
    assert refusal(saved) == broken(saved, "'my__pycache__.py' is not in the manifest")


def drop_members(path: Path, *names: str, target: str = "integer") -> None:
    members = json.loads((path / "manifest.json").read_text())["members"]
    for name in names:
        del members[name]
        (path / name).unlink()
    edit_manifest(path, members=members, target=target)


MANIFESTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "another format": (
        lambda p: edit_manifest(p, format=2),
        ["format 2; this snnc reads format 1"],
    ),
    "an unknown target": (
        lambda p: edit_manifest(p, target="loihi"),
        ["target 'loihi'; there are float, integer, cpu, cuda, lava"],
    ),
    "a field that is not ours": (
        lambda p: edit_manifest(p, author="me"),
        ["manifest.json: author: extra inputs are not permitted"],
    ),
    "a field of another type": (
        lambda p: edit_manifest(p, members=[]),
        ["manifest.json: members: input should be an object"],
    ),
    "no reference": (
        lambda p: drop_members(p, "reference.json"),
        ["'reference.json' is not in the manifest, and integer needs it"],
    ),
    "no integers": (
        lambda p: drop_members(p, "program.json", "weights.safetensors"),
        [
            "'program.json' is not in the manifest, and integer needs it",
            "'weights.safetensors' is not in the manifest, and integer needs it",
        ],
    ),
    "no weights": (
        lambda p: drop_members(p, "weights.safetensors", target="float"),
        ["'weights.safetensors' is not in the manifest, and float needs it"],
    ),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests(case: str, saved: Path) -> None:
    touch, problems = MANIFESTS[case]
    touch(saved)
    assert refusal(saved) == "\n\n".join(broken(saved, p) for p in problems)


def test_a_manifest_that_is_not_json(saved: Path) -> None:
    (saved / "manifest.json").write_text("{")
    wanted = broken(saved, "manifest.json: manifest.json: invalid json: <where>")
    assert re.sub(r"(invalid json: ).*", r"\1<where>", refusal(saved)) == wanted
