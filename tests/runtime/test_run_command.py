"""What `snnc run` does with what users type, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.commands import made
from tests.runtime.conftest import Snnc
from tests.runtime.samples import BATCH, CLASSES, STEPS, WIDTH, artifact, data

pytestmark = pytest.mark.usefixtures("here")
RUN = ("run", "model.integer", "--input", "x.npy", "-o", "out.npz")


def test_run_writes_outputs_and_signals(snnc: Snnc) -> None:
    ended = snnc(*RUN, "--record", "spikes,u,v")
    assert (ended.code, ended.err) == (0, "")
    trace = artifact().run(data(), record=("spikes", "u", "v"))
    total = int(trace.outputs["output"].sum())
    assert ended.out.startswith(f"wrote out.npz: {total} output spikes, ")
    with np.load("out.npz") as found:
        assert sorted(found.files) == [
            *("hidden.spikes", "hidden.u", "hidden.v", "output"),
            *("output_layer.spikes", "output_layer.u", "output_layer.v"),
        ]
        assert found["output"].shape == (STEPS, BATCH, CLASSES)
        np.testing.assert_array_equal(found["output"], trace.outputs["output"])
        np.testing.assert_array_equal(found["hidden.u"], trace.u["hidden"])
        np.testing.assert_array_equal(found["hidden.v"], trace.v["hidden"])


def test_run_in_raw_time_is_later_by_the_latency(snnc: Snnc) -> None:
    assert snnc(*RUN, "--raw-time").code == 0
    with np.load("out.npz") as found:
        raw = found["output"]
    assert raw.shape == (STEPS + 2, BATCH, CLASSES)
    np.testing.assert_array_equal(raw[2:], artifact().run(data()).outputs["output"])


def test_run_in_raw_time_gives_recorded_signals_so_too(snnc: Snnc) -> None:
    assert snnc(*RUN, "--raw-time", "--record", "spikes,u,v").code == 0
    trace = artifact().run(data(), record=("spikes", "u", "v"))
    with np.load("out.npz") as found:
        assert {found[name].shape[0] for name in found.files} == {STEPS + 2}
        for signal in ("spikes", "u", "v"):
            hidden = found[f"hidden.{signal}"]
            np.testing.assert_array_equal(hidden[1 : 1 + STEPS], trace.signal(signal)["hidden"])


def test_run_of_a_model_that_is_not_compiled(here: Path, snnc: Snnc) -> None:
    ended = snnc("run", "model.nir", "--input", "x.npy", "-o", "out.npz")
    assert (ended.code, ended.out, made(here)) == (2, "", [])
    assert ended.err == (
        "error[SNN001]: a file that is named exists and can be read\n"
        "  --> model.nir\n"
        "   found: a file\n"
        "   limit: a directory that snnc compile wrote\n"
        "  remedy: compile it first: snnc compile model.nir --target TARGET -o DIR\n"
    )


OTHERS = {
    "run": (["run", "no artifact", "--input", "no input"], "an .npz file"),
    "import": (["import", "no.py:model"], "a .nir file"),
}


@pytest.mark.parametrize("command", OTHERS)
@pytest.mark.parametrize("content", [b"", b"all of my thesis", b"\x93NUMPY"])
def test_a_file_of_others_is_not_replaced(
    command: str, content: bytes, here: Path, snnc: Snnc
) -> None:
    arguments, kind = OTHERS[command]
    (here / "mine").write_bytes(content)
    ended = snnc(*arguments, "-o", "mine")
    assert (ended.code, ended.out, made(here)) == (2, "", ["mine"])
    assert ended.err == (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        "  --> mine\n"
        f"   found: something that is not {kind}\n"
        f"   limit: a new file, or {kind} to replace\n"
        "  remedy: name another file with -o\n"
    )
    assert (here / "mine").read_bytes() == content


def test_a_result_of_run_is_replaced(snnc: Snnc) -> None:
    assert snnc(*RUN, "--steps", "5").code == 0
    assert snnc(*RUN).code == 0
    with np.load("out.npz") as found:
        assert found["output"].shape[0] == STEPS


def test_run_first_steps(snnc: Snnc) -> None:
    assert snnc(*RUN, "--steps", "5").code == 0
    with np.load("out.npz") as found:
        whole = artifact().run(data()).outputs["output"]
        np.testing.assert_array_equal(found["output"], whole[:5])


def test_run_takes_npz_by_the_name_of_the_input(snnc: Snnc) -> None:
    np.savez("in.npz", input=data())
    assert snnc("run", "model.integer", "--input", "in.npz", "-o", "out.npz").code == 0


@pytest.mark.parametrize("steps", ["0", "-1", "13"])
def test_steps_out_of_range(steps: str, here: Path, snnc: Snnc) -> None:
    ended = snnc(*RUN, "--steps", steps)
    assert (ended.code, ended.out, made(here)) == (2, "", [])
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --steps\n"
        f"   found: {steps}\n"
        "   limit: 1 to 12, the steps of the input\n"
        "  remedy: leave --steps out to run all of them\n"
    )


def test_unknown_signal_and_limit_at_once(here: Path, snnc: Snnc) -> None:
    ended = snnc(*RUN, "--record", "spikes,w", "--timeout", "nan")
    assert (ended.code, ended.out, made(here)) == (2, "", [])
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --record\n"
        "   found: 'w'\n"
        "   limit: signals of a population: spikes, u, v\n"
        "  remedy: --record spikes,u,v records all of them\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --timeout\n"
        "   found: nan s\n"
        "   limit: more than 0 s, and finite\n"
        "  remedy: leave --timeout out to run without a limit of your own\n"
    )


INPUTS = {
    "no batch axis": (
        np.zeros((STEPS, WIDTH)),
        f"shape [{STEPS}, {WIDTH}], which has no batch axis",
    ),
    "wrong width": (np.zeros((STEPS, 1, 5)), f"shape [{STEPS}, 1, 5]"),
    "a number": (np.array(1.0), "shape []"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_input_of_wrong_shape(case: str, here: Path, snnc: Snnc) -> None:
    array, found = INPUTS[case]
    np.save("bad.npy", array)
    ended = snnc("run", "model.integer", "--input", "bad.npy", "-o", "out.npz")
    assert (ended.code, ended.out, made(here)) == (2, "", ["bad.npy"])
    assert ended.err == (
        "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input\n"
        "  --> input data: input\n"
        f"   found: {found}\n"
        f"   limit: [steps, batch, {WIDTH}]\n"
        "  remedy: reshape the data; a single sample gets its batch axis by x[:, None]\n"
    )


def test_real_values_without_calibration(here: Path, snnc: Snnc) -> None:
    np.save("bad.npy", 0.5 * data())
    ended = snnc("run", "model.integer", "--input", "bad.npy", "-o", "out.npz")
    assert (ended.code, ended.out, made(here)) == (2, "", ["bad.npy"])
    assert ended.err.startswith(
        "error[SNN503]: input data are integers that the compiled input takes\n"
    )
    assert "  remedy: compile with --calibrate X.npy" in ended.err


def spoil(name: str, change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: change(folder / name)


def edit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (
        spoil("weights.safetensors", edit),
        "weights.safetensors is not the file that was written",
    ),
    "missing": (spoil("program.json", Path.unlink), "'program.json' is missing"),
    "extra": (
        spoil("e\x1b[2J.py", lambda path: path.write_text("import os")),
        r"'e\x1b[2J.py' is not in the manifest",
    ),
    "no manifest": (
        spoil("manifest.json", Path.unlink),
        "manifest.json: No such file or directory",
    ),
}


@pytest.mark.parametrize("case", SPOILED)
def test_artifact_that_is_not_whole(case: str, here: Path, snnc: Snnc) -> None:
    change, found = SPOILED[case]
    artifact().save("a")
    change(here / "a")
    ended = snnc("run", "a", "--input", "x.npy", "-o", "out.npz")
    assert (ended.code, ended.out, made(here)) == (2, "", ["a"])
    assert ended.err == (
        "error[SNN504]: an artifact is whole: every member there, unchanged, and no other\n"
        "  --> a\n"
        f"   found: {found}\n"
        "   limit: the files that manifest.json lists, as snnc wrote them\n"
        "  remedy: compile the model again: snnc compile MODEL --target TARGET -o DIR\n"
    )


def test_output_that_cannot_be_written_is_found_before_the_run(here: Path, snnc: Snnc) -> None:
    (here / "file").write_text("")
    ended = snnc("run", "no artifact", "--input", "no input", "-o", "file/out.npz")
    assert (ended.code, made(here)) == (3, ["file"])
    assert "  --> file/out.npz\n   found: Not a directory\n" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["compile", "no model", "--target", "integer", "-o", "file/x"],
        ["verify", "no model", "--input", "no input", "--report", "file/x"],
        ["import", "no.py:model", "-o", "file/x"],
    ],
)
def test_place_is_looked_at_before_the_work(arguments: list[str], here: Path, snnc: Snnc) -> None:
    (here / "file").write_text("")
    ended = snnc(*arguments)
    assert (ended.code, ended.out, made(here)) == (3, "", ["file"])
    assert "  --> file/x\n   found: Not a directory\n" in ended.err


def test_place_of_a_diagnostic_is_shown_harmlessly(snnc: Snnc) -> None:
    ended = snnc("run", "model.integer", "--input", "no\x1b[2J\u202e.nir", "-o", "out.npz")
    assert "  --> --input no\\x1b[2J\\u202e.nir\n" in ended.err
    assert not set("\x1b\u202e") & set(ended.err)
