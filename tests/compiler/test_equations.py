"""Neurons of ``CubaLIF`` and ``IF``: what each dialect takes them for, and what it refuses."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.discretize import discretize
from snnc.compiler.network import Integration, Network, Population, Reset
from snnc.frontends.nir_file import read_nir, write_nir
from snnc.targets.float.executor import execute
from tests.builders import chain, linear, spikes
from tests.compiler.test_discretize import PARAMETER, STEP, message, text

UNIT: dict[str, Any] = {"tau_syn": 0.004, "w_in": 4.0, "tau_mem": 0.01, "r": 10.0}
"""A neuron of snnTorch's kind at a step of 1 ms."""
PATHLIKE = "model.nir"


def cuba(n: int = 1, metadata: Any = None, **fields: Any) -> nir.CubaLIF:
    defaults = {"tau_syn": 0.004, "tau_mem": 0.01, "w_in": 1.0, "r": 1.0, "v_leak": 0.0}
    values = defaults | {"v_threshold": 1.0, "v_reset": 0.0} | fields
    vectors = {f: spread(v, n) for f, v in values.items()}
    return nir.CubaLIF(**vectors, metadata=metadata or {})


def integrator(n: int = 1, **fields: Any) -> nir.IF:
    values = {"r": 1000.0, "v_threshold": 1.0, "v_reset": 0.0} | fields
    return nir.IF(**{f: spread(v, n) for f, v in values.items()})


def spread(value: Any, n: int) -> Any:
    return np.broadcast_to(np.float32(value), n).copy()


def fed(node: nir.NIRNode) -> nir.NIRGraph:
    return chain(linear([[2]]), node)


def only(net: Network) -> Population:
    (p,) = net.populations
    return p


# --- what is made ------------------------------------------------------------------------------


def test_cuba_of_nir() -> None:
    net = discretize(fed(cuba(w_in=2.0, r=3.0, v_leak=0.5, v_threshold=0.1)), dt=STEP)
    p = only(net)
    assert (p.integration, p.reset) == (Integration.CURRENT_EULER, Reset.ZERO)
    assert p.decay == np.float32(STEP) / np.float32(0.01)
    assert (p.current_decay.item(), p.leak.item()) == (0.25, 0.5)
    assert p.gain == pytest.approx(2.0 * 0.25 * 3.0, rel=1e-6)
    assert p.threshold == np.float32(0.1)
    assert net.choices == (
        "dialect nir: forward Euler, i += w_in*dt/tau_syn * r*I, v += dt/tau_mem * ((v_leak - v) "
        "+ i), i -= dt/tau_syn * i, from i = v = 0; r is folded into i",
        "dt = 0.001 s, as named",
        "reset zero, as NIR defines it",
    )


def test_a_gain_within_rounding_of_one_is_one() -> None:
    """``w_in = tau_syn / dt`` in float32, as norse's ``LIFCell`` is: no product is lost to it."""
    tau = np.random.default_rng(0).uniform(0.002, 0.1, 1000).astype(np.float32)
    node = cuba(1000, tau_syn=tau, w_in=tau / np.float32(STEP))
    p = only(discretize(chain(linear(np.ones((1000, 1))), node), dt=STEP))
    assert (p.gain == 1).all()
    assert only(discretize(fed(cuba(w_in=4.00001)), dt=STEP)).gain > 1


def test_cuba_of_snntorch() -> None:
    net = discretize(fed(cuba(**UNIT)), dt=STEP, dialect="snntorch", reset="zero-next")
    p = only(net)
    assert (p.integration, p.reset) == (Integration.CURRENT_DECAY, Reset.ZERO_NEXT)
    assert p.decay == np.float32(0.9)
    assert p.current_decay == 0.75
    assert (p.gain.item(), p.leak.item()) == (1, 0)
    assert net.choices == (
        "dialect snntorch: i = alpha*i + I with alpha = 1 - dt/tau_syn, v = beta*v + i with beta = "
        "1 - dt/tau_mem, from i = v = 0",
        "dt = 0.001 s",
        "reset zero-next, as named",
    )


def test_integrator_of_nir() -> None:
    net = discretize(fed(integrator(r=500.0, v_threshold=0.5)), dt=STEP)
    p = only(net)
    assert (p.integration, p.reset) == (Integration.DECAY, Reset.ZERO)
    assert (p.decay.item(), p.gain.item(), p.leak.item()) == (1, 0.5, 0)
    assert (p.current_decay.item(), p.threshold.item()) == (0, 0.5)
    assert net.choices[0] == "dialect nir: forward Euler, v += r*dt * I, from v = 0"


def test_integrator_that_is_the_same_either_way() -> None:
    """``r = 1`` and ``dt = 1``: nothing to ask."""
    assert only(discretize(fed(integrator(r=1.0)), dt=1.0)).gain == 1


@pytest.mark.parametrize("node", [cuba(), integrator()])
def test_ends_of_an_axon(node: nir.NIRNode) -> None:
    """Neurons of every kind feed weights, themselves and outputs."""
    g = chain(linear([[2]]), node, linear([[3]]), cuba())
    g.nodes["again"] = linear([[0.5]])
    g.edges += [("1", "again"), ("again", "1")]
    net = discretize(g, dt=STEP)
    assert [p.name for p in net.populations] == ["1", "3"]
    assert [(q.name, q.delay) for q in net.projections] == [("0", 0), ("again", 1), ("2", 0)]
    assert net.outputs[0].source == "3"


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


def noted(own: dict[str, Any]) -> nir.NIRGraph:
    graph_notes = {"snnc": {"format": 2, "framework": "snntorch 1.0.0", "dt": 1e-4}}
    return chain(linear([[2]]), cuba(metadata=own, **UNIT), metadata=graph_notes)


def test_metadata_through_a_file(tmp_path: Any) -> None:
    write_nir(noted(note()), tmp_path / PATHLIKE)
    there = discretize(read_nir(tmp_path / PATHLIKE))
    p = only(there)
    assert p.integration is Integration.CURRENT_DECAY
    assert p.current_decay == np.float32(0.8)
    assert p.origin == ("net.lif",)
    x = spikes((20, 3, 1))
    here = execute(discretize(noted(note())), {"input": x})
    assert here.spikes["1"].any()
    assert here.v["1"].tobytes() == execute(there, {"input": x}).v["1"].tobytes()


def test_metadata_without_a_current() -> None:
    own = note(integration="decay")
    del own["snnc"]["current_decay"]
    assert only(discretize(noted(own))).current_decay == 0


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("integration", ["current-decay", "current-euler"])
def test_metadata_lacks_the_decay_of_the_current(integration: str) -> None:
    own = note(integration=integration)
    del own["snnc"]["current_decay"]
    assert message(noted(own), dt=None) == text(
        "SNN104",
        "1, metadata",
        "no 'current_decay'",
        "the notes of snnc's frontends, format 2",
        "import the trained module again: snnc import SPEC -o model.nir",
    )


def test_metadata_of_another_shape() -> None:
    own = note(integration="decay", current_decay=np.ones(2))
    assert message(noted(own), dt=None) == text(
        "SNN104",
        "1, metadata",
        "current_decay = array([1., 1.])",
        "the notes of snnc's frontends, format 2",
        "import the trained module again: snnc import SPEC -o model.nir",
    )


@pytest.mark.parametrize("value", [-0.5, 1.5])
def test_decay_of_a_current_out_of_range(value: float) -> None:
    own = note(current_decay=np.array([value], np.float32))
    found = f"current_decay: {value:g} to {value:g}"
    assert message(noted(own), dt=None) == text("SNN105", "net.lif", found, "0 to 1", PARAMETER)


def test_ambiguous_cuba() -> None:
    assert message(fed(cuba(**UNIT))) == text(
        "SNN111",
        "1",
        "r*dt/tau_mem = w_in*dt/tau_syn = 1 at dt = 0.001 s: input enters without a factor, as in "
        "snnTorch, whose files do not say how a spike resets",
        "one known computation",
        "--dialect snntorch --reset subtract-delayed (snnTorch's default), --reset zero, or "
        "--dialect nir for NIR's own equation",
    )


@pytest.mark.parametrize("field", ["r", "w_in"])
def test_one_factor_of_two_is_not_snntorch(field: str) -> None:
    """As of norse, whose ``r`` is 1."""
    fields: dict[str, Any] = UNIT | {field: 1.0}
    node = cuba(**fields)
    assert only(discretize(fed(node), dt=STEP)).integration is Integration.CURRENT_EULER


def test_ambiguous_integrator() -> None:
    assert message(fed(integrator(r=1.0))) == text(
        "SNN111",
        "1",
        "r = 1: NIR's equation gives input the factor dt = 0.001, but norse and others write r = 1 "
        "for v += I",
        "one known computation",
        "--dialect nir for NIR's own equation; for v += I give the node r = 1/dt",
    )
    named = discretize(fed(integrator(r=1.0)), dt=STEP, dialect="nir")
    assert only(named).gain == np.float32(STEP)


def test_snntorch_writes_no_integrator() -> None:
    assert message(fed(integrator()), dialect="snntorch", reset="zero") == text(
        "SNN111",
        "1",
        "a node of type IF",
        "LIF and CubaLIF: snnTorch exports no other neuron",
        "use --dialect nir",
    )


def test_factors_that_snntorch_does_not_write() -> None:
    fields: dict[str, Any] = UNIT | {"r": 1.0, "w_in": 1.0}
    node = cuba(**fields)
    assert message(fed(node), dialect="snntorch", reset="zero") == "\n\n".join(
        text(
            "SNN105",
            f"1.{field}",
            f"{factor} at dt = 0.001 s",
            "1, as snnTorch exports it",
            "correct --dt, or use --dialect nir",
        )
        for field, factor in (("r", "r*dt/tau_mem = 0.1"), ("w_in", "w_in*dt/tau_syn = 0.25"))
    )


def test_steps_longer_than_both_time_constants() -> None:
    assert message(fed(cuba(tau_syn=0.0005, tau_mem=0.0002))) == "\n\n".join(
        text(
            "SNN105",
            f"1.{field}",
            f"{tau} s with steps of 0.001 s",
            f"{field} of a step or more: forward Euler overshoots beyond",
            f"name the step that the network was trained with: --dt {dt}",
        )
        for field, tau, dt in (("tau_syn", 0.0005, "5e-05"), ("tau_mem", 0.0002, "2e-05"))
    )


@pytest.mark.parametrize(
    ("neuron", "field", "found", "limit"),
    [
        ({"tau_syn": 0.0}, "tau_syn", "0", "above 0"),
        ({"tau_mem": -0.01}, "tau_mem", "-0.01", "above 0"),
        ({"tau_syn": np.inf}, "tau_syn", "inf", "a finite number"),
        ({"v_threshold": 0.0}, "v_threshold", "0", "above 0"),
        ({"v_reset": 0.25}, "v_reset", "0.25", "0 in this release"),
    ],
)
def test_numbers_of_neurons(neuron: dict[str, Any], field: str, found: str, limit: str) -> None:
    wanted = text("SNN105", f"1.{field}", found, limit, PARAMETER)
    assert message(fed(cuba(**neuron))) == wanted
    if not field.startswith("tau"):
        assert message(fed(integrator(**neuron))) == wanted
