"""The artifact of the CUDA target: closed, the same each time, and it runs where snnc is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import snnc
from snnc.targets.artifact import Artifact, load
from snnc.targets.cuda.architectures import chosen_architectures
from snnc.targets.cuda.sources import kernel_hash, kernel_sources
from snnc.targets.cuda.target import CudaTarget
from tests.runtime.samples import graph
from tests.targets.cuda.bindings import NVRTC, nvrtc, without
from tests.targets.lava.networks import artifact, recurrent


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def made(**options: object) -> Artifact:
    fixed = recurrent()
    members = CudaTarget().members(fixed, options)
    return replace(artifact(fixed), target="cuda", options=options, members=members)


def test_members(tmp_path: Path) -> None:
    path = made().save(tmp_path / "a")
    names = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}
    assert {"run.py", "cuda.json", "runner/main.py", "program.json"} <= names
    assert {f"kernels/{name}" for name in kernel_sources()} <= names
    assert json.loads((path / "cuda.json").read_text()) == {
        "images": [],
        "kernels": kernel_hash(),
        "narrow": True,
        "sources": sorted(f"kernels/{name}" for name in kernel_sources()),
    }
    assert load(path).files() == made().files()


def test_compiled_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    nvrtc(monkeypatch)
    files = made(arch=["sm_90", "sm_120"]).files()
    images = ["kernels/sm_120.cubin", "kernels/sm_120.ptx", "kernels/sm_90.cubin"]
    images.append("kernels/sm_90.ptx")
    assert json.loads(files["cuda.json"])["images"] == images
    assert [files[name] for name in images] == [b"cubin", b"ptx"] * 2


def test_what_is_compiled_for_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    nvrtc(monkeypatch)
    assert chosen_architectures(None) == ["sm_75"]
    assert chosen_architectures("sm_90, sm_75,sm_90") == ["sm_90", "sm_75"]
    without(monkeypatch, NVRTC)
    assert chosen_architectures(None) == []


def test_compile_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, NVRTC)
    compiled = snnc.compile(graph(), target="cuda", dt=1e-4)
    assert compiled.options["arch"] == []
    assert "run.py" in compiled.members
    nvrtc(monkeypatch)
    compiled = snnc.compile(graph(), target="cuda", dt=1e-4, arch="sm_90")
    assert compiled.options["arch"] == ["sm_90"]
    assert compiled.members["kernels/sm_90.ptx"] == b"ptx"
