"""A network over cores: what users get of it, and what they are told if it does not fit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import yaml

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.runtime.deploy import compile
from snnc.runtime.findings import Status
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact, load
from snnc.targets.hardware.load import OWN
from tests.runtime.conftest import Snnc
from tests.runtime.samples import data, graph

pytestmark = pytest.mark.usefixtures("here")

COMPILE = ("compile", "model.nir", "--dt", "1e-4", "-o", "a", "--target")
SMALL = "small.yaml"


def small(neurons: int = 4, **limits: int) -> str:
    """Write a description of Loihi 1 with less in a core, and give its name."""
    of = yaml.safe_load((OWN / "loihi1.yaml").read_text())
    for name, value in {"neurons": neurons, **limits}.items():
        of[name] = {"value": value, "source": "a test", "certainty": "chosen"}
    Path(SMALL).write_text(cast("Any", yaml).safe_dump(of | {"name": "small"}))
    return SMALL


def mapped(artifact: Artifact) -> MappedNetwork:
    """Give the mapping that there has to be."""
    assert artifact.mapped is not None
    return artifact.mapped


# --- compile ------------------------------------------------------------------------------------


def test_cores_are_counted(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "cpu", "--hardware", "loihi1", "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["cores"], told["cores_lower_bound"]) == (1, 1)
    assert told["mapping"]["hardware"] == "loihi1"
    assert [p["population"] for p in told["mapping"]["per_core"][0]["parts"]] == [
        "hidden",
        "output_layer",
    ]
    assert len(mapped(load("a")).cores) == 1


def test_tables_tell_of_every_core(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "cpu", "--hardware", small())
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert "3 cores of small, on 1 chip; no mapping has fewer than 3, for neurons" in lines
    (neurons,) = (line for line in lines if re.match(r"neurons +4 +4 +100\.00 %", line))
    assert neurons.endswith("a test (chosen)")
    rows = [line.split() for line in lines if re.match(r" *[0-2] +0\.\d+ ", line)]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert any(line.endswith("if every neuron spiked in every step") for line in lines)
    shown = snnc("inspect", "a")
    assert "3 cores of small, on 1 chip; no mapping has fewer than 3, for neurons" in shown.out


def test_traffic_follows_rates() -> None:
    kinds = {"target": "cpu", "dt": 1e-4, "hardware": small(8)}
    assumed = compile(graph(), **cast("Any", kinds)).account["mapping"]
    silent = compile(graph(), calibration=0 * data(), **cast("Any", kinds)).account["mapping"]
    typical = compile(graph(), calibration=data(), **cast("Any", kinds)).account["mapping"]
    assert (assumed["rates"], typical["rates"]) == ("assumed", "calibration")
    traffic = [m["traffic"]["between_cores"] for m in (silent, typical, assumed)]
    assert traffic[0] == 0 < traffic[1] < traffic[2] == 6 + 8


def test_an_estimate_writes_nothing(here: Path, snnc: Snnc) -> None:
    before = sorted(here.iterdir())
    ended = snnc(*COMPILE, "cpu", "--hardware", "loihi2", "--estimate-only")
    assert ended.code == 0
    first = "nothing is written: target cpu, 11 neurons, latency of 2 steps"
    assert ended.out.startswith(first)
    assert "1 core of loihi2, on 1 chip" in ended.out
    assert sorted(here.iterdir()) == before
    told = snnc(*COMPILE, "cpu", "--hardware", "loihi2", "--estimate-only", "--json")
    assert json.loads(told.out)["artifact"] is None


def test_hardware_in_a_file_of_options(here: Path, snnc: Snnc) -> None:
    (here / "options.yaml").write_text("hardware: loihi1\ntarget: cpu\ndt: 1e-4\n")
    assert snnc("compile", "model.nir", "--config", "options.yaml", "-o", "a").code == 0
    assert mapped(load("a")).hardware.name == "loihi1"


def test_thresholds_are_as_many_as_a_core_has(snnc: Snnc) -> None:
    told = "chosen: at most 2 thresholds a population, which a core of small has (--max-thresholds)"
    ended = snnc(*COMPILE, "cpu", "--hardware", small(8, thresholds=2))
    assert ended.out.splitlines()[-1] == told
    hidden, output = mapped(load("a")).fixed.populations
    assert (np.unique(hidden.threshold).size, np.unique(output.threshold).size) == (2, 2)
    own = snnc(*COMPILE, "cpu", "--hardware", SMALL, "--max-thresholds", "1")
    assert told not in own.out


# --- run and verify -----------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["cpu", "integer", pytest.param("lava", marks=pytest.mark.lava)])
def test_parts_compute_what_the_whole_computes(target: str) -> None:
    signals = ("spikes", "u", "v")
    cut = compile(graph(), target, dt=1e-4, hardware=small(3))
    assert len(mapped(cut).cores) == 4
    cut.save("cut")
    run = load("cut").run(data(), record=signals)
    whole = compile(graph(), "integer", dt=1e-4, max_thresholds=16).run(data(), record=signals)
    for name in signals:
        assert run.signal(name).keys() == whole.signal(name).keys()
        for population, values in whole.signal(name).items():
            assert values.any()
            np.testing.assert_array_equal(run.signal(name)[population], values)
    for name, values in whole.outputs.items():
        np.testing.assert_array_equal(run.outputs[name], values)


def test_verification_goes_through_the_parts() -> None:
    report = verify(graph(), data(), targets=("cpu",), dt=1e-4, hardware=small(3))
    assert report.passed
    links = {link.name: link for link in report.links}
    assert links["integer -> mapped"].status is Status.HELD
    assert links["integer -> mapped"].values == 3 * 12 * 4 * 11
    assert [e.name for e in report.executions] == ["float", "integer", "mapped", "cpu"]
    assert report.mapping is not None
    assert report.mapping["cores"] == 4


def test_a_part_that_computes_something_else_breaks_its_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(of: MappedNetwork) -> FixedNetwork:
        network = cut(of)
        (first, *others) = network.populations
        changed = replace(first, threshold=first.threshold + 200)
        return replace(network, populations=(changed, *others))

    monkeypatch.setattr("snnc.targets.artifact.cut", wrong)
    report = verify(graph(), data(), targets=("integer",), dt=1e-4, hardware=small(3))
    assert not report.passed
    (broken,) = (link for link in report.links if link.status is Status.BROKEN)
    assert broken.name == "integer -> mapped"


def test_a_target_without_cores_runs_the_whole() -> None:
    report = verify(graph(), data(), targets=("cuda", "cpu"), dt=1e-4, hardware=small(3))
    status = {link.name: link.status for link in report.links}
    assert status["integer -> cpu"] is status["integer -> mapped"] is Status.HELD
    assert "integer -> cuda" in status


# --- what does not go ---------------------------------------------------------------------------


def test_all_that_is_wrong_with_the_option(snnc: Snnc) -> None:
    ended = snnc("compile", "model.nir", "--target", "float", "--hardware", "loihi3", "-o", "b")
    assert ended.code == 2
    assert ended.err.endswith(
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --hardware\n"
        "   found: loihi3, and target float, which executes real numbers\n"
        "   limit: a target that executes what lies on each core: cpu, integer or lava\n"
        "  remedy: --target cpu, or leave --hardware out\n"
        "\n"
        "error[SNN406]: a description of hardware is complete, and every number in it has a "
        "source\n"
        "  --> loihi3\n"
        "   found: No such file or directory\n"
        "   limit: loihi1, loihi2, loihi2-nxcompiler, spinnaker2, or a YAML file\n"
        "  remedy: --hardware loihi2\n"
    )
    assert not Path("b").exists()


@pytest.mark.parametrize("thresholds", [1, 16])
def test_the_remedies_that_are_named_work(snnc: Snnc, thresholds: int) -> None:
    """Also where the hardware that was named makes other integers than the one that helps."""
    described = small(4, synapse_memory=5, thresholds=thresholds)
    ended = snnc(*COMPILE, "cpu", "--hardware", described)
    assert ended.code == 2
    assert "error[SNN407]" in ended.err
    assert not Path("a").exists()
    named = re.findall(r"\d\. (--\S+ \S+): (\d+) core", ended.err)
    assert {option.split()[0] for option, _ in named} == {"--weight-bits", "--hardware"}
    for option, cores in named:
        again = [*COMPILE, "cpu", "--hardware", SMALL, *option.split(), "--json"]
        if option.startswith("--hardware"):
            again = [*COMPILE, "cpu", *option.split(), "--json"]
        worked = snnc(*again)
        assert worked.code == 0, worked.err
        assert json.loads(worked.out)["cores"] == int(cores)


def test_where_nothing_helps_that_is_said(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnc.runtime.remedies.hardware_names", lambda: ("small",))
    ended = snnc(*COMPILE, "cpu", "--hardware", small(4, input_axons=2))
    assert ended.code == 2
    assert "(nothing tried fits)" in ended.err


# --- the artifact -------------------------------------------------------------------------------


def test_an_artifact_keeps_its_mapping() -> None:
    made = compile(graph(), "cpu", dt=1e-4, hardware=small(3))
    made.save("a")
    read = mapped(load("a"))
    assert read.hardware == mapped(made).hardware
    assert [(c.chip, c.slot, c.encodings) for c in read.cores] == [
        (c.chip, c.slot, c.encodings) for c in mapped(made).cores
    ]
    load("a").save("b")
    for path in Path("a").iterdir():
        assert path.read_bytes() == (Path("b") / path.name).read_bytes()


def test_what_a_link_between_chips_costs_is_not_known(snnc: Snnc) -> None:
    """Nobody has published it, so that an estimate over several chips says what it leaves out."""
    of = yaml.safe_load(Path(small(4)).read_text())
    of["mesh"] |= {"columns": 1, "rows": 1, "cores_per_router": 1}
    Path(SMALL).write_text(cast("Any", yaml).safe_dump(of))
    over_chips = snnc(*COMPILE, "cpu", "--hardware", SMALL, "--estimate-only")
    assert "3 cores of small, on 3 chips" in over_chips.out
    left = "; not in it: the energy of hop.chip, barrier, the time of hop.chip)"
    assert left in over_chips.out
    on_one = snnc(*COMPILE, "cpu", "--hardware", "loihi1", "--estimate-only")
    assert "hop.chip" not in on_one.out
