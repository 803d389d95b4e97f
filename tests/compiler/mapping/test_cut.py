"""What parts compute is what the network computes, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.align import aligned_trace
from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import FixedInput
from snnc.compiler.mapping.checker import check_mapped
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.join import joined, joined_trace
from snnc.compiler.mapping.lay_out import lay_out
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.operators import FixedScaling, SumPooling
from snnc.compiler.trace import Trace
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    window,
)
from tests.compiler.mapping.limits import able
from tests.drawn.deployed import deployed_networks
from tests.drawn.mapped import LOIHI, mapped_networks
from tests.drawn.numbers import SEEDS
from tests.targets.cpu.equality import LEVELS, SIGNALS, narrowest


@settings(max_examples=60)
@given(st.data(), SEEDS)
def test_parts_compute_the_same(data: st.DataObject, seed: int) -> None:
    """On the reference, and on the engine with each set of instructions."""
    mapped = data.draw(deployed_networks().flatmap(mapped_networks))
    parts = cut(mapped)
    assert [*map(str, check_fixed(parts))] == []
    longest = max((q.delay for q in mapped.fixed.projections), default=1)
    x = integers_for(mapped.fixed, steps=4 + longest, batch=2, seed=seed)
    whole, cores = execute(mapped.fixed, x), execute(parts, x)
    record = dict.fromkeys(SIGNALS, tuple(p.name for p in parts.populations))
    runs = [{signal: getattr(cores, signal) for signal in SIGNALS}]
    for level in LEVELS:
        engine = Engine(parts, level)
        runs += [engine.run(y, record, 1, no_progress) for y in (x, narrowest(x))]
    for run in runs:
        for signal in SIGNALS:
            wanted, found = getattr(whole, signal), joined(run[signal], mapped)
            assert found.keys() == wanted.keys()
            for name, values in wanted.items():
                assert np.array_equal(found[name].reshape(values.shape), values), (signal, name)


ONES = FixedScaling(weight=np.ones(2, np.int8))


def two_cores(name: str = "x", source: str = "a") -> MappedNetwork:
    """An input of two, then ``a`` of three on two cores, then ``b``, which hears all of ``a``."""
    fixed = fixed_network(
        [fixed_population(source, 3), fixed_population("b", 2, shape=(1, 2), lag=1)],
        [
            fixed_projection(name, source, [[1, 0], [2, 3], [0, 4]], delay=1),
            fixed_projection(source, "b", [[1, 2, 3], [4, 5, 6]], delay=2),
        ],
        inputs=[FixedInput(name, (2,), 0.5, 9)],
    )
    cores = (
        core(Part(source, Listed(np.array([0, 2]))), Part("b", Box((0, 0), (1, 1)))),
        core(Part(source, Listed(np.array([1]))), Part("b", Box((0, 1), (1, 2)))),
    )
    return MappedNetwork(fixed=fixed, hardware=LOIHI, cores=cores, seed=0)


def core(*parts: Part) -> Core:
    return Core(parts=parts, chip=0, slot=0, encodings={})


def test_names_and_axons() -> None:
    parts = cut(two_cores())
    assert [(p.name, p.shape, p.lag) for p in parts.populations] == [
        ("a@0", (2,), 0),
        ("a@1", (1,), 0),
        ("b@0", (1, 1), 1),
        ("b@1", (1, 1), 1),
    ]
    assert [(q.name, q.source, q.target, q.delay) for q in parts.projections] == [
        ("x->a@0", "x", "a@0", 1),
        ("x->a@1", "x", "a@1", 1),
        ("a->b@0", "a->b@0.axons", "b@0", 2),
        ("a->b@1", "a->b@1.axons", "b@1", 2),
    ]
    first = parts.axons[0]
    assert (first.name, first.sources) == ("a->b@0.axons", ("a@0", "a@1"))
    assert (first.member.tolist(), first.element.tolist()) == ([0, 1, 0], [0, 0, 1])
    assert [(o.name, o.source) for o in parts.outputs] == [("out@0", "b@0"), ("out@1", "b@1")]


def test_a_list_of_all_neurons_has_lost_their_shape() -> None:
    """What moves over rows and columns gets them back from axons."""
    fixed = fixed_network(
        [fixed_population("a", 4, shape=(2, 2)), fixed_population("b", 2, shape=(2, 1), lag=1)],
        [
            fixed_projection("x", "a", [[1]] * 4, delay=1),
            fixed_projection("a", "b", None, SumPooling(window=window(2)), ONES, delay=2),
        ],
    )
    for region, axons in ((Listed(np.arange(4)), ["a->b@0.axons"]), (Box.whole((2, 2)), [])):
        cores = (core(Part("a", region), Part("b", Box((0, 0), (2, 1)))),)
        parts = cut(MappedNetwork(fixed=fixed, hardware=LOIHI, cores=cores, seed=0))
        assert [a.name for a in parts.axons] == axons
        assert [*check_fixed(parts)] == []


@pytest.mark.parametrize(("name", "mark"), [("a@0", "@@"), ("q@12.axons", "@@"), ("x@y", "@")])
def test_an_input_that_is_called_as_a_part(name: str, mark: str) -> None:
    parts = cut(two_cores(name))
    assert [p.name for p in parts.populations[:2]] == [f"a{mark}0", f"a{mark}1"]
    assert [*check_fixed(parts)] == []


@pytest.mark.parametrize("neurons", [[1], [0, 1], [0, 1, 2]])
def test_every_neuron_is_on_one_core(neurons: list[int]) -> None:
    mapped = two_cores()
    first, second = mapped.cores
    cores = (replace(first, parts=(Part("a", Listed(np.array(neurons))), first.parts[1])), second)
    with pytest.raises(InternalError, match="a: not every neuron is on exactly one core"):
        cut(replace(mapped, cores=cores))


def test_a_trace_of_parts() -> None:
    mapped = two_cores()
    x = {"x": np.array([[[9, -3]], [[0, 7]], [[4, 4]], [[1, 2]]], np.int32)}
    traces: list[Trace] = []
    for network in (mapped.fixed, cut(mapped)):
        recording = execute(network, x)
        signals = {s: getattr(recording, s) for s in SIGNALS}
        traces.append(
            aligned_trace(
                network,
                signals,
                executor="integer",
                steps=4,
                record=SIGNALS,
                raw_time=False,
                seconds=0.0,
            )
        )
    whole, parts = traces[0], joined_trace(traces[1], mapped)
    assert whole.outputs["out"].any()
    assert parts.lags == whole.lags
    for signal in ("outputs", *SIGNALS):
        wanted, found = getattr(whole, signal), getattr(parts, signal)
        assert found.keys() == wanted.keys()
        for key, values in wanted.items():
            assert (found[key].dtype, found[key].shape) == (values.dtype, values.shape)
            assert np.array_equal(found[key], values)


def test_what_is_not_recorded_is_not_joined() -> None:
    assert [*joined({"a@0": np.zeros((4, 1, 2)), "a@1": np.zeros((4, 1, 1))}, two_cores())] == ["a"]


@pytest.mark.parametrize(
    ("shape", "flat"),
    [((1, 10_000, 1), False), ((1, 10_000, 1), True), ((8_200, 1, 1), True)],
)
def test_axes_of_one_place(shape: tuple[int, int, int], flat: bool) -> None:
    """NumPy 2.4.6 finds wrong places of columns ``[n, 1]`` of more than 8,192 numbers."""
    channels, length, _ = shape
    taps = 3 if length > 1 else 1
    weight = np.arange(channels * taps).reshape(channels, 1, taps, 1) % 50 + 1
    operator = fixed_convolution(weight, groups=channels)
    network = fixed_network(
        [fixed_population("c", channels * length, shape=(channels * length,) if flat else shape)],
        [fixed_projection("x", "c", None, operator)],
        inputs=[FixedInput("x", (channels, length + taps - 1, 1))],
    )
    mapped = lay_out(network, able(neurons=6000))
    assert len(mapped.cores) >= 2
    assert [*map(str, check_mapped(mapped))] == []
    x = integers_for(network, steps=2, batch=1, seed=1)
    whole, parts = execute(network, x).v["c"], execute(cut(mapped), x).v
    assert whole.any()
    assert np.array_equal(joined(parts, mapped)["c"].reshape(whole.shape), whole)
