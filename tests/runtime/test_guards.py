"""What calibration data show before anything is deployed: the bad layer by name, overflow."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.nir.file import write_nir
from snnc.runtime import observe
from snnc.runtime.cli import main
from snnc.runtime.deploy import compile
from snnc.runtime.observe import refer
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact
from tests.builders import graph, lif, linear, one_neuron, sink, source, spikes

DT = 1e-3
LAYERS = (32, 40, 40, 10)


def layered(*, bad: int | None = None) -> nir.NIRGraph:
    """Make three layers; in layer ``bad`` each neuron has one weight that dwarfs its others.

    It comes from a source that never spikes: the float network does the same with it.
    """
    rng = np.random.default_rng(1)
    nodes: dict[str, nir.NIRNode] = {"input": source(LAYERS[0])}
    for k in (1, 2, 3):
        weight = rng.normal(2.5, 3.0, (LAYERS[k], LAYERS[k - 1])) / np.sqrt(LAYERS[k - 1])
        weight[0] = -np.abs(weight[0])  # the first neuron of a layer is silent
        if k == bad:
            weight[:, 0] = 40
        nodes[f"fc{k}"] = linear(weight)
        nodes[f"lif{k}"] = lif(LAYERS[k], tau=np.full(LAYERS[k], 10 * DT))
    nodes["output"] = sink(LAYERS[3])
    return graph(nodes, [*pairwise(nodes)])


def data(steps: int = 40, batch: int = 8, seed: int = 0) -> Any:
    x = spikes((steps, batch, LAYERS[0]), seed=seed, rate=0.3)
    x[..., 0] = 0
    return x


def compiled(model: Any, **options: Any) -> Artifact:
    return compile(model, dt=DT, dialect="nir", **options)


def observed(artifact: Artifact) -> dict[str, dict[str, Any]]:
    return {p["name"]: p["observed"] for p in artifact.account["populations"]}


def named(artifact: Artifact, code: str) -> list[str]:
    """Give the nodes that warnings of ``code`` name."""
    texts = [w for w in artifact.account["warnings"] if f"[{code}]" in w]
    return [w.splitlines()[1].removeprefix("  --> ") for w in texts]


def test_the_bad_layer_by_name() -> None:
    """Its own error is large; the layer behind it errs as much, and is right by itself."""
    artifact = compiled(layered(bad=2), calibration=data(), weight_bits=4, rounding="nearest")
    seen = observed(artifact)
    assert seen["lif1"]["error"] < 0.1
    assert seen["lif2"]["error_local"] > 0.5
    assert seen["lif3"]["error"] > 0.5 > 5 * seen["lif3"]["error_local"]
    blamed = [w for w in artifact.account["warnings"] if "its own rounding does it" in w]
    (text,) = blamed
    assert text.splitlines()[1] == "  --> lif2"
    assert named(artifact, "SNN310") == ["lif2", "lif3"]
    assert named(artifact, "SNN305") == named(artifact, "SNN311") == ["lif2"]


def test_error_feedback_repairs_the_bad_layer() -> None:
    """What is left of its weights is chosen so that neurons spike as they should."""
    artifact = compiled(layered(bad=2), calibration=data(), weight_bits=4)
    assert observed(artifact)["lif2"]["error_local"] < 0.2
    assert named(artifact, "SNN310") == []


def test_nothing_to_warn_of() -> None:
    artifact = compiled(layered(), calibration=data(), strict=True)
    assert artifact.account["warnings"] == []
    assert all(p["error"] < 0.05 for p in observed(artifact).values())


def test_local_equals_propagated_in_the_first_layer() -> None:
    """What it receives is the input, in both."""
    first = observed(compiled(layered(), calibration=data(), weight_bits=3))["lif1"]
    assert first["error"] == first["error_local"] > 0


def test_strict_names_all_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_nir(layered(bad=2), tmp_path / "m.nir")
    np.save(tmp_path / "x.npy", data())
    out = tmp_path / "out"
    args = ["compile", str(tmp_path / "m.nir"), "--target", "integer", "-o", str(out)]
    args += ["--dt", "1e-3", "--dialect", "nir", "--weight-bits", "4"]
    args += ["--calibrate", str(tmp_path / "x.npy"), "--rounding", "nearest"]
    assert main([*args, "--strict"]) == 2
    errors = capsys.readouterr().err
    assert [line for line in errors.splitlines() if line.startswith("error[")] == [
        f"error[{code}]: {says}"
        for code, says in (
            ("SNN305", "rounding leaves at least half of a population's weights"),
            ("SNN311", "what a population receives has a weight that rounding leaves"),
            ("SNN310", "a population does on typical data what it does in the float network"),
            ("SNN310", "a population does on typical data what it does in the float network"),
        )
    ]
    assert not out.exists()
    assert main(args) == 0
    assert out.exists()


def integrator(weight: float = 1.0) -> nir.NIRGraph:
    """Make a read-out that nothing bounds: it adds up what arrives."""
    nodes = {"input": source(1), "fc": linear(weight), "out": nir.I(r=np.ones(1, np.float32))}
    return graph({**nodes, "output": sink(1)}, [*pairwise([*nodes, "output"])])


LONG = np.ones((600, 2, 1), np.float32)


def test_overflow_that_data_show_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        compiled(integrator(), calibration=LONG)
    (problem,) = caught.value.diagnostics
    assert problem.rule.code == "SNN307"
    assert problem.node == "out"
    assert problem.remedy.endswith("--overflow clip")


def test_overflow_that_is_accepted_by_name() -> None:
    artifact = compiled(integrator(), calibration=LONG, overflow="clip")
    (p,) = artifact.account["populations"]
    assert p["overflow"] == "violated"
    assert p["headroom"] < 0
    assert artifact.account["warnings"] == []
    assert artifact.options["overflow"] == ["clip"]


def test_overflow_that_data_do_not_show() -> None:
    artifact = compiled(integrator(), calibration=LONG[:200])
    (p,) = artifact.account["populations"]
    assert p["overflow"] == "observed"
    assert 0.1 < p["headroom"] < 0.3
    assert named(artifact, "SNN303") == ["out"]
    with pytest.raises(InputError):
        compiled(integrator(), calibration=LONG[:200], strict=True)
    compiled(integrator(), calibration=LONG[:200], strict=True, overflow=("clip",))


def test_overflow_without_data() -> None:
    (p,) = compiled(integrator()).account["populations"]
    assert (p["overflow"], p["headroom"], p["observed"]) == ("not proven", None, None)


def test_unknown_overflow() -> None:
    with pytest.raises(InputError) as caught:
        compiled(integrator(), overflow=("clip", "saturate"))
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --overflow\n"
        "   found: saturate\n"
        "   limit: wrap, clip\n"
        "  remedy: wrap accepts that u wraps around, clip that v sticks at its limit"
    )


def test_data_of_one_step_are_held() -> None:
    artifact = compiled(integrator(), calibration=LONG[:1])
    assert observed(artifact)["out"]["v_seen"] == pytest.approx(32 / 256, rel=0.02)


def test_report_shows_what_the_data_of_the_verification_show(tmp_path: Path) -> None:
    """Compiled without data, the artifact knows nothing; the report names the bad layer."""
    artifact = compiled(layered(bad=2), weight_bits=4)
    assert named(artifact, "SNN310") == []
    report = verify(artifact, data(), targets="integer", max_drop=100)
    assert [p["observed"] is None for p in report.populations] == [False] * 3
    blamed = [w.splitlines()[1] for w in report.warnings if "its own rounding does it" in w]
    assert blamed == ["  --> lif2"]
    folder = report.save(tmp_path / "r")
    html = (folder / "report.html").read_text()
    assert "rate error by itself" in html
    populations = json.loads((folder / "report.json").read_text())["populations"]
    assert populations[1]["observed"]["error_local"] > 0.5


def test_report_tells_of_overflow() -> None:
    artifact = compiled(integrator(), overflow="clip")
    report = verify(artifact, LONG, targets="integer")
    assert any("SNN307" in w for w in report.warnings)
    assert not any("SNN307" in w for w in verify(artifact, LONG[:9], targets="integer").warnings)


def test_one_warning_is_told_once() -> None:
    artifact = compiled(layered(bad=2), calibration=data(), weight_bits=4)
    report = verify(artifact, data(), targets="integer")
    assert sorted(report.warnings) == sorted(artifact.account["warnings"])


def test_long_data_of_many_neurons_are_observed_on_fewer_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three values a step, of the input and of two neurons: 10 steps of 4 samples are 120."""
    net = one_neuron([[1.0], [0.5]])
    x = {"x": np.ones((10, 40, 1), np.float32)}
    monkeypatch.setattr(observe, "RECORDED", 130)
    assert refer(net, x).inputs["x"].shape[1] == 4
    monkeypatch.setattr(observe, "RECORDED", 1)
    assert refer(net, x).inputs["x"].shape[1] == 1


def test_data_of_zeros() -> None:
    artifact = compiled(layered(), calibration=np.zeros_like(data()))
    assert named(artifact, "SNN308") == ["lif1"]
