"""The bounds of ``u`` and ``v`` hold for every input, and inputs come close to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedReset
from snnc.compiler.network import Integration, Network
from snnc.compiler.operators import (
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    result_shape,
)
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from tests import oracle
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    one_fixed,
    window,
)
from tests.drawn.fixed import fixed_networks
from tests.drawn.networks import networks

Ints = npt.NDArray[Any]

CURRENTS = (Integration.CURRENT_DECAY, Integration.CURRENT_EULER)


@dataclass
class Unlimited:
    """The arithmetic of the document without wrap and clip, all neurons of a population at once.

    ``largest_v`` takes ``|v|`` before the reset and after it. Where ``zero-next`` or a refractory
    step discards ``v``, nothing depends on it.
    """

    p: FixedPopulation

    def __post_init__(self) -> None:
        self.u = self.rho = np.zeros(self.p.size, np.int64)
        self.v = self.p.initial.astype(np.int64)
        self.largest_u, self.largest_v = np.abs(self.u), np.abs(self.v)

    def step(self, a: Ints) -> Ints:
        p, theta, was = self.p, self.p.threshold.astype(np.int64) * 64, self.v
        r = (self.v > theta) & p.spiking
        self.u = toward_zero(self.u * (4095 - p.du), 4096) + 64 * a
        bias = p.bias_mant.astype(np.int64) * 2**p.bias_exp
        v = toward_zero(self.v * (4096 - p.dv), 4096) + self.u + bias
        if p.reset in (FixedReset.SUBTRACT_DELAYED, FixedReset.SUBTRACT_RETEST):
            v = v - r * theta
        if p.reset is FixedReset.ZERO_NEXT:
            v = np.where(r, 0, v)
        s = (v > theta) & p.spiking
        held = self.rho > 0
        self.largest_u = np.maximum(self.largest_u, np.abs(self.u))
        self.largest_v = np.maximum(self.largest_v, np.abs(v) * ~held)
        if p.reset is FixedReset.ZERO:
            v = np.where(s, 0, v)
        elif p.reset is FixedReset.SUBTRACT:
            v = v - s * theta
        elif p.reset is FixedReset.SUBTRACT_RETEST:
            v = v - (s.astype(np.int64) - r) * theta
        self.v, s = np.where(held, was, v), s & ~held
        self.rho = np.where(s, p.refractory, np.maximum(self.rho - 1, 0))
        self.largest_v = np.maximum(self.largest_v, np.abs(self.v))
        return s.astype(np.int64)


def toward_zero(a: Ints, b: int) -> Ints:
    return np.asarray(np.sign(a) * (np.abs(a) // b))


def extremes(net: FixedNetwork, xs: dict[str, Ints]) -> dict[str, Unlimited]:
    """Run ``net`` without limits on one sample of ``[steps, n]`` and give what it reached."""
    steps = next(iter(xs.values())).shape[0]
    neurons = {p.name: Unlimited(p) for p in net.populations}
    sent = xs | {p.name: np.zeros((steps, p.size), np.int64) for p in net.populations}
    for t in range(steps):
        for p in net.populations:
            a = np.zeros(p.size, np.int64)
            for q in net.incoming(p.name):
                if t >= q.delay:
                    row = sent[q.source][t - q.delay].tolist()
                    a += oracle.synaptic_input(q, row, net.shapes[q.source])
            sent[p.name][t] = neurons[p.name].step(a)
    return neurons


def adversarial(net: FixedNetwork, steps: int, *, towards: int, graded: bool) -> dict[str, Ints]:
    """Drive neuron 0 of the first population: full input where its weight has the sign."""
    xs: dict[str, Ints] = {}
    for i in net.inputs:
        signs = np.zeros(i.size)
        for q in net.projections:
            if q.source == i.name:
                alone = np.eye(i.size, dtype=int).tolist()
                exact = replace(q, weight_exp=0)
                of_each = [oracle.synaptic_input(exact, row, i.shape)[0] for row in alone]
                signs = signs + np.array(of_each) * 2.0**q.weight_exp
        pattern = (signs * towards > 0).astype(np.int64) * i.max_abs
        if graded:
            pattern -= (signs * towards < 0) * i.max_abs
        xs[i.name] = np.tile(pattern, (steps, 1))
    return xs


@given(fixed_networks() | fixed_networks(retimed=False), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=150)
def test_nothing_exceeds_its_bound(net: FixedNetwork, seed: int, graded: bool) -> None:
    rng = np.random.default_rng(seed)
    bounds = bound_states(net)
    (i,) = net.inputs
    high, low = (adversarial(net, 40, towards=towards, graded=graded)["x"] for towards in (1, -1))
    choice = rng.random((40, 1)) < 0.5
    random = rng.integers(-i.max_abs, i.max_abs + 1, (40, i.size))
    for x in (high, low, np.where(choice, high, low), random, np.concatenate((high, low))):
        for name, reached in extremes(net, {"x": x}).items():
            assert (reached.largest_u <= bounds[name].u).all(), "u"
            assert (reached.largest_v <= bounds[name].v).all(), "v"


@given(networks(integrations=CURRENTS), st.sampled_from((1, -1)))
@settings(max_examples=40)
def test_quantized_currents_stay_in_their_range(net: Network, towards: int) -> None:
    """What the quantizer proves in real numbers holds for the integers that it makes."""
    fixed = quantize(net)
    x = adversarial(fixed, 60, towards=towards, graded=False)
    for reached in extremes(fixed, x).values():
        assert reached.largest_u.max() < 2**23
        assert reached.largest_v.max() < 2**23


@pytest.mark.parametrize("du", [4095, 1000, 200])
@pytest.mark.parametrize("towards", [1, -1])
def test_u_comes_close(du: int, towards: int) -> None:
    net = one_fixed([[100, -100, 7, -3]], du=du, dv=4096, weight_exp=4)
    reached = extremes(net, adversarial(net, 300, towards=towards, graded=True))["lif"]
    bound = bound_states(net)["lif"].u[0]
    assert 0.9 * bound <= reached.largest_u[0] <= bound


@pytest.mark.parametrize(
    ("reset", "fields", "towards"),
    [
        ("none", {"dv": 300}, 1),
        ("none", {"dv": 300}, -1),
        ("none", {"dv": 300, "bias_mant": 2000, "bias_exp": 4}, 1),
        ("zero", {"dv": 300}, -1),
        ("zero-next", {"dv": 300}, -1),
        ("subtract", {"dv": 300}, 1),
        ("subtract", {"dv": 300}, -1),
        ("subtract-delayed", {"dv": 300}, 1),
        ("subtract-delayed", {"dv": 300}, -1),
        ("subtract-retest", {"dv": 300}, 1),
        ("subtract-retest", {"dv": 300}, -1),
    ],
)
def test_v_comes_close(reset: str, fields: dict[str, int], towards: int) -> None:
    """A steady drive against the leak; a threshold that is small beside it."""
    net = one_fixed([[100, -100, 7, -3]], threshold=10, reset=reset, **fields)
    reached = extremes(net, adversarial(net, 300, towards=towards, graded=True))["lif"]
    bound = bound_states(net)["lif"].v[0]
    assert 0.9 * bound <= reached.largest_v[0] <= bound


def behind_relays(weight: list[int], **fields: Any) -> FixedNetwork:
    """Make ``lif`` behind a relay for each input: spikes, unlike inputs, are never negative."""
    n = len(weight)
    return fixed_network(
        [fixed_population("relay", n, dv=4096, threshold=0), fixed_population("lif", **fields)],
        [fixed_projection("x", "relay", np.eye(n)), fixed_projection("relay", "lif", [weight])],
    )


@pytest.mark.parametrize("reset", ["zero", "zero-next", "subtract", "subtract-delayed"])
def test_v_comes_close_above_the_threshold(reset: str) -> None:
    """``v`` climbs to the threshold by small steps, and one step of full drive takes it beyond."""
    net = behind_relays([1, 90], threshold=100, dv=1, reset=reset)
    x = np.tile([1, 0], (102, 1))
    x[99:] = [1, 1]
    reached = extremes(net, {"x": x})["lif"]
    bound = bound_states(net)["lif"].v[0]
    assert 0.9 * bound <= reached.largest_v[0] <= bound


def test_undershoot_of_a_delayed_subtraction() -> None:
    """A spike without memory: the step after it subtracts the whole threshold from nothing."""
    net = behind_relays([101, -127], threshold=100, dv=4096, reset="subtract-delayed")
    reached = extremes(net, {"x": np.array([[1, 0], [0, 1], [0, 1], [0, 0]])})["lif"]
    bounds = bound_states(net)["lif"]
    assert reached.largest_v[0] == 227 * 64
    assert bounds.v[0] == 227 * 64 + 1


def test_retest_from_above_the_threshold() -> None:
    """What begins above theta is tested less theta: it climbs to 2 theta without a spike."""
    net = one_fixed(
        0, threshold=100, dv=0, initial=6500, bias_mant=50, bias_exp=0, reset="subtract-retest"
    )
    reached = extremes(net, {"x": np.zeros((200, 1), np.int64)})["lif"]
    assert reached.largest_v[0] == 12800
    assert bound_states(net)["lif"].v[0] == 12800


def test_by_hand() -> None:
    net = fixed_network(
        [fixed_population("a", 2, dv=[4096, 1024], du=[4095, 2047], threshold=100, reset="none")],
        [
            fixed_projection("x", "a", [[3, -5], [1, 1]], weight_exp=1),
            fixed_projection("a", "a", [[0, 7], [-9, 0]], weight_exp=-1),
        ],
        inputs=[FixedInput("x", (2,), 1.0, 4)],
    )
    bounds = bound_states(net)["a"]
    # a = 2 * 8 * 4 + 3.5 up and 64 + 1 down; 2 * 2 * 4 up and 16 + 4.5 + 1 down
    assert bounds.u.tolist() == [64 * 67.5, 64 * 21.5 * 2]
    assert bounds.v.tolist() == [64 * 67.5, 64 * 21.5 * 2 * 4]


def test_unbounded_without_decay() -> None:
    net = one_fixed([[5], [-5], [0]], dv=0, reset="none")
    bounds = bound_states(net)["lif"]
    assert np.isinf(bounds.v).tolist() == [True, True, False]
    assert bounds.proven.tolist() == [False, False, True]


def test_inhibition_is_unbounded_without_decay_whatever_the_reset() -> None:
    for reset in FixedReset:
        bounds = bound_states(one_fixed([[5, -5]], dv=0, reset=reset))["lif"]
        assert np.isinf(bounds.v).all()


def test_spikes_of_a_population_are_not_negative() -> None:
    net = fixed_network(
        [fixed_population("a"), fixed_population("b", dv=4096, threshold=1, reset="none")],
        [fixed_projection("x", "a", 1), fixed_projection("a", "b", -6)],
    )
    assert bound_states(net)["b"].v[0] == 6 * 64
    assert bound_states(net)["a"].u[0] == 64


def test_the_limit_itself_is_not_proven() -> None:
    """``2**23`` is the first magnitude at which the clip acts."""
    at = one_fixed(128 - 256, weight_exp=7, max_abs=8, dv=4096, reset="none")
    below = one_fixed(-128, weight_exp=6, max_abs=15, dv=4096, reset="none")
    assert bound_states(at)["lif"].u[0] == 2**23
    assert not bound_states(at)["lif"].proven[0]
    assert bound_states(below)["lif"].proven[0]


def test_u_alone_can_break_the_proof() -> None:
    """A bias takes ``v`` back from the limit that ``u`` reaches."""
    fields: dict[str, Any] = {"dv": 4096, "bias_mant": -1, "reset": "none"}
    net = fixed_network(
        [fixed_population("relay", 16), fixed_population("lif", **fields)],
        [
            fixed_projection("x", "relay", np.eye(16)),
            fixed_projection("relay", "lif", [[64] * 16], weight_exp=7),
        ],
    )
    bounds = bound_states(net)["lif"]
    assert (bounds.u[0], bounds.v[0]) == (2**23, 2**23 - 1)
    assert not bounds.proven[0]


# --- operators, initial potentials, read-outs --------------------------------------------------


def through(*operators: FixedOperator, max_abs: int = 1, **fields: Any) -> FixedNetwork:
    """Make ``lif`` without memory behind ``operators`` on an input of two rows of three."""
    shape = result_shape(operators, (2, 3))
    n = int(np.prod(shape))
    defaults: dict[str, Any] = {"dv": 4096, "reset": "none"}
    lif = fixed_population(n=n, shape=shape, **(defaults | fields))
    q = fixed_projection("x", "lif", None, *operators)
    return fixed_network([lif], [q], inputs=[FixedInput("x", (2, 3), 1.0, max_abs)])


KERNELS = fixed_convolution([[[3, -4]], [[5, 6]]], groups=2, padding=(1, 0))
THREES = SumPooling(window=window(3, padding=(1, 1)))


@pytest.mark.parametrize(
    ("operators", "wanted"),
    [
        ((KERNELS,), [[4, 7, 7], [6, 11, 11]]),
        ((KERNELS, THREES), [[11, 18, 14], [17, 28, 22]]),
        ((KERNELS, MaxPooling(window=window(2))), [[7, 7], [11, 11]]),
        ((THREES, fixed_dense([[1, 0, -2, 0, 3, 0]])), [2 + 4 + 9]),
        ((THREES, FixedScaling(weight=np.array([1, 2, 3, -4, 5, 6], np.int8))),
         [[2, 6, 6], [8, 15, 12]]),
        ((MaxPooling(window=window(2)), fixed_dense([[1, 2, -3, 4]])), [10]),
    ],
)  # fmt: skip
def test_operators_by_hand(operators: tuple[FixedOperator, ...], wanted: Any) -> None:
    """Inputs of either sign, so that every bound is one of magnitude."""
    bounds = bound_states(through(*operators, max_abs=5))["lif"]
    assert bounds.u.tolist() == (64.0 * 5 * np.ravel(wanted)).tolist()
    assert (bounds.v == bounds.u).all()


def test_pooled_spikes_are_not_negative() -> None:
    """Three spikes count three times, and never less than nothing."""
    net = fixed_network(
        [
            fixed_population("relay", 6, shape=(2, 3)),
            fixed_population("lif", 2, dv=4096, reset="none"),
        ],
        [
            fixed_projection("x", "relay", np.eye(6)),
            fixed_projection("relay", "lif", None, THREES, fixed_dense(np.array(SIGNS))),
        ],
    )
    assert bound_states(net)["lif"].u.tolist() == [64 * 9, 64 * 10]


SIGNS = [[0, 3, 0, 0, -3, 0], [-1, -1, -1, 0, -1, 0]]


@pytest.mark.parametrize("reset", FixedReset)
@pytest.mark.parametrize("initial", [5000, -5000])
def test_initial_potential(reset: FixedReset, initial: int) -> None:
    """A start beyond the threshold takes the first drive on top; one below is the lowest."""
    lif = fixed_population(threshold=10, dv=1, reset=reset, initial=initial, bias_mant=50)
    neuron = Unlimited(lif)
    neuron.step(np.zeros(1, np.int64))
    bound = bound_states(fixed_network([lif], []))["lif"].v[0]
    assert neuron.largest_v[0] <= bound
    if initial > 0 and reset in (FixedReset.ZERO, FixedReset.SUBTRACT):
        assert neuron.largest_v[0] == bound - 2 == 5048  # a 4096th has decayed, rounded


def test_read_out_with_a_leak() -> None:
    net = one_fixed([[7, -3]], dv=1024, reset="none", spiking=False, initial=[-9000], max_abs=4)
    bounds = bound_states(net)["lif"]
    assert bounds.u[0] == 64 * 40
    assert bounds.v[0] == 64 * 40 * 4
    low = replace(net.populations[0], initial=np.array([-20000]))
    assert bound_states(replace(net, populations=(low,)))["lif"].v[0] == 20000
