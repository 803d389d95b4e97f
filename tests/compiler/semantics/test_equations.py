"""Equations of neurons of the other dialects and of NIR, written down once more."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.network import Network
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.nir.file import read_nir, write_nir
from snnc.targets.float.executor import execute
from tests.builders import chain, graph, lif, linear, sink, source
from tests.compiler.neurons import cuba, integrator, leaky_read_out, threshold
from tests.compiler.semantics.loops import SAMPLES, STEPS, Array, F, N, Random, compared, run
from tests.compiler.semantics.noted import STEP

Step = Callable[[Array, Array], tuple[Array, Array]]
"""Spikes and the new potential, of the old one and the input."""


def loop(step: Step, x: Array) -> tuple[Array, Array]:
    """Give spikes and potentials after each step."""
    v, spikes, potentials = np.zeros(x.shape[1:], F), [], []
    for current in x:
        s, v = step(v, current)
        spikes.append(s)
        potentials.append(v)
    return np.array(spikes), np.array(potentials, F)


def at_once(v: Array, theta: Array, *, subtract: bool) -> tuple[Array, Array]:
    """Give spikes where ``v >= theta``, and the potential after them."""
    s = (v >= theta).astype(F)
    return s, v - s * theta if subtract else v * (1 - s)


def test_sinabs_lif() -> None:
    random = Random(3)
    tau, theta, x = random.between(2, 50), random.between(0.5, 2), random.inputs(0.4)
    alpha = np.exp(-1 / tau.astype(np.float64)).astype(F)
    wanted = loop(lambda v, i: at_once(alpha * v + i, theta, subtract=True), np.minimum(x, theta))
    given = run(lif(N, tau=tau, v_threshold=theta), np.minimum(x, theta), dialect="sinabs")
    compared(given, wanted, exact=False)


def test_sinabs_iaf_spikes_at_the_threshold() -> None:
    """Multiples of 1/4, where equality is common: without rounding of ``>=`` a third is lost."""
    random = Random(4)
    x = (random.random.integers(-1, 3, (STEPS, SAMPLES, N)) / 4).astype(F)
    theta = np.ones(N, F)
    wanted = loop(lambda v, i: at_once(v + i, theta, subtract=True), x)
    given = run(integrator(N, r=1.0), x, dialect="sinabs")
    compared(given, wanted, exact=False)
    strictly = run(integrator(N, r=1000.0), x, dialect="nir", dt=STEP, reset="subtract")
    assert (strictly.spikes["0"] != wanted[0]).mean() > 0.05


def test_rockpool_neuron() -> None:
    random = Random(5)
    tau, theta, x = random.between(0.002, 0.05), random.between(0.5, 2), random.inputs(0.3)
    alpha = np.exp(-STEP / tau.astype(np.float64)).astype(F)
    x = np.minimum(x, theta)
    wanted = loop(lambda v, i: at_once(alpha * v + i, theta, subtract=True), x)
    r = (tau * np.exp(-STEP / tau) / STEP).astype(F)
    given = run(lif(N, tau=tau, r=r, v_threshold=theta), x, dialect="rockpool", dt=STEP)
    compared(given, wanted, exact=False)


def test_rockpool_with_a_current() -> None:
    random = Random(6)
    syn, mem = random.between(0.001, 0.02), random.between(0.002, 0.05)
    theta, x = random.between(1.5, 2), random.inputs(0.1)
    alpha, beta = (np.exp(-STEP / t.astype(np.float64)).astype(F) for t in (mem, syn))
    current = np.zeros((SAMPLES, N), F)

    def step(v: Array, arriving: Array) -> tuple[Array, Array]:
        current[:] = beta * (current + arriving)
        return at_once(alpha * v + current, theta, subtract=True)

    wanted = loop(step, x)
    r = (mem * np.exp(-STEP / mem) / STEP).astype(F)
    node = cuba(N, tau_syn=syn, tau_mem=mem, r=r, v_threshold=theta)
    compared(run(node, x, dialect="rockpool", dt=STEP), wanted, exact=False)


def test_rockpool_read_out() -> None:
    random = Random(7)
    tau, x = random.between(0.002, 0.05), random.inputs(1)
    alpha = np.exp(-STEP / tau.astype(np.float64)).astype(F)
    _, wanted = loop(lambda v, i: (v, alpha * (v + i)), x)
    r = (tau * np.exp(-STEP / tau) / STEP).astype(F)
    given = run(leaky_read_out(N, tau=tau, r=r), x, dialect="rockpool", dt=STEP)
    assert np.abs(given.v["0"] - wanted).max() < 2e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("decay_input", [False, True])
def test_spikingjelly_lif(soft: bool, decay_input: bool) -> None:
    random = Random(8)
    tau, theta = random.between(1.5, 20), random.between(0.5, 2)
    x = random.inputs(3 if decay_input else 0.5)

    def step(v: Array, i: Array) -> tuple[Array, Array]:
        charged = v + (i - v) / tau if decay_input else v * (F(1) - F(1) / tau) + i
        return at_once(charged, theta, subtract=soft)

    node = lif(N, tau=tau * F(1e-4), r=F(1) if decay_input else tau, v_threshold=theta)
    given = run(node, x, dialect="spikingjelly", reset="subtract" if soft else "zero")
    compared(given, loop(step, x), exact=False)


@pytest.mark.parametrize("decay_input", [False, True])
def test_spikingjelly_reset_value(decay_input: bool) -> None:
    """``v_leak`` is ``v_reset`` there."""
    random = Random(9)
    tau, theta, base = random.between(1.5, 20), random.between(0.5, 2), F(-0.25)
    x = random.inputs(3 if decay_input else 0.5)

    def step(v: Array, i: Array) -> tuple[Array, Array]:
        charged = v + (i - (v - base)) / tau if decay_input else v - (v - base) / tau + i
        s = (charged >= theta).astype(F)
        return s, (1 - s) * charged + s * base

    values = {"v_leak": base, "v_reset": base, "v_threshold": theta}
    node = lif(N, tau=tau * F(1e-4), r=F(1) if decay_input else tau, **values)
    given = run(node, x, dialect="spikingjelly", reset="zero")
    compared(given, loop(step, x), exact=False)


def test_nengo_lif() -> None:
    random = Random(10)
    tau, theta, x = random.between(0.002, 0.05), random.between(0.5, 2), random.inputs(4)
    rate = -np.expm1(-STEP / tau.astype(np.float64))

    def step(v: Array, i: Array) -> tuple[Array, Array]:
        charged = (v + (i - v) * rate).astype(F)
        s = (charged > theta).astype(F)
        return s, charged * (1 - s)

    given = run(lif(N, tau=tau, v_threshold=theta), x, dialect="nengo", dt=STEP)
    compared(given, loop(step, x), exact=False)


def test_lava_dl() -> None:
    """Slayer's integers, on numbers so large and decays so plain that nothing is rounded."""
    random = Random(11)
    x = (random.random.integers(-20, 60, (STEPS, SAMPLES, N)) * 2**14).astype(F)
    theta, current = np.full(N, 100 * 2**14, F), np.zeros((SAMPLES, N), F)

    def step(v: Array, arriving: Array) -> tuple[Array, Array]:
        current[:] = current / 2 + arriving
        return at_once(v / 2 + current, theta, subtract=False)

    node = cuba(N, tau_syn=2e-4, tau_mem=2e-4, w_in=2.0, r=2.0, v_threshold=theta)
    compared(run(node, x, dialect="lava-dl"), loop(step, x), exact=True)


def test_spyx_is_one_step_later() -> None:
    """Two populations: each sends what the step before left above the threshold."""
    random = Random(12)
    beta, theta = F(0.9), F(1)
    weights = random.random.normal(0, 0.3, (N, N)).astype(F)
    bias = random.random.normal(0.1, 0.05, N).astype(F)
    x = random.inputs(0.5)
    first, second, late = np.zeros((SAMPLES, N), F), np.zeros((SAMPLES, N), F), []
    for current in x:
        s = (first > theta).astype(F)
        first = beta * first + current - s * theta
        z = (second > theta).astype(F)
        second = beta * second + (s @ weights.T + bias) - z * theta
        late.append(z)
    options: dict[str, Any] = {"tau": STEP / (1 - beta), "r": beta}
    nodes = {
        "x": source(N),
        "a": lif(N, **options),
        "w": nir.Affine(weights, bias),
        "b": lif(N, **options),
        "y": sink(N),
    }
    net = discretize(
        graph(nodes, list(pairwise(["x", "a", "w", "b", "y"]))), dialect="spyx", dt=STEP
    )
    assert [q.delay for q in net.incoming("b")] == [1]
    given = execute(net, {"x": x}).spikes["b"]
    assert (given[:-1] != np.array(late)[1:]).mean() < 1e-4  # sums of N products, in any order
    assert 0.02 < given.mean() < 0.8


def test_threshold() -> None:
    """The same in every dialect: strictly above."""
    x = np.repeat(np.array([0.5, 1, 1.5], F), N).reshape(3, 1, N)
    options: dict[str, Any]
    for options in ({"dt": STEP}, {"dialect": "sinabs"}, {"dialect": "lava-dl"}):
        given = run(threshold(1, N), x, **options)
        assert given.spikes["0"].mean(axis=(1, 2)).tolist() == [0, 0, 1]


@pytest.mark.parametrize("reset", [0.0, -0.5])
def test_nir_lif(reset: float) -> None:
    random = Random(13)
    tau, theta, x = random.between(0.002, 0.05), random.between(0.5, 2), random.inputs(4)
    r, leak = random.between(0.5, 2), random.between(-0.2, 0.2)
    rate = F(STEP) / tau

    def step(v: Array, i: Array) -> tuple[Array, Array]:
        charged = v + rate * ((r * i + leak) - v)
        s = (charged > theta).astype(F)
        return s, np.where(s > 0, F(reset), charged)

    node = lif(N, tau=tau, r=r, v_leak=leak, v_threshold=theta, v_reset=reset)
    compared(run(node, x, dt=STEP), loop(step, x), exact=True)


def test_nir_read_outs() -> None:
    """LI and I: the potential, for ever."""
    random = Random(14)
    tau, r, x = random.between(0.002, 0.05), random.between(0.5, 2), random.inputs(4)
    _, wanted = loop(lambda v, i: (v, v + (F(STEP) / tau) * (r * i - v)), x)
    given = run(leaky_read_out(N, tau=tau, r=r), x, dt=STEP)
    assert given.v["0"].tobytes() == wanted.tobytes()
    _, wanted = loop(lambda v, i: (v, v + (r * F(STEP)) * i), x)
    given = run(nir.I(r=r), x, dt=STEP)
    assert np.abs(given.v["0"] - wanted).max() < 1e-6 * np.abs(wanted).max()
    assert given.spikes == {}


def test_nir_current() -> None:
    """``w_in = tau_syn / dt`` in float32, as norse's ``LIFCell`` is: no product is lost to it."""
    random = Random(15)
    syn, mem = random.between(0.002, 0.05), random.between(0.002, 0.05)
    theta, leak, x = random.between(0.5, 2), random.between(-0.2, 0.2), random.inputs(2)
    state = np.zeros((SAMPLES, N), F)

    def step(v: Array, arriving: Array) -> tuple[Array, Array]:
        full = state + arriving
        charged = v + (F(STEP) / mem) * ((leak - v) + full)
        state[:] = full - (F(STEP) / syn) * full
        s = (charged > theta).astype(F)
        return s, charged * (1 - s)

    options: dict[str, Any] = {"v_leak": leak, "v_threshold": theta}
    node = cuba(N, tau_syn=syn, tau_mem=mem, w_in=syn / F(STEP), **options)
    compared(run(node, x, dt=STEP), loop(step, x), exact=True)


def test_the_gain_of_a_current() -> None:
    g = chain(linear([[2]]), cuba(w_in=2.0, r=3.0))
    assert discretize(g, dt=STEP).populations[0].gain == pytest.approx(1.5, rel=1e-6)
    off = discretize(chain(linear([[2]]), cuba(w_in=4.00001)), dt=STEP)
    assert off.populations[0].gain > 1


def note(**fields: Any) -> dict[str, Any]:
    own = {
        "integration": "current-decay",
        "decay": np.array([0.9], np.float32),
        "current_decay": np.array([0.8], np.float32),
        "gain": np.array([1], np.float32),
        "leak": np.array([0], np.float32),
        "threshold": np.array([0.7], np.float32),
        "reset": "subtract-delayed",
        "origin": "net.lif",
    }
    return {"snnc": own | fields}


def noted_current(own: dict[str, Any]) -> Network:
    notes = {"snnc": {"format": 2, "framework": "snntorch 1.0.0", "dt": 1e-4}}
    return discretize(chain(linear([[2]]), cuba(metadata=own), metadata=notes))


def test_metadata_through_a_file(tmp_path: Any) -> None:
    notes = {"snnc": {"format": 2, "framework": "snntorch 1.0.0", "dt": 1e-4}}
    g = chain(linear([[2]]), cuba(metadata=note()), metadata=notes)
    g.nodes["output"] = sink(1)
    write_nir(g, tmp_path / "model.nir")
    there = discretize(read_nir(tmp_path / "model.nir"))
    (p,) = there.populations
    assert p.current_decay == np.float32(0.8)
    assert p.origin == ("net.lif",)
    x = (np.random.default_rng(0).random((20, 3, 1)) < 0.3).astype(F)
    here = execute(discretize(g), {"input": x})
    assert here.spikes["1"].any()
    assert here.v["1"].tobytes() == execute(there, {"input": x}).v["1"].tobytes()


def test_metadata_without_a_current() -> None:
    own = note(integration="decay")
    del own["snnc"]["current_decay"]
    assert noted_current(own).populations[0].current_decay == 0
