"""Every way in which axons are not well formed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedAxons, FixedInput, FixedNetwork
from tests.builders import fixed_network, fixed_population, fixed_projection
from tests.compiler.checked import text


def gathered(delay: int = 1, max_abs: int = 1, **fields: Any) -> FixedNetwork:
    """Make populations ``a`` and ``b``; ``b`` hears the second of two inputs, and ``a``."""
    axons: dict[str, Any] = {
        "name": "both",
        "shape": (2,),
        "sources": ("x", "a"),
        "member": np.array([0, 1], np.int32),
        "element": np.array([1, 0], np.int32),
    }
    net = fixed_network(
        [fixed_population("a"), fixed_population("b")],
        [
            fixed_projection("x", "a", [[1, 1]]),
            fixed_projection("both", "b", [[100, 1]], delay=delay, weight_exp=7),
        ],
        inputs=[FixedInput("x", (2,), 1.0, max_abs)],
    )
    return replace(net, axons=(FixedAxons(**(axons | fields)),))


def ints(*values: int) -> Any:
    return np.array(values, np.int32)


def test_well_formed() -> None:
    assert [*check_fixed(gathered())] == []


WRONG: dict[str, tuple[FixedNetwork, list[str]]] = {
    "a name that is taken": (
        gathered(name="a"),
        [
            text("SNN106", "a", "a name that stands twice", "unique names"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "a source that is not there": (
        gathered(sources=("x", "c")),
        [
            text("SNN106", "both", "no population 'c'", "inputs and populations"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "axons of axons": (
        gathered(sources=("x", "both")),
        [
            text("SNN106", "both", "no population 'both'", "inputs and populations"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "a source twice": (
        gathered(sources=("x", "x")),
        [
            text("SNN106", "both", "the source 'x' twice", "each source once"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "an element twice": (
        gathered(member=ints(0, 0), element=ints(1, 1)),
        [
            text("SNN105", "both", "element: one of 'x' twice", "each element once"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "a member that is not there": (
        gathered(member=ints(0, 2)),
        [
            text("SNN105", "both", "member: 0 to 2", "0 to 1"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "an element that is not there": (
        gathered(element=ints(1, 1)),
        [
            text("SNN105", "both", "element: 1 to 1", "0 to 0"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "arrays of other shapes": (
        gathered(member=ints(0), element=ints(1)),
        [
            text("SNN104", "both", "member of shape [1]", "shape [2]"),
            text("SNN104", "both", "element of shape [1]", "shape [2]"),
            text("SNN106", "both->b", "no population 'both'", "inputs and populations"),
        ],
    ),
    "a shape that weights do not take": (
        gathered(shape=(3,), member=ints(0, 0, 1), element=ints(0, 1, 0)),
        [
            text(
                "SNN104",
                "both->b",
                "a weight of shape [1, 2] on 3 values",
                "what both sends, [3], through the operators",
            )
        ],
    ),
    "weights into axons": (
        replace(gathered(), projections=(fixed_projection("x", "both", [[1, 1], [1, 1]]),)),
        [text("SNN106", "x->both", "weights into the axons 'both'", "a population")],
    ),
    "inputs that are too large": (
        gathered(max_abs=2**20),
        [
            text(
                "SNN105",
                "b",
                "synaptic input: up to 8.59e+11",
                "2147483647: Lava's ports are 32 bits wide",
            )
        ],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_axons(case: str) -> None:
    net, wanted = WRONG[case]
    assert [str(d) for d in check_fixed(net)] == wanted


def test_read_outs_are_not_heard() -> None:
    net = gathered()
    read_out = fixed_population("a", spiking=False, reset="none")
    net = replace(net, populations=(read_out, net.populations[1]))
    assert [str(d) for d in check_fixed(net)][:1] == [
        text("SNN106", "both", "axons of 'a', a read-out", "an input or spikes")
    ]


def test_no_delay_goes_forward_only() -> None:
    assert [*check_fixed(gathered(delay=0))] == []
    net = gathered(delay=0)
    net = replace(net, populations=net.populations[::-1])
    assert text(
        "SNN106", "both->b", "no delay from both to b", "a step, or a population further on"
    ) in [str(d) for d in check_fixed(net)]
