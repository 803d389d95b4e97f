"""Budgets that cannot be kept, and options that do not go with one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.deploy import compile
from tests.runtime.budgets import (
    TOO_LARGE,
    chosen,
    compiled,
    data,
    graph,
    lost,
    unkept,
)


def test_a_budget_of_accuracy_that_cannot_be_kept() -> None:
    with pytest.raises(InputError) as caught:
        compiled("top1>=-0.1pt")
    assert str(caught.value) == unkept()
    proposed = caught.value.diagnostics[0].remedy.split('"')[1]
    drop = float(proposed.removeprefix("top1>=-").removesuffix("pt"))
    assert lost(compiled(proposed)) <= drop


def test_a_budget_of_memory_that_cannot_be_kept() -> None:
    with pytest.raises(InputError) as caught:
        compiled("memory<=500B")
    assert str(caught.value) == TOO_LARGE
    assert set(chosen(compiled("memory<=528B")).values()) == {4}


SNN319 = "error[SNN319]: a budget comes with the data that it is measured on"
LIMIT = "calibration data, and for a budget of accuracy the class of each sample"


def test_wrong_use_is_told_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        compile(graph(), "floot", dt=1e-4, budget="top1>=-1pt", weight_bits=9)
    assert [d.node for d in caught.value.diagnostics] == [
        "--target",
        "--weight-bits",
        "--budget",
        "--budget",
    ]
    assert "\n\n".join(map(str, caught.value.diagnostics[2:])) == (
        f"{SNN319}\n"
        "  --> --budget\n"
        "   found: no calibration data\n"
        f"   limit: {LIMIT}\n"
        "  remedy: --calibrate X.npy, typical input data\n\n"
        f"{SNN319}\n"
        "  --> --budget\n"
        "   found: no labels\n"
        f"   limit: {LIMIT}\n"
        "  remedy: --labels Y.npy, the class of each sample of the calibration data"
    )


@pytest.mark.parametrize(
    ("options", "node", "found", "limit", "remedy"),
    [
        (
            {"labels": [0]},
            "--labels",
            "labels, and no --budget",
            "labels are what a budget of accuracy is measured by",
            'add --budget "top1>=-0.5pt", or leave --labels out',
        ),
        (
            {"target": "float", "budget": "memory<=1KiB", "calibration": np.zeros((1, 1, 16))},
            "--budget",
            "target float, for which no weight is rounded",
            "a target of integers",
            "--target integer, or leave --budget out",
        ),
    ],
)
def test_options_that_do_not_go_together(
    options: dict[str, Any], node: str, found: str, limit: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        compile(graph(), dt=1e-4, **options)
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        f"  --> {node}\n"
        f"   found: {found}\n"
        f"   limit: {limit}\n"
        f"  remedy: {remedy}"
    )


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros(3, np.int64), "shape [3]"),
        (np.zeros(5), "values of type float64"),
        (np.array([0, 1, 2, 3, 4]), "values from 0 to 4"),
    ],
)
def test_labels_that_do_not_fit(labels: npt.NDArray[Any], found: str) -> None:
    with pytest.raises(InputError) as caught:
        compile(graph(), dt=1e-4, calibration=data()[0][:, :5], labels=labels, budget="top1>=-1pt")
    assert str(caught.value) == (
        "error[SNN507]: there is one label for each sample\n"
        "  --> labels\n"
        f"   found: {found}\n"
        "   limit: 5 integers from 0 to 3, one for each sample\n"
        "  remedy: give the class indices of the samples, in their order"
    )
