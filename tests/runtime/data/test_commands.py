"""The commands with recordings: compiled, run and verified as with the arrays they become."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.frontends.nir.file import write_nir
from snnc.runtime.cli import main
from tests.runtime.data.recorded import events, nmnist, plainly_binned
from tests.runtime.samples import lif

STEPS, SAMPLES = 8, 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network for a camera of 4 x 5 pixels, recordings, and what they become in ``x.npy``."""
    random, shape = np.random.default_rng(0), np.array([2, 4, 5])
    weight = random.normal(size=(3, 40)).astype(np.float32)
    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": shape}),
        "flat": nir.Flatten(input_type={"input": shape}, start_dim=0, end_dim=-1),
        "fc": nir.Affine(weight, np.zeros(3, np.float32)),
        "lif": lif(3),
        "output": nir.Output(output_type={"output": np.array([3])}),
    }
    graph = nir.NIRGraph(nodes=nodes, edges=list(pairwise(nodes)), type_check=False)
    write_nir(graph, tmp_path / "m.nir")
    counted: list[npt.NDArray[np.int64]] = []
    for number in range(SAMPLES):
        e = events(150, last=7_999, seed=number)
        path = tmp_path / "test" / str(number % 3) / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(nmnist(e))
        counted.append(plainly_binned(e, (2, 4, 5), 1000, STEPS, count=True))
    order = [0, 3, 1, 2]  # of the paths: 0/0, 0/3, 1/1, 2/2
    np.save(tmp_path / "x.npy", np.stack([counted[i] for i in order], axis=1))
    np.save(tmp_path / "y.npy", [0, 0, 1, 2])
    monkeypatch.chdir(tmp_path)
    return tmp_path


MODEL = ["m.nir", "--dt", "1e-4"]
EVENTS = ["--bin-seconds", "1e-3", "--bin-values", "count"]


def result(arguments: list[str], folder: Path) -> dict[str, list[int]]:
    assert main(["run", *arguments, "-o", "out.npz"]) == 0
    with np.load(folder / "out.npz") as out:
        return {name: out[name].tolist() for name in out.files}


def test_compile_and_run(folder: Path) -> None:
    """Calibrated and run with recordings: the same artifact and the same spikes as with arrays."""
    for name, data in (("a", ["test", *EVENTS]), ("b", ["x.npy"])):
        assert main(["compile", *MODEL, "--target", "cpu", "-o", name, "--calibrate", *data]) == 0
    for member in (folder / "a").iterdir():
        assert member.read_bytes() == (folder / "b" / member.name).read_bytes()
    found = result(["a", "--input", "test", *EVENTS], folder)
    assert found == result(["b", "--input", "x.npy"], folder)
    first = result(["a", "--input", "test", *EVENTS, "--bin-steps", "3"], folder)
    assert first == result(["b", "--input", "x.npy", "--steps", "3"], folder)
    assert np.asarray(first["output"]).shape == (3, SAMPLES, 3)


def test_verify(folder: Path) -> None:
    """The report holds the same data and figures, whatever they came from."""
    rest = ["--targets", "integer", "--report"]
    given = ["--input", "test", "--labels", "test", "--calibrate", "test", *EVENTS]
    main(["verify", *MODEL, *given, *rest, "events"])
    main(
        [
            "verify",
            *MODEL,
            "--input",
            "x.npy",
            "--labels",
            "y.npy",
            "--calibrate",
            "x.npy",
            *rest,
            "arrays",
        ]
    )
    one, other = (
        json.loads((folder / name / "report.json").read_text()) for name in ("events", "arrays")
    )
    assert [d["shape"] for d in one["data"]] == [[STEPS, SAMPLES, 2, 4, 5], [SAMPLES]]
    accuracy = [e["accuracy"] for e in one["executions"]]
    assert accuracy == [e["accuracy"] for e in other["executions"]]
    assert [link["values"] for link in one["links"]] == [link["values"] for link in other["links"]]
    assert one["program_sha256"] == other["program_sha256"]


def test_bisect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    given = ["--target", "cpu", "-o", "a", "--calibrate", "test", *EVENTS]
    assert main(["compile", *MODEL, *given]) == 0
    capsys.readouterr()
    assert main(["bisect", "a", "--input", "test", *EVENTS]) == 0
    assert capsys.readouterr().out == ("no difference: cpu gives what integer does, in 4 samples\n")


def test_one_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "test/1/1.bin").write_bytes(b"odd")
    main(["compile", *MODEL, "--target", "cpu", "-o", "a"])
    capsys.readouterr()
    assert main(["run", "a", "--input", "test", "-o", "out.npz"]) == 2
    assert capsys.readouterr().err == (
        "error[SNN641]: a file of data is whole, and of a form that snnc reads\n"
        "  --> test/1/1.bin\n"
        "   found: 3 bytes\n"
        "   limit: an N-MNIST recording: 5 bytes for each event\n"
        "  remedy: write or record the file again; docs/inputs.md describes what is read\n"
    )


def test_options_without_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    assert main(["compile", *MODEL, "--target", "cpu", "--bin-steps", "3"]) == 2
    assert capsys.readouterr().err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --bin-steps\n"
        "   found: no data\n"
        "   limit: recordings of events, or a NIR data graph\n"
        "  remedy: leave --bin-steps out\n"
    )


def test_options_in_a_file(folder: Path) -> None:
    text = "bin-seconds: 1e-3\nbin-values: count\nbin-steps: 3\nsensor-shape: [4, 5]\n"
    (folder / "s.yaml").write_text(text)
    given = ["--target", "cpu", "-o", "a", "--calibrate", "test", "--config", "s.yaml"]
    assert main(["compile", *MODEL, *given]) == 0
