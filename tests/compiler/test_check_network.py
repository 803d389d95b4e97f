"""Every way in which operators, sums and read-outs of a real network are not well formed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.network import Junction, Network, Projection, Reset
from snnc.compiler.operators import AveragePooling, MaxPooling, Operator, Scaling, Window
from tests.builders import convolution, dense, network, one_neuron, population, projection, window
from tests.compiler.checked import said, text

FORWARD = "a sum further on"


def junction(name: str, *shape: int) -> Junction:
    return Junction(name=name, origin=(name,), shape=shape or (1,))


def summed(*projections: Projection, sums: tuple[str, ...] = ("s", "t")) -> Network:
    """Make a network with populations ``a`` and ``b``, and sums."""
    rows = [projection("x", "a", 1), *projections]
    pair = [population("a"), population("b")]
    return network(pair, rows, junctions=[junction(name) for name in sums])


def test_sums() -> None:
    rows = [projection("x", "s"), projection("a", "s"), projection("s", "t", delay=2)]
    assert said(summed(*rows, projection("t", "b"))) == []


def test_a_sum_of_nothing() -> None:
    wanted = text("SNN106", "t", "a sum of nothing", "one projection at least")
    assert said(summed(projection("x", "s"), projection("s", "b"))) == [wanted]


def test_names_of_sums_stand_once() -> None:
    net = summed(projection("x", "a2"), sums=())
    net = replace(net, junctions=(junction("a"),), projections=(projection("x", "a", 1),))
    assert said(net) == [text("SNN106", "a", "a name that stands twice", "unique names")]


def test_an_output_of_a_sum() -> None:
    net = summed(projection("x", "s"), projection("s", "b"), sums=("s",))
    net = replace(net, outputs=(replace(net.outputs[0], source="s"),))
    assert said(net) == [text("SNN106", "out", "no population 's'", "a population")]


@pytest.mark.parametrize(("delay", "found"), [(0, "no delay"), (1, "a delay")])
def test_sums_go_forward(delay: int, found: str) -> None:
    """Later or not: sums have nothing to begin a loop with."""
    rows = [projection("x", "t"), projection("t", "s", delay=delay), projection("s", "b")]
    wanted = text("SNN106", "t->s", f"{found} from t to s", FORWARD)
    assert said(summed(*rows)) == [wanted]
    again = [projection("x", "s"), projection("s", "s", delay=delay), projection("s", "b")]
    wanted = text("SNN106", "s->s", f"{found} from s to s", FORWARD)
    assert said(summed(*again, sums=("s",))) == [wanted]


def test_order_of_evaluation_through_sums() -> None:
    rows = [projection("b", "s"), projection("s", "t"), projection("t", "a", name="q")]
    wanted = text("SNN106", "q", "no delay from t to a", "a step, or a population further on")
    assert said(summed(projection("x", "b", 1), *rows)) == [wanted]
    rows[0] = projection("b", "s", delay=1)
    assert said(summed(projection("x", "b", 1), *rows)) == []


def with_operators(*operators: Operator, shape: tuple[int, ...] = (1, 2, 2)) -> list[str]:
    q = projection("x", "lif", None, *operators, name="q")
    return said(network([population()], [q], inputs={"x": shape}))


def test_operators() -> None:
    assert with_operators(convolution(np.ones((1, 1, 2, 2)))) == []
    found = "a weight of shape [1, 1, 3, 3] for a kernel [2, 2]"
    wrong = replace(convolution(np.ones((1, 1, 3, 3))), window=window(2, 2))
    assert with_operators(wrong) == [text("SNN104", "q", found, "what x sends, [1, 2, 2]")]


@pytest.mark.parametrize("field", ["kernel", "stride", "dilation"])
def test_windows_that_stand_still(field: str) -> None:
    """They are read from files, and must not hang or end a check."""
    fields: dict[str, Any] = {field: (1, 0)}
    still = replace(window(1, 1), **fields)
    found = f"a window of {list(still.kernel)} in steps of {list(still.stride)}"
    limit = "what x sends, [1, 2, 2]"
    assert with_operators(MaxPooling(window=still)) == [text("SNN104", "q", found, limit)]


def test_windows_without_axes() -> None:
    none = MaxPooling(window=Window((), (), (), ()))
    wanted = text("SNN104", "q", "a window of 0 axes on []", "what x sends, [1]")
    assert with_operators(none, shape=(1,)) == [wanted]


@pytest.mark.parametrize(
    ("operator", "field"),
    [
        (dense(np.ones((1, 4))), "weight"),
        (dense(np.ones((1, 4))), "bias"),
        (convolution(np.ones((1, 1, 2, 2))), "weight"),
        (convolution(np.ones((1, 1, 2, 2))), "bias"),
        (AveragePooling(window=window(2, 2), divisors=np.ones((1, 1, 1), np.float32)), "divisors"),
    ],
)
def test_numbers_of_operators(operator: Any, field: str) -> None:
    bad = np.full_like(getattr(operator, field), np.inf)
    wanted = text("SNN105", "q", f"{field}: a value that is not finite", "finite numbers")
    assert with_operators(replace(operator, **{field: bad})) == [wanted]


def test_scaling_that_widens() -> None:
    wide = Scaling(factor=np.ones((3, 1, 1), np.float32), shift=np.zeros(1, np.float32))
    found = "numbers of shape [3, 1, 1] for values of shape [1, 2, 2]"
    assert with_operators(wide) == [text("SNN104", "q", found, "what x sends, [1, 2, 2]")]


@pytest.mark.parametrize(
    ("fields", "found", "limit"),
    [
        ({"refractory": -1}, "refractory: -1", "0 or more"),
        ({"reset": Reset.VALUE, "reset_value": 1}, "threshold: 1", "above the reset value"),
        ({"initial": np.nan}, "initial: a value that is not finite", "finite numbers"),
        ({"spike": np.inf}, "spike: a value that is not finite", "finite numbers"),
        ({"current_decay": 2.0}, "current_decay: 2 to 2", "0 to 1"),
    ],
)
def test_populations(fields: dict[str, Any], found: str, limit: str) -> None:
    assert said(one_neuron(**fields)) == [text("SNN105", "lif", found, limit)]


def test_thresholds_below_zero() -> None:
    """Good where a spike sets a value below; of no account in a read-out."""
    below: dict[str, Any] = {"reset": Reset.VALUE, "reset_value": -2, "threshold": -1}
    assert said(one_neuron(**below)) == []
    assert said(one_neuron(threshold=0, spiking=False)) == []
