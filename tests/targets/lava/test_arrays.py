"""Input data of the runner, and what it says of data that it cannot use."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from snnc.targets.lava.runner.arrays import check_writable, read_inputs, write_results
from snnc.targets.lava.runner.faults import BadInput
from snnc.targets.lava.runner.program import Input, Population, Process, Program
from tests.targets.lava.networks import Array, save_inputs


def program(*inputs: Input) -> Program:
    return Program({i.name: i for i in inputs}, {}, {}, {}, "mixed", (), 0, {}, {}, {})


SPIKES = Input("x", (2,), 1.0, 1)
REAL = Input("y", (1, 3), 0.5, 4)


def test_integers_are_nearest(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    values = np.linspace(-2, 2, 17).reshape(17, 1, 1, 1) * np.ones((1, 1, 1, 3))
    np.savez(path, x=np.eye(17, 2)[:, None], y=values)
    inputs = read_inputs(program(SPIKES, REAL), path)
    assert {n: (x.dtype.name, x.shape) for n, x in inputs.items()} == {
        "x": ("int32", (17, 1, 2)),
        "y": ("int32", (17, 1, 3)),
    }
    assert inputs["y"][:, 0, 0].tolist() == np.rint(np.linspace(-4, 4, 17)).tolist()
    assert inputs["x"][:2, 0].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.zeros((4, 2)), "input x: float64 [4, 2]; expected [steps, batch, 2]"),
        (np.zeros((4, 1, 3)), "input x: float64 [4, 1, 3]; expected [steps, batch, 2]"),
        (np.zeros((0, 1, 2)), "input x: float64 [0, 1, 2]; expected [steps, batch, 2]"),
        (np.zeros((4, 1, 2), "U3"), "input x: <U3 [4, 1, 2]; expected [steps, batch, 2]"),
        (np.full((4, 1, 2), 0.5), "input x: values that are not integers"),
        (np.full((4, 1, 2), np.nan), "input x: values that are not integers"),
        (
            np.full((4, 1, 2), -2),
            "input x: values above 1, the largest that it was compiled for",
        ),
    ],
)
def test_values_that_cannot_enter(tmp_path: Path, x: Array, text: str) -> None:
    path = tmp_path / "x.npy"
    np.save(path, x)
    with pytest.raises(BadInput) as error:
        read_inputs(program(SPIKES), path)
    assert str(error.value) == text


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    two = program(SPIKES, REAL)
    path = tmp_path / "x.npy"
    cases: list[tuple[bytes | dict[str, Array], Program, str]] = [
        (b"what", two, "neither .npy nor .npz"),
        (b"", two, "neither .npy nor .npz"),
        (b"PK\3\4what", two, "neither .npy nor .npz"),
        ({"a": np.zeros(1)}, two, "arrays a; expected x, y"),
        ({"x": np.zeros((1, 1, 2))}, two, "arrays x; expected x, y"),
        (
            {"x": np.zeros((1, 1, 2)), "y": np.zeros((1, 2, 1, 3))},
            two,
            "the inputs differ in steps or batch",
        ),
    ]
    for content, of, text in cases:
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            save_inputs(path, content)
        with pytest.raises(BadInput) as error:
            read_inputs(of, path)
        assert str(error.value) == f"{path}: {text}"
    np.save(path, np.zeros((1, 1, 2)))
    with pytest.raises(BadInput) as error:
        read_inputs(two, path)
    assert str(error.value) == f"{path}: the inputs x, y need an .npz file"
    with pytest.raises(BadInput) as error:
        read_inputs(two, tmp_path / "absent.npy")
    assert str(error.value) == f"{tmp_path}/absent.npy: No such file or directory"


def test_place_of_the_results_is_looked_at_first(tmp_path: Path) -> None:
    check_writable(tmp_path / "out.npz")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError) as error:
        check_writable(tmp_path / "absent" / "out.npz")
    assert error.value.filename == str(tmp_path / "absent")
    with pytest.raises(BadInput) as refused:
        check_writable(tmp_path)
    assert str(refused.value) == f"{tmp_path}: a directory; --output takes the name of a file"


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A name that leaves no room for one more character is refused whoever the user is."""
    with pytest.raises(OSError, match="File name too long") as error:
        check_writable(tmp_path / ("n" * 255))
    assert error.value.filename == str(tmp_path)


@pytest.mark.parametrize("steps", [None, 2])
def test_output_of_a_read_out_is_real(tmp_path: Path, steps: int | None) -> None:
    """Divided in double precision and rounded once; what is recorded are the integers."""
    scale, offset = np.array([3.7, 1e4]), np.array([-0.1, 5.0])
    part = Population("p", (2, 1), {}, "none", 0, False, 1, scale, offset)
    processes = (
        Process("n1", "population", "Population", "p"),
        Process("n2", "output", "Sink", "out"),
    )
    of = Program({}, {"p": part}, {}, {"out": "p"}, "mixed", processes, 0, {}, {}, {"out": "p"})
    v = np.array([[0, 0], [2**23 - 1, -7], [-12345, 1]], np.int32).reshape(3, 1, 2)
    write_results(of, {"n1": {"v": v}, "n2": {"v": v}}, tmp_path / "out.npz", steps)
    with np.load(tmp_path / "out.npz") as found:
        potential, recorded = found["out"], found["p.v"]
    assert (potential.dtype, recorded.dtype) == (np.float32, np.int32)
    first = 0 if steps is None else 1
    wanted = [
        [
            Fraction(int(x)) / Fraction(s) + Fraction(o)
            for x, s, o in zip(row, scale, offset, strict=True)
        ]
        for row in v[first:, 0]
    ]
    assert np.array_equal(potential[:, 0, :, 0], np.array(wanted, np.float64).astype(np.float32))
    assert np.array_equal(recorded[:, 0, :, 0], v[first:, 0])


def test_full_disk_names_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.open", refuse)
    part = Population("p", (1,), {}, "zero", 0, True, 0, np.ones(1), np.zeros(1))
    lif, sink = Process("n1", "population", "P", "p"), Process("n2", "output", "Sink", "out")
    of = Program({}, {"p": part}, {}, {"out": "p"}, "mixed", (lif, sink), 0, {}, {}, {"out": "p"})
    with pytest.raises(OSError, match="No space left on device") as error:
        write_results(
            of, {"n1": {}, "n2": {"spikes": np.zeros((1, 1, 1))}}, tmp_path / "out.npz", None
        )
    assert error.value.filename == str(tmp_path / "out.npz")
    assert list(tmp_path.iterdir()) == []
