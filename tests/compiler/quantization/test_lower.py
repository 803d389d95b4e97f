"""What is lowered computes the same: one layer of weights a path, around a reset to 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.diagnostics import InputError
from snnc.compiler.linear import Factors, Kernels, Matrix, Weighted, apply
from snnc.compiler.network import Integration, Junction, Network, Reset
from snnc.compiler.operators import (
    AveragePooling,
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
    result_shape,
)
from snnc.compiler.quantization import compose as compose_module
from snnc.compiler.quantization import paths as paths_module
from snnc.compiler.quantization.lower import Lowered, lower
from snnc.compiler.quantization.paths import Path
from tests.builders import convolution, dense, network, one_neuron, population, projection, window
from tests.drawn.networks import networks
from tests.real_oracle import Oracle

Doubles = npt.NDArray[Any]


@dataclass
class Group:
    """The lowered equations of one population, all neurons at once."""

    n: Lowered

    def __post_init__(self) -> None:
        p = self.n.population
        self.v = self.n.initial
        self.u = self.rho = np.zeros(p.size)
        self.theta: Doubles = self.n.threshold if p.spiking else np.full(p.size, np.inf)
        decay, of_current = p.decay.astype(float), p.current_decay.astype(float)
        self.beta: Doubles = 1 - decay if p.integration.is_euler else decay
        self.alpha: Doubles = np.zeros(p.size)
        if p.integration.has_current:
            self.alpha = 1 - of_current if p.integration.is_euler else of_current

    def step(self, a: Doubles) -> Doubles:
        """Take up ``a`` and give the spikes."""
        r = self.v > self.theta
        self.u = self.alpha * self.u + a
        new = self.beta * self.v + self.u + self.n.bias
        if self.n.reset in ("subtract-delayed", "subtract-retest"):
            new = np.where(r, new - self.n.threshold, new)
        if self.n.reset == "zero-next":
            new = np.where(r, 0, new)
        s = new > self.theta
        if self.n.reset == "zero":
            new = np.where(s, 0, new)
        if self.n.reset == "subtract":
            new = np.where(s, new - self.n.threshold, new)
        if self.n.reset == "subtract-retest":
            new = new - (s.astype(float) - r) * self.n.threshold
        held = self.rho > 0
        self.v, s = np.where(held, self.v, new), s & ~held
        self.rho = np.where(s, self.n.population.refractory, np.maximum(self.rho - 1, 0))
        return s.astype(float)


def arriving(path: Path, sent: Doubles, t: int) -> Doubles:
    value = sent[t - path.delay] if t >= path.delay else np.zeros(sent[0].shape)
    value = value.reshape(1, *path.shape)
    for step in path.steps:
        value = apply(step, value)
    return value.ravel()


def run(lowered: Sequence[Lowered], x: Doubles) -> tuple[dict[str, Doubles], dict[str, Doubles]]:
    """Give spikes and ``v`` of every population, ``[steps, n]``."""
    groups = {n.population.name: Group(n) for n in lowered}
    sent = {"x": x}
    for name, group in groups.items():
        sent[name] = np.zeros((x.shape[0], group.v.size))
        if group.n.constant is not None:
            sent[group.n.constant.source] = np.ones((x.shape[0], 1))
    potentials: dict[str, list[Doubles]] = {name: [] for name in groups}
    for t in range(x.shape[0]):
        for name, group in groups.items():
            a = np.zeros(group.v.size)
            for path in group.n.arriving:
                a = a + arriving(path, sent[path.source], t)
            sent[name][t] = group.step(a)
            potentials[name].append(group.n.unit * group.v + group.n.offset)
    return sent, {name: np.array(rows) for name, rows in potentials.items()}


def ensure_the_same(net: Network, seed: int = 0) -> tuple[Lowered, ...]:
    """Compare what is lowered with a second reading of the network, in spikes and ``v``."""
    x = np.random.default_rng(seed).normal(0, 2, (10, net.inputs[0].size))
    lowered = lower(net)
    spikes, v = run(lowered, x)
    wanted = Oracle(net, {"x": x}, float).run()
    for n in lowered:
        p = n.population
        assert all(sum(isinstance(s, Weighted) for s in path.steps) == 1 for path in n.paths)
        assert (spikes[p.name] == wanted.spikes[p.name]).all()
        seen: Doubles = np.array(wanted.v[p.name])
        if p.reset is Reset.ZERO_DELAYED and p.spiking:
            seen = np.where(seen > p.threshold, 0, seen)  # seen before its reset, not after
        assert np.allclose(v[p.name], seen, rtol=1e-9, atol=1e-9)
    return lowered


@given(networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_the_same_network(net: Network, seed: int) -> None:
    ensure_the_same(net, seed)


# --- one layer of weights ----------------------------------------------------------------------


def numbers(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(np.float32)


def norm(*factors: float, shift: float = 0.25, axes: int = 2) -> Scaling:
    """Make a batch norm of a factor for each channel."""
    factor = np.array(factors, np.float32).reshape(-1, *[1] * axes)
    return Scaling(factor=factor, shift=np.full_like(factor, shift))


def average(divisor: float, *kernel: int, **options: Any) -> AveragePooling:
    divisors = np.full((1,) * (len(kernel) + 1), divisor, np.float32)
    return AveragePooling(window=window(*kernel, **options), divisors=divisors)


MAX = MaxPooling(window=window(2, 2))
SUM = SumPooling(window=window(2, 2))
KERNELS = convolution(numbers(4, 2, 3, 2), numbers(4), padding=(1, 0))
DEPTHWISE = convolution(numbers(4, 1, 2, 2), numbers(4), groups=2)
POINTWISE = convolution(numbers(2, 2, 1, 1), numbers(2))
GROUPED = convolution(numbers(4, 2, 2, 2), numbers(4), groups=2)
UNEVEN = Scaling(factor=numbers(2, 5, 4), shift=numbers(2, 5, 4))
UNEVEN_BEHIND = Scaling(factor=numbers(4, 3, 3), shift=numbers(4, 3, 3))
NEGATIVE = norm(2, -1)


LEAKY: dict[str, Any] = {"decay": 0.75}


def through(*operators: Operator, **fields: Any) -> Network:
    """Make ``lif`` behind ``operators`` on an input of two channels of 5 by 4."""
    shape = result_shape(operators, (2, 5, 4))
    lif = population(n=int(np.prod(shape)), shape=shape, **(LEAKY | fields))
    return network(
        [lif], [projection("x", "lif", None, *operators, name="fc")], inputs={"x": (2, 5, 4)}
    )


@pytest.mark.parametrize(
    ("operators", "kinds"),
    [
        ((), (Factors,)),
        ((UNEVEN, NEGATIVE), (Factors,)),
        ((MAX, average(3, 2, 2)), (MaxPooling, SumPooling, Factors)),
        ((MAX, NEGATIVE, KERNELS), (MaxPooling, Kernels)),
        ((NEGATIVE, KERNELS, norm(1, -2, 3, 0.5), SUM), (Kernels, SumPooling)),
        ((KERNELS, norm(1, 2, 0, 0.5), MAX), (Kernels, MaxPooling)),
        ((KERNELS, MAX, norm(1, 2, 0, 0.5)), (Kernels, MaxPooling)),
        ((norm(1, 2), MAX, DEPTHWISE), (MaxPooling, Kernels)),
        ((UNEVEN, SUM, average(4, 2, 2), NEGATIVE), (Factors, SumPooling, SumPooling)),
        ((average(4, 2, 2), KERNELS, average(2, 2, 1)), (SumPooling, Kernels, SumPooling)),
        ((POINTWISE, KERNELS), (Kernels,)),
        ((DEPTHWISE, convolution(numbers(2, 2, 1, 1), groups=2, stride=2)), (Kernels,)),
        ((POINTWISE, POINTWISE, DEPTHWISE, MAX), (Kernels, MaxPooling)),
        ((dense(numbers(9, 40)), dense(numbers(3, 9), numbers(3))), (Matrix,)),
        ((SUM, KERNELS, UNEVEN_BEHIND, SUM, dense(numbers(3, 16))), (SumPooling, Matrix)),
        ((KERNELS, GROUPED), (Matrix,)),
        ((UNEVEN, KERNELS), (Matrix,)),
        ((convolution(numbers(2, 2, 1, 1), stride=2), KERNELS), (Matrix,)),
        ((convolution(numbers(2, 2, 1, 1), padding=1), KERNELS), (Matrix,)),
        ((KERNELS, convolution(numbers(4, 4, 1, 1), padding=1)), (Matrix,)),
        ((KERNELS, GROUPED, SUM), (Matrix,)),
    ],
)  # fmt: skip
def test_compositions(operators: tuple[Operator, ...], kinds: tuple[type, ...]) -> None:
    (n,) = ensure_the_same(through(*operators))
    (path,) = n.paths
    assert tuple(type(step) for step in path.steps) == kinds


def test_groups_are_kept() -> None:
    """Two depthwise convolutions in a row are one; so is what places a part among others."""
    pair = convolution(numbers(2, 2, 1, 1), groups=2)
    (n,) = ensure_the_same(through(DEPTHWISE, pair))
    (weights,) = n.paths[0].steps
    assert isinstance(weights, Kernels)
    assert (weights.groups, weights.weight.shape) == (2, (2, 1, 2, 2))


def summed(
    branches: Sequence[tuple[Operator, ...]],
    *behind: Operator,
    delay: int = 0,
    shape: tuple[int, ...] = (),
    **fields: Any,
) -> Network:
    """Make ``lif`` behind the sum ``j`` of branches of one input of two channels of 5 by 4."""
    place = shape or result_shape(branches[0], (2, 5, 4))
    after = result_shape(behind, place)
    lif = population(n=int(np.prod(after)), shape=after, **(LEAKY | fields))
    into = [projection("x", "j", None, *b, name=f"b{i}") for i, b in enumerate(branches)]
    return network(
        [lif],
        [*into, projection("j", "lif", None, *behind, delay=delay, name="out")],
        inputs={"x": (2, 5, 4)},
        junctions=[Junction(name="j", origin=("add",), shape=place)],
    )


def test_a_sum_becomes_a_path_for_each_branch() -> None:
    net = summed([(KERNELS,), (MAX, dense(numbers(64, 24)))], norm(1, 2, 0, -1), SUM)
    (n,) = ensure_the_same(net)
    assert [path.name for path in n.paths] == ["b0 + out", "b1 + out"]
    assert [path.origin for path in n.paths] == [("b0", "out"), ("b1", "out")]
    assert [type(path.steps[-1]) for path in n.paths] == [SumPooling, Matrix]


def test_concatenation_may_be_pooled() -> None:
    """Each branch has channels of its own, and the largest of nothing else is 0."""
    upper, lower_half = np.eye(6, 4)[:, :, None, None], np.eye(6, 2, -4)[:, :, None, None]
    parts = [(KERNELS, convolution(upper)), (KERNELS_OF_TWO, convolution(lower_half))]
    (n,) = ensure_the_same(summed(parts, norm(1, 2, 0.5, 1, 3, 1), MAX))
    assert [tuple(map(type, path.steps)) for path in n.paths] == 2 * [(Kernels, MaxPooling)]


KERNELS_OF_TWO = convolution(numbers(2, 2, 3, 2), numbers(2), padding=(1, 0))


@pytest.mark.parametrize("integration", Integration)
@pytest.mark.parametrize("delay", [0, 2])
def test_biases_before_a_sum(integration: Integration, delay: int) -> None:
    """They are there from the first step on, whatever the delay behind the sum."""
    branches = [(dense(numbers(3, 40), 0.5),), (dense(numbers(3, 40), -2),)]
    last = dense(numbers(4, 3), 0.25)
    (n,) = ensure_the_same(summed(branches, last, delay=delay, integration=integration, decay=0.5))
    assert {path.delay for path in n.paths} == {delay}
    if not integration.has_current:
        assert n.constant is None
        return
    assert n.constant is not None
    assert (n.constant.name, n.constant.delay) == ("lif.bias->lif", 0)
    assert n.constant.origin == ("b0", "out", "b1")


def test_sums_of_sums() -> None:
    """A sum goes on in two branches that meet again: three ways from the input."""
    lif = population(n=3, decay=0.5)
    net = network(
        [lif],
        [
            projection("x", "a", numbers(3, 2), bias=1),
            projection("x", "b", numbers(3, 2), bias=2, delay=1),
            projection("a", "b", numbers(3, 3), bias=4),
            projection("a", "lif", delay=3),
            projection("b", "lif", numbers(3, 3), bias=8),
        ],
        inputs={"x": 2},
        junctions=[Junction(name=name, origin=(name,), shape=(3,)) for name in "ab"],
    )
    (n,) = ensure_the_same(net)
    assert [path.delay for path in n.paths] == [3, 1, 0]


# --- units -------------------------------------------------------------------------------------


def test_gains_that_differ_within_a_channel_are_a_unit() -> None:
    gain = np.random.default_rng(0).uniform(0.5, 2, 64)
    net = through(KERNELS, gain=gain, initial=0.5, threshold=gain + 1)
    (n,) = ensure_the_same(net)
    assert (n.unit == gain.astype(np.float32)).all()
    assert np.allclose(n.threshold, 1 + 1 / gain, rtol=1e-6)
    assert n.groups.tolist() == np.repeat([0, 16, 32, 48], 16).tolist()


@pytest.mark.parametrize("least", [0, -1])
def test_gains_that_are_no_unit_are_factors_of_a_channel(least: int) -> None:
    net = through(KERNELS, gain=np.repeat([1, 2, least, 4], 16))
    (n,) = ensure_the_same(net)
    assert (n.unit == 1).all()
    assert isinstance(n.paths[0].steps[0], Kernels)


def test_gains_that_are_no_unit_make_a_matrix() -> None:
    gain = np.ones(64)
    gain[3] = 0
    (n,) = ensure_the_same(through(KERNELS, gain=gain))
    assert isinstance(n.paths[0].steps[0], Matrix)
    assert n.groups.tolist() == list(range(64))


@pytest.mark.parametrize("operators", [(KERNELS,), (UNEVEN, SUM), (KERNELS, MAX)])
def test_shared_weights_make_groups(operators: tuple[Operator, ...]) -> None:
    (n,) = lower(through(*operators))
    size = n.population.size // n.population.shape[0]
    assert n.groups.tolist() == [i // size * size for i in range(n.population.size)]


@pytest.mark.parametrize("operators", [(), (SUM,), (UNEVEN,), (SUM, dense(numbers(3, 24)))])
def test_weights_of_each_neuron_make_none(operators: tuple[Operator, ...]) -> None:
    (n,) = lower(through(*operators))
    assert n.groups.tolist() == list(range(n.population.size))


def test_channels_of_two_sizes_make_larger_groups() -> None:
    """Six neurons: three channels of two, and two channels of three that cut one of them."""
    halves = convolution(numbers(2, 1, 1))
    thirds = convolution(numbers(3, 1, 1))
    lif = population(n=6, shape=(2, 3))
    net = network(
        [lif],
        [projection("x", "lif", None, halves), projection("y", "lif", None, thirds)],
        inputs={"x": (1, 3), "y": (1, 2)},
    )
    assert lower(net)[0].groups.tolist() == [0] * 6
    alone = replace(net, projections=net.projections[:1])
    assert lower(alone)[0].groups.tolist() == [0, 0, 0, 3, 3, 3]


@pytest.mark.parametrize("integration", Integration)
def test_reset_to_a_value(integration: Integration) -> None:
    net = one_neuron(
        [[2], [1]],
        integration=integration,
        decay=0.25,
        leak=[0.5, -0.25],
        reset=Reset.VALUE,
        reset_value=[-0.5, 0.25],
        threshold=[1, 0.5],
        initial=[0.25, 0],
    )
    (n,) = ensure_the_same(net)
    assert n.offset.tolist() == [-0.5, 0.25]
    assert (n.unit * n.threshold).tolist() == [1.5, 0.25]
    assert (n.unit * n.initial).tolist() == [0.75, -0.25]
    assert n.reset == "zero"


@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("initial", [0.5, 1.0, 1.5, -3.0])
def test_initial_potentials(reset: Reset, initial: float) -> None:
    """At, below and above a threshold of 1: a delayed reset acts on it before the first input."""
    ensure_the_same(one_neuron([[2.0], [0.25]], reset=reset, initial=initial, refractory=1))


# --- what is no layer of weights ---------------------------------------------------------------

SAYS = (
    "error[SNN122]: what stands between two neurons makes one layer of weights, with pooling "
    "before and behind it\n"
)
REMEDY = "  remedy: put a spiking layer between them, or pool before the weights"
ONE_LAYER = "one layer of weights between two neurons, with pooling before and behind it"


def refusal(net: Network) -> str:
    with pytest.raises(InputError) as raised:
        lower(net)
    return str(raised.value)


def text(node: str, found: str, limit: str = ONE_LAYER) -> str:
    return f"{SAYS}  --> {node}\n   found: {found}\n   limit: {limit}\n{REMEDY}"


BEHIND = "a max pooling behind weights that are no convolution"
FACTORS = "factors behind a max pooling that are negative or differ within a channel"
EVEN = Scaling(factor=numbers(4, 3, 3), shift=np.zeros((4, 3, 3), np.float32))


@pytest.mark.parametrize(
    ("operators", "found"),
    [
        ((KERNELS, MAX, norm(1, -2, 1, 1)), FACTORS),
        ((KERNELS, MAX, EVEN), FACTORS),
        ((KERNELS, MAX, GROUPED), "weights on both sides of a max pooling"),
        ((KERNELS, MAX, dense(numbers(3, 36))), "weights on both sides of a max pooling"),
        ((UNEVEN, MAX), "biases that differ under a max pooling"),
        (
            (KERNELS, convolution(numbers(4, 4, 1, 1), padding=1), MAX),
            "biases that differ under a max pooling",
        ),
        ((KERNELS, replace(GROUPED, bias=GROUPED.bias * 0), MAX), BEHIND),
    ],
)  # fmt: skip
def test_no_layer_of_weights(operators: tuple[Operator, ...], found: str) -> None:
    assert refusal(through(*operators)) == text("fc", found)


def test_gains_behind_a_max_pooling() -> None:
    gain = np.repeat([1, 1, 1, -1], 9)
    assert refusal(through(KERNELS, MAX, gain=gain)) == text("fc", FACTORS)
    ensure_the_same(through(KERNELS, MAX, gain=np.abs(gain) * 2))


def test_a_max_pooling_of_a_sum() -> None:
    found = "a max pooling of the sum of 2 paths without a neuron"
    assert refusal(summed([(KERNELS,), (KERNELS,)], MAX)) == text("out", found)


def test_a_max_pooling_behind_a_dense_layer() -> None:
    net = summed([(dense(numbers(64, 40)),)], MAX, shape=(4, 4, 4))
    assert refusal(net) == text("b0 + out", BEHIND)


def test_a_matrix_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    net = through(KERNELS, GROUPED)
    n = lower(net)[0].population.size
    monkeypatch.setattr(compose_module, "MAX_MATRIX", n * 40)
    lower(net)
    monkeypatch.setattr(compose_module, "MAX_MATRIX", n * 40 - 1)
    found = f"two layers of weights, together a matrix of {n} x 40"
    assert refusal(net) == text("fc", found, f"{n * 40 - 1} weights of a matrix")


def test_a_loop_without_neurons() -> None:
    net = network(
        [population()],
        [
            projection("x", "a", 1),
            projection("a", "b", delay=1),
            projection("b", "a", delay=1),
            projection("b", "lif"),
        ],
        junctions=[Junction(name=name, origin=(f"net.{name}",), shape=(1,)) for name in "ab"],
    )
    cycles = ("net.a -> net.b -> net.a", "net.b -> net.a -> net.b")
    wanted = [
        text(cycle[:5], f"a loop without a neuron: {cycle}", "a neuron in every loop")
        for cycle in cycles
    ]
    assert refusal(net) in wanted


def test_too_many_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three sums doubles the ways."""
    monkeypatch.setattr(paths_module, "MAX_PATHS", 4)
    names = ["x", "a", "b", "c"]
    twice = [
        projection(one, two, name=f"{one}{two}{i}")
        for one, two in pairwise(names)
        for i in range(2)
    ]
    net = network(
        [population()],
        [*twice, projection("c", "lif")],
        junctions=[Junction(name=name, origin=(f"net.{name}",), shape=(1,)) for name in "abc"],
    )
    assert refusal(net) == text("net.c", "8 paths from neurons to here", "4")
    monkeypatch.setattr(paths_module, "MAX_PATHS", 8)
    assert len(lower(net)[0].paths) == 8


def test_read_outs_send_nothing() -> None:
    read_out = population("a", origin=("net.li",), spiking=False, reset=Reset.NONE)
    net = network([read_out, population("b")], [projection("x", "a", 1), projection("a", "b", 1)])
    assert refusal(net) == (
        "error[SNN120]: weights lead from inputs or spiking populations to spiking populations\n"
        "  --> a->b\n"
        "   found: weights from net.li, which has no spikes\n"
        "   limit: an input or a spiking population\n"
        "  remedy: let a spiking layer send, or take the potential as an output"
    )


def test_all_problems_at_once() -> None:
    a, b = population("a", 36, shape=(4, 3, 3)), population("b", 36, shape=(4, 3, 3))
    bad = (KERNELS, MAX, EVEN)
    net = network(
        [a, b],
        [projection("x", "a", None, *bad), projection("x", "b", None, *bad)],
        inputs={"x": (2, 5, 4)},
    )
    assert refusal(net) == "\n\n".join(text(node, FACTORS) for node in ("x->a", "x->b"))
