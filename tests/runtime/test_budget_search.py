"""How the widths for a budget are searched, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.quantization.budget import Bits
from snnc.compiler.quantization.quantize import quantize
from snnc.frontends.nir.file import write_nir
from snnc.runtime import budget as search
from snnc.runtime.bench import Bench, answers
from snnc.runtime.budgeted import budget_text, cost_rows
from snnc.runtime.deploy import compile
from snnc.runtime.stages import Stages, silent
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact, load
from snnc.targets.running import Progress, no_progress
from tests.runtime.budgets import (
    TOO_LARGE,
    WEIGHTS,
    chosen,
    compiled,
    data,
    error,
    graph,
    least,
    only_bad,
    unkept,
)
from tests.runtime.conftest import Snnc


def bench(classes: npt.NDArray[np.int64] | None = None) -> Bench:
    x, y = data()
    network = compile(graph(), "float", dt=1e-4).network
    real = answers(Artifact(target="float", network=network, fixed=None), {"input": x})
    return Bench(
        network=network,
        make=lambda bits: quantize(network, weight_bits=bits, calibration={"input": x}),
        inputs={"input": x},
        labels=y if classes is None else classes,
        real=real,
    )


def test_a_run_is_ended_only_where_it_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The float network is wrong of some samples, so that integers can win some back."""
    y = data()[1].copy()
    y[::5] = (y[::5] + 1) % 3
    runs = bench(y)
    bits = only_bad(least(5))
    whole = runs.measure(bits)
    assert whole.pair is not None
    assert whole.pair.only_other > 0
    drop = whole.pair.drop
    assert runs.measure_within(bits, drop) == whole
    assert runs.measure_within(bits, drop - 0.1) is None
    told: list[int] = []
    run = Artifact.run

    def counted(self: Artifact, x: Any, **options: Any) -> Any:
        told.append(x["input"].shape[1])
        return run(self, x, **options)

    monkeypatch.setattr(Artifact, "run", counted)
    assert bench().measure_within({"first": 2, "bad": 2, "last": 2}, 0.0) is None
    assert sum(told) - 519 == 128  # and not all 519


def test_few_widths_are_considered_where_populations_are_many() -> None:
    assert search.considered(2, 3) == [2, 3, 4, 5, 6, 7]
    assert search.considered(2, 40) == [2, 4, 7]
    assert search.considered(2, 1000) == [2]
    assert search.considered(8, 3) == []
    for populations in range(1, 121):
        assert populations * len(search.considered(2, populations)) <= search.SENSITIVITY_RUNS


def test_a_search_that_ends_at_its_limit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NARROWINGS", 0)
    compiled.cache_clear()
    found = compiled("top1>=-2pt").account["budget"]
    compiled.cache_clear()
    assert not found["complete"]
    assert found["chosen"]["statistics"]["drop_points"] <= 2
    assert budget_text(found).splitlines()[-1] == (
        "The search ended at its limit of runs: single populations may be narrower still."
    )


def test_widths_that_are_not_possible_are_left_out() -> None:
    """So few bits can leave the threshold less than a count."""
    runs = bench()
    made = runs.make

    def make(bits: Any) -> Any:
        if bits["first"] < 6:
            raise InputError([])
        return made(bits)

    runs.make = make
    table = search.sensitivities(runs.part(8), dict.fromkeys(WEIGHTS, 4), silent)
    assert {p: sorted(widths) for p, widths in table.items()} == {
        "first": [6, 7, 8],
        "bad": [4, 5, 6, 7, 8],
        "last": [4, 5, 6, 7, 8],
    }


def test_stages_are_told() -> None:
    x, y = data()
    told: list[str] = []

    def stages(name: str) -> Progress:
        told.append(name)
        return no_progress

    few = {"calibration": x[:, :20], "labels": y[:20], "weight_bits": 6, "progress": stages}
    compile(graph(), dt=1e-4, budget="top1>=-50pt", **few)  # type: ignore[arg-type]
    compile(graph(), dt=1e-4, budget="memory<=850B", **few)  # type: ignore[arg-type]
    begin = ["running the float network", "running 8 bits everywhere", "measuring sensitivities"]
    assert told == [
        *begin,
        "searching the error that may be allowed",
        "narrowing single populations",
        *begin,
        "running the choices of least error",
    ]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    x, y = data()
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    write_nir(graph(), tmp_path / "bad.nir")
    monkeypatch.chdir(tmp_path)
    return tmp_path


MODEL = ("compile", "bad.nir", "--target", "integer", "--dt", "1e-4")
COMPILE = (*MODEL, "--calibrate", "x.npy", "--rounding", "nearest")


def test_command(files: Path, snnc: Snnc) -> None:
    options = ("--labels", "y.npy", "--weight-bits", "4")
    ended = snnc(*COMPILE, *options, "--budget", "top1>=-2pt", "--json")
    assert ended.code == 0
    found = json.loads(ended.out)["budget"]
    assert {p["name"]: p["bits"] for p in found["populations"]} == only_bad(least(2))
    artifact = load(files / "bad.integer")
    assert artifact.account["budget"] == found
    assert artifact.options["budget"] == "top1>=-2pt"

    Path("s.yaml").write_text("budget: top1>=-2pt\nlabels: y.npy\nweight-bits: 4\n")
    plain = snnc(*COMPILE, "--config", "s.yaml", "-o", "again")
    assert plain.code == 0
    assert budget_text(found) in plain.out
    assert load("again").files() == artifact.files()

    assert budget_text(found) in snnc("inspect", "again").out
    assert json.loads(snnc("inspect", "again", "--json").out)["account"]["budget"] == found


def test_command_that_cannot_keep_it_writes_nothing(files: Path, snnc: Snnc) -> None:
    options = ("--labels", "y.npy", "--weight-bits", "4")
    for budget, message in (("top1>=-0.1pt", unkept()), ("memory<=500B", TOO_LARGE)):
        ended = snnc(*COMPILE, *options, "--budget", budget)
        assert (ended.code, ended.out, ended.err) == (2, "", f"{message}\n")
    ended = snnc(*COMPILE, "--labels", "x.npy", "--budget", "top1>=-2pt")
    assert (ended.code, ended.out) == (2, "")
    assert sorted(p.name for p in files.iterdir()) == ["bad.nir", "x.npy", "y.npy"]


def test_verify_judges_what_was_compiled(tmp_path: Path) -> None:
    x, y = data()
    report = verify(compiled("top1>=-2pt"), x, labels=y, targets=("integer",), max_drop=2)
    link = report.links[1]
    assert link.statistics is not None
    assert (
        link.statistics.model_dump()
        == compiled("top1>=-2pt").account["budget"]["chosen"]["statistics"]
    )
    assert report.passed
    assert report.budget == compiled("top1>=-2pt").account["budget"]
    page = (report.save(tmp_path / "report") / "report.html").read_text()
    assert "Widths for the budget top1&gt;=-2pt" in page
    assert f"{least(2) - 1} bits would break the budget" in page
    for row in cost_rows(compiled("top1>=-2pt").account["budget"]):
        assert all(f">{cell}</t" in page for cell in row)


def test_least_error_is_measured_and_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sensitivities that praise narrow weights of the bad layer do not hide that equal ones win."""

    def lies(few: Bench, narrowest: Bits, progress: Stages) -> dict[str, dict[int, float]]:
        table = real(few, narrowest, progress)
        return {p: {b: float(b if p == "bad" else -b + 8) for b in w} for p, w in table.items()}

    real = search.sensitivities
    monkeypatch.setattr(search, "sensitivities", lies)
    monkeypatch.setattr(search, "EXCHANGES", 0)
    artifact = compile(
        graph(), dt=1e-4, calibration=data()[0], budget="memory<=650B", rounding="nearest"
    )
    assert set(chosen(artifact).values()) == {4}
    assert artifact.account["budget"]["runs"] == 1 + 2  # 8 bits, the choice, equal widths


def test_data_of_one_step_are_held() -> None:
    x = data()[0][:1, :50]
    found = compile(graph(), dt=1e-4, calibration=x, budget="memory<=2KiB").account["budget"]
    artifact = compile(graph(), dt=1e-4, calibration=x)
    assert found["widest"]["error"] == pytest.approx(error(artifact, np.repeat(x, 32, axis=0)))
    assert found["widest"]["error"] > 0
