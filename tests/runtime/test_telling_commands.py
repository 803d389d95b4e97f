"""What `snnc inspect`, `targets`, `explain` and `doctor` tell."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest

from snnc.compiler.rules import all_rules
from snnc.frontends.nir.file import write_nir
from snnc.runtime.commands import doctor
from snnc.runtime.environment import PACKAGES
from tests.builders import chain, linear, sink
from tests.builders import lif as nir_lif
from tests.runtime.conftest import Snnc
from tests.runtime.samples import artifact

pytestmark = pytest.mark.usefixtures("here")


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
