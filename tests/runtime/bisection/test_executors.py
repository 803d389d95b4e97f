"""Executions that compute something else are narrowed as black boxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
import yaml

import snnc
from snnc.compiler.diagnostics import EnvironmentFault
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.operators import FixedConvolution, MaxPooling, SumPooling
from snnc.compiler.retime import retime
from snnc.runtime.bisection.telling import text_of
from snnc.runtime.deploy import compile
from snnc.targets.artifact import Artifact
from snnc.targets.hardware.load import OWN
from snnc.targets.integer import reference
from snnc.targets.integer.reference import Recording, execute
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    window,
)
from tests.runtime.bisection.faulty import (
    Fault,
    artifact,
    layers,
    make_faulty,
    of_network,
    spikes,
    with_population,
)
from tests.runtime.samples import data, graph

NETWORK = layers(20, 30, 12, 5)
X = spikes(30, 6, 20)


def computing(**functions: Any) -> Fault:
    """Execute with other functions of the arithmetic."""

    def fault(network: FixedNetwork, x: dict[str, npt.NDArray[np.int32]]) -> Recording:
        with patch.multiple(reference, **functions):
            return execute(network, x)

    return fault


def bisected(
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    network: FixedNetwork = NETWORK,
    x: npt.NDArray[Any] = X,
) -> snnc.Bisection:
    make_faulty(monkeypatch, fault)
    return snnc.bisect(artifact(network), x, targets=("integer", "faulty"))


def rounded_down(x: npt.NDArray[np.int64], decay: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    product: npt.NDArray[np.int64] = (x * (4096 - decay.astype(np.int64))) >> 12
    return product


def narrow(v: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.clip(v, -(2**11 - 1), 2**11 - 1)


@pytest.mark.parametrize(
    ("functions", "signal", "cause"),
    [
        ({"decayed": rounded_down}, "v", "decay rounding"),
        ({"clip": narrow}, "spikes", "saturation"),
    ],
    ids=["decay rounded down", "narrow potential"],
)
def test_another_arithmetic(
    monkeypatch: pytest.MonkeyPatch, functions: dict[str, Any], signal: str, cause: str
) -> None:
    b = bisected(monkeypatch, computing(**functions))
    assert b.divergence is not None
    assert (b.divergence.signal, b.causes[0].cause) == (signal, cause)
    assert (b.one_artifact, b.alone, b.isolated) == (True, True, True)
    assert len(b.populations) == len(b.neurons) == 1
    assert (b.held, b.otherwise) == ((), ())
    assert "both hold the same numbers, of one artifact" in text_of(b)


def of_populations_late(network: FixedNetwork) -> FixedNetwork:
    """What populations send arrives a step late; what inputs send does not."""
    inputs = {i.name for i in network.inputs}
    return replace(
        network,
        projections=tuple(
            q if q.source in inputs else replace(q, delay=q.delay + 1) for q in network.projections
        ),
    )


def test_a_fault_that_takes_two_populations(monkeypatch: pytest.MonkeyPatch) -> None:
    b = bisected(monkeypatch, of_network(of_populations_late))
    assert (b.alone, b.isolated, b.narrowed) == (True, False, True)
    assert b.populations == ("p1", "p2")
    assert len(b.neurons) == 1
    neurons = next(cut for cut in b.cuts if cut.what == "neurons")
    assert (neurons.before, neurons.after) == (47, 2)
    assert (
        "p2 (net.fc2 + net.lif2) by itself, fed with what integer sends, shows nothing: the "
        "difference takes p1 and p2 together"
    ) in text_of(b)


def leaking(network: FixedNetwork, x: dict[str, npt.NDArray[np.int32]]) -> Recording:
    """Two samples of a batch disturb each other."""
    made = execute(network, x)
    if made.u["p2"].shape[1] > 2:
        made.u["p2"][7, 2, 3] += 1
    return made


def test_a_fault_that_takes_several_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    b = bisected(monkeypatch, leaking)
    assert (b.alone, b.narrowed, b.cuts) == (False, False, ())
    assert (
        "sample 2 by itself shows nothing: the difference takes the samples of its batch together, "
        "so something is carried from one to another"
    ) in text_of(b)


def of_parts(network: FixedNetwork, x: dict[str, npt.NDArray[np.int32]]) -> Recording:
    made = execute(network, x)
    for p in network.populations:
        if "@" in p.name:
            made.v[p.name][5] += 1
    return made


def on_small_cores() -> Artifact:
    """Lay the network out over cores of four neurons."""
    of = yaml.safe_load((OWN / "loihi1.yaml").read_text())
    of["neurons"] = {"value": 4, "source": "a test", "certainty": "chosen"}
    Path("small.yaml").write_text(json.dumps(of | {"name": "small"}))
    return compile(graph(), "integer", dt=1e-4, hardware="small.yaml")


@pytest.mark.usefixtures("here")
def test_a_fault_of_the_whole_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over cores everything is wrong, and no part of it is, which lies on none."""
    made = on_small_cores()
    make_faulty(monkeypatch, of_parts, by_core=True)
    b = snnc.bisect(made, data(), targets=("integer", "faulty"))
    assert (b.alone, b.narrowed) == (True, False)
    assert (
        "no part of the network shows it by itself: the difference takes the whole of it, as it "
        "was compiled"
    ) in text_of(b)


def test_an_execution_that_never_repeats_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng()

    def unsteady(network: FixedNetwork, x: dict[str, npt.NDArray[np.int32]]) -> Recording:
        made = execute(network, x)
        made.v["p1"][1, 0, 0] += random.integers(1, 2**20)
        return made

    with pytest.raises(EnvironmentFault) as caught:
        bisected(monkeypatch, unsteady)
    (first, second) = str(caught.value).split("a difference that did not come again: ")
    assert first == (
        "error[SNN624]: an execution gives the same values of the same input each time\n"
        "  --> integer and faulty\n"
        "   found: "
    )
    assert second.startswith("step 0, sample 0, population p1, neuron 0: v ")
    assert second.endswith(
        "\n   limit: the same values of the same input each time\n"
        "  remedy: find out what is random, or not initialized, in the execution that changes: "
        "run it twice and compare"
    )


def pooled() -> FixedNetwork:
    """Make a small network of convolutions and pooling."""
    random = np.random.default_rng(3)
    kernels = random.integers(-20, 30, (4, 1, 3, 3)), random.integers(-20, 30, (6, 4, 3, 3))
    pool = MaxPooling(window=window(2, 2, stride=2))
    mean = SumPooling(window=window(2, 2, stride=2))
    populations = [
        fixed_population("conv1", 4 * 8 * 8, shape=(4, 8, 8), threshold=60),
        fixed_population("conv2", 6 * 4 * 4, shape=(6, 4, 4), threshold=60),
        fixed_population("out", 10, threshold=200),
    ]
    dense = fixed_projection("x", "out", random.integers(-30, 40, (10, 24))).operators
    projections = [
        fixed_projection("x", "conv1", None, fixed_convolution(kernels[0], padding=1), delay=0),
        fixed_projection(
            "conv1", "conv2", None, pool, fixed_convolution(kernels[1], padding=1), delay=0
        ),
        fixed_projection("conv2", "out", None, mean, *dense, delay=0),
    ]
    one = fixed_network(populations, projections)
    return retime(replace(one, inputs=(replace(one.inputs[0], shape=(1, 8, 8)),)))


def transposed(network: FixedNetwork) -> FixedNetwork:
    """Take the kernels of what reads more than one channel the wrong way round."""
    projections = list(network.projections)
    for k, q in enumerate(projections):
        operators = tuple(
            replace(o, weight=o.weight[..., ::-1])
            if isinstance(o, FixedConvolution) and o.weight.shape[1] > 1
            else o
            for o in q.operators
        )
        projections[k] = replace(q, operators=operators)
    return replace(network, projections=tuple(projections))


def with_refractory(network: FixedNetwork) -> FixedNetwork:
    for p in network.populations:
        network = with_population(network, p.name, refractory=1)
    return network


FAULTS: dict[str, tuple[Callable[[FixedNetwork], FixedNetwork], str]] = {
    "kernels": (transposed, "conv2"),
    "refractory steps": (with_refractory, "conv1"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_convolutions_and_pooling(
    monkeypatch: pytest.MonkeyPatch, fault: tuple[Callable[[FixedNetwork], FixedNetwork], str]
) -> None:
    """A neuron is cut out with the window that it sees."""
    change, population = fault
    x = spikes(15, 3, 64, rate=0.4).reshape(15, 3, 1, 8, 8)
    b = bisected(monkeypatch, of_network(change), pooled(), x)
    assert b.divergence is not None
    assert b.divergence.population == population
    assert b.isolated
    assert (b.populations, len(b.neurons)) == ((population,), 1)
    after = {cut.what: cut.after for cut in b.cuts}
    assert after["neurons"] == 1
    assert 0 < after["values"] < 30


def test_artifact_of_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own float network, account and options do not stand in the way."""
    made: Artifact = compile(graph(), "integer", dt=1e-4)
    make_faulty(monkeypatch, of_network(_lower))
    b = snnc.bisect(made, data(), targets="faulty")
    assert (b.reference, b.other) == ("integer", "faulty")
    assert b.isolated


def _lower(network: FixedNetwork) -> FixedNetwork:
    """Let all spike earlier."""
    for p in network.populations:
        network = with_population(network, p.name, threshold=p.threshold // 2)
    return network
