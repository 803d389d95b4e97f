"""What is no layer of weights is named, all at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.network import Junction, Network, Reset
from snnc.compiler.operators import (
    Operator,
    Scaling,
)
from snnc.compiler.quantization import compose as compose_module
from snnc.compiler.quantization import paths as paths_module
from snnc.compiler.quantization.lower import lower
from tests.builders import convolution, dense, network, population, projection
from tests.compiler.quantization.lowered import (
    GROUPED,
    KERNELS,
    MAX,
    UNEVEN,
    ensure_the_same,
    norm,
    numbers,
    summed,
    through,
)

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
