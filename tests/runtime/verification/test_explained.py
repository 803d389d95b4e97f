"""What a report tells of a first divergence, and of each population by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.findings import Link
from snnc.runtime.report import Report
from snnc.runtime.verify import verify
from snnc.targets.cpu.target import CpuTarget
from snnc.targets.integer.target import IntegerTarget
from tests.runtime.samples import data, graph, inverted, labels, spoil

COARSE: Any = {"weight_bits": 2, "dt": 1e-4}
"""Options with which integers part from real numbers."""


def link(report: Report, name: str) -> Link:
    return next(one for one in report.links if one.name == name)


def test_rounding_is_explained_where_the_promise_is_kept() -> None:
    report = verify(graph(), data(), labels=labels(), targets="integer", max_drop=100, **COARSE)
    found = link(report, "float -> integer")
    told = found.explanation
    assert (str(found.status), told is not None) == ("held", True)
    assert told is not None
    assert told.divergence == found.first_divergence
    assert told.cause is Cause.WEIGHT_ROUNDING
    assert told.states is not None
    assert told.states[1].compared is not None
    held = told.parameters
    assert told.threshold_other == pytest.approx(
        64 * held["integer threshold"] / held["integer scale"] + held["integer offset"]
    )
    for threshold, state, value in (
        (told.threshold, told.states[0], told.divergence.reference),
        (told.threshold_other, told.states[1], told.divergence.other),
    ):
        assert threshold is not None
        assert state.compared is not None
        assert (state.compared > threshold) == bool(value)
    assert "--weight-bits" in told.remedy
    assert [(e.population, e.samples) for e in found.local] == [("hidden", 4), ("output_layer", 4)]
    assert sum(e.differing for e in found.local) > 0
    assert [e.samples for e in told.local] == [1, 1]


def test_integers_of_another_network() -> None:
    report = verify(inverted(), data(), labels=labels(), targets="integer")
    told = link(report, "float -> integer").explanation
    assert told is not None
    assert told.cause is Cause.UNKNOWN
    assert "are not those of the network, but off by up to 254 integers" in told.because
    assert told.remedy.startswith("The integers are not those of this network: compile")


def test_a_wrong_bit_of_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    run, change = CpuTarget.run, spoil("v", "output_layer", (7, 2, 1))
    if CpuTarget().missing() is not None:
        pytest.skip("no engine was compiled")

    def spoiled(*given: Any) -> Any:
        return change(run(*given))

    monkeypatch.setattr(CpuTarget, "run", spoiled)
    report = verify(graph(), data(), labels=labels(), targets="cpu", dt=1e-4)
    found = link(report, "integer -> cpu")
    told = found.explanation
    assert told is not None
    assert told.divergence == found.first_divergence == report.first_divergence
    assert (told.divergence.step, told.divergence.sample, told.divergence.signal) == (7, 2, "v")
    assert (told.reference, told.other, told.layer) == ("integer", "cpu", "output_layer")
    assert found.local == told.local
    wrong = [(e.population, e.signal, e.differing) for e in told.local if e.differing]
    assert wrong == [("output_layer", "v", 1)]


def test_of_a_link_that_is_whole_nothing_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    if CpuTarget().missing() is not None:
        pytest.skip("no engine was compiled")
    runs: list[int] = []
    run = IntegerTarget.run

    def counted(*given: Any) -> Any:
        runs.append(1)
        return run(*given)

    monkeypatch.setattr(IntegerTarget, "run", counted)
    report = verify(graph(), data(), labels=labels(), targets="cpu", dt=1e-4)
    assert link(report, "integer -> cpu").explanation is None
    assert len(runs) == 1


def test_a_target_that_does_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link stands with what was found, and without what would have needed another run."""
    if CpuTarget().missing() is not None:
        pytest.skip("no engine was compiled")
    run, change = CpuTarget.run, spoil("v", "output_layer", (7, 2, 1))
    runs: list[int] = []

    def once(self: CpuTarget, *given: Any) -> Any:
        runs.append(1)
        if len(runs) > 1:
            raise EnvironmentFault([])
        return change(run(self, *given))

    monkeypatch.setattr(CpuTarget, "run", once)
    report = verify(graph(), data(), labels=labels(), targets="cpu", dt=1e-4)
    found = link(report, "integer -> cpu")
    assert str(found.status) == "broken"
    assert found.first_divergence is not None
    assert (found.explanation, found.local) == (None, ())


MODULE = """
import snntorch, torch
from torch import nn


def net():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(6, 5), snntorch.Leaky(beta={beta}, threshold=0.4, init_hidden=True),
        nn.Linear(5, 3), snntorch.Leaky(beta=0.8, threshold=0.3, init_hidden=True),
    )
"""


@pytest.mark.torch
def test_a_potential_that_is_off_where_nothing_spikes(tmp_path: Path) -> None:
    """No spike differs: where the two part is what the explanation found, in the report too."""
    from snnc.frontends.spec import load_model

    for name, beta in (("net", 0.9), ("other", 0.7)):
        text = MODULE.format(beta=beta).replace("threshold=0.", "threshold=99.")
        (tmp_path / f"{name}.py").write_text(text)
    module, other = (load_model(f"{tmp_path / name}.py:net") for name in ("net", "other"))
    x = (np.random.default_rng(3).random((6, 2, 6)) < 0.5).astype(np.float32)
    report = verify(module, x, framework=other, targets="float")
    found = link(report, "framework -> float")
    assert found.explanation is not None
    assert found.first_divergence is None
    assert report.first_divergence == found.explanation.divergence
    assert report.first_divergence is not None
    assert (report.first_divergence.population, report.first_divergence.signal) == ("1", "v")


@pytest.mark.torch
def test_another_module(tmp_path: Path) -> None:
    """The same weights, and another decay of one layer."""
    from snnc.frontends.spec import load_model

    (tmp_path / "net.py").write_text(MODULE.format(beta=0.9))
    (tmp_path / "other.py").write_text(MODULE.format(beta=0.7))
    module = load_model(f"{tmp_path / 'net.py'}:net")
    other = load_model(f"{tmp_path / 'other.py'}:net")
    x = (np.random.default_rng(3).random((40, 4, 6)) < 0.5).astype(np.float32)
    report = verify(module, x, framework=other, targets="float")
    found = link(report, "framework -> float")
    told = found.explanation
    assert str(found.status) == "broken"
    assert told is not None
    assert (told.layer, told.cause) == ("1", Cause.DECAY_ROUNDING)
    assert "as if the potential decays by 0.7 and not 0.9" in told.because
    assert [e.population for e in found.local if e.differing] == ["1"]
