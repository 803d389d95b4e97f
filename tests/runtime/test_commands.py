"""What each command does with what users type, right and wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.rules import all_rules
from snnc.frontends.nir.file import write_nir
from snnc.runtime.commands import doctor
from snnc.runtime.environment import PACKAGES
from snnc.targets.artifact import load
from tests.builders import chain, linear, sink
from tests.builders import lif as nir_lif
from tests.runtime.conftest import Snnc
from tests.runtime.samples import BATCH, CLASSES, STEPS, WIDTH, artifact, data, graph

pytestmark = pytest.mark.usefixtures("here")

COMPILE = ("compile", "model.nir", "--target", "integer", "--dt", "1e-4")
RUN = ("run", "model.integer", "--input", "x.npy", "-o", "out.npz")


def made(here: Path) -> list[str]:
    """Name what the command has left in the folder."""
    return sorted(p.name for p in here.iterdir() if not p.is_symlink())


# --- compile ------------------------------------------------------------------------------------


def test_compile_says_where_it_went_and_what_it_cost(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "-o", "new/a")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "wrote new/a: target integer, 11 neurons, latency of 2 steps"
    assert lines[2].split()[:3] == ["population", "neurons", "threshold"]
    assert [line.split()[0] for line in lines[4:6]] == ["hidden", "output_layer"]
    assert lines[-2:] == [
        "chosen: dt = 0.0001 s, as named",
        "chosen: reset zero, as NIR defines it",
    ]
    assert load("new/a").target == "integer"


@pytest.mark.parametrize(
    ("model", "output"),
    [("model.nir", "model.integer"), ("./a.b.nir", "a.b.integer"), ("folder/m.nir", "m.integer")],
)
def test_default_output(model: str, output: str, here: Path, snnc: Snnc) -> None:
    (here / "model.integer").unlink()
    (here / "folder").mkdir()
    if model != "model.nir":
        (here / model).write_bytes((here / "model.nir").read_bytes())
    assert snnc("compile", model, "--target", "integer", "--dt", "1e-4").code == 0
    assert (here / output / "manifest.json").is_file()


def test_compile_json(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "-o", "a", "--json")
    assert json.loads(ended.out) == {
        "artifact": "a",
        "target": "integer",
        "form": None,
        "cores": None,
        "cores_lower_bound": None,
        "latency_steps": 2,
        "choices": list(artifact().network.choices),
        "warnings": [],
        "budget": None,
        "relays": [],
        "divided": [],
        "mapping": None,
    }


def test_compile_shows_warnings(snnc: Snnc) -> None:
    slow = graph()
    hidden: Any = slow.nodes["hidden"]
    hidden.tau = np.full(8, 0.37, np.float32)  # 3700 steps
    write_nir(slow, "slow.nir")
    ended = snnc("compile", "slow.nir", "--target", "integer", "--dt", "1e-4", "--json")
    warnings = json.loads(ended.out)["warnings"]
    assert [w.splitlines()[0] for w in warnings if "SNN302" in w] == [
        "warning[SNN302]: a time constant keeps its value to 5 % when its decay is rounded to "
        "12 bits"
    ]
    assert (
        warnings[0].splitlines()[0]
        in snnc("compile", "slow.nir", "--target", "integer", "--dt", "1e-4").out.splitlines()
    )


def test_settings_file_and_command_line(snnc: Snnc) -> None:
    Path("s.yaml").write_text("target: float\ndt: 1e-4\noutput: from_file\n")
    assert snnc("compile", "model.nir", "--config", "s.yaml").code == 0
    assert load("from_file").target == "float"
    assert snnc("compile", "model.nir", "--config", "s.yaml", "--target", "integer").code == 0
    assert load("from_file").target == "integer"


def test_bad_settings_file_is_refused_before_the_work(snnc: Snnc) -> None:
    Path("s.yaml").write_text("max-drop: 1\n")
    ended = snnc("compile", "model.nir", "--target", "integer", "--config", "s.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> s.yaml: max-drop\n"
        "   found: no such option\n"
        "   limit: arch, bin-seconds, bin-steps, bin-values, budget, calibrate, decays, dialect, "
        "dt, hardware, input-shape, labels, lava, max-thresholds, output, overflow, partitioner, "
        "reset, rounding, sensor-shape, split-fan-in, strict, target, weight-bits\n"
        "  remedy: remove it\n"
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("loihi", "snnc targets lists them"),
        ("integr", "--target integer"),
        ("Lava", "--target lava"),
    ],
)
def test_unknown_target(name: str, remedy: str, here: Path, snnc: Snnc) -> None:
    ended = snnc("compile", "model.nir", "--target", name, "--dt", "1e-4")
    assert (ended.code, ended.out, made(here)) == (2, "", [])
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --target\n"
        f"   found: {name}\n"
        "   limit: float, integer, cpu, cuda, lava\n"
        f"  remedy: {remedy}\n"
    )


MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "error[SNN001]"),
    "not HDF5": (lambda path: path.write_text("(lif)"), "error[SNN101]"),
    "empty": (lambda path: path.write_bytes(b""), "error[SNN101]"),
    "no dt": (lambda path: write_nir(graph(), path), "error[SNN110]"),
}


@pytest.mark.parametrize("case", MODELS)
def test_model_that_cannot_be_used(case: str, here: Path, snnc: Snnc) -> None:
    make, head = MODELS[case]
    make(here / "m.nir")
    before = made(here)
    ended = snnc("compile", "m.nir", "--target", "integer")
    assert (ended.code, ended.out, made(here)) == (2, "", before)
    assert ended.err.startswith(head)
    assert ended.err.count("  remedy: ") == ended.err.count("error[")


def test_nan_weight_is_refused_by_its_node(here: Path, snnc: Snnc) -> None:
    bad = graph()
    dense: Any = bad.nodes["fc1"]
    dense.weight[2, 3] = np.nan
    nir.write("bad.nir", bad)
    ended = snnc("compile", "bad.nir", "--target", "integer", "--dt", "1e-4")
    assert (ended.code, ended.out, made(here)) == (2, "", ["bad.nir"])
    assert ended.err.startswith("error[SNN105]")
    assert "fc1" in ended.err


@pytest.mark.parametrize("content", ["other.txt", "manifest.json"])
def test_directory_of_others_is_not_replaced(content: str, here: Path, snnc: Snnc) -> None:
    (here / "mine").mkdir()
    (here / "mine" / content).write_text("precious")
    ended = snnc(*COMPILE, "-o", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        "  --> mine\n"
        f"   found: a directory with '{content}', which is no part of an artifact of snnc\n"
        "   limit: a new directory, an empty one, or an artifact of snnc to replace\n"
        "  remedy: name another directory with -o\n"
    )
    assert (here / "mine" / content).read_text() == "precious"


def test_file_is_not_replaced(here: Path, snnc: Snnc) -> None:
    (here / "mine").write_text("precious")
    assert "   found: a file\n" in snnc(*COMPILE, "-o", "mine").err
    assert (here / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    ("place", "found"), [("file/a", "Not a directory"), ("/proc/a", "No such file or directory")]
)
def test_place_that_cannot_be_written(place: str, found: str, here: Path, snnc: Snnc) -> None:
    (here / "file").write_text("")
    ended = snnc(*COMPILE, "-o", place)
    assert (ended.code, ended.out, made(here)) == (3, "", ["file"])
    assert ended.err == (
        "error[SNN002]: the place that is named can be written\n"
        f"  --> {place}\n"
        f"   found: {found}\n"
        "   limit: a place where this user may write, with room left\n"
        "  remedy: name another place with -o, or free this one\n"
    )


def test_what_was_there_comes_back_when_the_new_cannot_be_moved(
    here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert snnc(*COMPILE, "-o", "a").code == 0
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    ended = snnc(*COMPILE, "-o", "a")
    assert (ended.code, made(here)) == (3, ["a"])
    assert "   found: Input/output error\n" in ended.err
    assert load("a").target == "integer"


def test_artifact_is_replaced_whole(here: Path, snnc: Snnc) -> None:
    assert snnc(*COMPILE, "-o", "a").code == 0
    (here / "a" / "program.json").unlink()
    assert snnc(*COMPILE, "-o", "a").code == 0
    assert load("a").target == "integer"
    assert made(here) == ["a"]


# --- run ----------------------------------------------------------------------------------------


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


# --- inspect, targets, explain, doctor ----------------------------------------------------------


def test_inspect_an_artifact(snnc: Snnc) -> None:
    out = snnc("inspect", "model.integer").out
    assert out.startswith(
        "target integer, time step 0.0001 s, latency 2 steps\n"
        "\n"
        "input  shape  unit  largest\n"
        "-----  -----  ----  -------\n"
        "input      6     1        1\n"
        "\n"
        "population    shape  integration  reset  decay  of current  threshold  refractory  lag\n"
        "------------  -----  -----------  -----  -----  ----------  ---------  ----------  ---\n"
        "hidden            8  euler        zero     0.1           -        0.3           0    1\n"
        "output_layer      3  euler        zero     0.1           -        0.3           0    2\n"
        "\n"
        "projection  from    to            operators    delay\n"
        "----------  ------  ------------  -----------  -----\n"
        "fc1         input   hidden        dense 8 x 6      0\n"
        "fc2         hidden  output_layer  dense 3 x 8      0\n"
        "\n"
        "output  of\n"
        "------  ------------\n"
        "output  output_layer\n"
        "\n"
        "on hardware  from    to            operators    bits  signs  exponent  delay\n"
        "-----------  ------  ------------  -----------  ----  -----  --------  -----\n"
        "fc1          input   hidden        dense 8 x 6     8  mixed         4      1\n"
        "fc2          hidden  output_layer  dense 3 x 8     8  mixed         5      1\n"
    )
    assert "chosen: reset zero, as NIR defines it\n" in out


def test_inspect_tells_the_decay_of_a_current(here: Path, snnc: Snnc) -> None:
    ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
    tau_syn = np.array([0.0005, 0.001], np.float32)
    lif = nir.CubaLIF(tau_syn=tau_syn, tau_mem=0.002 * ones, r=ones, v_leak=zeros, v_threshold=ones)
    model = chain(linear(np.ones((2, 1))), lif, linear(np.ones((1, 2))), nir_lif())
    model.nodes["output"] = sink(1)
    write_nir(model, here / "current.nir")
    out = snnc("inspect", "current.nir", "--dt", "1e-4").out
    row = next(line for line in out.splitlines() if "current-euler" in line)
    assert row.split() == [
        "1",
        "2",
        "current-euler",
        "zero",
        "0.05",
        "0.1",
        "to",
        "0.2",
        "1",
        "0",
        "0",
    ]
    found = json.loads(snnc("inspect", "current.nir", "--dt", "1e-4", "--json").out)
    assert found["populations"][0]["current_decay"] == pytest.approx([0.1, 0.2])


def test_inspect_a_model_needs_no_target(snnc: Snnc) -> None:
    found = json.loads(snnc("inspect", "model.nir", "--dt", "1e-4", "--json").out)
    assert found["target"] == "float"
    assert [(p["name"], p["neurons"], p["reset"]) for p in found["populations"]] == [
        ("hidden", 8, "zero"),
        ("output_layer", 3, "zero"),
    ]
    assert [p["operators"] for p in found["projections"]] == [["dense 8 x 6"], ["dense 3 x 8"]]
    assert found["hardware_projections"] == []
    assert found["processes"] == []


def test_inspect_tells_the_lava_process_of_each_population(snnc: Snnc) -> None:
    artifact("lava").save("on_lava")
    found = json.loads(snnc("inspect", "on_lava", "--json").out)
    processes = {p["of"]: (p["role"], p["process"], p["whose"]) for p in found["processes"]}
    assert found["form"] == "mixed"
    assert processes["hidden"] == ("population", "LIFReset", "Lava's")
    assert processes["fc1"] == ("projection", "Dense", "Lava's")
    assert processes["input"] == ("input", "Source", "ours")
    out = snnc("inspect", "on_lava").out
    assert "\nform mixed: 4 of 6 nodes on Lava's own processes\n" in out
    assert "\nn0002  population  LIFReset  Lava's  hidden\n" in out


def test_hostile_names_are_shown_harmlessly(snnc: Snnc) -> None:
    hostile = "<b>\u202e"
    artifact("integer", hostile, "x'\"").save("hostile")
    out = snnc("inspect", "hostile").out
    assert r"<b>\u202e" in out
    assert hostile not in out


def test_hostile_choices_are_shown_harmlessly(snnc: Snnc) -> None:
    good = artifact()
    replace(good, network=replace(good.network, choices=("dt\x1b[31m",))).save("hostile")
    assert "\nchosen: dt\\x1b[31m\n" in snnc("inspect", "hostile").out


def test_targets(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lava", None)
    lines = snnc("targets").out.splitlines()
    assert lines[2].split()[:2] == ["float", "here"]
    assert lines[6].startswith("lava     not here: no lava")
    found = json.loads(snnc("targets", "--json").out)["targets"]
    assert [(t["name"], t["available"]) for t in found] == [
        ("float", True),
        ("integer", True),
        ("cpu", True),
        ("cuda", False),
        ("lava", False),
    ]
    assert found[4]["remedy"].startswith("pip install")


def test_explain_every_rule(snnc: Snnc) -> None:
    listed = snnc("explain").out
    codes = [line.split()[0] for line in listed.splitlines()[2:]]
    assert codes == sorted(all_rules())
    for code, rule in all_rules().items():
        assert f"{code}  {rule.says}\n" in listed
        ended = snnc("explain", code.lower())
        assert ended.code == 0
        assert ended.out.split() == f"{code}: {rule.says} {rule.explain}".split()


def test_explain_an_unknown_code(snnc: Snnc) -> None:
    ended = snnc("explain", "NN110")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> snnc explain\n"
        "   found: no code NN110\n"
        "   limit: a code that stands in a diagnostic, as in error[SNN110]\n"
        "  remedy: did you mean SNN110? snnc explain lists all\n"
    )


def test_doctor_on_a_good_machine(snnc: Snnc) -> None:
    found = {f["name"]: f for f in json.loads(snnc("doctor", "--json").out)["findings"]}
    assert found["numpy"]["found"] == np.__version__
    assert all(found[p.name]["good"] for p in PACKAGES if p.core)
    assert {"python", "platform", "snnc", "/dev/shm"} <= set(found)


def test_doctor_names_what_is_missing(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [
        doctor.Finding("numpy", "not installed", False, "arrays", "pip install numpy"),
        doctor.Finding("torch", "not installed", None, "models of snnTorch", "pip install torch"),
        doctor.Finding("click", "8.5", True, "the command"),
    ]
    monkeypatch.setattr(doctor, "look", lambda: iter(findings))
    ended = snnc("doctor")
    assert ended.code == 3
    assert ended.out == (
        "what           found          for\n"
        "-----  ------  -------------  ------------------\n"
        "numpy  BROKEN  not installed  arrays\n"
        "torch  absent  not installed  models of snnTorch\n"
        "click  good    8.5            the command\n"
        "\n"
        "numpy: pip install numpy\n"
        "\n"
        "torch: pip install torch\n"
    )
    monkeypatch.setattr(doctor, "look", lambda: iter(findings[1:]))
    assert snnc("doctor").code == 0


def test_doctor_without_packages(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnc.runtime.environment.Package.version", None)
    monkeypatch.setitem(sys.modules, "lava", None)
    ended = snnc("doctor", "--json")
    found = {f["name"]: f for f in json.loads(ended.out)["findings"]}
    assert ended.code == 3
    assert (found["numpy"]["good"], found["torch"]["good"]) == (False, None)
    assert found["torch"]["remedy"] == 'pip install "snnc[snntorch]"'
    assert "lava import" not in found


def present(name: str) -> str:
    return name


def absent(_: str) -> None:
    return None


def test_doctor_when_lava_breaks_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", present)
    monkeypatch.setattr(doctor, "LAVA_IMPORT", "raise ImportError('no such thing')")
    broken = list(doctor.look())[-1]
    assert (broken.found, broken.good) == ("ImportError: no such thing", None)
    monkeypatch.setattr(doctor, "LAVA_IMPORT", "import time; time.sleep(60)")
    monkeypatch.setattr(doctor, "LAVA_SECONDS", 0.5)
    assert list(doctor.look())[-1].found == "longer than 0.5 s"


def test_doctor_without_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(doctor, "SHARED_MEMORY", tmp_path / "file")
    monkeypatch.setattr(doctor, "find_spec", absent)
    found = list(doctor.look())[-1]
    assert (found.found, found.good) == ("not a directory", None)
    assert found.remedy == "make it writable; in a container, give it --shm-size=1g"
