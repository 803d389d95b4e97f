"""In which order populations are computed, and how much of them at once."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.targets.cuda.runner.images import kernels_of
from snnc.targets.cuda.runner.layout import (
    Chunk,
    Task,
    chosen_chunk,
    constant_bytes,
    constants,
    kind_of,
    needed,
    packed,
    pitch,
    unpacked,
)
from snnc.targets.cuda.runner.plan import components, history, windows
from snnc.targets.cuda.runner.session import recorded_names
from snnc.targets.cuda.sources import kernel_sources
from snnc.targets.cuda.target import program_for
from tests.builders import fixed_dense, fixed_network
from tests.drawn.fixed import fixed_networks
from tests.targets.lava.networks import population, projection, recurrent


def wired(edges: list[tuple[int, int]], n: int) -> FixedNetwork:
    """Give ``n`` populations of one neuron, connected by ``edges``."""
    one = fixed_dense(np.ones((1, 1), np.int8))
    names = [f"p{k}" for k in range(n)]
    return fixed_network(
        [population(name, (1,), FixedReset.ZERO, 0) for name in names],
        [
            projection("x", names[0], one),
            *(projection(names[a], names[b], one) for a, b in dict.fromkeys(edges)),
        ],
    )


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=16))
def test_components(edges: list[tuple[int, int]]) -> None:
    """They are those of networkx, each behind all that it gets something from."""
    program = program_for(wired(edges, 7))
    graph = nx.DiGraph([(f"p{a}", f"p{b}") for a, b in edges])
    graph.add_nodes_from(p.name for p in program.populations)
    found = [frozenset(p.name for p in c.populations) for c in components(program)]
    assert set(found) == set(map(frozenset, nx.strongly_connected_components(graph)))
    place = {name: k for k, part in enumerate(found) for name in part}
    assert all(place[a] <= place[b] for a, b in graph.edges)
    for component, part in zip(components(program), found, strict=True):
        assert component.stepwise == (len(part) > 1 or graph.has_edge(*2 * tuple(part)))


def test_a_long_chain() -> None:
    """As the layers of a deep network; a circle over all of it."""
    n = 3000
    chain = [(k, k + 1) for k in range(n - 1)]
    assert len(components(program_for(wired(chain, n)))) == n
    (whole,) = components(program_for(wired([*chain, (n - 1, 0)], n)))
    assert (len(whole.populations), whole.stepwise) == (n, True)


@given(
    st.integers(1, 70),
    st.sampled_from([(0, 1), (-1, 1), (-128, 127), (-300, 5)]),
    st.integers(0, 2**32 - 1),
)
def test_packing(n: int, limits: tuple[int, int], seed: int) -> None:
    x = np.random.default_rng(seed).integers(*limits, (3, 2, n), endpoint=True)
    x[0, 0, 0] = limits[0] or 1
    kind = kind_of(x)
    assert kind == {0: "bits", -1: "bytes", -128: "bytes", -300: "words"}[limits[0]]
    words = packed(x, kind)
    assert words.shape == (3, 2, pitch(kind, n))
    match kind:
        case "bits":
            assert np.array_equal(unpacked(words, n), x)
            back = np.array(
                [[[w >> b & 1 for w in r for b in range(32)] for r in s] for s in words]
            )
        case "bytes":
            back = words.view(np.int8)
        case _:
            back = words.view(np.int32)
    assert np.array_equal(back[..., :n], x)
    assert not back[..., n:].any()


def task_of(fixed: FixedNetwork) -> Task:
    program = program_for(fixed)
    record = recorded_names(program, ("spikes", "u", "v"))
    return Task(program, {i.name: "words" for i in program.inputs}, record)


@given(fixed_networks(), st.sampled_from([1, 40]))
def test_constants_fit_where_they_are_expected(fixed: FixedNetwork, batch: int) -> None:
    task = task_of(fixed)
    held = [values.nbytes for _, values in constants(task, batch)]
    assert sum(-(-size // 512) * 512 for size in held) <= constant_bytes(task)


@pytest.mark.parametrize("free", [2 * 10**5, 10**6, 10**7, 10**9])
def test_as_much_as_fits(free: int) -> None:
    """All samples side by side if possible, and then as many steps as possible."""
    task = task_of(recurrent())
    chosen = chosen_chunk(task, 64, 500, free)
    least = max(history(task.program).values())
    room = 0.9 * free
    assert needed(task, chosen) <= room
    assert least <= chosen.steps <= 500
    if chosen.batch < 64:
        assert needed(task, Chunk(2 * chosen.batch, least)) > room
    elif chosen.steps < 500 and free < 10**9:
        assert needed(task, Chunk(64, chosen.steps + 1)) > room


def test_a_graph_does_not_grow_with_the_run() -> None:
    chosen = chosen_chunk(task_of(recurrent()), 1, 10**6, 10**11)
    assert chosen.steps < 10**4


def test_an_input_is_there_once_for_each_delay() -> None:
    one = fixed_dense(np.ones((1, 1), np.int8))
    fixed = fixed_network(
        [population(name, (1,), FixedReset.ZERO, 0) for name in "abc"],
        [projection("x", name, one, delay=d) for name, d in (("a", 1), ("b", 90_000), ("c", 1))],
    )
    assert windows(program_for(fixed)) == (("x", 1), ("x", 90_000))


@pytest.mark.parametrize(
    ("du", "largest", "narrow"),
    [(0, 2**18, True), (0, 2**18 + 1, False), (4095, 2**24, True), (4095, 2**24 + 1, False)],
)
def test_states_of_32_bits_where_they_suffice(du: int, largest: int, narrow: bool) -> None:
    """A current that keeps nothing leaves more room for the input."""
    fixed = fixed_network(
        [population("p", (1,), FixedReset.ZERO, 0, du=du)],
        [projection("x", "p", fixed_dense(np.ones((1, 1), np.int8)), exp=7)],
        inputs=[FixedInput("x", (1,), 1.0, -(-largest // 2**7))],
    )
    assert program_for(fixed).narrow == narrow


def test_kernels_of_many_inputs() -> None:
    """Each in every form that it can take, and no form beyond."""
    one = fixed_dense(np.ones((1, 1), np.int8))
    names = [f"x{k}" for k in range(40)]
    fixed = fixed_network(
        [population("p", (1,), FixedReset.ZERO, 0)],
        [projection(name, "p", one) for name in names],
        inputs=[FixedInput(name, (1,), 1.0, 127 + (name == "x7")) for name in names],
    )
    ends = ("rest_narrow", "scan_zero_narrow")
    dense = [f"dense_{kind}_i8_narrow" for kind in ("bits", "bytes", "words")]
    assert kernels_of(program_for(fixed)) == (*dense, *ends)
    few = replace(fixed, inputs=tuple(replace(i, max_abs=127) for i in fixed.inputs))
    assert kernels_of(program_for(few)) == (*dense[:2], *ends)


@given(fixed_networks())
def test_there_is_a_line_for_every_kernel_that_is_needed(fixed: FixedNetwork) -> None:
    text = kernel_sources()["kernels.h"].decode()
    for name in kernels_of(program_for(fixed)):
        assert text.count(f"({name}, ") == 1
