"""What can be held against what, and what is said where it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnc
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedInput
from snnc.runtime.bisection.sides import pair_of
from snnc.runtime.deploy import compile
from tests.runtime.bisection.faulty import artifact, layers, spikes, with_weight
from tests.runtime.conftest import Snnc
from tests.runtime.samples import data, graph

NETWORK = layers(6, 5, 3)

OPTION = """\
error[SNN004]: options have a value in their range and fit together
  --> --targets
   found: {found}
   limit: {limit}
  remedy: {remedy}"""


@pytest.mark.parametrize(
    ("targets", "found", "limit", "remedy"),
    [
        (("lavva", "cpu"), "lavva", "float, integer, cpu, cuda, lava", "--targets lava,cpu"),
        (("quux",), "quux", "float, integer, cpu, cuda, lava", "snnc targets lists them"),
        ((), "none", "two, or one", "--targets integer,lava"),
        (("cpu", "lava", "integer"), "cpu, lava, integer", "two, or one", "--targets integer,lava"),
        (
            "integer",
            "one artifact, twice on integer",
            "two executions: two artifacts, or one on two targets",
            "name another artifact, or --targets integer,cpu",
        ),
        (
            None,
            "one artifact, twice on integer",
            "two executions: two artifacts, or one on two targets",
            "name another artifact, or --targets integer,cpu",
        ),
    ],
)
def test_targets(targets: Any, found: str, limit: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        pair_of(artifact(NETWORK), None, targets)
    assert str(caught.value) == OPTION.format(found=found, limit=limit, remedy=remedy)


def test_one_artifact_stands_beside_the_reference() -> None:
    pair = pair_of(artifact(NETWORK, "cpu"), None, None)
    assert [side.artifact.target for side in pair.sides] == ["integer", "cpu"]
    assert [side.name for side in pair.sides] == ["integer", "cpu"]
    assert pair.one_artifact


def test_two_artifacts_run_on_their_own_targets() -> None:
    pair = pair_of(artifact(NETWORK, "cpu"), artifact(NETWORK, "integer"), None)
    assert [side.artifact.target for side in pair.sides] == ["cpu", "integer"]
    assert [side.name for side in pair.sides] == ["the first on cpu", "the second on integer"]
    both = pair_of(artifact(NETWORK, "cpu"), artifact(NETWORK, "integer"), "integer")
    assert [side.artifact.target for side in both.sides] == ["integer", "integer"]


def test_real_numbers() -> None:
    real = compile(graph(), "float", dt=1e-4)
    with pytest.raises(InputError) as caught:
        snnc.bisect(real, data(), other=compile(graph(), "integer", dt=1e-4))
    assert str(caught.value) == (
        "error[SNN621]: executions that are bisected compute with integers\n"
        "  --> the first on float\n"
        "   found: target float, which executes real numbers\n"
        "   limit: artifacts of integers, on integer, cpu, cuda, lava\n"
        "  remedy: snnc verify tells where real numbers and integers part, and why"
    )
    with pytest.raises(InputError) as caught:
        snnc.bisect(real, data(), targets=("integer", "cpu"))
    assert [d.found for d in caught.value.diagnostics] == [
        "an artifact that was compiled for float"
    ] * 2


def test_other_topology() -> None:
    other = layers(6, 4, 3)
    with pytest.raises(InputError) as caught:
        pair_of(artifact(NETWORK), artifact(other), None)
    assert str(caught.value) == (
        "error[SNN622]: artifacts that are bisected are of one topology\n"
        "  --> the first on integer and the second on integer\n"
        "   found: population p1 [5] against p1 [4]; projection x->p1 from x to p1 by "
        "FixedDense[5, 6] against x->p1 from x to p1 by FixedDense[4, 6]; projection p1->p2 from "
        "p1 to p2 by FixedDense[3, 5] against p1->p2 from p1 to p2 by FixedDense[3, 4]\n"
        "   limit: the same inputs, populations and projections, with other numbers\n"
        "  remedy: compile both from one model, and with the same --hardware, --lava and relays"
    )


def test_many_differences_are_counted() -> None:
    with pytest.raises(InputError) as caught:
        pair_of(artifact(NETWORK), artifact(layers(6, 5, 3, 2, 2)), None)
    (found,) = (d.found for d in caught.value.diagnostics)
    assert found.startswith("population none against p3 [2]; population none against p4 [2]; ")
    assert found.endswith(", and 1 more")


def test_inputs_of_other_units() -> None:
    graded = replace(NETWORK, inputs=(FixedInput("x", (6,), 0.5, 127),))
    with pytest.raises(InputError) as caught:
        pair_of(artifact(NETWORK), artifact(graded), None)
    (found,) = (d.found for d in caught.value.diagnostics)
    assert found == "input x [6] of up to 1 unit of 1 against x [6] of up to 127 units of 0.5"


def test_nothing_to_reduce() -> None:
    same = artifact(NETWORK), artifact(with_weight(NETWORK, 0, 0, 0))
    with pytest.raises(InputError) as caught:
        snnc.reduce(same[0], spikes(9, 4, 6), other=same[1])
    assert str(caught.value) == (
        "error[SNN623]: there is a difference to reduce\n"
        "  --> the first on integer and the second on integer\n"
        "   found: the same values in all 4 samples of 9 steps\n"
        "   limit: an input on which they differ\n"
        "  remedy: give other data with --input; snnc verify compares the whole chain"
    )


@pytest.mark.parametrize("shape", [(9,), (9, 4), (9, 4, 5), (0, 4, 6), (9, 0, 6)])
def test_data_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^error\[SNN502\]: "):
        snnc.bisect(artifact(NETWORK), np.zeros(shape), targets=("integer", "cpu"))


def test_artifacts_are_named_as_the_user_names_them(here: Path, snnc: Snnc) -> None:
    planted = compile(graph(), "integer", dt=1e-4)
    fixed = with_weight(planted.required_fixed, 0, 0, -3)
    replace(planted, fixed=fixed).save(here / "planted")
    ended = snnc("bisect", "model.integer", "planted", "--input", "x.npy")
    assert ended.code == 1
    assert ended.out.splitlines()[-2] == (
        "first difference, model.integer on integer against planted on integer:"
    )
