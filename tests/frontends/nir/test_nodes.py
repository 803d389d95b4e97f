"""Every node of NIR without a state, from a file on, against torch: no value differs.

Weights and inputs are small multiples of powers of two, so that no order of summation matters.
Neurons are in ``test_dialects.py``.
"""
# torch is Any here, and nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.nir.file import read_nir, write_nir
from snnc.targets.float.executor import execute
from tests.frontends.cases import VALUES, over
from tests.frontends.graphs import (
    assert_same,
    chain,
    conv1d,
    conv2d,
    input_of,
    output_of,
    pool,
)
from tests.frontends.nir.run import operator, padded
from tests.frontends.optional import optional

torch, functional = optional("torch"), optional("torch.nn.functional")

pytestmark = pytest.mark.torch

Array = npt.NDArray[Any]
Subject = tuple[nir.NIRNode, tuple[int, ...]]
"""A node, and the shape of what it takes."""
DT, STEPS = 1e-3, 4


def few(*shape: int) -> npt.NDArray[np.float32]:
    """Give multiples of 1/16 from -1 to 1."""
    return (np.random.default_rng(len(shape)).integers(-16, 17, shape) / 16).astype(np.float32)


def delays(*steps: int) -> nir.Delay:
    return nir.Delay(delay=np.array(steps) * DT)


LINE, PLANE, WIDE = (2, 40), (2, 9, 12), (4, 9, 12)
OWN, GROUPS = (
    "a node of type {}, which is snnc's own",
    "{} groups: nir takes a convolution for one group",
)
SIDES = "a kernel of [{}, {}]: nir computes with its first side alone"
SINGLE = "one value for all neurons: nir takes one for each"


@dataclass(frozen=True)
class Form:
    """A type of node, how it is given, and what is said of it when it is written."""

    kind: str
    form: str
    warning: str
    make: Callable[[], Subject]

    def __str__(self) -> str:
        return f"{self.kind} {self.form}".strip()


FORMS = [
    Form("Linear", "", "", lambda: (nir.Linear(weight=few(20, 12)), (12,))),
    Form("Affine", "", "", lambda: (nir.Affine(weight=few(20, 12), bias=few(20)), (12,))),
    Form("Scale", "a factor for each", "", lambda: (nir.Scale(scale=few(*LINE)), LINE)),
    Form("Scale", "one factor", SINGLE, lambda: (nir.Scale(scale=np.array(0.75)), LINE)),
    Form(
        "Conv1d",
        "stride, padding",
        "",
        lambda: (conv1d(few(4, 2, 3), stride=2, padding=1), LINE),
    ),
    Form(
        "Conv1d",
        'padding="valid", dilation',
        "",
        lambda: (conv1d(few(4, 2, 3), dilation=2, padding="valid"), LINE),
    ),
    Form("Conv1d", 'padding="same"', "", lambda: (conv1d(few(4, 2, 3), padding="same"), LINE)),
    Form("Conv1d", "groups", GROUPS.format(2), lambda: (conv1d(few(4, 1, 3), groups=2), LINE)),
    Form(
        "Conv2d",
        "stride, padding",
        "",
        lambda: (conv2d(few(4, 2, 3, 3), stride=(2, 1), padding=(1, 0)), PLANE),
    ),
    Form(
        "Conv2d",
        "a kernel of two sides",
        SIDES.format(3, 5),
        lambda: (conv2d(few(4, 2, 3, 5), padding=(1, 2)), PLANE),
    ),
    Form(
        "Conv2d",
        'padding="same", dilation',
        "",
        lambda: (conv2d(few(4, 2, 3, 3), padding="same", dilation=2), PLANE),
    ),
    Form(
        "Conv2d",
        "groups",
        GROUPS.format(2),
        lambda: (conv2d(few(8, 2, 3, 3), groups=2), WIDE),
    ),
    Form(
        "Conv2d",
        "a kernel for each channel",
        GROUPS.format(4),
        lambda: (conv2d(few(4, 1, 3, 3), groups=4, stride=2), WIDE),
    ),
    Form("SumPool2d", "", "", lambda: (pool(nir.SumPool2d, 2, 3), PLANE)),
    Form("SumPool2d", "stride, padding", "", lambda: (strided(nir.SumPool2d), PLANE)),
    Form("AvgPool2d", "", "", lambda: (pool(nir.AvgPool2d, 2, 3), PLANE)),
    Form("AvgPool2d", "stride, padding", "", lambda: (strided(nir.AvgPool2d), PLANE)),
    Form("MaxPool2d", "", OWN.format("MaxPool2d"), lambda: (pool(MaxPool2d, 2, 3), PLANE)),
    Form(
        "MaxPool2d",
        "padding on one side, dilation",
        OWN.format("MaxPool2d"),
        lambda: (
            pool(MaxPool2d, 2, 2, padding=np.array([[1, 0], [0, 1]]), dilation=np.array([2, 1])),
            PLANE,
        ),
    ),
    Form("MaxPool1d", "", OWN.format("MaxPool1d"), lambda: (pool(MaxPool1d, 3), LINE)),
    Form("Flatten", "", "", lambda: (nir.Flatten({"input": np.array(PLANE)}, 0, -1), PLANE)),
    Form("Delay", "one for each", "", lambda: (delays(*range(20)), (20,))),
    Form("Delay", "one for all", SINGLE, lambda: (nir.Delay(np.array(2 * DT)), LINE)),
]


def strided(kind: Any) -> Any:
    return pool(kind, 3, 2, stride=np.array([2, 3]), padding=np.array([1, 1]))


def oracle(node: Any, x: Array) -> Array:
    """Give what torch makes of ``[steps, batch, *shape]``."""
    flat = torch.as_tensor(x).flatten(0, 1)
    match node:
        case nir.SumPool2d():
            kernel, stride = (tuple(map(int, a)) for a in (node.kernel_size, node.stride))
            values = padded(node, flat, node.padding, 0.0)
            given = functional.avg_pool2d(values, kernel, stride, divisor_override=1)
        case nir.Conv1d(padding=str()) | nir.Conv2d(padding=str()):
            convolve = functional.conv1d if isinstance(node, nir.Conv1d) else functional.conv2d
            weight, bias = torch.as_tensor(node.weight), torch.as_tensor(node.bias)
            given = convolve(flat, weight, bias, padding=node.padding, dilation=node.dilation)
        case nir.Delay():
            return delayed(np.broadcast_to(node.delay, x.shape[2:]), x)
        case _:
            given = operator(node, flat)
    return np.asarray(given.reshape(*x.shape[:2], *given.shape[1:]).numpy())


def delayed(delay: Array, x: Array) -> Array:
    late = np.zeros_like(x)
    for at, seconds in np.ndenumerate(delay):
        steps = round(float(seconds) / DT)
        late[(slice(steps, None), slice(None), *at)] = x[
            (slice(0, len(x) - steps), slice(None), *at)
        ]
    return late


@over(FORMS)
def test_nodes(case: Form, tmp_path: Path) -> None:
    node, shape = case.make()
    steps = 30 if isinstance(node, nir.Delay) else STEPS
    one = oracle(node, np.zeros((steps, 1, *shape), np.float32))
    x = few(steps, -(-VALUES // one.size), *shape)
    graph = chain(
        ("input", input_of(*shape)), ("node", node), ("output", output_of(*one.shape[2:]))
    )
    warnings = write_nir(graph, tmp_path / "one.nir")
    assert [w.found for w in warnings] == [case.warning] * bool(case.warning)
    there = read_nir(tmp_path / "one.nir", trust=True)
    assert_same(graph, there)
    if not warnings:
        assert_same(graph, nir.read(tmp_path / "one.nir"), notes=False)
    network = discretize(there, dt=DT, dialect="nir")
    (population,) = network.populations
    found = execute(network, {"input": x.reshape(*x.shape[:2], -1)}).v[population.name]
    wanted = oracle(node, x)
    assert wanted.size >= VALUES
    assert wanted.std() > 0.05
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)
