"""The benchmarks against other simulators: networks, workers, what is compared, tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from snnc.targets.cpu import library
from snnc.targets.integer.reference import execute
from tests.benchmarks.peers import __main__ as command
from tests.benchmarks.peers import roofline, rounds, simulators, table
from tests.benchmarks.peers.environments import NotAvailable
from tests.benchmarks.peers.fixed import fixed_network
from tests.benchmarks.peers.growth import Point, plan
from tests.benchmarks.peers.loop import Loop, decayed
from tests.benchmarks.peers.networks import SPECS, Network, network, synapses
from tests.benchmarks.peers.rounds import Row, Settings, compare, measure, ratios
from tests.benchmarks.peers.serving import sample
from tests.benchmarks.peers.simulators import Simulator
from tests.benchmarks.peers.workers.engine import inputs

TINY = "random:neurons=100,fan=10,steps=60"
LIMITS = dict.fromkeys(
    ("read_L1", "read_L2", "read_L3", "read_DRAM", "row_adds", "pair_adds", "dot_products"), 1e9
) | {f"{kind}_{n}": 1e9 for kind in ("scatter_adds", "neuron_steps") for n in (1000, 10000, 100000)}
needs_engine = pytest.mark.skipif(library.path() is None, reason="no engine was compiled")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        rounds=2, seconds=0.01, timeout=250, environments=tmp_path, genn=None, say=lambda _: None
    )


@pytest.mark.parametrize(("spec", "batch"), [("mlp:steps=8", 3), ("cnn:steps=6", 2), (TINY, 1)])
def test_loop_gives_what_the_reference_gives(spec: str, batch: int) -> None:
    net = network(spec)
    result = Loop(net, batch).run()
    fixed = fixed_network(net)
    recording = execute(fixed, inputs(net, batch))
    for p in fixed.populations:
        spikes = recording.spikes[p.name][p.lag : p.lag + net.steps]
        assert spikes.any()
        assert result.means[p.name] == pytest.approx(spikes.mean(axis=(1, 2)))
    last = fixed.populations[-1]
    wanted = recording.spikes[last.name][last.lag : last.lag + net.steps]
    assert np.array_equal(result.spikes, wanted)


@pytest.mark.parametrize("spec", ["mlp:steps=2", "cnn:steps=2", TINY])
def test_synapses_are_what_the_loop_multiplies(spec: str) -> None:
    """Brian2, GeNN and NEST get lists of synapses: of all kinds of weights."""
    net = network(spec)
    rng = np.random.default_rng(0)
    for i, (weights, shape, p) in enumerate(
        zip(net.weights, net.shapes, net.populations, strict=True)
    ):
        x = (rng.random((1, int(np.prod(shape)))) < 0.3).astype(np.uint8)
        source, target, values = synapses(weights, shape)
        assert np.all(np.diff(source) >= 0)
        sums = np.bincount(target, values * x[0, source].astype(float), p.size)
        assert np.array_equal(Loop(net, 1).arriving[i](x)[0], sums)


def test_every_network_of_the_table_can_be_drawn_again() -> None:
    assert set(SPECS) == {"mlp", "cnn", "recurrent", "sparse-10k", "sparse-100k"}
    assert network(TINY).digest() == network(TINY).digest()
    assert network(TINY).digest() != network(TINY.replace("60", "61")).digest()


def test_decay_rounds_toward_zero() -> None:
    assert decayed(np.array([-4097, 4097, -1, 1]), 2048).tolist() == [-2048, 2048, 0, 0]


class Clockwork:
    """A simulation of which every run takes two seconds."""

    seconds = 0.0

    def run(self) -> None:
        self.seconds += 2.0

    def cpu(self) -> float:
        return self.seconds


def test_speed_is_steps_over_processor_time() -> None:
    assert sample(cast("Any", Clockwork()), 100, 9.0, 4) == (50.0, 5)


@needs_engine
@pytest.mark.parametrize(("spec", "batch"), [(TINY, 1), ("mlp:steps=8", 2)])
def test_engine_and_reference_are_measured_and_agree(
    settings: Settings, spec: str, batch: int
) -> None:
    rows = measure(spec, batch, ["numpy", "cpu"], settings)
    assert [row.simulator for row in rows] == ["cpu", "numpy"]
    for row in rows:
        assert row.reason == ""
        assert len(row.samples) == settings.rounds
        assert min(row.samples) > 0
        assert row.exact
        assert row.differs == []
        assert row.peak_mib is not None
    assert rows[0].rates == pytest.approx(rows[1].rates)
    assert min(rows[0].rates.values()) > 0
    assert ratios(rows)["cpu"] == 1


def test_what_cannot_be_measured_says_why(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(simulators.SIMULATORS, "broken", Simulator("Broken", "nothing", None))
    names = ["numpy", "lava", "genn", "broken"]
    reasons = {row.simulator: row.reason for row in measure("mlp:steps=2", 2, names, settings)}
    assert reasons["numpy"] == ""
    assert reasons["lava"] == "Lava has no batches"
    assert reasons["genn"] == "GeNN has batches on GPUs only"
    assert "No module named tests.benchmarks.peers.workers.nothing" in reasons["broken"]
    (genn,) = measure(TINY, 1, ["genn"], settings)
    assert genn.reason == "pip has no GeNN; give the folder of its source with --genn-source"


def test_silence_of_a_worker_is_a_reason(settings: Settings) -> None:
    (row,) = measure(TINY, 1, ["numpy"], replace(settings, timeout=0.01))
    assert row.reason == "no answer in 0 s"
    assert row.samples == []


def end() -> None:
    raise NotAvailable("it ended")


def test_what_fails_in_the_middle_has_no_samples(settings: Settings) -> None:
    row = Row(TINY, 1, "numpy", samples=[1.0])
    with rounds.noted(row, settings):
        end()
    assert row.samples == []
    assert row.reason == "it ended"


def answer(network: str = "a", rate: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"network": network, "rates": {"p": rate}} | more


def compared(other: dict[str, Any], spikes: str | None = None) -> Row:
    rows = [
        Row("n", 1, "numpy", samples=[1.0], rates={"p": 0.1}, spikes="s"),
        Row("n", 1, "nest", samples=[1.0], rates=other["rates"], spikes=spikes),
    ]
    compare(rows, {"numpy": answer(means={"p": [0.2, 0.1, 0.1, 0.0]}, spikes="s"), "nest": other})
    return rows[1]


def test_rates_are_compared() -> None:
    assert compared(answer(rate=0.109)).differs == []
    assert compared(answer(rate=0.111)).differs == ["p"]
    assert compared(answer(rate=0.089)).differs == ["p"]
    # a step behind: of 0.2, 0.1 and 0.1 over four steps; two behind: of 0.2 and 0.1
    assert compared(answer(rate=0.1, lags={"p": 1})).differs == []
    assert compared(answer(rate=0.075, lags={"p": 2})).differs == []


def test_spikes_and_networks_are_compared() -> None:
    assert compared(answer()).exact is None
    assert compared(answer(), "s").exact
    assert compared(answer(), "t").exact is False
    other = compared(answer("b"))
    assert other.reason == "it drew another network than the reference"
    assert other.samples == []


ROWS = [
    Row("mlp", 64, "cpu", samples=[4000.0, 9000.0, 5000.0], rates={"p": 0.1}, exact=True),
    Row("mlp", 64, "numpy", samples=[50.0], rates={"p": 0.1}, peak_mib=1234.4, exact=True),
    Row("mlp", 64, "norse", samples=[100.0], rates={"p": 0.2}, differs=["p"], remark="slow"),
    Row("mlp", 64, "nest", reason="no batches"),
]


def test_table_in_terminal() -> None:
    assert (
        table.in_terminal(table.cells([ROWS]))
        == """\
network  batch  simulator   steps/s  snnc is faster    MiB  rates, %
mlp         64  snnc cpu      5,000                         10.0      the same spikes
mlp         64  NumPy loop       50  100.0 x         1,234  10.0
mlp         64  norse           100  50.0 x                 20.0      other rates: p; slow
mlp         64  NEST                                                  not measured: no batches\
"""
    )


def test_other_spikes_stand_out() -> None:
    row = Row("mlp", 1, "lava", samples=[1.0], exact=False)
    assert table.cells([[row]])[1][-1] == "OTHER SPIKES"


def test_table_in_markdown() -> None:
    assert (
        table.in_markdown(table.cells([ROWS[:1]]))
        == """\
| network | batch | simulator | steps/s | snnc is faster | MiB | rates, % |  |
|---|---|---|---|---|---|---|---|
| mlp | 64 | snnc cpu | 5,000 |  |  | 10.0 | the same spikes |"""
    )


def test_tables_are_put_into_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- t: begin -->\nold\n<!-- t: end -->\nb\n")
    table.put_into(page, "t", "new")
    assert page.read_text() == "a\n<!-- t: begin -->\nnew\n<!-- t: end -->\nb\n"
    with pytest.raises(ValueError, match="has no lines"):
        table.put_into(page, "u", "new")


def test_page_has_a_place_for_every_table() -> None:
    page = command.PAGE.read_text()
    for name in ("machine", "peers", "versions", "limits", "roofline", "whole"):
        assert page.count(table.BEGIN.format(name=name)) == 1
        assert page.count(table.END.format(name=name)) == 1


def bound(net: Network, batch: int, rates: dict[str, float], **limits: float) -> roofline.Bound:
    return roofline.bound_of(net, batch, rates, LIMITS | limits, {})


def test_bounds() -> None:
    mlp = network("mlp:steps=1")
    rates = {"input": 0.5, "layer1": 0.25, "layer2": 0.125}
    found = bound(mlp, 1, rates)
    assert found.events == 0.5 * 784 * 256 + 0.25 * 256 * 256 + 0.125 * 256 * 10
    assert found.products == 784 * 256 + 256 * 256 + 256 * 10
    assert found.neurons == 522
    assert found.by == "adds"
    assert found.steps_s == pytest.approx(1e9 / (found.events + 522))
    assert bound(mlp, 1, rates, dot_products=1e10, read_L2=1e12).by == "dots"
    assert bound(mlp, 1, rates, read_L2=1e8).by == "reads"
    assert bound(mlp, 64, rates, read_L2=1e8).by == "adds"
    cnn = bound(network("cnn:steps=1"), 1, {"input": 0.1, "layer1": 0.1, "layer2": 0.1})
    assert cnn.products == 8 * 25 * 24 * 24 + 16 * 8 * 25 * 8 * 8 + 2560
    tiny = bound(network(TINY), 1, {"neurons": 0.5})
    assert tiny.events == 0.5 * 1000
    assert tiny.steps_s == pytest.approx(1e9 / (3 * 500 + 100))  # three bytes a synapse
    rows = bound(network(TINY), 1, {"neurons": 0.5}, pair_adds=1e11)
    assert rows.seconds["adds"] == pytest.approx(0.5 * 100 * 100 / 1e11)


def test_roofline_needs_engine_and_reference() -> None:
    rows = [
        Row(TINY, 2, "cpu", samples=[1e5], rates={"neurons": 0.5}),
        Row(TINY, 2, "numpy", samples=[1.0], rates={"neurons": 0.5}),
    ]
    lines, records = roofline.roofline([rows, rows[:1]], LIMITS, {})
    assert lines[1:] == [[TINY, "2", "1,666,667", "adds", "500", "0", "200,000", "12%"]]
    assert records[0]["reached_steps_s"] == 2e5


def test_growth_varies_everything() -> None:
    varied = {what for what, *_ in plan(quick=False)}
    assert varied == {"neurons", "synapses a neuron", "activity, %", "batch"}
    assert Point("batch", 1, "cpu", 1.0, 0.1).x == 1


@needs_engine
def test_command_writes_tables_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command.QUICK, "recurrent", TINY)
    folders = ["--output", str(tmp_path / "out"), "--environments", str(tmp_path / "made")]
    parts = ["--only", "cpu", "numpy", "--networks", "recurrent", "--parts", "peers"]
    command.main(["--quick", *parts, *folders])
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert found["machine"]["processors"] >= 1
    assert [row["simulator"] for row in found["peers"]] == ["cpu", "numpy"]
    for row in found["peers"]:
        assert row["steps_s"] == float(np.median(row["samples"]))
        assert row["versions"]["NumPy"] == np.__version__
    assert "the same spikes" in (tmp_path / "out" / "tables.md").read_text()
    assert "NumPy loop" in capsys.readouterr().out
