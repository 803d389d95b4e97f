"""A budget is kept by widening what needs it, or refused with what keeps it from being kept.

The network has a layer whose weights span a range that 4 bits cannot hold: each neuron has a large
weight from a source that never spikes. All other weights are sevenths, which 4 bits hold exactly.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedProjection
from snnc.compiler.operators import FixedDense
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
from tests.runtime.conftest import Snnc
from tests.runtime.samples import lif

STEPS, SAMPLES, WIDTH = 40, 900, 16
WEIGHTS = {"first": 24 * 16, "bad": 24 * 24, "last": 4 * 24}
Data = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def graph() -> nir.NIRGraph:
    """Give 16 inputs -> 24 neurons -> 24 neurons with bad weights -> 4 neurons."""
    random = np.random.default_rng(0)

    def sevenths(*shape: int) -> npt.NDArray[np.float32]:
        return (random.integers(-7, 8, shape) / 7).astype(np.float32)

    first, bad, last = sevenths(24, WIDTH), sevenths(24, 24), sevenths(4, 24)
    first[0] = -1  # never spikes
    bad[:, 0] = 6

    def layer(weight: npt.NDArray[np.float32]) -> nir.Affine:
        return nir.Affine(weight, np.zeros(len(weight), np.float32))

    def neurons(n: int) -> nir.LIF:
        made = lif(n)
        made.v_threshold = np.full(n, 0.1, np.float32)
        return made

    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": np.array([WIDTH])}),
        "fc1": layer(first),
        "first": neurons(24),
        "fc2": layer(bad),
        "bad": neurons(24),
        "fc3": layer(last),
        "last": neurons(4),
        "output": nir.Output(output_type={"output": np.array([4])}),
    }
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(nodes)))


@cache
def data() -> Data:
    """Give spikes and what the float network answers, where it is sure by 4 spikes."""
    rate = np.random.default_rng(2).random((1, SAMPLES, WIDTH)) * 0.5
    x = (np.random.default_rng(1).random((STEPS, SAMPLES, WIDTH)) < rate).astype(np.float32)
    trace = compile(graph(), "float", dt=1e-4).run(x)
    counts = np.sort(trace.counts, axis=1)
    sure = counts[:, -1] - counts[:, -2] >= 4
    assert sure.sum() > 500
    return x[:, sure], trace.predictions[sure]


@cache
def compiled(budget: str, weight_bits: int | None = 4) -> Artifact:
    x, y = data()
    return compile(
        graph(),
        dt=1e-4,
        calibration=x,
        labels=y,
        budget=budget,
        weight_bits=weight_bits,
        rounding="nearest",  # error feedback would repair the bad layer
    )


def chosen(artifact: Artifact) -> dict[str, int]:
    bits = artifact.options["weight_bits"]
    assert {p["name"]: p["bits"] for p in artifact.account["budget"]["populations"]} == bits
    return dict(bits)


def with_widths(bits: dict[str, int] | int) -> Artifact:
    """Compile with given widths."""
    options: dict[str, Any] = {"weight_bits": bits, "rounding": "nearest"}
    return compile(graph(), "integer", dt=1e-4, calibration=data()[0], **options)


def lost(artifact: Artifact) -> float:
    """Count the points of accuracy that ``artifact`` loses on all samples."""
    x, y = data()
    wrong = artifact.run(x).predictions != y
    return 100 * float(wrong.mean())


def error(artifact: Artifact, x: npt.NDArray[np.float32] | None = None) -> float:
    """Give the power of the error of the output, as a share of its power."""
    x = data()[0] if x is None else x
    real = compile(graph(), "float", dt=1e-4).run(x).counts.astype(float)
    return float(((artifact.run(x).counts - real) ** 2).sum() / (real**2).sum())


def only_bad(bits: int) -> dict[str, int]:
    """Give 4 bits to all but one."""
    return {"first": 4, "bad": bits, "last": 4}


@cache
def least(drop: float) -> int:
    """Give the least width of the bad layer that is enough."""
    return next(b for b in range(4, 9) if lost(with_widths(only_bad(b))) <= drop)


@pytest.mark.parametrize("drop", [2, 5, 50])
def test_only_the_bad_layer_becomes_wider(drop: int) -> None:
    artifact = compiled(f"top1>=-{drop}pt")
    assert lost(artifact) <= drop
    assert chosen(artifact) == only_bad(least(drop))
    same = with_widths(only_bad(least(drop))).required_fixed
    for q, wanted in zip(artifact.required_fixed.projections, same.projections, strict=True):
        assert (weights_of(q) == weights_of(wanted)).all()


def weights_of(q: FixedProjection) -> npt.NDArray[np.int8 | np.int16]:
    (operator,) = q.operators
    assert isinstance(operator, FixedDense)
    return operator.weight


def test_the_widths_that_the_tests_rest_on() -> None:
    """4 bits ruin the network, more for one layer repair it, and how many depends on the budget."""
    assert 4 == least(50) < least(5) < least(2) < 8
    assert lost(with_widths(4)) > 20


def test_without_a_width_the_search_begins_at_2() -> None:
    artifact = compiled("top1>=-5pt", None)
    bits = chosen(artifact)
    assert lost(artifact) <= 5
    assert min(bits.values()) < 4
    for name in bits:
        if bits[name] > 2:
            assert lost(with_widths({**bits, name: bits[name] - 1})) > 5, name


def test_what_the_account_says() -> None:
    found = compiled("top1>=-2pt").account["budget"]
    x, y = data()
    n = y.size
    by_hand = with_widths(only_bad(least(2)))
    right = int((by_hand.run(x).predictions == y).sum())
    statistics = found["chosen"]["statistics"]
    assert (statistics["n"], statistics["accuracy_reference"]) == (n, 1)
    assert statistics["accuracy_other"] == right / n
    assert (statistics["only_reference"], statistics["only_other"]) == (n - right, 0)
    assert found["widest"]["statistics"]["drop_points"] == lost(with_widths(8))
    assert found["chosen"]["error"] == pytest.approx(error(by_hand))
    assert found["widest"]["error"] == pytest.approx(error(with_widths(8)))
    assert {p["name"]: p["weights"] for p in found["populations"]} == WEIGHTS
    assert found["memory_bits"] == sum(WEIGHTS[p] * b for p, b in only_bad(least(2)).items())
    assert found["memory_bits_widest"] == 8 * sum(WEIGHTS.values())
    assert [p["refused_bits"] for p in found["populations"]] == [None, least(2) - 1, None]
    sensitivity = found["populations"][1]["sensitivity"]
    assert list(sensitivity) == ["4", "5", "6", "7", "8"]
    assert sensitivity["4"] > 10 * sensitivity["6"] > 0
    assert (found["samples"], found["sensitivity_samples"]) == (n, 64)
    assert found["sensitivity_runs"] == 1 + 3 * 4
    assert found["runs"] <= 1 + search.BISECTIONS + search.NARROWINGS


def test_the_sensitivities_are_those_of_one_population_alone() -> None:
    x, _ = data()
    few = x[:, np.linspace(0, x.shape[1] - 1, 64, dtype=np.int64)]

    def measured(**bits: int) -> float:
        return error(with_widths({"first": 8, "bad": 8, "last": 8, **bits}), few)

    first, bad, _ = compiled("top1>=-2pt").account["budget"]["populations"]
    assert bad["sensitivity"]["4"] == pytest.approx(measured(bad=4) - measured())
    assert first["sensitivity"]["5"] == pytest.approx(max(0, measured(first=5) - measured()))
    assert bad["sensitivity"]["8"] == 0


@pytest.mark.parametrize("memory", [530, 600, 650, 800])
def test_memory_is_kept_with_less_error_than_equal_widths(memory: int) -> None:
    artifact = compiled(f"memory<={memory}B")
    bits = chosen(artifact)
    assert sum(WEIGHTS[name] * b for name, b in bits.items()) <= 8 * memory
    equal = 8 * memory // sum(WEIGHTS.values())
    assert error(artifact) <= error(with_widths(equal))
    if memory >= 600:
        assert bits["bad"] > bits["first"]
        assert error(artifact) < 0.7 * error(with_widths(equal))


def test_memory_without_labels() -> None:
    x, y = data()
    artifact = compile(
        graph(), dt=1e-4, calibration=x, budget="memory<=650B", weight_bits=4, rounding="nearest"
    )
    assert chosen(artifact) == chosen(compiled("memory<=650B"))
    assert artifact.account["budget"]["chosen"]["statistics"] is None
    assert "Accuracy" not in budget_text(artifact.account["budget"])
    labeled = compiled("memory<=650B").account["budget"]["chosen"]["statistics"]
    assert labeled["n"] == y.size


def test_memory_for_8_bits_everywhere() -> None:
    assert set(chosen(compiled("memory<=1.1KiB")).values()) == {8}


def test_the_same_again() -> None:
    before = compiled("top1>=-2pt")
    compiled.cache_clear()
    assert compiled("top1>=-2pt").files() == before.files()


def test_what_is_printed() -> None:
    said = budget_text(compiled("top1>=-2pt").account["budget"]).splitlines()
    bits, x, y = least(2), *data()
    memory = (4 * 480 + bits * 576) // 8
    artifact = with_widths(only_bad(bits))
    right = int((artifact.run(x).predictions == y).sum())
    assert said[0] == (
        f"budget top1>=-2pt: the weights take {memory} B, {100 * memory / 1056:.2f} % of 1.0 KiB "
        "with 8 bits everywhere"
    )
    assert [line.split()[:5] for line in said[4:7]] == [
        ["first", "384", "4", "192", "B"],
        ["bad", "576", f"{bits}", f"{576 * bits // 8}", "B"],
        ["last", "96", "4", "48", "B"],
    ]
    assert [line.split(" %  ")[1] for line in said[4:7]] == [
        "the narrowest considered",
        f"{bits - 1} bits would break the budget",
        "the narrowest considered",
    ]
    assert said[10].split() == ["float", "-", "100.00", "%", "519", "-", "-", "-"]
    assert (
        said[12].split()[:-1]
        == (
            f"these widths {100 * error(artifact):.2f} % {100 * right / 519:.2f} % {right} "
            f"{519 - right} 0"
        ).split()
    )
    assert said[-2].startswith(
        f"Accuracy falls by {lost(artifact):.2f} points on these samples, which chose the widths. "
    )
    assert said[-1].startswith("Measured on 519 samples of calibration data in ")
    assert said[-1].endswith(" runs, sensitivities on 64 of them in 13.")


def unkept() -> str:
    """Give the message where 8 bits everywhere lose more than 0.1 points."""
    x, y = data()
    few = x[:, np.linspace(0, y.size - 1, 64, dtype=np.int64)]
    right = int((with_widths(8).run(x).predictions == y).sum())
    drop = 100 * (y.size - right) / y.size
    errors = (error(with_widths(bits), few) for bits in (8, {"first": 8, "bad": 6, "last": 8}))
    return (
        "error[SNN317]: the widest weights lose no more accuracy than the budget allows\n"
        "  --> bad\n"
        f"   found: accuracy falls by {drop:.2f} points with 8 bits everywhere, from 519 to "
        f"{right} right of 519; the most sensitive is this population, where 6 bits raise the "
        f"error of the outputs from {' to '.join(f'{100 * e:.2f}' for e in errors)} %\n"
        "   limit: 0.1 points: --budget top1>=-0.1pt\n"
        f'  remedy: --budget "top1>=-{ceil(10 * drop) / 10:g}pt", or train this population with '
        "smaller weights against its threshold"
    )


TOO_LARGE = """\
error[SNN318]: the narrowest weights take no more memory than the budget allows
  --> bad
   found: 528 B with 4 bits, of which 576 weights here take 288 B
   limit: 500 B: --budget memory<=500B
  remedy: --budget "memory<=528B", or a smaller --weight-bits"""


def test_a_budget_of_accuracy_that_cannot_be_kept() -> None:
    with pytest.raises(InputError) as caught:
        compiled("top1>=-0.1pt")
    assert str(caught.value) == unkept()
    proposed = caught.value.diagnostics[0].remedy.split('"')[1]
    drop = float(proposed.removeprefix("top1>=-").removesuffix("pt"))
    assert lost(compiled(proposed)) <= drop


def test_a_budget_of_memory_that_cannot_be_kept() -> None:
    with pytest.raises(InputError) as caught:
        compiled("memory<=500B")
    assert str(caught.value) == TOO_LARGE
    assert set(chosen(compiled("memory<=528B")).values()) == {4}


SNN319 = "error[SNN319]: a budget comes with the data that it is measured on"
LIMIT = "calibration data, and for a budget of accuracy the class of each sample"


def test_wrong_use_is_told_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        compile(graph(), "floot", dt=1e-4, budget="top1>=-1pt", weight_bits=9)
    assert [d.node for d in caught.value.diagnostics] == [
        "--target",
        "--weight-bits",
        "--budget",
        "--budget",
    ]
    assert "\n\n".join(map(str, caught.value.diagnostics[2:])) == (
        f"{SNN319}\n"
        "  --> --budget\n"
        "   found: no calibration data\n"
        f"   limit: {LIMIT}\n"
        "  remedy: --calibrate X.npy, typical input data\n\n"
        f"{SNN319}\n"
        "  --> --budget\n"
        "   found: no labels\n"
        f"   limit: {LIMIT}\n"
        "  remedy: --labels Y.npy, the class of each sample of the calibration data"
    )


@pytest.mark.parametrize(
    ("options", "node", "found", "limit", "remedy"),
    [
        (
            {"labels": [0]},
            "--labels",
            "labels, and no --budget",
            "labels are what a budget of accuracy is measured by",
            'add --budget "top1>=-0.5pt", or leave --labels out',
        ),
        (
            {"target": "float", "budget": "memory<=1KiB", "calibration": np.zeros((1, 1, 16))},
            "--budget",
            "target float, for which no weight is rounded",
            "a target of integers",
            "--target integer, or leave --budget out",
        ),
    ],
)
def test_options_that_do_not_go_together(
    options: dict[str, Any], node: str, found: str, limit: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        compile(graph(), dt=1e-4, **options)
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        f"  --> {node}\n"
        f"   found: {found}\n"
        f"   limit: {limit}\n"
        f"  remedy: {remedy}"
    )


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros(3, np.int64), "shape [3]"),
        (np.zeros(5), "values of type float64"),
        (np.array([0, 1, 2, 3, 4]), "values from 0 to 4"),
    ],
)
def test_labels_that_do_not_fit(labels: npt.NDArray[Any], found: str) -> None:
    with pytest.raises(InputError) as caught:
        compile(graph(), dt=1e-4, calibration=data()[0][:, :5], labels=labels, budget="top1>=-1pt")
    assert str(caught.value) == (
        "error[SNN507]: there is one label for each sample\n"
        "  --> labels\n"
        f"   found: {found}\n"
        "   limit: 5 integers from 0 to 3, one for each sample\n"
        "  remedy: give the class indices of the samples, in their order"
    )


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
