"""A width is asked for by names that users know, and a name that nobody has is told."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.network import Junction, Network
from snnc.compiler.quantization.widths import WeightBits, as_json, width_problems, widths_of
from tests.builders import network, population, projection


def two_layers() -> Network:
    """Give fc1 and fc2 before hidden, through a sum, fc3 and a loop before last."""
    return network(
        [population("hidden", origin=("net.lif1",)), population("last")],
        [
            projection("x", "sum", 1.0, name="fc1"),
            projection("hidden", "sum", 1.0, delay=1, name="fc2"),
            projection("sum", "hidden"),
            projection("hidden", "last", 1.0, name="fc3"),
            projection("last", "last", 1.0, delay=1, name="last.recurrent"),
        ],
        junctions=[Junction(name="sum", origin=("sum",), shape=(1,))],
    )


@pytest.mark.parametrize(
    ("asked", "hidden", "last"),
    [
        (5, 5, 5),
        ({}, 8, 8),
        ({"*": 4}, 4, 4),
        ({"hidden": 3}, 3, 8),
        ({"*": 4, "last": 2}, 4, 2),
        ({"net.lif1": 3, "*": 4}, 3, 4),
        ({"fc1": 3}, 3, 8),
        ({"fc2": 3}, 3, 8),
        ({"fc3": 6, "*": 1}, 1, 6),
        ({"last.recurrent": 6}, 8, 6),
        ({"fc1": 3, "fc2": 3, "last": np.int64(2)}, 3, 2),
    ],
)
def test_names(asked: WeightBits, hidden: int, last: int) -> None:
    assert widths_of(two_layers(), asked) == {"hidden": hidden, "last": last}


def test_a_layer_before_two_populations_is_of_both() -> None:
    net = network(
        [population("a"), population("b")],
        [projection("x", "sum", 1.0, name="fc"), projection("sum", "a"), projection("sum", "b")],
        junctions=[Junction(name="sum", origin=("sum",), shape=(1,))],
    )
    assert widths_of(net, {"fc": 3}) == {"a": 3, "b": 3}


def test_the_name_of_a_population_is_no_other() -> None:
    """A projection may be called as a population that it does not drive."""
    net = network(
        [population("a"), population("b")],
        [projection("x", "a", 1.0, name="b"), projection("a", "b", 1.0, name="c")],
    )
    assert widths_of(net, {"b": 3}) == {"a": 8, "b": 3}


def said(found: str, limit: str, remedy: str) -> str:
    return (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --weight-bits\n"
        f"   found: {found}\n"
        f"   limit: {limit}\n"
        f"  remedy: {remedy}"
    )


def test_all_that_is_wrong_with_names_at_once() -> None:
    names = "hidden (net.lif1, sum->hidden, fc1, fc2), last (fc3, last.recurrent)"
    asked = {"fc33": 4, "quite else": 4, "fc1": 3, "fc2": 4, "hidden": 3, "last": 5}
    with pytest.raises(InputError) as raised:
        widths_of(two_layers(), asked)
    nobody = "which is no population and no layer of weights into one"
    assert str(raised.value) == "\n\n".join(
        [
            said(f"'fc33', {nobody}", names, "did you mean fc3?"),
            said(f"'quite else', {nobody}", names, "name one of these"),
            said(
                "fc1=3, fc2=4, hidden=3",
                "one width for all weights into hidden",
                "--weight-bits hidden=4",
            ),
        ]
    )


@pytest.mark.parametrize("width", [0, 9, -4, True, 4.0, "4", None])
def test_no_width(width: Any) -> None:
    limit = "1 to 8 bits, the sign included (Loihi: 8)"
    assert [str(d) for d in width_problems(width)] == [said(repr(width), limit, "--weight-bits 8")]
    asked = cast("WeightBits", {"fc1": width, "*": 4, "last": width})
    assert [str(d) for d in width_problems(asked)] == [
        said(f"{n}={width!r}", limit, f"--weight-bits {n}=8") for n in ("fc1", "last")
    ]


@pytest.mark.parametrize("width", [1, 8, np.int64(5), {"a": 1, "*": np.uint8(8)}])
def test_widths(width: Any) -> None:
    assert list(width_problems(width)) == []
    kept = as_json(width)
    assert kept == width
    assert all(type(w) is int for w in (kept.values() if isinstance(kept, dict) else [kept]))
