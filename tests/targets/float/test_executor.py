"""The float executor computes in float32 and in the order that a ``Network`` states."""

from __future__ import annotations

import nir
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.discretize import discretize
from snnc.compiler.network import Integration, Network, Population, Reset
from snnc.targets.artifact import Artifact
from snnc.targets.float.executor import execute
from tests.builders import network, networks, one_neuron, population, projection, spikes
from tests.data_shared import SHARED, needs_shared

F = np.float32


def run(net: Network, *rows: float) -> tuple[list[float], list[int]]:
    """Run one neuron on one sample and give its ``v`` and its spikes."""
    recording = execute(net, {"x": np.array(rows, F)[:, None, None]})
    return recording.v["lif"].ravel().tolist(), recording.spikes["lif"].ravel().tolist()


# v = 0.5 v + I, threshold 1; powers of two, so that every number below is exact.
BY_HAND: dict[Reset, tuple[list[float], list[int]]] = {
    Reset.NONE: ([1.5, 4.75, 2.375, 2.6875], [1, 1, 1, 1]),
    Reset.ZERO: ([0, 0, 0, 0], [1, 1, 0, 1]),
    Reset.ZERO_DELAYED: ([1.5, 4, 0, 1.5], [1, 1, 0, 1]),
    Reset.ZERO_NEXT: ([1.5, 0, 0, 1.5], [1, 0, 0, 1]),
    Reset.SUBTRACT: ([0.5, 3.25, 0.625, 0.8125], [1, 1, 1, 1]),
    Reset.SUBTRACT_DELAYED: ([1.5, 3.75, 0.875, 1.9375], [1, 1, 0, 1]),
    Reset.SUBTRACT_RETEST: ([0.5, 3.25, 1.625, 1.3125], [1, 1, 0, 1]),
}


@pytest.mark.parametrize("reset", Reset)
def test_resets_by_hand(reset: Reset) -> None:
    assert run(one_neuron(reset=reset), 1.5, 4, 0, 1.5) == BY_HAND[reset]


def test_equality_is_no_spike() -> None:
    assert run(one_neuron(), 1, 0.5) == ([1, 1], [0, 0])
    assert run(one_neuron(), 1, 0.5 + 2.0**-20) == ([1, 0], [0, 1])


def test_euler_by_hand() -> None:
    net = one_neuron(integration=Integration.EULER, decay=0.25, gain=2, leak=1, bias=1)
    assert run(net, -1, 0, -2) == ([0.25, 0.9375, 0.453125], [0, 0, 0])


def test_current_decay_by_hand() -> None:
    """``v`` takes up the current of the same step, which a spike leaves as it is: 2, 1, 0.5 ..."""
    net = one_neuron(integration=Integration.CURRENT_DECAY, current_decay=0.5, gain=2)
    assert run(net, 1, 0, 0, -1) == ([0, 1, 1, -1.25], [1, 0, 0, 0])


def test_current_euler_by_hand() -> None:
    """``v`` takes up the whole input, and only then the current decays: 4, 2, 1 are taken up."""
    net = one_neuron(integration=Integration.CURRENT_EULER, decay=0.25, current_decay=0.5, leak=1)
    assert run(net, 4, 0, 0) == ([0, 0.75, 0], [1, 0, 1])
    assert run(net, 4, 0, -1) == ([0, 0.75, 0.8125], [1, 0, 0])


def test_the_bias_of_a_current_sums_up() -> None:
    net = one_neuron(integration=Integration.CURRENT_DECAY, current_decay=1, bias=1, threshold=99)
    assert run(net, 0, 0, 0) == ([1, 2.5, 4.25], [0, 0, 0])


def test_a_delay_brings_the_bias_at_once() -> None:
    net = network([population(threshold=9)], [projection("x", "lif", 4, bias=1, delay=2)])
    assert run(net, 1, 0, 0) == ([1, 1.5, 5.75], [0, 0, 0])


def scalar_step(p: Population, i: int, v: F, synaptic: F, currents: list[F]) -> tuple[F, F, int]:
    """The equations of ``network.Reset`` and ``network.Integration``, one float32 at a time."""
    theta = p.threshold[i]
    r = F(v > theta)
    if p.reset == "zero-delayed" and r:
        v = F(0)
    v, synaptic = scalar_integration(p, i, v, synaptic, currents)
    if p.reset in ("subtract-delayed", "subtract-retest"):
        v = F(v - F(r * theta))
    if p.reset == "zero-next" and r:
        v = F(0)
    s = F(v > theta)
    after = {
        "zero": F(0) if s else v,
        "subtract": F(v - F(s * theta)),
        "subtract-retest": F(v - F(F(s - r) * theta)),
    }
    return after.get(p.reset, v), synaptic, int(s)


def scalar_integration(p: Population, i: int, v: F, synaptic: F, currents: list[F]) -> tuple[F, F]:
    decay, gain, of_current = p.decay[i], p.gain[i], p.current_decay[i]
    if p.integration.has_current:
        if p.integration == "current-decay":
            synaptic = F(of_current * synaptic)
        for c in currents:
            synaptic = F(synaptic + F(gain * c))
        if p.integration == "current-decay":
            return F(F(decay * v) + synaptic), synaptic
        v = F(v + F(decay * F(F(p.leak[i] - v) + synaptic)))
        return v, F(synaptic - F(of_current * synaptic))
    if p.integration == "euler":
        total = F(0)
        for c in currents:
            total = F(total + F(gain * c))
        return F(v + F(decay * F(F(total + p.leak[i]) - v))), synaptic
    v = F(decay * v)
    for c in currents:
        v = F(v + F(gain * c))
    return v, synaptic


@given(networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_against_one_neuron_at_a_time(net: Network, seed: int) -> None:
    """Bit for bit, given the currents: only the order of a dot product is left to NumPy."""
    x = np.random.default_rng(seed).normal(0, 1, (8, 2, net.inputs[0].size)).astype(F)
    recording = execute(net, {"x": x})
    sent = {"x": x} | {n: s.astype(F) for n, s in recording.spikes.items()}
    for p in net.populations:
        synaptic = np.zeros((2, p.size), F)
        for t in range(8):
            currents = [
                sent[q.source][t - q.delay] @ q.weight.T + q.bias
                if t >= q.delay
                else np.broadcast_to(q.bias, (2, p.size))
                for q in net.incoming(p.name)
            ]
            for b in range(2):
                for i in range(p.size):
                    before = recording.v[p.name][t - 1, b, i] if t else F(0)
                    v, synaptic[b, i], s = scalar_step(
                        p, i, before, synaptic[b, i], [c[b, i] for c in currents]
                    )
                    assert recording.v[p.name][t, b, i] == v
                    assert recording.spikes[p.name][t, b, i] == s


def test_progress() -> None:
    calls: list[tuple[int, int]] = []
    x = {"x": spikes((3, 1, 1))}
    execute(one_neuron(), x, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def recorded(name: str) -> tuple[npt.NDArray[np.float32], ...]:
    """Give input, v and spikes; the numbers are the shortest that name their float32."""
    return tuple(np.loadtxt(SHARED / "lif" / name, delimiter=",", dtype=np.float32).T)


@needs_shared
def test_recorded_run_of_norse() -> None:
    """1,000 steps that another group recorded from norse in 2024, bit for bit."""
    x, v, s = recorded("lif_norse.csv")
    net = discretize(nir.read(SHARED / "lif" / "lif_norse.nir"), dt=1e-4)
    recording = execute(net, {"input": x[:, None, None]})
    name = net.populations[0].name
    assert s.sum() == 4
    assert (recording.spikes[name].ravel() == s).all()
    assert recording.v[name].ravel().tobytes() == v.tobytes()


@needs_shared
def test_recorded_run_of_snntorch() -> None:
    """The same neuron as snnTorch ran it: v in units of 0.04, so its spikes and v to 1e-6."""
    x, v, s = recorded("lif_snntorch.csv")
    recording = execute(one_neuron(decay=0.96, threshold=2.5), {"x": x[:, None, None]})
    assert (recording.spikes["lif"].ravel() == s).all()
    assert np.abs(recording.v["lif"].ravel() - v).max() < 1e-6 * 2.5


def test_target() -> None:
    net = network(
        [population("a", 6, shape=(2, 3)), population("b")],
        [projection("x", "a", np.ones((6, 1))), projection("a", "b", np.ones((1, 6)))],
        outputs=("b", "a"),
    )
    artifact = Artifact(target="float", network=net, fixed=None)
    x = spikes((5, 4, 1)) * 2
    trace = artifact.run(x, record=("spikes", "v"))
    wanted = execute(net, {"x": x})
    assert trace.executor == "float"
    assert trace.outputs["out_a"].shape == (5, 4, 2, 3)
    assert trace.outputs["out_b"].sum() > 0
    assert (trace.outputs["out_b"] == wanted.spikes["b"]).all()
    assert (trace.v["a"].reshape(5, 4, 6) == wanted.v["a"]).all()
    assert (trace.spikes["a"] == trace.outputs["out_a"]).all()
    assert trace.lags == {"a": 0, "b": 0}
    assert trace.u == {}
    assert artifact.run(x).spikes == {}
    assert artifact.run(x).v == {}
