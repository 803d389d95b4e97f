"""Dialects of NIR: options, what is chosen where a file leaves it open, resets."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.network import Reset
from snnc.compiler.semantics.dialect_table import DIALECTS
from snnc.compiler.semantics.discretize import discretize
from tests.builders import chain, lif, linear
from tests.compiler.neurons import (
    CURRENT_UNIT,
    STEPS_UNIT,
    cuba,
    fed,
    integrator,
    only,
    threshold,
)
from tests.compiler.semantics.dialect_cases import EXACT
from tests.compiler.semantics.noted import STEP, message, noted, plain, text

RESETS = (
    "none, value, zero, zero-delayed, zero-next, subtract, subtract-delayed, subtract-retest, "
    "zero-at-once, subtract-at-once"
)
NAMES = "nir, snntorch, norse, sinabs, rockpool, spikingjelly, spyx, nengo, lava-dl"
MEANINGS = "docs/dialects.md tells what each of them means"


def test_no_step() -> None:
    wanted = text(
        "SNN110",
        "the graph",
        "no dt in the file's metadata, and no --dt",
        "NIR has time constants, and no step",
        "name the step that the network was trained with: --dt 1e-4",
    )
    assert message(plain(), dt=None) == wanted
    for dialect in ("nir", "norse", "rockpool", "spyx", "nengo"):
        assert message(plain(), dt=None, dialect=dialect) == wanted


@pytest.mark.parametrize("dt", [0.0, -1.0, np.nan, np.inf])
def test_steps_out_of_range(dt: float) -> None:
    limit = "a length in seconds above 0"
    assert message(plain(), dt=dt) == text("SNN004", "--dt", f"{dt:g}", limit, "--dt 1e-4")


def test_options_all_at_once() -> None:
    assert message(plain(), dt=-1, dialect="brian", reset="hard") == "\n\n".join(
        (
            text("SNN004", "--dt", "-1", "a length in seconds above 0", "--dt 1e-4"),
            text("SNN004", "--dialect", "brian", NAMES, MEANINGS),
            text("SNN004", "--reset", "hard", RESETS, MEANINGS),
        )
    )


@pytest.mark.parametrize(
    ("option", "written", "meant"),
    [
        ("dialect", "snnTorch", "snntorch"),
        ("dialect", "Norse", "norse"),
        ("dialect", "lavadl", "lava-dl"),
        ("dialect", "SpikingJelly", "spikingjelly"),
        ("reset", "Zero", "zero"),
        ("reset", "substract", "subtract"),
        ("reset", "ZERO_AT_ONCE", "zero-at-once"),
    ],
)
def test_a_misspelled_name(option: str, written: str, meant: str) -> None:
    known = {"dialect": NAMES, "reset": RESETS}[option]
    wanted = text("SNN004", f"--{option}", written, known, f"--{option} {meant}")
    assert message(plain(), **{option: written}) == wanted


def test_a_step_where_time_is_counted_in_steps() -> None:
    limit = "1: sinabs counts time constants in steps"
    wanted = text("SNN004", "--dt", "0.001", limit, "leave --dt out")
    assert message(plain(tau=10.0), dialect="sinabs") == wanted
    for dt in (None, 1.0):
        assert discretize(plain(tau=10.0), dialect="sinabs", dt=dt).dt == 1


def test_contradictions_of_the_metadata() -> None:
    limit = "the file says it itself: snntorch 1.0.0, dt = 0.0001 s"
    assert message(noted(), dialect="nir", reset="zero") == "\n\n".join(
        (
            text("SNN004", "--dt", "0.001", limit, "leave --dt out"),
            text("SNN004", "--dialect", "nir", limit, "leave --dialect out"),
            text("SNN004", "--reset", "zero", limit, "leave --reset out"),
        )
    )


CHOICES: dict[str, tuple[nir.NIRNode, dict[str, Any], list[str]]] = {
    "nir": (
        lif(),
        {"dt": STEP},
        [
            "dialect nir: forward Euler, v += dt/tau * ((r*I + v_leak) - v), from v = 0",
            "dt = 0.001 s, as named",
            "reset zero, as NIR defines it",
        ],
    ),
    "nir, a current": (
        cuba(v_reset=0.5),
        {"dt": STEP},
        [
            "dialect nir: forward Euler, i += w_in*dt/tau_syn * r*I, v += dt/tau_mem * ((v_leak - "
            "v) + i), i -= dt/tau_syn * i, from i = v = 0; r is folded into i",
            "dt = 0.001 s, as named",
            "reset zero, as NIR defines it: value",
        ],
    ),
    "nir, a read-out": (
        nir.I(r=np.ones(1) * 1000),
        {"dt": STEP, "reset": "subtract"},
        ["dialect nir: forward Euler, v += r*dt * I, from v = 0", "dt = 0.001 s, as named"],
    ),
    "nir, a threshold": (
        threshold(1),
        {"dt": STEP},
        [
            "dialect nir: a spike where I > threshold, in every step anew",
            "dt = 0.001 s, as named",
        ],
    ),
    "snntorch": (
        lif(tau=1e-3, r=10.0),
        {"dialect": "snntorch", "reset": "subtract"},
        [
            "dialect snntorch: v = beta*v + I with beta = 1 - dt/tau, from v = 0",
            "dt = 0.0001 s, as snnTorch assumes",
            "reset subtract, as named: subtract-delayed",
        ],
    ),
    "snntorch, a current": (
        cuba(**CURRENT_UNIT),
        {"dialect": "snntorch", "reset": "zero", "dt": STEP},
        [
            "dialect snntorch: i = alpha*i + I with alpha = 1 - dt/tau_syn, v = beta*v + i with "
            "beta = 1 - dt/tau_mem, from i = v = 0",
            "dt = 0.001 s, as named",
            "reset zero, as named: zero-next",
        ],
    ),
    "norse": (
        cuba(),
        {"dialect": "norse", "dt": STEP},
        [
            "dialect norse: i += I, v += dt/tau_mem * ((v_leak - v) + i), i -= dt/tau_syn * i, "
            "from i = 0 and v = v_leak",
            "dt = 0.001 s, as named",
            "reset zero, as norse computes",
            "norse's files do not say v_reset or reset_method: 0 and reset_value, its defaults",
        ],
    ),
    "sinabs": (
        lif(tau=10.0),
        {"dialect": "sinabs"},
        [
            "dialect sinabs: v = alpha*v + I with alpha = exp(-1/tau), tau in steps, from v = 0",
            "a step is 1, as sinabs counts time constants in steps",
            "reset subtract, as sinabs computes",
            "a spike where v >= threshold, as in sinabs; of integers, where v > threshold",
            "norm_input=False, as sinabs reads its files, which do not say it",
            "one spike a step at most, where sinabs's MultiSpike gives several",
            "no lower bound of v, where sinabs's files do not say min_v_mem",
        ],
    ),
    "rockpool": (
        lif(r=EXACT),
        {"dialect": "rockpool", "dt": STEP},
        [
            "dialect rockpool: v = alpha*v + I with alpha = exp(-dt/tau), from v = 0",
            "dt = 0.001 s, as named",
            "reset subtract, as Rockpool computes",
            "a spike where v >= threshold, as in Rockpool; of integers, where v > threshold",
            "one spike a step at most, where Rockpool's StepPWL gives several",
        ],
    ),
    "spikingjelly": (
        lif(tau=1e-3),
        {"dialect": "spikingjelly", "reset": "subtract"},
        [
            "dialect spikingjelly: v += dt/tau * ((r*I + v_leak) - v), from v = 0",
            "dt = 0.0001 s, as SpikingJelly assumes",
            "reset subtract, as named",
            "a spike where v >= threshold, as in SpikingJelly; of integers, where v > threshold",
        ],
    ),
    "spyx": (
        lif(r=0.9),
        {"dialect": "spyx", "dt": STEP},
        [
            "dialect spyx: v = beta*v + I with beta = 1 - dt/tau, from v = 0",
            "dt = 0.001 s, as named",
            "reset subtract, as Spyx computes: subtract-delayed",
            "a spike reaches the next population one step later, as in Spyx, which sends what the "
            "step before left above threshold; outputs are given one step before Spyx gives them",
            "weights are [n_out, n_in], as NIR defines them; Spyx's to_nir does not transpose its "
            "own",
        ],
    ),
    "nengo": (
        integrator(r=1.0),
        {"dialect": "nengo", "dt": STEP},
        [
            "dialect nengo: v += I, from v = 0",
            "dt = 0.001 s, as named",
            "reset zero, as Nengo computes",
            "tau_ref = 0, which no file says",
            "no lower bound of v, where Nengo's min_voltage is 0",
        ],
    ),
    "lava-dl": (
        cuba(tau_syn=4e-4, tau_mem=1e-3, w_in=4.0, r=10.0),
        {"dialect": "lava-dl"},
        [
            "dialect lava-dl: i = alpha*i + I with alpha = 1 - dt/tau_syn, v = beta*v + i with "
            "beta = 1 - dt/tau_mem, from i = v = 0",
            "dt = 0.0001 s, as lava-dl assumes",
            "reset zero, as lava-dl computes",
            "a spike where v >= threshold, as in lava-dl; of integers, where v > threshold",
            "real numbers, where lava-dl computes in integers: states differ by rounding",
        ],
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choices(case: str) -> None:
    node, options, wanted = CHOICES[case]
    assert list(discretize(fed(node), **options).choices) == wanted


def test_every_dialect_is_there() -> None:
    assert {case.partition(",")[0] for case in CHOICES} == set(DIALECTS)


def test_resets_of_several_kinds() -> None:
    g = chain(linear([[2]]), lif(**STEPS_UNIT), cuba(**CURRENT_UNIT))
    net = discretize(g, dialect="snntorch", reset="zero", dt=STEP)
    assert [p.reset for p in net.populations] == [Reset.ZERO_DELAYED, Reset.ZERO_NEXT]
    assert "reset zero, as named: zero-delayed, zero-next" in net.choices


@pytest.mark.parametrize("reset", [*Reset])
def test_resets_by_name(reset: Reset) -> None:
    """Every one as it is, but for what dialects mean by ``zero`` and ``subtract``."""
    assert only(discretize(plain(), dt=STEP, reset=reset)).reset is reset


@pytest.mark.parametrize(
    ("dialect", "node", "name", "reset"),
    [
        ("snntorch", lif(**STEPS_UNIT), "zero", Reset.ZERO_DELAYED),
        ("snntorch", lif(**STEPS_UNIT), "subtract", Reset.SUBTRACT_DELAYED),
        ("snntorch", lif(**STEPS_UNIT), "zero-at-once", Reset.ZERO),
        ("snntorch", lif(**STEPS_UNIT), "subtract-at-once", Reset.SUBTRACT),
        ("snntorch", cuba(**CURRENT_UNIT), "zero", Reset.ZERO_NEXT),
        ("snntorch", cuba(**CURRENT_UNIT), "subtract", Reset.SUBTRACT_DELAYED),
        ("spyx", lif(r=0.9), "subtract", Reset.SUBTRACT_DELAYED),
        ("spikingjelly", lif(), "zero", Reset.ZERO),
        ("spikingjelly", lif(v_leak=0.5, v_reset=0.5), "zero", Reset.VALUE),
        ("nir", lif(v_reset=0.5), "zero", Reset.VALUE),
        ("nir", lif(v_reset=0.5), "zero-at-once", Reset.ZERO),
        ("norse", lif(v_reset=-0.5), "zero", Reset.VALUE),
        ("rockpool", lif(r=EXACT), "subtract", Reset.SUBTRACT),
    ],
)
def test_what_resets_mean(dialect: str, node: Any, name: str, reset: Reset) -> None:
    p = only(discretize(fed(node), dt=STEP, dialect=dialect, reset=name))
    assert p.reset is reset
    wanted = node.v_reset if reset is Reset.VALUE else 0
    assert p.reset_value == wanted


@pytest.mark.parametrize(
    ("dialect", "title", "usual"),
    [("snntorch", "snnTorch", "subtract"), ("spikingjelly", "SpikingJelly", "zero")],
)
def test_a_reset_that_has_to_be_named(dialect: str, title: str, usual: str) -> None:
    wanted = text(
        "SNN111",
        "1",
        f"no --reset; {title} writes the same node for all its resets",
        RESETS,
        f"--reset {usual} is {title}'s default",
    )
    assert message(plain(**STEPS_UNIT), dialect=dialect) == wanted


def test_read_outs_need_no_reset() -> None:
    g = fed(threshold(1))
    assert discretize(g, dialect="snntorch").populations[0].reset is Reset.NONE
