"""Verification: what holds is said to hold, what does not is found, the missing is never green."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler import rules
from snnc.compiler.diagnostics import (
    Diagnostic,
    EnvironmentFault,
    InputError,
    TimeLimitExceeded,
)
from snnc.compiler.trace import Trace
from snnc.frontends.spec import load_model
from snnc.runtime.conclude import headline, verdict_of
from snnc.runtime.deploy import compile
from snnc.runtime.findings import Link, Status, Verdict
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from snnc.runtime.summary import summary_text
from snnc.runtime.verify import verify
from snnc.targets.integer.target import IntegerTarget
from snnc.targets.lava.target import LavaTarget
from tests.runtime.conftest import Snnc
from tests.runtime.samples import (
    BATCH,
    CLASSES,
    artifact,
    data,
    graph,
    inverted,
    labels,
    spoil,
    statuses,
)


@pytest.fixture
def lava(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put a target in the place of Lava that computes as the integers do, and can be spoiled.

    What is appended to the list is done to its trace, or raised.
    """
    changes: list[Any] = []

    def run(self: LavaTarget, *arguments: Any) -> Trace:
        trace = replace(IntegerTarget().run(*arguments), executor=self.name)
        for change in changes:
            if isinstance(change, Exception):
                raise change
            trace = change(trace)
        return trace

    def missing(self: LavaTarget) -> None:
        del self

    monkeypatch.setattr(LavaTarget, "run", run)
    monkeypatch.setattr(LavaTarget, "missing", missing)
    return changes


# --- the chain ----------------------------------------------------------------------------------


def test_all_links_with_labels(lava: list[Any]) -> None:
    assert lava == []
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    assert statuses(report) == {
        "framework -> float": "not run",
        "float -> integer": "held",
        "integer -> lava": "held",
    }
    assert (report.verdict, report.passed, report.exit_code) == ("equivalent", True, 0)
    assert report.headline == (
        "2 promises kept: float -> integer, integer -> lava. "
        "Not run: framework -> float (no trained module is at hand)."
    )
    assert [e.name for e in report.executions] == ["float", "integer", "lava"]
    assert [e.accuracy for e in report.executions] == [1, 1, 1]
    assert [e.latency_steps for e in report.executions] == [0, 2, 2]
    exact = report.links[2]
    assert exact.values == 3 * data().shape[0] * BATCH * 11
    assert (exact.signals, exact.differing, exact.uncompared) == (("spikes", "u", "v"), 0, ())
    assert report.first_divergence is None
    report.assert_equivalent()


@pytest.mark.parametrize("signal", ["spikes", "u", "v"])
def test_one_bit_on_lava_breaks_the_promise(signal: str, lava: list[Any]) -> None:
    lava.append(spoil(signal, "output_layer", (7, 2, 1)))
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    assert statuses(report)["integer -> lava"] == "broken"
    assert (report.verdict, report.passed, report.exit_code) == ("not equivalent", False, 1)
    first = report.first_divergence
    assert first is not None
    assert (first.step, first.sample, first.population, first.neuron, first.signal) == (
        *(7, 2, "output_layer", (1,)),
        signal,
    )
    assert first.other == first.reference + 1
    assert report.headline.startswith("integer -> lava: 1 of 1,584 values differ. 1 promise kept: ")
    with pytest.raises(AssertionError) as caught:
        report.assert_equivalent()
    assert f"first divergence: {first}" in str(caught.value).splitlines()


def test_accuracy_lost_breaks_the_budget(lava: list[Any]) -> None:
    assert lava == []
    report = verify(inverted(), data(), labels=labels())
    assert statuses(report)["float -> integer"] == "broken"
    assert report.exit_code == 1
    link = report.links[1]
    assert link.statistics is not None
    assert (link.statistics.only_reference, link.statistics.only_other) == (BATCH, 0)
    assert link.reason.startswith("accuracy falls by 100.00 points; with 95 % confidence ")
    assert (link.agreement, link.status) == (0, "broken")
    assert report.first_divergence == link.first_divergence


def test_budget_is_the_users(lava: list[Any]) -> None:
    assert lava == []
    assert verify(inverted(), data(), labels=labels(), max_drop=100).passed


def test_few_samples_are_said_to_be_few() -> None:
    report = verify(graph(), data(), labels=labels(), dt=1e-4, targets=("integer",))
    assert report.links[1].reason == (
        "accuracy is the same; with 95 % confidence it falls by less than 40.35 points, "
        "and 4 samples are too few to promise less: 268 should do"
    )


def test_without_labels_it_is_measured_and_not_judged(lava: list[Any]) -> None:
    assert lava == []
    report = verify(graph(), data(), dt=1e-4, weight_bits=3)
    link = report.links[1]
    assert (link.status, link.statistics) == ("measured", None)
    assert link.differing > 0
    assert link.reason.endswith("values differ; not judged, since no labels were given")
    assert 0 < (link.count_error or 0) < 0.5
    assert report.verdict == "equivalent"
    assert "Measured, not judged: float -> integer." in report.headline


def test_nothing_judged_is_incomplete() -> None:
    report = verify(graph(), data(), dt=1e-4, weight_bits=3, targets=("integer",))
    assert (report.verdict, report.exit_code) == ("incomplete", 3)
    assert report.headline.startswith("No promise could be judged. Measured, not judged: ")


def test_equal_spikes_need_no_labels() -> None:
    report = verify(graph(), data(), dt=1e-4, targets="integer")
    assert report.links[1].reason == "all 528 values are equal"
    assert (report.verdict, report.links[1].status) == ("equivalent", "held")


def test_float_alone_is_incomplete() -> None:
    report = verify(graph(), data(), dt=1e-4, targets=("float",))
    assert statuses(report) == {"framework -> float": "not run"}
    assert (report.verdict, report.exit_code) == ("incomplete", 3)


def two_outputs() -> nir.NIRGraph:
    """Give the small network with its hidden population as an output that comes first."""
    two = graph()
    two.nodes["all"] = nir.Output(output_type={"output": np.array([8])})
    return nir.NIRGraph(nodes=two.nodes, edges=[*two.edges, ("hidden", "all")])


def test_classes_are_those_of_the_first_output() -> None:
    truth = verify(two_outputs(), data(), dt=1e-4, targets="integer")
    assert truth.outputs == ("all", "output")
    hidden = compile(two_outputs(), "float", dt=1e-4).run(data()).outputs["all"]
    wanted = hidden.sum(axis=0).argmax(axis=1)
    report = verify(two_outputs(), data(), labels=wanted, dt=1e-4, targets="integer")
    assert [e.accuracy for e in report.executions] == [1, 1]
    assert "accuracy of all" in summary_text(report)
    assert html_text(report).count("accuracy of all<") == 3  # executions, over time, link


# --- an input that shows nothing -----------------------------------------------------------------

SILENT = "No output spiked in any execution: this input shows little of the network."


def test_silence_is_told(here: Path, snnc: Snnc) -> None:
    np.save("zero.npy", np.zeros_like(data()))
    ended = snnc(
        *("verify", "model.integer", "--input", "zero.npy", "--report", "r"),
        *("--targets", "integer"),
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-2] == (
        "equivalent: 1 promise kept: float -> integer. "
        f"Not run: framework -> float (no trained module is at hand). {SILENT}"
    )
    report = Report.model_validate_json((here / "r" / "report.json").read_text())
    assert report.silent
    assert report.headline.endswith(SILENT)
    assert SILENT in (here / "r" / "report.html").read_text()
    assert SILENT in (here / "r" / "junit.xml").read_text()


def test_one_spike_is_not_silence() -> None:
    report = verify(graph(), data(), dt=1e-4, targets="integer")
    assert not report.silent
    assert SILENT not in report.headline


# --- what cannot be run -------------------------------------------------------------------------

MISSING = Diagnostic(
    rules.PACKAGE_PRESENT, "target lava", "no lava", "lava-nc 0.10.0", "pip install it"
)
LATE = Diagnostic(rules.TIME_LIMIT, "target lava", "step 3", "1 s", "a longer --timeout")


@pytest.mark.parametrize(
    ("error", "code"), [(EnvironmentFault([MISSING]), 3), (TimeLimitExceeded([LATE]), 124)]
)
def test_link_that_cannot_be_run_is_never_green(error: Any, code: int, lava: list[Any]) -> None:
    lava.append(error)
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    assert statuses(report)["integer -> lava"] == "not run"
    assert (report.verdict, report.passed, report.exit_code) == ("incomplete", False, code)
    assert report.problems == (str(error.diagnostics[0]),)
    assert report.links[2].reason == f"lava: {error.diagnostics[0].found}"
    with pytest.raises(AssertionError):
        report.assert_equivalent()


def test_failure_and_broken_promise_is_not_equivalent(lava: list[Any]) -> None:
    lava.append(EnvironmentFault([MISSING]))
    report = verify(inverted(), data(), labels=labels())
    assert (report.verdict, report.exit_code) == ("not equivalent", 1)


def test_population_that_one_did_not_record_is_no_proof(lava: list[Any]) -> None:

    def without_u(trace: Trace) -> Trace:
        return replace(trace, u={})

    lava.append(without_u)
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    link = report.links[2]
    assert link.status == "not run"
    assert link.reason == "only one of the two recorded hidden.u, output_layer.u"
    assert report.verdict == "incomplete"


def test_lava_absent_on_the_command_line(
    here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lava", None)
    ended = snnc(
        "verify", "model.integer", "--input", "x.npy", "--labels", "y.npy", "--report", "r"
    )
    assert ended.code == 3
    assert ended.err.startswith(
        "error[SNN501]: the packages that a run needs are installed\n  --> target lava\n"
    )
    assert ended.out.splitlines()[-2].startswith("incomplete: 1 promise kept: float -> integer. ")
    assert sorted(p.name for p in (here / "r").iterdir()) == [
        *("junit.xml", "report.html", "report.json")
    ]


def test_json_is_the_report(here: Path, snnc: Snnc) -> None:
    Path("s.yaml").write_text("targets: [integer]\nlabels: y.npy\nreport: r\ninput: x.npy\n")
    ended = snnc("verify", "model.integer", "--config", "s.yaml", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (here / "r" / "report.json").read_text()


def test_report_names_the_command(here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["verify", "model.integer", "--input", "x.npy", "--report", "my report"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/snnc", *arguments, "--targets", "integer"])
    snnc(*sys.argv[1:])
    report = Report.model_validate_json((here / "my report" / "report.json").read_text())
    assert report.command == (
        "snnc verify model.integer --input x.npy --report 'my report' --targets integer"
    )


# --- verdicts -----------------------------------------------------------------------------------


def link(status: Status, *, asked: bool = True) -> Link:
    return Link(reference="a", other="b", promise="p", status=status, reason="why", asked=asked)


VERDICTS: list[tuple[list[Link], Verdict]] = [
    ([link(Status.HELD)], Verdict.EQUIVALENT),
    ([link(Status.HELD), link(Status.MEASURED)], Verdict.EQUIVALENT),
    ([link(Status.HELD), link(Status.NOT_RUN, asked=False)], Verdict.EQUIVALENT),
    ([link(Status.HELD), link(Status.NOT_RUN)], Verdict.INCOMPLETE),
    ([link(Status.MEASURED)], Verdict.INCOMPLETE),
    ([link(Status.NOT_RUN, asked=False)], Verdict.INCOMPLETE),
    ([], Verdict.INCOMPLETE),
    ([link(Status.HELD), link(Status.BROKEN)], Verdict.NOT_EQUIVALENT),
    ([link(Status.BROKEN), link(Status.NOT_RUN)], Verdict.NOT_EQUIVALENT),
]


@pytest.mark.parametrize(("links", "verdict"), VERDICTS)
def test_verdict(links: list[Link], verdict: Verdict) -> None:
    assert verdict_of(tuple(links)) is verdict


@pytest.mark.parametrize(("links", "verdict"), VERDICTS)
def test_headline_leaves_nothing_out(links: list[Link], verdict: Verdict) -> None:
    text = headline(verdict, tuple(links), silent=False)
    assert ("Not run: a -> b (why)." in text) == any(x.status is Status.NOT_RUN for x in links)
    assert ("Measured, not judged: a -> b." in text) == any(
        x.status is Status.MEASURED for x in links
    )


# --- what users get wrong -----------------------------------------------------------------------


def message(*arguments: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        verify(*arguments, **options)
    return str(caught.value)


LABELS: dict[str, tuple[Any, str]] = {
    "too few": (np.zeros(3, int), "shape [3]"),
    "one-hot": (np.zeros((BATCH, CLASSES), int), f"shape [{BATCH}, {CLASSES}]"),
    "real": (np.zeros(BATCH), "values of type float64"),
    "from one": (np.array([1, 2, 3, 1]), "values from 1 to 3"),
    "negative": (np.array([0, -1, 0, 0]), "values from -1 to 0"),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_that_do_not_fit(case: str) -> None:
    wrong, found = LABELS[case]
    assert message(graph(), data(), labels=wrong, dt=1e-4) == (
        "error[SNN507]: there is one label for each sample\n"
        "  --> labels\n"
        f"   found: {found}\n"
        "   limit: 4 integers from 0 to 2, one for each sample\n"
        "  remedy: give the class indices of the samples, in their order"
    )


@pytest.mark.parametrize(
    ("targets", "unknown", "remedy"),
    [
        (("Integer", "lavva"), "Integer, lavva", "--targets integer,lava"),
        (("integer", "lavva"), "lavva", "--targets integer,lava"),
        (("integer", "fpga"), "fpga", "snnc targets lists them"),
        ((), "none", "snnc targets lists them"),
    ],
)
def test_unknown_targets(targets: tuple[str, ...], unknown: str, remedy: str) -> None:
    assert message(graph(), data(), targets=targets) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --targets\n"
        f"   found: {unknown}\n"
        "   limit: float, integer, cpu, cuda, lava\n"
        f"  remedy: {remedy}"
    )


def test_options_out_of_range_at_once() -> None:
    assert message(graph(), data(), targets=("lavva", "fpga"), max_drop=-1) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --targets\n"
        "   found: lavva, fpga\n"
        "   limit: float, integer, cpu, cuda, lava\n"
        "  remedy: snnc targets lists them\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --max-drop\n"
        "   found: -1\n"
        "   limit: points of percent, 0 to 100\n"
        "  remedy: --max-drop 1.0"
    )


def test_no_target() -> None:
    assert "   found: none\n" in message(graph(), data(), targets=())


def test_options_of_compilation_with_an_artifact() -> None:
    assert message(artifact(), data(), calibration=data(), dt=1e-4) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --calibrate\n"
        "   found: an option of compilation, and Artifact is compiled already\n"
        "   limit: options of compilation go with a model\n"
        "  remedy: leave --calibrate out, or compile the model again with it\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --dt\n"
        "   found: an option of compilation, and Artifact is compiled already\n"
        "   limit: options of compilation go with a model\n"
        "  remedy: leave --dt out, or compile the model again with it"
    )


def test_float_artifact_has_no_integers() -> None:
    assert message(artifact("float"), data()) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --targets\n"
        "   found: integer, lava, and Artifact was compiled for float\n"
        "   limit: an artifact that holds integers\n"
        "  remedy: compile the model for lava: snnc compile MODEL --target lava"
    )


def test_wrong_input_ends_before_anything_is_compared() -> None:
    assert message(graph(), data()[:, 0], dt=1e-4).startswith("error[SNN502]: ")


def test_model_that_is_no_module(here: Path, snnc: Snnc) -> None:
    ended = snnc(
        *("verify", "model.integer", "--input", "x.npy", "--report", "r"),
        *("--model", "model.nir"),
    )
    assert (ended.code, ended.out, (here / "r").exists()) == (2, "", False)
    assert ended.err.startswith(
        "error[SNN114]: FILE.py:FUNCTION names a function that returns a trained module\n"
        "  --> model.nir\n"
    )


# --- with the framework, and with Lava itself ---------------------------------------------------

MODULE = """
import snntorch, torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed({seed})
        self.fc = nn.Linear(6, 5)
        self.lif = snntorch.Leaky(beta=0.9, threshold=0.4)
        self.out = nn.Linear(5, 3)
        self.last = snntorch.Leaky(beta=0.8, threshold=0.3)

    def forward(self, x, mem=None, mem2=None):
        mem = self.lif.init_leaky() if mem is None else mem
        mem2 = self.last.init_leaky() if mem2 is None else mem2
        spikes, mem = self.lif(self.fc(x), mem)
        spikes, mem2 = self.last(self.out(spikes), mem2)
        return spikes, mem, mem2


def net():
    return Net()
"""


@pytest.mark.torch
def test_framework_link_from_a_spec(here: Path, snnc: Snnc) -> None:
    Path("net.py").write_text(MODULE.format(seed=1))
    ended = snnc(
        *("verify", "net.py:net", "--input", "x.npy", "--labels", "y.npy", "--report", "r"),
        *("--targets", "integer", "--max-drop", "100"),
    )
    assert ended.code == 0, ended.err
    row = ended.out.splitlines()[3]
    assert row.split()[:2] == ["float", row.split()[1]]
    assert "framework: spikes  0 of " in row
    assert ended.out.splitlines()[-2] == (
        "equivalent: 2 promises kept: framework -> float, float -> integer."
    )
    assert (here / "r" / "report.html").is_file()


GRADED = """
import snntorch, torch
from torch import nn


def net():
    torch.manual_seed(0)
    factor = torch.tensor([1, 0.1, 5, 2, -3.0])
    last = snntorch.Leaky(beta=0.9, threshold=0.2, graded_spikes_factor=factor, init_hidden=True)
    return nn.Sequential(nn.Linear(6, 5), last)
"""


@pytest.mark.torch
@pytest.mark.usefixtures("here")
def test_accuracy_of_graded_spikes_is_that_of_the_model(lava: list[Any]) -> None:
    import torch

    assert lava == []
    Path("graded.py").write_text(GRADED)
    module = load_model("graded.py:net")
    with torch.no_grad():
        steps = [module(x) for x in torch.tensor(data())]
    answers = torch.stack(steps).sum(0).argmax(1).numpy()
    unweighted = (torch.stack(steps) != 0).sum(0).argmax(1).numpy()
    assert (answers != unweighted).any()
    report = verify(module, data(), labels=answers, max_drop=100)
    names = ["framework", "float", "integer", "lava"]
    assert [e.name for e in report.executions] == names
    assert [e.accuracy for e in report.executions][:2] == [1, 1]
    integer, on_lava = (e.accuracy for e in report.executions[2:])
    assert integer == on_lava
    assert all(e.accuracy_by_step[-1] == e.accuracy for e in report.executions)


@pytest.mark.torch
def test_another_module_is_found_out(here: Path, snnc: Snnc) -> None:
    Path("net.py").write_text(MODULE.format(seed=1))
    Path("other.py").write_text(MODULE.format(seed=2))
    assert snnc("import", "net.py:net", "-o", "net.nir").code == 0
    assert (here / "net.nir").is_file()
    ended = snnc(
        *("verify", "net.nir", "--model", "other.py:net", "--input", "x.npy", "--report", "r"),
        *("--targets", "integer"),
    )
    assert ended.code == 1
    last = ended.out.splitlines()[-6:]
    assert any(x.startswith("first divergence: step 0, sample 0, population ") for x in last)
    assert last[-2].startswith("not equivalent: framework -> float: ")


OTHER_MODULES = {
    "names": (
        [("self.lif", "self.first"), ("self.last", "self.second")],
        "first [5], second [3]",
        "last [3], lif [5]",
    ),
    "one name": ([("self.lif", "self.first")], "first [5]", "lif [5]"),
    "sizes": ([("(6, 5)", "(6, 7)"), ("(5, 3)", "(7, 3)")], "lif [7]", "lif [5]"),
    "an output less": ([("(5, 3)", "(5, 2)")], "last [2]", "last [3]"),
}


@pytest.mark.torch
@pytest.mark.parametrize("case", OTHER_MODULES)
def test_a_module_of_other_populations_is_refused(case: str, here: Path, snnc: Snnc) -> None:
    changes, found, limit = OTHER_MODULES[case]
    other = MODULE
    for old, new in changes:
        other = other.replace(old, new)
    Path("net.py").write_text(MODULE.format(seed=1))
    Path("other.py").write_text(other.format(seed=1))
    assert snnc("import", "net.py:net", "-o", "net.nir").code == 0
    ended = snnc(
        *("verify", "net.nir", "--model", "other.py:net", "--input", "x.npy", "--report", "r"),
        *("--targets", "integer"),
    )
    assert (ended.code, ended.out, (here / "r").exists()) == (2, "", False)
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --model\n"
        f"   found: a module of other populations: {found}\n"
        f"   limit: the module that the network was made from: {limit}\n"
        "  remedy: name the trained module itself with --model, or compile this one\n"
    )


@pytest.mark.lava
def test_lava_computes_what_the_integers_say(here: Path, snnc: Snnc) -> None:
    artifact("lava").save("on_lava")
    ended = snnc("verify", "on_lava", "--input", "x.npy", "--labels", "y.npy", "--report", "r")
    assert ended.code == 0, ended.err
    assert "lava     " in ended.out
    assert "integer: spikes, u, v  0 of 1,584" in ended.out
    assert (here / "r" / "report.json").is_file()
