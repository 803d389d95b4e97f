"""Convolutions, pooling and read-outs as integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedReset
from snnc.compiler.network import Junction, Network, Reset
from snnc.compiler.operators import (
    AveragePooling,
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
    result_shape,
)
from snnc.compiler.quantization.lower import lower
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.scale import scalable
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute as execute_fixed
from tests.builders import (
    convolution,
    dense,
    network,
    one_neuron,
    population,
    projection,
    spikes,
    window,
)
from tests.compiler.quantization.quantized import refusal, share_of_differing_spikes, weight_of


def whole(*shape: int) -> npt.NDArray[np.float32]:
    """Give whole weights with 127 in every row, so that the scale is a power of two."""
    weight = np.random.default_rng(0).integers(-127, 128, shape).astype(np.float32)
    weight.reshape(shape[0], -1)[:, 0] = 127
    return weight


POOLS: dict[str, tuple[Operator, ...]] = {
    "before": (SumPooling(window=window(2, 2)), convolution(whole(2, 2, 2, 2))),
    "behind": (convolution(whole(2, 2, 2, 2)), SumPooling(window=window(2, 2))),
    "largest before": (MaxPooling(window=window(2, 2)), convolution(whole(2, 2, 2, 2))),
    "largest behind": (
        convolution(whole(2, 2, 2, 2), padding=1),
        MaxPooling(window=window(2, 2, padding=1)),
    ),
    "in groups": (convolution(whole(4, 1, 3, 2), groups=2, stride=2, dilation=2, padding=2),),
}


@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("operators", POOLS)
def test_channels_are_the_same_where_nothing_is_lost(operators: str, reset: Reset) -> None:
    """Kernels, pooling, initial potentials and refractory steps in whole units."""
    shape = result_shape(POOLS[operators], (2, 5, 4))
    lif = population(
        n=int(np.prod(shape)),
        shape=shape,
        decay=0.0,
        reset=reset,
        threshold=64,
        initial=48,
        refractory=2,
    )
    net = network([lif], [projection("x", "lif", None, *POOLS[operators])], inputs={"x": (2, 5, 4)})
    assert share_of_differing_spikes(net, seed=3) == 0


def test_how_many_weights_act_on_a_neuron() -> None:
    """The choice of the exponent counts them: as often as a sum takes them up, zeros never."""
    pool, kernels = SumPooling(window=window(2, 2)), convolution([[[[1, 0], [2, 3]]]])
    for operators, wanted in (
        ((kernels,), 3),
        ((pool, kernels), 12),
        ((kernels, pool), 12),
        ((MaxPooling(window=window(2, 2)), kernels), 3),
        ((pool,), 4),
        ((pool, dense(np.eye(2, 16))), 4),
    ):
        shape = result_shape(operators, (1, 5, 5))
        lif = population(n=int(np.prod(shape)), shape=shape)
        net = network([lif], [projection("x", "lif", None, *operators)], inputs={"x": (1, 5, 5)})
        assert set(scalable(lower(net)[0], {}).fan_in.tolist()) == {wanted}


def test_each_channel_has_its_own_scale() -> None:
    """One channel of large weights costs the other none of its bits."""
    lif = population(n=6, shape=(2, 3), threshold=[1, 1, 1, 2, 2, 2])
    kernels = convolution([[[1.0]], [[1 / 64]]])
    fixed = quantize(network([lif], [projection("x", "lif", None, kernels)], inputs={"x": (1, 3)}))
    (p,) = fixed.populations
    assert p.scale.tolist() == [p.scale[0]] * 3 + [p.scale[3]] * 3
    assert weight_of(fixed.projections[0])[0, 0, 0] == 255
    assert p.threshold[3] * 64 == p.scale[3] * 2
    assert p.scale[3] > 8 * p.scale[0]


def test_each_layer_of_a_convolutional_network_stays_close() -> None:
    """Batch norm and pooling: 1 % of (neuron, step) differ at most where the input is the same.

    Measured: 0.29 and 0.37 %. The second layer is fed with what the real first one sends.
    """
    rng = np.random.default_rng(5)
    norm = Scaling(
        factor=rng.uniform(0.5, 2, (8, 1, 1)).astype(np.float32),
        shift=rng.normal(0, 0.1, (8, 1, 1)).astype(np.float32),
    )
    average = AveragePooling(window=window(2, 2, stride=2), divisors=np.full((1, 1, 1), 4, "f4"))
    largest = MaxPooling(window=window(2, 2, stride=2))
    kernels = convolution(rng.normal(0.05, 0.3, (8, 1, 3, 3)), padding=1)
    wide = convolution(rng.normal(0.05, 0.2, (16, 8, 3, 3)), rng.normal(0, 0.1, 16))
    first = network(
        [population("lif", 288, shape=(8, 6, 6), decay=0.9)],
        [projection("x", "lif", None, kernels, norm, average)],
        inputs={"x": (1, 12, 12)},
    )
    second = network(
        [population("lif", 16, shape=(16, 1, 1), decay=0.8, refractory=1)],
        [projection("x", "lif", None, largest, wide)],
        inputs={"x": (8, 6, 6)},
    )
    x = spikes((100, 8, 144), seed=2)
    for net in (first, second):
        real = execute_float(net, {"x": x}).spikes["lif"]
        got = execute_fixed(quantize(net), {"x": x.astype(np.int32)}).spikes["lif"]
        assert real.mean() > 0.02
        assert (got != real).mean() < 0.01
        x = real.astype(np.float32)


def test_read_outs_use_their_range() -> None:
    """8 bits of weights, and a potential within 1 % of the largest one."""
    fields: dict[str, Any] = {"spiking": False, "reset": Reset.NONE, "threshold": 0.0}
    rng = np.random.default_rng(0)
    net = one_neuron(rng.normal(0, 1, (10, 50)), bias=0.1, decay=0.9, initial=0.5, **fields)
    fixed = quantize(net)
    (p,) = fixed.populations
    assert (p.spiking, p.reset, p.threshold.tolist()) == (False, FixedReset.NONE, [0] * 10)
    bounds = bound_states(fixed)["lif"]
    assert bounds.proven.all()
    largest = np.abs(weight_of(fixed.projections[0])).max(axis=1)
    assert (largest >= 64).any()
    x = spikes((60, 4, 50), seed=1)
    real = execute_float(net, {"x": x}).v["lif"]
    got = execute_fixed(fixed, {"x": x.astype(np.int32)}).v["lif"] / p.scale + p.offset
    assert np.abs(got - real).max() < 0.01 * np.abs(real).max()


def test_a_read_out_that_nothing_drives() -> None:
    fields: dict[str, Any] = {"spiking": False, "reset": Reset.NONE, "threshold": 0.0}
    fixed = quantize(one_neuron(0, **fields))
    assert list(check_fixed(fixed)) == []


def test_a_read_out_of_kernels_has_a_neuron_that_nothing_drives() -> None:
    """The corner sees padding alone; weights in millions leave it no count, and need none."""
    fields: dict[str, Any] = {"spiking": False, "reset": Reset.NONE, "threshold": 0.0}
    lif = population(n=2, shape=(1, 2), **fields)
    kernels = convolution([[[0, 5e6]]], padding=(0, 1))
    fixed = quantize(network([lif], [projection("x", "lif", None, kernels)], inputs={"x": (1, 2)}))
    assert bound_states(fixed)["lif"].v[1] == 0
    assert weight_of(fixed.projections[0]).tolist() == [[[0, 255]]]


def test_delays_through_sums_add_up() -> None:
    def net(delay: int) -> Network:
        return network(
            [population("lif", origin=("net.lif",))],
            [projection("x", "j", 1, delay=60_000), projection("j", "lif", delay=delay)],
            junctions=[Junction(name="j", origin=("j",), shape=(1,))],
        )

    assert quantize(net(40_000)).projections[0].delay == 100_000
    assert refusal(net(40_001)) == (
        "error[SNN201]: no projection delays a spike longer than 100,000 steps\n"
        "  --> x->j + j->lif\n"
        "   found: 100001 steps of delay from x to lif\n"
        "   limit: 100,000 steps: what is on its way is kept step by step\n"
        "  remedy: shorten the delay, or take longer steps (--dt)"
    )


def test_a_scale_is_lowered_to_a_count_at_the_least() -> None:
    """What rounding down adds breaks the bound, and a smaller scale would leave no threshold."""
    fixed = quantize(one_neuron([[-0.4] * 70], decay=1 - 1 / 4096))
    (p,) = fixed.populations
    assert p.threshold[0] == 1
    assert p.scale[0] > 0
    assert not bound_states(fixed)["lif"].proven.any()
