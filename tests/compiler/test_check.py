"""Networks are well formed: what the compiler's own check finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network, Output
from tests.builders import (
    network,
    one_fixed,
    one_neuron,
    population,
    projection,
)
from tests.compiler.checked import said, text
from tests.drawn.fixed import fixed_networks
from tests.drawn.networks import networks


@given(networks())
@settings(max_examples=30)
def test_networks_are_well_formed(net: Network) -> None:
    assert said(net) == []


@given(fixed_networks() | fixed_networks(retimed=False))
@settings(max_examples=60)
def test_fixed_networks_are_well_formed(net: FixedNetwork) -> None:
    assert said(net) == []


def test_names_stand_once() -> None:
    net = network(
        [population("x"), population("lif")],
        [projection("x", "lif", 1, name="q"), projection("x", "lif", 1, name="q")],
        outputs=("lif",),
    )
    net = replace(net, outputs=(*net.outputs, *net.outputs))
    twice = [text("SNN106", n, "a name that stands twice", "unique names") for n in ("x", "q")]
    assert said(net) == [
        *twice,
        text("SNN106", "out_lif", "a name that stands twice", "unique names"),
    ]


@pytest.mark.parametrize("net", [one_neuron(), one_fixed()], ids=["real", "fixed"])
def test_outputs(net: Any) -> None:
    assert said(replace(net, outputs=())) == [
        text("SNN106", "network", "no output", "at least one")
    ]
    for source in ("x", "nobody"):
        wanted = text("SNN106", "y", f"no population {source!r}", "a population")
        assert said(replace(net, outputs=(Output("y", source),))) == [wanted]


@pytest.mark.parametrize("net", [one_neuron(), one_fixed()], ids=["real", "fixed"])
@pytest.mark.parametrize("end", ["source", "target"])
def test_ends_of_projections(net: Any, end: str) -> None:
    (q,) = net.projections
    wanted = text("SNN106", "fc", "no population 'nobody'", "inputs and populations")
    assert said(replace(net, projections=(replace(q, **{end: "nobody"}),))) == [wanted]


@pytest.mark.parametrize(
    ("field", "value", "code", "found", "limit"),
    [
        ("decay", np.ones((1, 1)), "SNN104", "decay of shape [1, 1]", "shape [1]"),
        ("gain", np.ones(2), "SNN104", "gain of shape [2]", "shape [1]"),
        ("leak", np.ones(()), "SNN104", "leak of shape []", "shape [1]"),
        ("threshold", np.ones(3), "SNN104", "threshold of shape [3]", "shape [1]"),
        ("gain", [np.nan], "SNN105", "gain: a value that is not finite", "finite numbers"),
        ("leak", [-np.inf], "SNN105", "leak: a value that is not finite", "finite numbers"),
        (
            "threshold",
            [np.inf],
            "SNN105",
            "threshold: a value that is not finite",
            "finite numbers",
        ),
        ("threshold", [0.0], "SNN105", "threshold: 0", "above 0"),
        ("threshold", [-2.5], "SNN105", "threshold: -2.5", "above 0"),
        ("decay", [1.25], "SNN105", "decay: 1.25 to 1.25", "0 to 1"),
        ("decay", [-0.5], "SNN105", "decay: -0.5 to -0.5", "0 to 1"),
    ],
)
def test_real_populations(field: str, value: Any, code: str, found: str, limit: str) -> None:
    net = one_neuron()
    (p,) = net.populations
    fields: dict[str, Any] = {field: np.array(value, np.float32), "origin": ("a.b", "c")}
    broken = replace(p, **fields)
    assert said(replace(net, populations=(broken,))) == [text(code, "a.b + c", found, limit)]


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("weight", np.ones(1), "a weight of shape [1] on 1 values"),
        ("weight", np.ones((1, 2)), "a weight of shape [1, 2] on 1 values"),
        ("bias", np.ones(2), "a bias of shape [2] beside a weight of shape [1, 1]"),
    ],
)
def test_real_projections(field: str, value: Any, found: str) -> None:
    net = one_neuron()
    (q,) = net.projections
    fields: dict[str, Any] = {field: np.array(value, np.float32)}
    broken = replace(q, operators=(replace(q.operators[0], **fields),))
    wanted = text("SNN104", "fc", found, "what x sends, [1]")
    assert said(replace(net, projections=(broken,))) == [wanted]
