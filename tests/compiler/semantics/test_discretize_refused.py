"""What no network can be made of is named, all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.semantics.discretize import discretize
from tests.builders import affine, chain, graph, lif, linear, sink, source
from tests.compiler.semantics.noted import (
    MODEL,
    PARAMETER,
    STEP,
    message,
    noted,
    plain,
    text,
)

FIELDS = "a shape that the node's fields allow"


def test_unknown_nodes_all_at_once() -> None:
    @dataclass
    class Alpha(nir.NIRNode):  # type: ignore[misc]  # nir has no types
        pass

    class Beta(Alpha):
        pass

    g = chain(Alpha(), lif(), Beta())
    limit = (
        "Input, Output, Linear, Affine, Conv1d, Conv2d, SumPool2d, AvgPool2d, MaxPool2d, "
        "MaxPool1d, Flatten, Scale, Threshold, Delay, I, IF, LI, LIF, CubaLI, CubaLIF"
    )
    remedy = "use one of these; docs/nir.md lists what each release compiles"
    assert message(g) == "\n\n".join(
        text("SNN103", node, f"a node of type {kind}", limit, remedy)
        for node, kind in (("0", "Alpha"), ("2", "Beta"))
    )


def test_no_neurons() -> None:
    g = chain(linear(np.ones((1, 1))), lif(0))
    assert message(g) == text("SNN104", "1", "parameters of shape [0]", FIELDS, MODEL)


def test_parameters_that_do_not_fit_each_other() -> None:
    g = plain()
    node: Any = g.nodes["1"]
    node.tau, node.r = np.full(2, 0.01), np.ones(3)
    found = "parameters that do not go together: "
    found += "tau [2], r [3], v_leak [1], v_threshold [1], v_reset [1]"
    assert message(g) == text("SNN104", "1", found, FIELDS, MODEL)


def test_a_threshold_that_float32_loses() -> None:
    g = plain(v_threshold=np.array([1e-60]), tau=np.array([0.01]), r=np.ones(1), v_leak=np.ones(1))
    assert message(g) == text("SNN105", "1", "threshold: 0", "above 0", PARAMETER)


def test_shape_misfits_all_at_once() -> None:
    g = graph(
        {
            "x": source(3),
            "fc": affine(np.ones((2, 4)), np.ones(2)),
            "a": lif(2),
            "w": nir.Affine(weight=np.ones((5, 2)), bias=np.ones(4)),
            "b": lif(5),
            "y": sink(5),
        },
        [("x", "fc"), ("fc", "a"), ("a", "w"), ("w", "b"), ("a", "b"), ("b", "y")],
    )
    agree = "the same shape, or the same values on merged axes"
    assert message(g) == "\n\n".join(
        (
            text("SNN104", "w", "a bias of shape [4] for a weight of shape [5, 2]", FIELDS, MODEL),
            text("SNN106", "a -> b", "a gives [2], b takes [5]", agree, MODEL),
            text("SNN106", "x -> fc", "x gives [3], fc takes [4]", agree, MODEL),
        )
    )


def test_noted_delays_out_of_range() -> None:
    g = noted()
    g.nodes["fc"].metadata["snnc"]["delay"] = -1
    wanted = text("SNN105", "net.fc1", "delay: -1 to -1", "0 to 100000", PARAMETER)
    assert message(g, dt=None) == wanted
    g.nodes["fc"].metadata["snnc"]["delay"] = 100_001
    assert message(g, dt=None) == text(
        "SNN105",
        "net.fc1",
        "a delay of 100001 steps of 0.0001 s",
        "100,000 steps: what is on its way is kept step by step",
        "correct --dt, or shorten the delay",
    )


def drop(g: nir.NIRGraph, field: str) -> None:
    del g.metadata["snnc"][field]


def note(g: nir.NIRGraph, **notes: Any) -> None:
    g.metadata["snnc"].update(notes)


def note_on(name: str, **notes: Any) -> Callable[[nir.NIRGraph], None]:
    return lambda g: g.nodes[name].metadata["snnc"].update(notes)


NOTES: dict[str, tuple[Callable[[nir.NIRGraph], object], list[tuple[str, str]]]] = {
    "no framework": (lambda g: drop(g, "framework"), [("the graph", "no 'framework'")]),
    "no dt": (lambda g: drop(g, "dt"), [("the graph", "no 'dt'")]),
    "dt as text": (lambda g: note(g, dt="x"), [("the graph", "dt = 'x'")]),
    "dt of 0": (lambda g: note(g, dt=0.0), [("the graph", "dt = 0.0")]),
    "a later format": (lambda g: note(g, format=3), [("the graph", "format = 3")]),
    "an unknown reset": (note_on("lif", reset="soft"), [("lif", "reset = 'soft'")]),
    "an unknown integration": (note_on("lif", integration=3), [("lif", "integration = 3")]),
    "another shape": (
        note_on("lif", decay=np.ones(3), leak=np.ones((2, 2))),
        [("lif", "decay = array([1., 1., 1.])"), ("lif", f"leak = {np.ones((2, 2))!r}")],
    ),
    "text for numbers": (note_on("lif", gain="high"), [("lif", "gain = 'high'")]),
    "nothing on a node": (
        lambda g: g.nodes["lif"].metadata.clear(),
        [
            ("lif", f"no {field!r}")
            for field in ("integration", "reset", "decay", "gain", "leak", "threshold")
        ],
    ),
    "a refractory time of half a step": (
        note_on("lif", refractory=0.5),
        [("lif", "refractory = 0.5")],
    ),
    "a refractory time below zero": (note_on("lif", refractory=-1), [("lif", "refractory = -1")]),
    "several refractory times": (
        note_on("lif", refractory=np.ones(2)),
        [("lif", "refractory = array([1., 1.])")],
    ),
    "several initial potentials of another shape": (
        note_on("lif", initial=np.ones(3)),
        [("lif", "initial = array([1., 1., 1.])")],
    ),
    "divisors of nothing": (note_on("fc", divisors=1), [("fc", "divisors = 1")]),
    "divisors below zero": (
        note_on("fc", divisors=np.array([-1])),
        [("fc", "divisors = array([-1])")],
    ),
    "an average of nothing": (note_on("fc", average=0), [("fc", "average = 0")]),
    "padding that is flat": (
        note_on("fc", padding=np.array([1, 1])),
        [("fc", "padding = array([1, 1])")],
    ),
    "delay as text": (note_on("fc", delay="x"), [("fc", "delay = 'x'")]),
    "half a step": (note_on("fc", delay=0.5), [("fc", "delay = 0.5")]),
    "two orders": (note_on("fc", order=np.ones(2)), [("fc", "order = array([1., 1.])")]),
}


@pytest.mark.parametrize("case", NOTES)
def test_notes_that_are_not_whole(case: str) -> None:
    spoil, found = NOTES[case]
    g = noted()
    spoil(g)
    limit = "the notes of snnc's frontends, format 2"
    remedy = "import the trained module again: snnc import SPEC -o model.nir"
    assert message(g, dt=None) == "\n\n".join(
        text("SNN104", f"{node}, metadata", what, limit, remedy) for node, what in found
    )


def test_notes_of_another_kind_are_no_notes() -> None:
    g = plain()
    g.metadata["snnc"] = "a word"
    assert discretize(g, dt=STEP).dt == STEP
