"""Without ``--dialect``: what the numbers decide, and what is asked."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.network import Integration, Reset
from snnc.compiler.semantics.discretize import discretize
from tests.builders import chain, lif, linear
from tests.compiler.neurons import (
    CURRENT_UNIT,
    STEPS_UNIT,
    cuba,
    fed,
    integrator,
    leaky_read_out,
    only,
    threshold,
)
from tests.compiler.semantics.noted import STEP, message, text

EXACT = 10 * np.exp(-0.1)


def currents(**fields: float) -> dict[str, Any]:
    return CURRENT_UNIT | fields


ASKED: dict[str, tuple[nir.NIRNode, str, str, str]] = {
    "LIF without a factor": (
        lif(**STEPS_UNIT),
        "r*dt/tau = 1",
        "snnTorch or SpikingJelly or Spyx",
        "snntorch or spikingjelly or spyx",
    ),
    "CubaLIF without factors": (
        cuba(**CURRENT_UNIT),
        "r*dt/tau = 1 and w_in*dt/tau_syn = 1",
        "snnTorch or lava-dl",
        "snntorch or lava-dl",
    ),
    "LI without a factor": (leaky_read_out(**STEPS_UNIT), "r*dt/tau = 1", "Spyx", "spyx"),
    "r that is beta": (lif(r=0.9), "r = 1 - dt/tau", "Spyx", "spyx"),
    "IF of r = 1": (
        integrator(r=1.0),
        "r = 1",
        "norse or sinabs or Spyx or Nengo",
        "norse or sinabs or spyx or nengo",
    ),
}


@pytest.mark.parametrize("case", ASKED)
def test_asked(case: str) -> None:
    node, relation, titles, names = ASKED[case]
    assert message(fed(node)) == asked("1", relation, titles, names)
    assert discretize(fed(node), dt=STEP, dialect="nir").dt == STEP


def asked(node: str, relation: str, titles: str, names: str) -> str:
    return text(
        "SNN111",
        node,
        f"{relation} at dt = 0.001 s, as {titles} would write it, and not for the equation of NIR",
        "one known computation",
        f"--dialect {names}, whichever wrote the file, or --dialect nir; docs/dialects.md tells "
        "the differences",
    )


@pytest.mark.parametrize(("off", "is_asked"), [(1e-6, True), (1e-4, False)])
def test_relations_hold_but_for_rounding(off: float, is_asked: bool) -> None:
    g = fed(lif(tau=0.01, r=10 * (1 + off)))
    if is_asked:
        assert "r*dt/tau = 1 at dt = 0.001 s" in message(g)
    else:
        assert only(discretize(g, dt=STEP)).integration is Integration.EULER


def test_all_are_asked_at_once() -> None:
    g = chain(linear([[2]]), lif(**STEPS_UNIT), integrator(r=1.0), lif())
    found = message(g)
    assert found == "\n\n".join(
        asked(node, *ASKED[case][1:])
        for node, case in (("1", "LIF without a factor"), ("2", "IF of r = 1"))
    )


@pytest.mark.parametrize(
    ("node", "integration"),
    [
        (lif(), Integration.EULER),
        (lif(r=3.0), Integration.EULER),
        (lif(tau=0.01, r=9.9), Integration.EULER),
        (cuba(), Integration.CURRENT_EULER),
        (cuba(**currents(r=1.0)), Integration.CURRENT_EULER),
        (cuba(**currents(w_in=1.0)), Integration.CURRENT_EULER),
        (integrator(), Integration.DECAY),
        (integrator(r=500.0), Integration.DECAY),
        (threshold(1), Integration.DECAY),
    ],
)
def test_nir_without_asking(node: nir.NIRNode, integration: Integration) -> None:
    net = discretize(fed(node), dt=STEP)
    assert only(net).integration is integration
    assert net.choices[0].startswith("dialect nir: ")


def test_nothing_to_ask_where_both_are_the_same() -> None:
    """``r = 1`` with ``tau = dt``, and an integrator with ``dt = 1``."""
    for dt in (1e-2, 1e-3, 1e-4, 1e-5):  # as float32 some are above dt, some below
        p = only(discretize(fed(lif(tau=dt)), dt=dt))
        assert (p.integration, p.decay.item()) == (Integration.EULER, 1)
    assert only(discretize(fed(integrator(r=1.0)), dt=1.0)).gain == 1


@pytest.mark.parametrize(
    ("node", "reset"),
    [
        (lif(r=EXACT), Reset.SUBTRACT),
        (cuba(r=EXACT), Reset.SUBTRACT),
        (leaky_read_out(r=EXACT), Reset.NONE),
    ],
)
def test_rockpool_is_certain(node: nir.NIRNode, reset: Reset) -> None:
    """Its ``r`` has an exponential, which comes about by no accident."""
    net = discretize(fed(node), dt=STEP)
    assert net.choices[0] == "dialect rockpool, as no other framework writes such numbers"
    assert only(net).reset is reset


def test_rockpool_beside_others() -> None:
    g = chain(linear([[2]]), lif(r=EXACT), threshold(0.5), lif())
    wanted = asked("1", "r*dt/tau = exp(-dt/tau)", "Rockpool", "rockpool")
    assert message(g) == wanted
    g = chain(linear([[2]]), lif(r=EXACT), threshold(0.5))
    assert discretize(g, dt=STEP).populations[0].reset is Reset.SUBTRACT


def test_another_step_makes_another_dialect() -> None:
    g: Any = fed(lif(r=EXACT))
    assert discretize(g, dt=STEP / 2).choices[0].startswith("dialect nir: ")
