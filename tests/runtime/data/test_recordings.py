"""Recordings of event cameras: what is read, into which steps, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.compiler.network import Network
from snnc.runtime.data.binning import Binning
from snnc.runtime.data.read import ALL, read_data, read_labels
from snnc.runtime.data.source import given_inputs
from tests.runtime.data.recorded import (
    Events,
    aedat3,
    aedat3_packet,
    aedat4,
    aedat4_packet,
    events,
    network,
    nmnist,
    plainly_binned,
)

E = events(200)
LATER = replace(E, t=E.t + 123_456_789)
FILES = {
    "nmnist.bin": nmnist(E),
    "aedat3.aedat": aedat3(aedat3_packet(LATER)),
    "aedat4.aedat4": aedat4(aedat4_packet(LATER)),
}
FORMS = "N-MNIST (.bin), AEDAT 3.1 and AEDAT 4"


@pytest.fixture(params=FILES)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name: str = request.param
    path = tmp_path / name
    path.write_bytes(FILES[name])
    return path


def binned(path: Path, to: Network, binning: Binning = ALL) -> npt.NDArray[Any]:
    (values,) = given_inputs(to, read_data(path, binning=binning)).values()
    return values


def message(path: Path, to: Network | None = None, binning: Binning = ALL) -> str:
    with pytest.raises(InputError) as caught:
        binned(path, to or network(2, 4, 5), binning)
    return str(caught.value).replace(str(path.parent), "DIR")


def test_polarities_are_channels(recording: Path) -> None:
    found = binned(recording, network(2, 4, 5))
    assert found.shape == (10, 1, 2, 4, 5)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[:, 0], plainly_binned(E, (2, 4, 5), 1000, 10))


@pytest.mark.parametrize("shape", [(1, 4, 5), (4, 5)])
def test_polarities_together(recording: Path, shape: tuple[int, ...]) -> None:
    found = binned(recording, network(*shape), Binning(values="count"))
    assert found.dtype == np.uint16
    expected = plainly_binned(E, (1, 4, 5), 1000, 10, count=True)
    np.testing.assert_array_equal(found[:, 0].reshape(10, 1, 4, 5), expected)


@pytest.mark.parametrize(("n", "channels"), [(40, 2), (20, 1)])
def test_flat_input(recording: Path, n: int, channels: int) -> None:
    found = binned(recording, network(n), Binning(sensor=(4, 5), seconds=3e-3))
    expected = plainly_binned(E, (channels, 4, 5), 3000, 4)
    np.testing.assert_array_equal(found[:, 0], expected.reshape(4, n))


@pytest.mark.parametrize("steps", [3, 15])
def test_cut_and_filled_up(recording: Path, steps: int) -> None:
    found = binned(recording, network(2, 4, 5), Binning(steps=steps))
    np.testing.assert_array_equal(found[:, 0], plainly_binned(E, (2, 4, 5), 1000, steps))


def test_directory_of_samples_of_different_lengths(tmp_path: Path) -> None:
    """In the order of the paths; what is no recording is passed over."""
    short, long = events(50, last=2_500, seed=1), events(80, last=20_000, seed=2)
    (tmp_path / "10").mkdir()
    (tmp_path / "9").mkdir()
    (tmp_path / "10" / "a.bin").write_bytes(nmnist(short))
    (tmp_path / "9" / "b.AEDAT4").write_bytes(aedat4(aedat4_packet(long)))
    (tmp_path / "9" / "a.aedat").write_bytes(aedat3(aedat3_packet(E)))
    (tmp_path / "README").write_text("not an event")
    found = binned(tmp_path, network(2, 4, 5))
    assert found.shape == (21, 3, 2, 4, 5)
    for sample, e in enumerate((short, E, long)):
        np.testing.assert_array_equal(found[:, sample], plainly_binned(e, (2, 4, 5), 1000, 21))
    assert read_labels(tmp_path).tolist() == [10, 9, 9]


def test_labels_are_folders(tmp_path: Path) -> None:
    for folder in ("cup", "Faces", "ant"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.bin").write_bytes(nmnist(E))
    (tmp_path / "cup" / "0.bin").write_bytes(nmnist(E))
    assert read_labels(tmp_path).tolist() == [0, 1, 2, 2]


def test_overflow_of_nmnist(tmp_path: Path) -> None:
    """Row 240 is no event, and the clock goes on 2^13 us later."""
    content = bytes([1, 2, 0, 0, 10, 0, 240, 0, 0, 11, 1, 2, 128, 0, 12])
    (tmp_path / "a.bin").write_bytes(content)
    found = binned(tmp_path / "a.bin", network(2, 4, 5))
    assert np.argwhere(found).tolist() == [[0, 0, 0, 2, 1], [8, 0, 1, 2, 1]]


def test_all_bits_of_a_time(tmp_path: Path) -> None:
    """23 of N-MNIST, and 31 and those of the packet of AEDAT 3.1."""
    place = np.array([1, 2])
    e = Events(np.array([0, 2**22 + 2**17 + 2**9 + 5]), place, place, np.array([0, 1]))
    (tmp_path / "a.bin").write_bytes(nmnist(e))
    (tmp_path / "a.aedat").write_bytes(aedat3(aedat3_packet(e)))
    for name in ("a.bin", "a.aedat"):
        found = binned(tmp_path / name, network(2, 4, 5), Binning(seconds=1e-2))
        assert np.argwhere(found).tolist() == [[0, 0, 0, 1, 1], [432, 0, 1, 2, 2]]


def test_clock_of_aedat3(tmp_path: Path) -> None:
    """The upper bits of the time stand in the packet; events that do not count are left out."""
    e = events(4)
    first = replace(e, t=np.array([0, 1, 2, 2**31 - 1]))
    second = replace(e, t=np.array([4_000, 5_000, 6_000, 7_000]))
    frames = aedat3_packet(e, kind=2)
    content = aedat3(
        aedat3_packet(first, valid=[0, 0, 0, 1]), frames, aedat3_packet(second, overflow=1)
    )
    (tmp_path / "a.aedat").write_bytes(content)
    found = binned(tmp_path / "a.aedat", network(1, 4, 5), Binning(values="count"))
    assert found.sum(axis=(1, 2, 3, 4)).tolist() == [1, 0, 0, 0, 1, 1, 1, 1]


def test_sensor_of_aedat3(tmp_path: Path) -> None:
    (tmp_path / "a.aedat").write_bytes(aedat3(aedat3_packet(E), device="DAVIS240C"))
    assert message(tmp_path / "a.aedat") == misplaced(
        "a.aedat", "a sensor of 180 rows and 240 columns"
    )
    assert binned(tmp_path / "a.aedat", network(2, 180, 240)).sum() > 0


def test_many_packets_of_aedat4(tmp_path: Path) -> None:
    """And a table behind them, at the place that the header tells."""
    packets = [
        aedat4_packet(
            replace(E, t=E.t[i : i + 20], x=E.x[i : i + 20], y=E.y[i : i + 20], on=E.on[i : i + 20])
        )
        for i in range(0, 200, 20)
    ]
    (tmp_path / "a.aedat4").write_bytes(aedat4(*packets, table=True))
    found = binned(tmp_path / "a.aedat4", network(2, 4, 5))
    np.testing.assert_array_equal(found[:, 0], plainly_binned(E, (2, 4, 5), 1000, 10))


def misplaced(
    name: str,
    found: str,
    limit: str = "4 rows and 5 columns of the input",
    remedy: str = "use recordings of the sensor that the network was trained for",
) -> str:
    return (
        "error[SNN643]: every event of a recording has its place on the input\n"
        f"  --> DIR/{name}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"
    )


AXES = "[2, height, width], [1, height, width], [height, width], or flat"


@pytest.mark.parametrize(
    ("shape", "sensor", "found", "limit", "remedy"),
    [
        ((3, 4, 5), None, "an input of shape [3, 4, 5]", AXES, ""),
        ((1, 2, 4, 5), None, "an input of shape [1, 2, 4, 5]", AXES, ""),
        (
            (40,),
            None,
            "an input of 40 values",
            AXES,
            "--sensor-shape H,W with H * W or 2 * H * W values",
        ),
        (
            (40,),
            (4, 6),
            "an input of 40 values, and a sensor of 4 x 6",
            "24 values, or 48 with the polarities apart",
            "",
        ),
        (
            (2, 4, 4),
            None,
            f"{sum(E.x > 3)} events beside it, up to row 3 and column 4",
            "4 rows and 4 columns of the input",
            "",
        ),
        (
            (2, 3, 5),
            None,
            f"{sum(E.y > 2)} events beside it, up to row 3 and column 4",
            "3 rows and 5 columns of the input",
            "",
        ),
    ],
)
def test_misplaced(
    tmp_path: Path,
    shape: tuple[int, ...],
    sensor: tuple[int, ...] | None,
    found: str,
    limit: str,
    remedy: str,
) -> None:
    (tmp_path / "a.bin").write_bytes(nmnist(E))
    text = misplaced("a.bin", found, limit, *([remedy] if remedy else []))
    assert message(tmp_path / "a.bin", network(*shape), Binning(sensor=sensor)) == text


def test_sensor_that_is_not_the_input(tmp_path: Path) -> None:
    (tmp_path / "a.aedat4").write_bytes(FILES["aedat4.aedat4"])
    assert message(tmp_path / "a.aedat4", network(2, 4, 6)) == misplaced(
        "a.aedat4", "a sensor of 4 rows and 5 columns", "4 rows and 6 columns of the input"
    )


def test_too_many_steps(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(nmnist(E))
    assert message(tmp_path / "a.bin", None, Binning(seconds=1e-12)) == (
        "error[SNN644]: the steps of the data are those of the network\n"
        "  --> DIR/a.bin\n"
        "   found: events over 0.009999 s, in steps of 1e-12 s\n"
        "   limit: 10,000,000 steps\n"
        "  remedy: --bin-seconds for longer steps, or --bin-steps for the first ones only"
    )


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For memory and for the disk."""
    monkeypatch.setattr("snnc.runtime.data.memory.available_memory", lambda: 2**20)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "a.bin").write_bytes(nmnist(E))
    free = shutil.disk_usage(tmp_path)._replace(free=2**20)

    def disk_usage(path: object) -> Any:
        del path
        return free

    monkeypatch.setattr("shutil.disk_usage", disk_usage)
    assert message(tmp_path / "a.bin", None, Binning(steps=40_000)) == (
        "error[SNN642]: data fit into the memory of this machine\n"
        "  --> input data\n"
        "   found: 2 MiB\n"
        "   limit: 0 MiB of memory, or 1 MiB of disk in DIR\n"
        "  remedy: give fewer recordings at once, or --bin-steps N"
    )


def test_too_large_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies in a file that has no name, and holds the same."""
    (tmp_path / "a.bin").write_bytes(nmnist(E))
    expected = binned(tmp_path / "a.bin", network(2, 4, 5), Binning(steps=4_000))
    monkeypatch.setattr("snnc.runtime.data.memory.available_memory", lambda: 2**16)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = binned(tmp_path / "a.bin", network(2, 4, 5), Binning(steps=4_000))
    assert isinstance(found.base, np.memmap) or isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_network_of_several_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(nmnist(E))
    one = network(2, 4, 5)
    several = replace(one, inputs=(*one.inputs, replace(one.inputs[0], name="b")))
    assert message(tmp_path / "a.bin", several) == (
        "error[SNN645]: a NIR data graph holds one observable for each input of the network\n"
        "  --> input data\n"
        "   found: recordings for a network of 2 inputs\n"
        "   limit: one input\n"
        "  remedy: give an .npz file, an HDF5 file or a NIR data graph, which name the inputs"
    )


def test_without_aedat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnc.frontends.events.aedat4.find_spec", dict[str, None]().get)
    (tmp_path / "a.aedat4").write_bytes(FILES["aedat4.aedat4"])
    with pytest.raises(EnvironmentFault) as caught:
        binned(tmp_path / "a.aedat4", network(2, 4, 5))
    assert str(caught.value).replace(str(tmp_path), "DIR") == (
        "error[SNN501]: the packages that a run needs are installed\n"
        "  --> DIR/a.aedat4\n"
        "   found: aedat is not installed\n"
        "   limit: reading an AEDAT 4 recording needs aedat 2.3 or newer\n"
        "  remedy: pip install 'snnc[aedat]'"
    )
