"""What a dialect of NIR does not have or write, and steps that are too long."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.network import Integration
from snnc.compiler.semantics.dialect_table import DIALECTS
from snnc.compiler.semantics.discretize import discretize
from tests.builders import chain, lif, linear
from tests.compiler.neurons import (
    STEPS_UNIT,
    cuba,
    current_read_out,
    fed,
    integrator,
    leaky_read_out,
    only,
    threshold,
)
from tests.compiler.semantics.dialect_cases import EXACT
from tests.compiler.semantics.noted import STEP, message, plain, text

OTHER = "correct --dt, or name the dialect that wrote the file"
KINDS = {
    "snntorch": "LIF, CubaLIF: snnTorch",
    "norse": "LIF, LI, CubaLIF, IF: norse",
    "sinabs": "LIF, LI, IF: sinabs",
    "rockpool": "LIF, LI, CubaLIF: Rockpool",
    "spikingjelly": "LIF, IF: SpikingJelly",
    "spyx": "LIF, LI, IF: Spyx",
    "nengo": "LIF, LI, IF: Nengo",
    "lava-dl": "CubaLIF: lava-dl",
}
NODES = (lif(), cuba(), integrator(), leaky_read_out(), current_read_out(), nir.I(np.ones(1)))


@pytest.mark.parametrize("dialect", KINDS)
def test_nodes_that_a_dialect_does_not_have(dialect: str) -> None:
    options = {"dt": None if dialect == "sinabs" else STEP, "dialect": dialect}
    for node in NODES:
        kind = type(node).__name__
        if kind in KINDS[dialect].partition(":")[0].split(", "):
            continue
        assert message(fed(node), **options) == text(
            "SNN111",
            "1",
            f"a node of type {kind}",
            f"{KINDS[dialect]} writes no other neuron that snnc knows the meaning of",
            "--dialect nir, or the dialect that wrote the file; see docs/dialects.md",
        )


def test_nir_has_every_node() -> None:
    assert set(DIALECTS["nir"].forms) == {type(node) for node in (*NODES, threshold(1))}
    assert set(KINDS) == set(DIALECTS) - {"nir"}


UNWRITTEN: dict[str, tuple[str, Any, list[tuple[str, str, str]]]] = {
    "snnTorch": (
        "snntorch",
        lif(r=2.0),
        [("r", "r*dt/tau = 0.2 at dt = 0.001 s", "r*dt/tau = 1")],
    ),
    "snnTorch, both": (
        "snntorch",
        cuba(),
        [
            ("r", "r*dt/tau = 0.1 at dt = 0.001 s", "r*dt/tau = 1"),
            ("w_in", "w_in*dt/tau_syn = 0.25 at dt = 0.001 s", "w_in*dt/tau_syn = 1"),
        ],
    ),
    "norse": (
        "norse",
        cuba(r=2.0, w_in=3.0),
        [
            ("r", "r = 2 at dt = 0.001 s", "r = 1"),
            (
                "w_in",
                "w_in = 3, w_in*dt/tau_syn = 0.75 at dt = 0.001 s",
                "w_in = 1 or w_in*dt/tau_syn = 1",
            ),
        ],
    ),
    "norse, an IF": ("norse", integrator(), [("r", "r = 1000 at dt = 0.001 s", "r = 1")]),
    "sinabs": ("sinabs", lif(tau=9.0, r=2.0), [("r", "r = 2 at dt = 1 s", "r = 1")]),
    "Rockpool": (
        "rockpool",
        lif(),
        [("r", "r*dt/tau = 0.1 at dt = 0.001 s", "r*dt/tau = exp(-dt/tau)")],
    ),
    "SpikingJelly": (
        "spikingjelly",
        lif(r=2.0),
        [("r", "r = 2, r*dt/tau = 0.2 at dt = 0.001 s", "r = 1 or r*dt/tau = 1")],
    ),
    "SpikingJelly, an IF": (
        "spikingjelly",
        integrator(r=1.0),
        [("r", "r*dt = 0.001 at dt = 0.001 s", "r*dt = 1")],
    ),
    "Spyx": (
        "spyx",
        lif(),
        [("r", "r = 1, r*dt/tau = 0.1 at dt = 0.001 s", "r = 1 - dt/tau or r*dt/tau = 1")],
    ),
    "Nengo": ("nengo", integrator(r=2.0), [("r", "r = 2 at dt = 0.001 s", "r = 1")]),
    "one of two": (
        "snntorch",
        lif(2, tau=np.full(2, 0.01, np.float32), r=np.array([10, 5], np.float32), v_threshold=1.0),
        [("r", "r*dt/tau = 0.5 at dt = 0.001 s", "r*dt/tau = 1")],
    ),
    "a leak": ("snntorch", lif(**STEPS_UNIT, v_leak=0.5), [("v_leak", "0.5", "0")]),
    "a reset value": ("snntorch", lif(**STEPS_UNIT, v_reset=-0.5), [("v_reset", "-0.5", "0")]),
    "a leak and a reset value": (
        "rockpool",
        lif(r=EXACT, v_leak=-1.0, v_reset=0.25),
        [("v_leak", "-1", "0"), ("v_reset", "0.25", "0")],
    ),
    "a reset value of Nengo": ("nengo", lif(v_leak=0.1, v_reset=0.1), [("v_reset", "0.1", "0")]),
}
HAVING = {
    "v_leak": "--dialect nir, norse, spikingjelly or nengo, whichever wrote the file: they have "
    "v_leak",
    "v_reset": "--dialect nir, norse or spikingjelly, whichever wrote the file: they have v_reset",
}


@pytest.mark.parametrize("case", UNWRITTEN)
def test_numbers_that_a_dialect_does_not_write(case: str) -> None:
    dialect, node, found = UNWRITTEN[case]
    options = {"dt": None if dialect == "sinabs" else STEP, "dialect": dialect, "reset": "zero"}
    title = DIALECTS[dialect].title
    n = node.r.size
    remedy = "name the dialect that wrote the file" if dialect == "sinabs" else OTHER
    assert message(chain(linear(np.ones((n, 1))), node), **options) == "\n\n".join(
        text(
            *("SNN105", f"1.{field}", what, f"{wanted}, as {title} writes it"),
            HAVING.get(field, remedy),
        )
        for field, what, wanted in found
    )


def test_a_leak_that_few_nodes_have() -> None:
    unit = cuba(r=10.0, w_in=4.0, v_leak=1.2)
    assert message(fed(unit), dt=STEP, dialect="snntorch", reset="zero") == text(
        "SNN105",
        "1.v_leak",
        "1.2",
        "0, as snnTorch writes it",
        "--dialect nir or norse, whichever wrote the file: they have v_leak",
    )


OVERSHOOTS = "name the step that the network was trained with: --dt 5e-05"
NORSE = (
    "norse 1.1.0 writes time constants times its dt: export again with to_nir(..., dt=1), or name "
    "the step: --dt 5e-05"
)


@pytest.mark.parametrize(
    ("dialect", "r", "remedy"),
    [
        ("nir", 1.0, OVERSHOOTS),
        ("norse", 1.0, NORSE),
        ("snntorch", 0.5, OVERSHOOTS),
        ("spikingjelly", 1.0, OVERSHOOTS),
        ("spyx", -1.0, OVERSHOOTS),
    ],
)
def test_a_step_longer_than_tau(dialect: str, r: float, remedy: str) -> None:
    found = message(plain(tau=0.0005, r=r), dialect=dialect, reset="zero")
    assert found == text(
        "SNN105",
        "1.tau",
        "0.0005 s with steps of 0.001 s",
        "tau of a step or more: forward Euler overshoots beyond",
        remedy,
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


def test_a_step_longer_than_tau_where_decay_is_exact() -> None:
    tau, dt = 0.0005, STEP
    for dialect, r in (("nengo", 1.0), ("rockpool", tau / dt * np.exp(-dt / tau))):
        p = only(discretize(plain(tau=tau, r=r), dt=dt, dialect=dialect))
        left = np.exp(-2)
        wanted = 1 - left if p.integration is Integration.EULER else left
        assert p.decay == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    ("dialect", "tau", "told"),
    [
        ("nengo", 0.0005, ["1.tau is below a step, which leaves 14 % of a state"]),
        ("nengo", 0.000105, ["1.tau is below a step, which leaves 0.0073 % of a state"]),
        ("nengo", 0.001, []),
        ("sinabs", 0.5, ["1.tau is below a step, which leaves 14 % of a state"]),
        ("sinabs", 1.0, []),
    ],
)
def test_a_time_constant_below_a_step_is_told(dialect: str, tau: float, told: list[str]) -> None:
    dt = None if dialect == "sinabs" else STEP
    choices = discretize(plain(tau=tau), dt=dt, dialect=dialect).choices
    assert [choice for choice in choices if "below" in choice] == told


IN_STEPS = (
    "name the dialect that wrote the file: sinabs counts in steps, and these look like seconds"
)
BETTER = "name the step that the network was trained with: --dt 9e-06"


@pytest.mark.parametrize(
    ("dialect", "tau", "found", "remedy"),
    [
        ("sinabs", 0.0025, "0.0025 steps", IN_STEPS),
        ("sinabs", 0.09, "0.09 steps", IN_STEPS),
        ("nengo", 9e-05, "9e-05 s with steps of 0.001 s", BETTER),
        ("rockpool", 9e-05, "9e-05 s with steps of 0.001 s", BETTER),
    ],
)
def test_nothing_is_left_after_a_step(dialect: str, tau: float, found: str, remedy: str) -> None:
    dt = None if dialect == "sinabs" else STEP
    r = tau / STEP * np.exp(-STEP / tau) if dialect == "rockpool" else 1.0
    assert message(plain(tau=tau, r=r), dt=dt, dialect=dialect) == text(
        "SNN105",
        "1.tau",
        found,
        "tau of a tenth of a step or more: nothing is left of a state beyond",
        remedy,
    )
