"""Whatever stands in a file of data, the command ends with a message and never with a fault."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import SnncError
from snnc.runtime.data.read import read_data, read_labels
from snnc.runtime.data.source import given_inputs
from tests.runtime.data.recorded import (
    aedat3,
    aedat3_packet,
    aedat4,
    aedat4_packet,
    events,
    network,
    nmnist,
)

E = events(40)
FORMS = ["a.bin", "a.aedat", "a.aedat4", "a.h5", "nir.h5", "a.npy", "a.npz"]
CUTS, CHANGES = 40, 80
"""Damaged files of each form: cut off, and with other bytes."""


def hdf5() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("x", data=np.zeros((3, 1, 2, 4, 5)), compression="gzip")
    return stream.getvalue()


def nir_data(folder: Path) -> bytes:
    data = nir.EventData(np.array([[0, 5, -1]]), np.array([[0.0, 0.001, np.inf]]), 40, 0.01)
    graph = nir.NIRGraphData({"input": nir.NIRNodeData({"spikes": data})})
    nir.write_data(folder / "data.h5", graph)
    return (folder / "data.h5").read_bytes()


def numpy_file(*, archive: bool) -> bytes:
    stream = io.BytesIO()
    if archive:
        np.savez_compressed(stream, input=np.zeros((3, 1, 2, 4, 5)))
    else:
        np.save(stream, np.zeros((3, 1, 2, 4, 5)))
    return stream.getvalue()


def whole(form: str, folder: Path) -> bytes:
    return {
        "a.bin": nmnist(E),
        "a.aedat": aedat3(aedat3_packet(E), aedat3_packet(E)),
        "a.aedat4": aedat4(aedat4_packet(E), aedat4_packet(E), table=True),
        "a.h5": hdf5(),
        "nir.h5": nir_data(folder),
        "a.npy": numpy_file(archive=False),
        "a.npz": numpy_file(archive=True),
    }[form]


def damaged(content: bytes) -> Iterator[bytes]:
    """Yield files cut off, and files with a few other bytes, most of them near the begin."""
    drawn = random.Random(len(content))
    for _ in range(CUTS):
        yield content[: drawn.randrange(len(content))]
    for _ in range(CHANGES):
        changed = bytearray(content)
        for _ in range(drawn.choice([1, 2, 8])):
            place = int(len(content) * drawn.random() ** drawn.choice([1, 3]))
            changed[place] = drawn.choice([0, 255, 127, 128, drawn.randrange(256)])
        yield bytes(changed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", ["a.bin", "a.aedat", "a.aedat4", "a.h5", "nir.h5", "a.npy", "a.npz"]
)
def test_damage(form: str, tmp_path: Path) -> None:
    """It is read, or refused: any other exception is a fault of snnc."""
    path, told = tmp_path / form, list[str]()
    for content in damaged(whole(form, tmp_path)):
        path.write_bytes(content)
        try:
            given_inputs(network(2, 4, 5), read_data(path))
        except SnncError as error:
            told += [error.diagnostics[0].rule.code]
    assert set(told) <= {"SNN001", *(f"SNN64{i}" for i in range(1, 6))}
    assert len(told) > 20


def test_names_are_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[31m<script>\u202e"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"odd")
    with pytest.raises(SnncError) as caught:
        given_inputs(network(2, 4, 5), read_data(tmp_path))
    assert "\\x1b[31m<script>\\u202e" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert read_labels(tmp_path).tolist() == [0]
