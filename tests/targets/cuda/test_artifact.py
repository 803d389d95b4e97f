"""The artifact of the CUDA target: closed, the same each time, and it runs where snnc is not."""

from __future__ import annotations

import json
import shutil
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
from tests.targets.lava.networks import artifact, random_inputs, recurrent, save_inputs
from tests.targets.lava.standalone import link_package, start


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact, input data, and the packages of others that its runner may use."""
    path = tmp_path_factory.mktemp("alone")
    made().save(path / "a")
    fixed = recurrent()
    save_inputs(path / "x.npz", random_inputs(fixed, steps=4, batch=2))
    for name in ("numpy", "numpy.libs", "safetensors"):
        link_package(name, path / "packages")
    return path


def alone(folder: Path, *arguments: str) -> tuple[int, str]:
    """Start the runner where nothing else is installed, and give exit code and messages."""
    into = ("--output", str(folder / "out.npz"), *arguments)
    return start(folder / "a" / "run.py", folder / "packages", *into)


def test_the_runner_without_a_gpu(folder: Path) -> None:
    """All of it is there, up to the packages of NVIDIA."""
    assert alone(folder, "--input", str(folder / "x.npz")) == (
        3,
        "error: no cuda-bindings; needed: cuda-bindings 13 and nvidia-cuda-nvrtc 13\n",
    )
    assert not (folder / "out.npz").exists()


def test_the_runner_without_anything(folder: Path, tmp_path: Path) -> None:
    assert start(folder / "a" / "run.py", tmp_path, "--help") == (
        3,
        "error: no numpy, safetensors: pip install numpy safetensors\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--input X.npy and --output OUT.npz are needed"),
        (("--input", "x.npz", "--record", "w"), "--record: 'w' is none of spikes, u, v"),
        (("--input", "x.npz", "--timeout", "0"), "--timeout: 0 is not a number of seconds above 0"),
        (("--input", "no.npy"), "no.npy: No such file or directory"),
        (
            ("--input", "x.npz", "--output", "/"),
            "/: a directory; --output takes the name of a file",
        ),
    ],
)
def test_bad_use_of_the_runner(
    folder: Path, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert alone(folder, *arguments) == (2, f"error: {message}\n")


def test_the_runner_of_a_damaged_artifact(tmp_path: Path, folder: Path) -> None:
    copy = tmp_path / "a"
    shutil.copytree(folder / "a", copy)
    path = copy / "kernels" / "dense.h"
    path.write_bytes(path.read_bytes() + b"\n")
    into = ("--input", str(folder / "x.npz"), "--output", str(tmp_path / "out.npz"))
    assert start(copy / "run.py", folder / "packages", *into) == (
        2,
        f"error: {path}: not as manifest.json describes it; compile the model again\n",
    )


def test_compile_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, NVRTC)
    compiled = snnc.compile(graph(), target="cuda", dt=1e-4)
    assert compiled.options["arch"] == []
    assert "run.py" in compiled.members
    nvrtc(monkeypatch)
    compiled = snnc.compile(graph(), target="cuda", dt=1e-4, arch="sm_90")
    assert compiled.options["arch"] == ["sm_90"]
    assert compiled.members["kernels/sm_90.ptx"] == b"ptx"
