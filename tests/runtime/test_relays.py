"""Long delays from a graph to its artifact: the same spikes, and every relay neuron is told of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.compiler.semantics.discretize import discretize
from snnc.compiler.trace import SIGNALS, Array, Trace
from snnc.frontends.nir.file import write_nir
from snnc.runtime.deploy import compile
from snnc.runtime.observe import observe_artifact
from snnc.runtime.render import html_text
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact, load
from tests import oracle
from tests.builders import affine, chain, graph, lif, linear, sink, source, spikes
from tests.runtime import samples
from tests.runtime.conftest import Snnc
from tests.runtime.samples import artifact

DT = 1e-3
STEPS, BATCH = 620, 2


def wait(steps: int) -> nir.Delay:
    return nir.Delay(delay=np.array([steps * DT]))


def slow() -> nir.NIRGraph:
    """Give neurons that hear themselves 80 steps later, and are heard 500 and 100 steps later.

    What enters waits 100 steps, in which no neuron holds it.
    """
    rng = np.random.default_rng(4)

    def weights(n: int, m: int) -> nir.Affine:
        return affine(rng.normal(0.6, 1.0, (n, m)), 0.05)

    nodes: dict[str, nir.NIRNode] = {
        "input": source(3),
        "before": wait(100),
        "fc1": weights(4, 3),
        "a": lif(4, tau=0.004, v_threshold=0.2),
        "echo": wait(80),
        "again": weights(4, 4),
        "long": wait(500),
        "fc2": weights(2, 4),
        "short": wait(100),
        "fc3": weights(2, 4),
        "b": lif(2, tau=0.004, v_threshold=0.25),
        "output": sink(2),
    }
    ways = ("input before fc1 a echo again a", "a long fc2 b output", "a short fc3 b")
    edges = [edge for way in ways for edge in pairwise(way.split())]
    return graph(nodes, edges)


@cache
def compiled(target: str = "integer") -> Artifact:
    return compile(slow(), target, dt=DT)


def data(steps: int = STEPS) -> npt.NDArray[np.float32]:
    return spikes((steps, BATCH, 3), rate=0.3)


RELAYS = {
    "source": "a",
    "relays": [f"a.relay{k}" for k in range(1, 8)],
    "neurons": 28,
    "delays": {"again + a.input->a": 80, "fc2 + b.input->b": 500, "fc3 + b.input->b": 100},
}
TABLE = (
    "spikes of  relay neurons  relays                for delays above 63 steps\n"
    f"---------  -------------  --------------------  {'-' * 71}\n"
    "a                     28  a.relay1 to a.relay7  "
    "again + a.input->a (80), fc2 + b.input->b (500), fc3 + b.input->b (100)\n"
)


def signals(trace: Trace) -> dict[str, Mapping[str, Array]]:
    return {signal: trace.signal(signal) for signal in SIGNALS}


@cache
def ran() -> Trace:
    return compiled().run(data(), record=SIGNALS)


def test_what_arrives_late_arrives_right() -> None:
    """The oracle runs the network without relays, whose delays are those of the graph."""
    network = quantize(discretize(slow(), dt=DT))
    assert [q.delay for q in network.projections] == [80, 100, 500, 100]
    assert [p.name for p in compiled().required_fixed.populations][:2] == ["a", "a.relay1"]
    integers = {"input": data().astype(np.int64)}
    wanted = oracle.as_arrays(oracle.run(network, integers))
    for signal, recorded in signals(ran()).items():
        for p in network.populations:
            assert (recorded[p.name] == wanted[signal][p.name]).all(), (signal, p.name)
    assert 0.05 < ran().spikes["a"][100:].mean() < 0.95
    late = ran().spikes["a"][: STEPS - 7 * 63]
    assert (ran().spikes["a.relay7"][7 * 63 :] == late).all()
    assert ran().spikes["b"][600:].any()


@pytest.mark.lava
@pytest.mark.slow
def test_lava_relays_the_same() -> None:
    found = signals(compiled("lava").run(data(), record=SIGNALS))
    for signal, recorded in signals(ran()).items():
        assert set(found[signal]) == set(recorded)
        for name, values in recorded.items():
            assert np.array_equal(found[signal][name], values), (signal, name)


def test_the_float_network_waits_as_long() -> None:
    """With weights and thresholds that are integers already, nothing is rounded."""
    chain_ = {
        "input": source(2),
        "one": linear([[1, 0], [0, 1]]),
        "a": lif(2, tau=DT, v_threshold=0.5),
        "wait": wait(1000),
        "two": linear([[1, 0], [0, 1]]),
        "b": lif(2, tau=DT, v_threshold=0.5),
        "output": sink(2),
    }
    g = graph(chain_, list(pairwise(chain_)))
    x = spikes((1100, 1, 2))
    for target in ("float", "integer"):
        out = compile(g, target, dt=DT).run(x).outputs["output"]
        assert (out[1000:] == x[:100]).all()
        assert not out[:1000].any()


def test_what_is_told(snnc: Snnc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert compiled().account["relays"] == [RELAYS]
    write_nir(slow(), "slow.nir")
    ended = snnc("compile", "slow.nir", "--target", "integer", "--dt", str(DT), "-o", "made")
    assert TABLE in ended.out
    assert TABLE in snnc("inspect", "made").out
    again = ("compile", "slow.nir", "--target", "integer", "--dt", str(DT), "-o", "made", "--json")
    assert json.loads(snnc(*again).out)["relays"] == [RELAYS]
    assert json.loads(snnc("inspect", "made", "--json").out)["account"]["relays"] == [RELAYS]


def test_what_a_report_tells() -> None:
    report = verify(compiled(), data(120), targets=("integer",))
    assert report.relays == (RELAYS,)
    page = html_text(report)
    assert ">Relay neurons</h2>" in page
    assert '<td class="n">28</td><td>a.relay1 to a.relay7</td>' in page
    fast = verify(artifact(), samples.data(), targets=("integer",))
    assert fast.relays == ()
    assert "Relay neurons" not in html_text(fast)


def test_calibration_data_see_the_whole_network() -> None:
    """What is observed of an artifact is observed in the time of the graph, relays and all."""
    made = compile(slow(), "integer", dt=DT, calibration=data(200), rounding="nearest")
    seen = observe_artifact(made, {"input": data(200)})
    told = {p["name"]: p["observed"] for p in made.account["populations"]}
    assert {name: o.as_json() for name, o in seen.items()} == told
    assert told["a"]["reference"] > 0


def test_an_artifact_is_refused_without_its_relays(tmp_path: Path) -> None:
    made = compiled()
    bare = retime(quantize(discretize(slow(), dt=DT)))
    replace(made, fixed=bare).save(tmp_path / "bare")
    with pytest.raises(InputError) as raised:
        load(tmp_path / "bare")
    assert str(raised.value) == (
        "error[SNN504]: an artifact is whole: every member there, unchanged, and no other\n"
        f"  --> {tmp_path / 'bare'}\n"
        "   found: program.json: a projection with a delay longer than the hardware has\n"
        "   limit: the files that manifest.json lists, as snnc wrote them\n"
        "  remedy: compile the model again: snnc compile MODEL --target TARGET -o DIR"
    )
    assert load(made.save(tmp_path / "whole")).account["relays"] == [RELAYS]


def test_a_report_tells_of_sums_that_are_divided() -> None:
    weights = np.random.default_rng(5).normal(0, 0.3, (3, 160))
    model = chain(affine(weights, 0.05), lif(3, v_threshold=0.2), n=160)
    x = spikes((8, 2, 160))
    report = verify(model, x, dt=DT, targets="integer", split_fan_in=64)
    (divided,) = report.divided
    assert (divided["projection"], divided["synapses"]) == ("0", 160)
    assert divided["synapses_left"] <= 64
    assert "<figcaption>Sums that are divided</figcaption>" in html_text(report)
