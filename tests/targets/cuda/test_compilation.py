"""Kernels are compiled once and cached; a cache that is broken or closed does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from snnc.targets.cuda.runner.compilation import compiled, selected
from snnc.targets.cuda.runner.faults import CudaFault, Lack
from snnc.targets.cuda.runner.images import image_names, images
from snnc.targets.cuda.sources import kernel_sources
from tests.targets.cuda.bindings import NVRTC, Bindings, nvrtc, without

SOURCES = {"kernels.h": b'#include "a.h"\nSNNC_A(one, int)\nSNNC_A(two, int)\n', "a.h": b"//\n"}


@pytest.fixture
def rtc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bindings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return nvrtc(monkeypatch)


def compilations(rtc: Bindings) -> int:
    return rtc.called.count("nvrtcCompileProgram")


def test_the_cache(rtc: Bindings, tmp_path: Path) -> None:
    assert compiled(SOURCES, 90) == compiled(SOURCES, 90) == (b"cubin", b"ptx")
    assert compilations(rtc) == 1
    compiled(SOURCES, 80)
    compiled(SOURCES | {"a.h": b"// 2\n"}, 90)
    compiled(selected(SOURCES, ["one"]), 90)
    rtc.values["nvrtcVersion"] = (13, 10)
    compiled(SOURCES, 90)
    assert compilations(rtc) == 5
    names = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert len(names) == 10
    assert all(name.endswith((".cubin", ".ptx")) for name in names)


def test_a_damaged_cache_is_made_anew(rtc: Bindings, tmp_path: Path) -> None:
    compiled(SOURCES, 90)
    for path in tmp_path.rglob("*.ptx"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert compiled(SOURCES, 90) == (b"cubin", b"ptx")
    assert compilations(rtc) == 2
    compiled(SOURCES, 90)
    assert compilations(rtc) == 2


def test_no_place_for_a_cache(rtc: Bindings, tmp_path: Path) -> None:
    (tmp_path / "snnc").write_text("a file, and no folder")
    assert compiled(SOURCES, 90) == compiled(SOURCES, 90) == (b"cubin", b"ptx")
    assert compilations(rtc) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["snnc"]


def test_only_the_kernels_that_are_needed() -> None:
    assert selected(SOURCES, ["two"]) == SOURCES | {
        "kernels.h": b'#include "a.h"\nSNNC_A(two, int)\n'
    }
    every = kernel_sources()
    names = [n for n in every["kernels.h"].decode().splitlines() if n.startswith("SNNC_")]
    kept = selected(every, ["shift_wide"])["kernels.h"].decode().splitlines()
    assert [n for n in names if n in kept] == ["SNNC_SHIFT(shift_wide, int64_t)"]
    assert kept.count('#include "dense.h"') == 1


AHEAD = {
    name: f"{a} {k}".encode()
    for a in (75, 80, 90, 120)
    for k, name in zip(("cubin", "ptx"), image_names(a), strict=True)
}


@pytest.mark.usefixtures("rtc")
@pytest.mark.parametrize(
    ("device", "order"),
    [
        (75, ["75 cubin", "cubin", "ptx", "75 ptx"]),
        (89, ["80 cubin", "cubin", "ptx", "80 ptx", "75 ptx"]),
        (90, ["90 cubin", "cubin", "ptx", "90 ptx", "80 ptx", "75 ptx"]),
        (121, ["120 cubin", "cubin", "ptx", "120 ptx", "90 ptx", "80 ptx", "75 ptx"]),
    ],
)
def test_the_best_image_first(device: int, order: list[str]) -> None:
    """Machine code for the same major number, what NVRTC makes, PTX for it or older ones."""
    found = [image.decode() for image in images(SOURCES, ("one",), device, AHEAD)]
    assert found == order


def test_nothing_is_compiled_that_is_not_needed(rtc: Bindings) -> None:
    assert next(images(SOURCES, ("one",), 90, AHEAD)) == b"90 cubin"
    assert compilations(rtc) == 0


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, NVRTC)
    found = [image.decode() for image in images(SOURCES, ("one",), 86, AHEAD)]
    assert found == ["80 cubin", "80 ptx", "75 ptx"]
    with pytest.raises(CudaFault) as caught:
        list(images(SOURCES, ("one",), 86, {}))
    assert caught.value.lack is Lack.PACKAGES
