"""Corners of the arithmetic on Lava, each seen to be reached, many in one start."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import (
    MAX_DELAY,
    MAX_DU,
    MAX_DV,
    MAX_THRESHOLD,
    MIN_WEIGHT_EXP,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.network import Output
from snnc.targets.lava.forms import Form
from tests.builders import fixed_population, fixed_projection
from tests.drawn.deployed import Run
from tests.targets.lava.equality import FORMS, assert_equal, forms_of
from tests.targets.lava.forked import Forks
from tests.targets.lava.networks import Array, Signals

pytestmark = pytest.mark.lava

LEVELS = 32
LIMIT = STATE_LIMIT - 1


@pytest.fixture(scope="module")
def forks() -> Generator[Forks]:
    with Forks() as forks:
        yield forks


def samples() -> Array:
    """Give three samples of two values: both signs, rest, the largest for long, and at random."""
    rng = np.random.default_rng(0)
    ends = [
        (16, 1),
        (-16, 1),
        (16, -1),
        (-16, -1),
        (0, 0),
        (1, 0),
        (1, 1),
        (-1, 0),
        (0, 1),
        (0, -1),
    ]
    first = [*ends, (32, 0), (-32, 0), (0, 0), (32, 0), (32, 0), (0, 0), (3, 0), (-3, 0)]
    second = [*9 * [(32, 1)], *9 * [(-32, -1)]]
    third = rng.integers(-LEVELS, LEVELS + 1, (18, 2)) * (rng.random((18, 1)) < 0.6)
    return np.stack([np.array(first), np.array(second), third], axis=1)


class Grown:
    """Populations that the input ``x`` of two values drives, one step behind it."""

    def __init__(self) -> None:
        self.populations = list[FixedPopulation]()
        self.projections = list[FixedProjection]()

    def add(self, name: str, *weights: tuple[Any, int], **fields: Any) -> None:
        """Add neurons, and a projection from ``source`` for each matrix and its exponent."""
        source = fields.pop("source", "x")
        n = np.shape(weights[0][0])[0] if weights else fields.pop("n")
        self.populations.append(fixed_population(name, n, **({"lag": 1} | fields)))
        for k, (matrix, exponent) in enumerate(weights):
            label = f"{source}->{name} {k}"
            self.projections.append(
                fixed_projection(source, name, matrix, weight_exp=exponent, name=label)
            )

    def network(self) -> FixedNetwork:
        """Give what was added."""
        outputs = tuple(Output(f"out {p.name}", p.name) for p in self.populations)
        fixed = FixedNetwork(
            inputs=(FixedInput("x", (2,), 1.0, LEVELS),),
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            outputs=outputs,
            dt=1e-3,
        )
        assert list(check_fixed(fixed)) == []
        return fixed


def compared(forks: Forks, fixed: FixedNetwork, x: Array, forms: tuple[Form, ...]) -> Signals:
    """Compare a network in ``forms``, which it must be able to have."""
    assert set(forms) <= set(forms_of(fixed))
    wanted = None
    with forks.installed():
        for form in forms:
            wanted = assert_equal(Run(fixed, {"x": x}), form, wanted)
    assert wanted is not None
    return wanted


def documented() -> FixedNetwork:
    """Give corners that Lava's own neurons have, each with one value of a parameter for all."""
    net = Grown()
    plain = {"du": MAX_DU, "dv": MAX_DV - 1, "threshold": MAX_THRESHOLD}
    net.add("tie", ([[10, 0], [11, 0], [9, 0], [9, 1]], 0), **plain | {"threshold": 10})
    net.add("added tie", ([[5, 0], [5, 1]], 0), **plain | {"threshold": 15, "dv": 0})
    exact = [[32, 0], [-32, 0]]  # times 32 and 2**7 it is 2**17, which is 2**23 in u
    beside = ([[32, 0], [32, 0], [-32, 0]], 7), ([[0, 1], [0, -1], [0, 1]], 0)
    net.add("edge", (exact, 7), **plain)
    net.add("twice", ([[64, 0], [-64, 0]], 7), **plain)
    net.add("edge kept", (exact, 7), **plain | {"du": 0})
    net.add("beside", *beside, **plain | {"threshold": 0})
    for du in (0, MAX_DU):
        for dv in (0, MAX_DV - 1):
            weight = [[127, 0], [-128, 0], [1, 0], [0, -1]]
            net.add(f"du {du}, dv {dv}", (weight, 3), du=du, dv=dv, threshold=5000)
    odd = [[-1, 0], [-3, 0], [0, -1], [3, 0], [-128, 127]]
    for exponent in (-1, -4, MIN_WEIGHT_EXP):
        net.add(f"floor {exponent}", (odd, exponent), **plain | {"threshold": 1})
    net.add("one", ([[25, 0]], 0), **plain | {"threshold": 20, "dv": 300})
    net.add("behind one", ([[40]], 0), source="one", **plain | {"threshold": 60, "dv": 9}, lag=2)
    net.add("bias", n=2, **plain | {"threshold": 40, "dv": 0}, bias_mant=[500, -7], bias_exp=[1, 7])
    weight = [[3, 0], [-3, 5]]
    net.add("behind bias", (weight, 0), source="bias", **plain | {"threshold": 2}, lag=2)
    net.add("clip", ([[1, 0], [-1, 0], [0, 60]], 7), **plain | {"du": 9, "dv": 0})
    return net.network()


def test_corners_of_lavas_own_neurons(forks: Forks) -> None:
    fixed, x = documented(), samples()
    seen = compared(forks, fixed, x, FORMS)
    u, v, spikes = seen["u"], seen["v"], seen["spikes"]
    ties = v["tie"] == 640
    assert ties.any()
    assert not (spikes["tie"] & ties).any()
    assert spikes["tie"][..., 1].any()
    assert (v["added tie"] == 15 * 64).any()
    assert {2**23, 2**23 - 64, 64 - 2**23} <= {*u["beside"].ravel(), *u["edge"].ravel()}
    assert (u["edge"][abs(x[..., 0]) == 32] == 2**23).all()  # of either sign
    assert (u["twice"][abs(x[..., 0]) == 32] == 0).all()
    assert (abs(np.diff(u["edge kept"], axis=0)) > 2**23).any()
    assert np.unique(v["du 0, dv 0"]).size > 50
    assert not u["du 4095, dv 4095"][x[..., 0] == 0][:, :3].any()
    floor = u[f"floor {MIN_WEIGHT_EXP}"][x[..., 0] == 1]
    assert (floor[:, :2] == -64).all()
    for name in ("one", "behind one", "bias", "behind bias"):
        assert spikes[name].any(), name
    assert (v["clip"] == -LIMIT).any()


def paused() -> FixedNetwork:
    """Give every reset with every number of refractory steps, and read-outs; each its own kind."""
    net = Grown()
    weight = [[15, 0], [25, 3], [70, -9], [11, 0], [-20, 30]]
    decays: dict[str, Any] = {
        "du": [MAX_DU, MAX_DU, 2000, 0, MAX_DU],
        "dv": [0, 100, 700, MAX_DV, 0],
    }
    for reset in FixedReset:
        for steps in (0, 1 + list(FixedReset).index(reset) % 5):
            initial = [0, 641, 640, -LIMIT, LIMIT]
            net.add(
                f"{reset} {steps}",
                (weight, 0),
                **decays,
                threshold=[10, 10, 400, 0, MAX_THRESHOLD],
                initial=initial,
                refractory=steps,
                reset=reset,
            )
    net.add(
        "read", (weight, 7), spiking=False, reset="none", initial=LIMIT, du=0, dv=[1, 0, 0, 0, 9]
    )
    two = [[100, 0], [30, 0]]
    net.add("retest", (two, 0), reset="subtract-retest", threshold=10, dv=0)
    far = ([[127, 0], [-128, 0]], 7), ([[127, 0], [-128, 0]], 7)
    net.add("far", *far, du=0, dv=0, threshold=MAX_THRESHOLD, reset="subtract")
    return net.network()


def test_corners_of_resets(forks: Forks) -> None:
    fixed = paused()
    forms = tuple(form for form in FORMS if form is not Form.STOCK)
    assert Form.STOCK not in forms_of(fixed)
    seen = compared(forks, fixed, samples(), forms)
    v, spikes = seen["v"], seen["spikes"]
    for p in (p for p in fixed.populations if p.refractory):
        fired = np.argwhere(spikes[p.name])
        assert fired.size
        for step, sample, neuron in fired:
            rest = spikes[p.name][step + 1 : step + 1 + p.refractory, sample, neuron]
            assert not rest.any()
    again = spikes["retest"][1:] & spikes["retest"][:-1]
    assert again.any()
    assert (v["subtract 0"] == 640).any() or (v["none 0"] == 640).any()
    assert (v["far"] == -LIMIT).any()
    assert (abs(seen["u"]["far"]) > STATE_LIMIT).any()  # where one wrap is not enough
    assert (v["read"] == LIMIT).any()


SOME_DELAYS = (1, 2, 3, 31, 62, 63)
"""For the form that has a process of Lava for each, which take long to start."""


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_every_delay(forks: Forks, form: Form) -> None:
    """A neuron for each delay hears the input so late, and the next sample nothing of it."""
    delays = SOME_DELAYS if form is Form.STOCK else range(1, MAX_DELAY + 1)
    net, n = Grown(), len(delays)
    net.populations.append(fixed_population("late", n, du=MAX_DU, dv=300, threshold=3, lag=1))
    for k, delay in enumerate(delays):
        weight = np.zeros((n, 2), int)
        weight[k] = 7, -2
        net.projections.append(
            fixed_projection("x", "late", weight, delay=delay, name=f"delay {delay}")
        )
    x = np.zeros((MAX_DELAY + 2, 2, 2), int)
    x[0, 0], x[1, 1], x[-1] = (1, 0), (3, 1), (9, 5)
    seen = compared(forks, net.network(), x, (form,))
    for k, delay in enumerate(delays):
        heard = 64 * (x @ [7, -2])
        late = np.concatenate([np.zeros((delay - 1, 2), int), heard])[: len(x)]
        assert np.array_equal(seen["u"]["late"][..., k], late)
