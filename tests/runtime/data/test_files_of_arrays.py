"""HDF5 files of arrays, archives, and what is known of a file by its first bytes."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.hdf5.gate import Extent, Gate
from snnc.runtime.data.binning import Binning
from snnc.runtime.data.read import read_data
from snnc.runtime.data.source import arrays_only
from tests.runtime.data.recorded import events, nmnist

FORMS = "an .npy, .npz or HDF5 file, an N-MNIST (.bin) or AEDAT recording, or a directory of these"
HDF5 = "data sets of numbers, one for each input, or a NIR data graph"
REMEDY = "write or record the file again; docs/inputs.md describes what is read"


def hdf5(path: Path, **data: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in data.items():
            file.create_dataset(name, data=values)
    return path


def message(path: Path, binning: Binning | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_data(path, binning=binning or Binning())
    return str(caught.value).replace(str(path), "FILE")


def refused(found: str, limit: str, node: str = "FILE") -> str:
    return (
        "error[SNN641]: a file of data is whole, and of a form that snnc reads\n"
        f"  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {REMEDY}"
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"compression": "lzf"}])
def test_one_data_set(dtype: type[Any], options: dict[str, Any], tmp_path: Path) -> None:
    x = (np.random.default_rng(0).random((5, 3, 2, 4)) < 0.3).astype(dtype)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("spikes", data=x, **options)
        file.attrs["about"] = "a text"
    found = read_data(tmp_path / "x.h5")
    assert isinstance(found, np.ndarray)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, x)


def test_a_data_set_for_each_input(tmp_path: Path) -> None:
    found = read_data(hdf5(tmp_path / "x.h5", a=np.ones((2, 1, 3)), b=np.zeros((2, 1, 4))))
    assert isinstance(found, dict)
    assert {name: x.shape for name, x in found.items()} == {"a": (2, 1, 3), "b": (2, 1, 4)}


def test_spikes_are_packed_densely(tmp_path: Path) -> None:
    """256 MiB of spikes in 1 MiB: the file of a network that says so is refused."""
    path = hdf5(tmp_path / "x.h5", x=np.zeros(3, np.uint8))
    with h5py.File(path) as file:
        extent = Gate("x", 100).extent(file["x"].id, "x")
    assert isinstance(extent, Extent)
    packed = replace(extent, declared=2**28)
    for dense in (False, True):
        gate = Gate("x", 2**20, dense=dense)
        problems = list(gate.size_problems(packed, 2**20, "x"))
        assert len(problems) == (0 if dense else 1)


LAYOUTS: dict[str, tuple[Callable[[h5py.File], object], str, str]] = {
    "nothing": (lambda _: None, "FILE", "no data set"),
    "text": (lambda f: f.create_dataset("x", data="spikes"), "FILE:x", "text"),
    "a group": (lambda f: f.create_group("train"), "FILE:train", "a group"),
    "a network": (lambda f: f.create_group("node"), "FILE:node", "the group of a network in NIR"),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_other_layouts(case: str, tmp_path: Path) -> None:
    write, node, found = LAYOUTS[case]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write(file)
    assert message(tmp_path / "x.h5") == refused(found, HDF5, node)


UNSAFE: dict[str, Callable[[h5py.File, Path], object]] = {
    "a link out": lambda f, d: f.__setitem__("x", h5py.ExternalLink(str(d / "secret.h5"), "x")),
    "data elsewhere": lambda f, d: f.create_dataset(
        "x", (8,), "u1", external=[(str(d / "secret"), 0, 8)]
    ),
    "many attributes": lambda f, _: [f.attrs.__setitem__(f"a{i}", i) for i in range(100)],
    "an attribute of many values": lambda f, _: f.attrs.__setitem__("a", np.zeros(10)),
    "an attribute that refers": lambda f, _: f.attrs.__setitem__("a", f.ref),
    "a terabyte": lambda f, _: f.create_dataset("x", (2**40,), "u1", chunks=(2**20,)),
}


FOUND = {
    "a link out": "a link to another place or another file",
    "data elsewhere": "data that lies in other files",
    "many attributes": "100 attributes",
    "an attribute of many values": "an attribute of many values",
    "an attribute that refers": "an attribute of another class",
    "a terabyte": "1099511627776 bytes declared, 0 stored",
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe(case: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"password")
    hdf5(tmp_path / "secret.h5", x=np.zeros(3))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        UNSAFE[case](file, tmp_path)
    text = message(tmp_path / "x.h5")
    assert text.startswith("error[SNN641]")
    assert f"\n   found: {FOUND[case]}\n" in text
    assert text.endswith(REMEDY)
    assert text.count("error[") == 1


def test_a_cut_hdf5_file(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "x.h5", x=np.random.default_rng(0).random((100, 100)))
    path.write_bytes(path.read_bytes()[:-50])
    found = "damaged: OSError: Unable to synchronously open file (truncated file: eof = 82018"
    assert message(path).startswith(refused(found, HDF5)[:150])


def test_an_archive_that_unpacks_to_more_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snnc.runtime.data.memory.available_memory", lambda: 10 * 2**20)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(8 * 2**20, np.uint8))
    assert (tmp_path / "x.npz").stat().st_size < 2**15
    assert message(tmp_path / "x.npz") == (
        "error[SNN642]: data fit into the memory of this machine\n"
        "  --> --input FILE\n"
        "   found: 17 MiB\n"
        "   limit: 10 MiB, the memory that is left\n"
        "  remedy: give fewer samples at once"
    )


def test_a_large_array_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 2, (4, 3, 100), np.uint8)
    np.save(tmp_path / "x.npy", x)
    assert not isinstance(read_data(tmp_path / "x.npy"), np.memmap)
    monkeypatch.setattr("snnc.runtime.data.memory.available_memory", lambda: 2**10)
    found = read_data(tmp_path / "x.npy")
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, x)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-1])
    assert "1199 bytes of data where the header declares 1200" in message(tmp_path / "x.npy")


NUMPY = "an .npy file of numbers, or an .npz file with one array for each input"


def unreadable(found: str) -> str:
    return (
        "error[SNN001]: a file that is named exists and can be read\n"
        f"  --> --input FILE\n   found: {found}\n   limit: {NUMPY}\n"
        "  remedy: write it with numpy.save(path, array), or numpy.savez(path, name=array)"
    )


def test_a_member_twice(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(2))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
        archive.writestr("x", stream.getvalue())
    assert message(tmp_path / "x.npz") == unreadable("x twice")


def test_a_damaged_member(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.arange(1000))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[60:70] = bytes(10)
    (tmp_path / "x.npz").write_bytes(content)
    assert message(tmp_path / "x.npz").startswith(unreadable("Error -3 while decompressing")[:90])


def test_what_is_no_file(tmp_path: Path) -> None:
    assert message(tmp_path / "none.npy") == unreadable("no such file or directory")
    os.mkfifo(tmp_path / "pipe")
    assert message(tmp_path / "pipe") == unreadable("not a regular file")
    assert message(tmp_path / "a\0b") == unreadable("embedded null byte")


def test_an_unknown_form(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"t,x,y,p\n1,2,3,0\n")
    found = "a file that begins with b't,x,y,p\\n1'"
    assert message(tmp_path / "x") == refused(found, FORMS, "--input FILE")


def test_options_of_events_for_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    assert message(tmp_path / "x.npy", Binning(seconds=1e-3)) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --bin-seconds\n"
        "   found: steps already in FILE\n"
        "   limit: recordings of events, or a NIR data graph\n"
        "  remedy: leave --bin-seconds out"
    )


def test_events_where_there_are_no_steps(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(nmnist(events(3)))
    with pytest.raises(InputError) as caught:
        arrays_only(read_data(tmp_path), "--calibrate a.bin")
    assert str(caught.value) == (
        "error[SNN644]: the steps of the data are those of the network\n"
        "  --> --calibrate a.bin\n"
        "   found: recordings of events, or a NIR data graph\n"
        "   limit: arrays [samples, *shape], as an ONNX model takes them\n"
        "  remedy: give an .npy or .npz file of samples"
    )
    x = np.zeros(3)
    assert arrays_only(x, "x") is x
