"""What parts need, as plain loops count it, neuron by neuron."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedProjection, FixedReset, SignMode
from snnc.compiler.mapping.demand import NOTHING, Meter, combine, demand
from snnc.compiler.mapping.hardware import Hardware, Layout, Limit
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.regions import Box, Listed, Region
from snnc.compiler.mapping.synapses import numbered
from snnc.compiler.operators import SumPooling
from snnc.targets.hardware.load import load_hardware
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    window,
)
from tests.compiler.mapping.plain import plain_lists, plain_words
from tests.drawn.fixed import fixed_networks

LOIHI1, NXCOMPILER = load_hardware("loihi1"), load_hardware("loihi2-nxcompiler")
WITHOUT_KERNELS = replace(
    NXCOMPILER, encodings=tuple(e for e in NXCOMPILER.encodings if e.layout is not Layout.SHARED)
)


def random_weights(*shape: int, seed: int = 0, zeros: float = 0.0) -> Any:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < zeros, 0, rng.integers(1, 100, shape))


@st.composite
def parts(draw: st.DrawFn) -> tuple[FixedNetwork, Part]:
    network = draw(fixed_networks())
    population = draw(st.sampled_from(network.populations))
    shape = population.shape
    if draw(st.booleans()):
        begin = tuple(draw(st.integers(0, n - 1)) for n in shape)
        end = tuple(draw(st.integers(b + 1, n)) for b, n in zip(begin, shape, strict=True))
        region: Region = Box(begin, end)
    else:
        some = draw(st.sets(st.integers(0, prod(shape) - 1), min_size=1))
        region = Listed(np.array(sorted(some), np.int64))
    return network, Part(population.name, region)


def stored_bits(network: FixedNetwork, q: FixedProjection, hardware: Hardware) -> tuple[int, ...]:
    """Give the bits of weight and delay by encoding."""
    weight = min(w for w in hardware.weight_bits if w >= q.weight_bits)
    late = 0 if q.source in {i.name for i in network.inputs} else q.delay - 1
    return tuple(
        weight + min(w for w in e.delay_bits if w >= late.bit_length()) for e in hardware.encodings
    )


@given(parts(), st.sampled_from([LOIHI1, WITHOUT_KERNELS]))
def test_as_plain_loops(drawn: tuple[FixedNetwork, Part], hardware: Hardware) -> None:
    network, part = drawn
    neurons = numbered(part.region, network.population(part.population).shape)
    found = demand(network, part, hardware)
    fan_in = 0
    for q, got in zip(network.incoming(part.population), found.projections, strict=True):
        lists = [one for one in plain_lists(network, q, neurons) if one]
        counts = np.bincount([i for one in lists for i in one], minlength=1)
        fan_in += int(counts.max())
        assert (got.projection, got.axons) == (q.name, len(lists))
        assert got.synapses == sum(map(len, lists))
        options = [
            [plain_words(e, one, bits) for one in lists]
            for e, bits in zip(hardware.encodings, stored_bits(network, q, hardware), strict=True)
        ]
        totals = [sum(o) for o in options]
        best = totals.index(min(totals))
        assert got.encoding == hardware.encodings[best].name
        assert (got.words, got.words_per_axon) == (totals[best], max(options[best], default=0))
    assert found.fan_in == fan_in
    p = network.population(part.population)
    reset = p.reset.value if p.spiking else ""
    sets = {(int(p.du[i]), int(p.dv[i]), reset, p.refractory, p.spiking) for i in neurons}
    assert found.parameter_sets == sets
    assert found.thresholds == ({int(p.threshold[i]) for i in neurons} if p.spiking else set())
    each = hardware.resets.get(p.reset, 1) if p.spiking else 1
    assert found.compartments == neurons.size * each
    assert (found.parts, found.neurons) == (1, neurons.size)


def whole(network: FixedNetwork, name: str = "lif") -> Part:
    return Part(name, Box.whole(network.population(name).shape))


def dense_network(rows: int, columns: int, **of_projection: Any) -> FixedNetwork:
    q = fixed_projection("x", "lif", random_weights(rows, columns), **of_projection)
    return fixed_network([fixed_population(n=rows)], [q])


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [(128, 784, 784 * 18), (64, 128, 128 * 9), (10, 64, 64 * 2)],
)
def test_mlp_on_loihi(rows: int, columns: int, words: int) -> None:
    """NxTF has 17 words an axon in the first: there an index need not reach the whole core."""
    network = dense_network(rows, columns)
    found = demand(network, whole(network), LOIHI1)
    assert (found.words, found.input_axons, found.neurons) == (words, columns, rows)


def test_columns_of_zeros_are_no_axons() -> None:
    """Intel's compiler leaves them out, too: 2016 words are 126 axons of 128."""
    weights = random_weights(64, 128)
    weights[:, [3, 77]] = 0
    network = fixed_network([fixed_population(n=64)], [fixed_projection("x", "lif", weights)])
    assert demand(network, whole(network), NXCOMPILER).input_axons == 126


@pytest.mark.parametrize(
    ("fan_out", "read"),
    [
        (1, 1),
        (10, 3),
        (17, 5),
        (43, 12),
        (50, 15),
        (64, 16),
        (85, 27),
        (100, 32),
        (200, 64),
        (256, 81),
    ],
)
def test_no_fewer_words_than_intel(fan_out: int, read: int) -> None:
    """The words of an input axon that were read in the notebooks of lava-dl."""
    network = dense_network(fan_out, 1)
    assert read <= demand(network, whole(network), NXCOMPILER).words <= 1.35 * read + 1


def conv_network(
    c_in: int, c_out: int, extent: int, kernel: int, *, zeros: float = 0.0, **of_window: Any
) -> FixedNetwork:
    weights = random_weights(c_out, c_in, kernel, kernel, zeros=zeros)
    operator = fixed_convolution(weights, **of_window)
    shape = operator.result_shape((c_in, extent, extent))
    lif = fixed_population("lif", prod(shape), shape=shape)
    q = fixed_projection("x", "lif", None, operator)
    return fixed_network([lif], [q], inputs=[FixedInput("x", (c_in, extent, extent))])


def test_kernels_are_stored_once() -> None:
    """Conv(8,7,64) of the notebook on YOLO-KP: 86.4 % of 12000 words, if it has 64 channels."""
    network = conv_network(64, 64, 18, 3)
    found = demand(network, Part("lif", Box((0, 4, 5), (64, 12, 12))), NXCOMPILER)
    assert found.projections[0].encoding == "kernels"
    assert (found.words, found.neurons) == (10368, 3584)
    assert found.input_axons == 64 * 10 * 9


def test_kernels_behind_pooling_reach_farther() -> None:
    """A kernel of 2 x 2 on pools of 2 x 2 has 4 x 4 places, for two channels of 9 bits each."""
    pooling = SumPooling(window=window(2, 2, stride=2))
    operator = fixed_convolution(random_weights(2, 1, 2, 2))
    lif = fixed_population("lif", 18, shape=(2, 3, 3))
    network = fixed_network(
        [lif],
        [fixed_projection("x", "lif", None, pooling, operator)],
        inputs=[FixedInput("x", (1, 8, 8))],
    )
    (found,) = demand(network, whole(network), NXCOMPILER).projections
    assert (found.encoding, found.words) == ("kernels", 2 * 16 * 9 // 32)


def test_boxes_of_windows_are_alike_wherever_they_are() -> None:
    network = conv_network(3, 8, 40, 3)
    meter = Meter(network, LOIHI1)
    first, second = (Box((0, y, 7), (8, y + 4, 13)) for y in (5, 20))
    assert meter.demand(Part("lif", first)) == meter.demand(Part("lif", second))
    corner = meter.demand(Part("lif", Box((0, 0, 7), (8, 4, 13))))
    assert corner == meter.demand(Part("lif", first))  # no padding, so nothing is missing there


def test_padding_is_no_axon() -> None:
    network = conv_network(1, 1, 6, 3, padding=1)
    corner, middle = (Box((0, y, y), (1, y + 2, y + 2)) for y in (0, 2))
    counts = [demand(network, Part("lif", b), LOIHI1).input_axons for b in (corner, middle)]
    assert counts == [9, 16]


def test_kernels_of_zeros_are_no_synapses() -> None:
    """Channels side by side are a convolution of 1 and 0."""
    weights = np.zeros((4, 4, 1, 1), np.int8)
    weights[range(4), range(4)] = 1
    lif = fixed_population("lif", 36, shape=(4, 3, 3))
    network = fixed_network(
        [lif],
        [fixed_projection("x", "lif", None, fixed_convolution(weights))],
        inputs=[FixedInput("x", (4, 3, 3))],
    )
    found = demand(network, whole(network), LOIHI1)
    assert (found.projections[0].synapses, found.fan_in) == (36, 1)


@pytest.mark.parametrize(("delay", "bits"), [(1, 0), (2, 3), (9, 4), (64, 6), (200, 6)])
def test_delays_take_bits(delay: int, bits: int) -> None:
    q = fixed_projection("lif", "lif", random_weights(4, 4), delay=delay)
    network = fixed_network([fixed_population(n=4)], [q])
    assert demand(network, whole(network), LOIHI1).projections[0].format[3] == bits


def test_an_input_waits_itself() -> None:
    network = dense_network(4, 4, delay=30)
    assert demand(network, whole(network), LOIHI1).projections[0].format[3] == 0


@pytest.mark.parametrize(("bits", "stored"), [(1, 1), (6, 6), (7, 8), (8, 8)])
def test_widths_that_are_not_there_take_the_next(bits: int, stored: int) -> None:
    network = dense_network(4, 4, weight_bits=bits, sign_mode=SignMode.EXCITATORY)
    assert demand(network, whole(network), LOIHI1).projections[0].format[0] == stored


def test_a_soft_reset_takes_a_compartment_an_axon_and_a_word() -> None:
    lif = fixed_population(n=10, reset=FixedReset.SUBTRACT)
    q = fixed_projection("x", "lif", random_weights(10, 3))
    found = demand(fixed_network([lif], [q]), Part("lif", Box((2,), (8,))), LOIHI1)
    assert (found.compartments, found.resets, found.reset_words) == (12, 6, 6)
    assert found.input_axons == 3 + 6
    assert found.words == found.projections[0].words + 6
    assert len(found.formats) == 2


def test_a_read_out_has_neither_reset_nor_threshold() -> None:
    network = fixed_network(
        [fixed_population(n=2, spiking=False, reset=FixedReset.SUBTRACT, threshold=[3, 4])],
        [fixed_projection("x", "lif", random_weights(2, 3))],
    )
    found = demand(network, whole(network), LOIHI1)
    assert found.parameter_sets == {(4095, 2048, "", 0, False)}
    assert (found.thresholds, found.compartments, found.resets) == (frozenset(), 2, 0)


def test_axons_that_are_too_long_are_shunned() -> None:
    """A long axon and many that reach each 30th neuron: few words sparse, no long axon dense."""
    weights = np.zeros((250, 50), np.int8)
    weights[:, 0] = weights[::30] = 1
    network = fixed_network([fixed_population(n=250)], [fixed_projection("x", "lif", weights)])
    dense, sparse = (e for e in LOIHI1.encodings if e.layout is not Layout.RUN_LENGTH)
    found: list[tuple[str, int, int]] = []
    for most in (72, 71):
        limit = Limit(most, "a test", LOIHI1.neurons.certainty)
        hardware = replace(LOIHI1, words_per_axon=limit, encodings=(dense, sparse))
        (q,) = demand(network, whole(network), hardware).projections
        found.append((q.encoding, q.words, q.words_per_axon))
    assert found == [("sparse", 72 + 49 * 3, 72), ("dense", 33 + 49 * 18, 33)]


def test_synapses_that_are_late_lie_where_a_delay_can_be_kept() -> None:
    network = fixed_network(
        [fixed_population(n=3)],
        [
            fixed_projection("lif", "lif", random_weights(3, 3), delay=d, name=f"d{d}")
            for d in (1, 2)
        ],
    )
    first = LOIHI1.encodings[0]
    short = replace(first, name="short", header_bits=0, delay_bits=(0,))
    hardware = replace(LOIHI1, encodings=(short, first))
    found = demand(network, whole(network), hardware).projections
    assert [(q.projection, q.encoding) for q in found] == [("d1", "short"), ("d2", "dense")]


def test_parts_together() -> None:
    network = fixed_network(
        [fixed_population("a", 3, threshold=[1, 1, 2]), fixed_population("b", 2, threshold=2)],
        [
            fixed_projection("x", "a", random_weights(3, 4)),
            fixed_projection("a", "b", random_weights(2, 3)),
            fixed_projection("x", "b", random_weights(2, 4), weight_exp=1),
        ],
    )
    meter = Meter(network, LOIHI1)
    a, b = (meter.demand(whole(network, name)) for name in ("a", "b"))
    both = combine([a, b])
    assert (both.parts, both.neurons, both.thresholds) == (2, 5, frozenset({1, 2}))
    assert both.words == a.words + b.words
    assert both.input_axons == 4 + 3 + 4
    assert both.formats == a.formats | b.formats
    assert both.fan_in == b.fan_in == 7
    assert combine([]) == NOTHING
    assert combine([both, NOTHING]) == both
