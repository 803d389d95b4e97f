"""A budget of accuracy or memory: the least weights that keep it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.fixed import FixedProjection
from snnc.compiler.operators import FixedDense
from snnc.runtime import budget as search
from snnc.runtime.budgeted import budget_text
from snnc.runtime.deploy import compile
from tests.runtime.budgets import (
    WEIGHTS,
    chosen,
    compiled,
    data,
    error,
    graph,
    least,
    lost,
    only_bad,
    with_widths,
)


@pytest.mark.parametrize("drop", [2, 5, 50])
def test_only_the_bad_layer_becomes_wider(drop: int) -> None:
    artifact = compiled(f"top1>=-{drop}pt")
    assert lost(artifact) <= drop
    assert chosen(artifact) == only_bad(least(drop))
    same = with_widths(only_bad(least(drop))).required_fixed
    for q, wanted in zip(artifact.required_fixed.projections, same.projections, strict=True):
        assert (weights_of(q) == weights_of(wanted)).all()


def weights_of(q: FixedProjection) -> npt.NDArray[np.int8 | np.int16]:
    (operator,) = q.operators
    assert isinstance(operator, FixedDense)
    return operator.weight


def test_the_widths_that_the_tests_rest_on() -> None:
    """4 bits ruin the network, more for one layer repair it, and how many depends on the budget."""
    assert 4 == least(50) < least(5) < least(2) < 8
    assert lost(with_widths(4)) > 20


def test_without_a_width_the_search_begins_at_2() -> None:
    artifact = compiled("top1>=-5pt", None)
    bits = chosen(artifact)
    assert lost(artifact) <= 5
    assert min(bits.values()) < 4
    for name in bits:
        if bits[name] > 2:
            assert lost(with_widths({**bits, name: bits[name] - 1})) > 5, name


def test_what_the_account_says() -> None:
    found = compiled("top1>=-2pt").account["budget"]
    x, y = data()
    n = y.size
    by_hand = with_widths(only_bad(least(2)))
    right = int((by_hand.run(x).predictions == y).sum())
    statistics = found["chosen"]["statistics"]
    assert (statistics["n"], statistics["accuracy_reference"]) == (n, 1)
    assert statistics["accuracy_other"] == right / n
    assert (statistics["only_reference"], statistics["only_other"]) == (n - right, 0)
    assert found["widest"]["statistics"]["drop_points"] == lost(with_widths(8))
    assert found["chosen"]["error"] == pytest.approx(error(by_hand))
    assert found["widest"]["error"] == pytest.approx(error(with_widths(8)))
    assert {p["name"]: p["weights"] for p in found["populations"]} == WEIGHTS
    assert found["memory_bits"] == sum(WEIGHTS[p] * b for p, b in only_bad(least(2)).items())
    assert found["memory_bits_widest"] == 8 * sum(WEIGHTS.values())
    assert [p["refused_bits"] for p in found["populations"]] == [None, least(2) - 1, None]
    sensitivity = found["populations"][1]["sensitivity"]
    assert list(sensitivity) == ["4", "5", "6", "7", "8"]
    assert sensitivity["4"] > 10 * sensitivity["6"] > 0
    assert (found["samples"], found["sensitivity_samples"]) == (n, 64)
    assert found["sensitivity_runs"] == 1 + 3 * 4
    assert found["runs"] <= 1 + search.BISECTIONS + search.NARROWINGS


def test_the_sensitivities_are_those_of_one_population_alone() -> None:
    x, _ = data()
    few = x[:, np.linspace(0, x.shape[1] - 1, 64, dtype=np.int64)]

    def measured(**bits: int) -> float:
        return error(with_widths({"first": 8, "bad": 8, "last": 8, **bits}), few)

    first, bad, _ = compiled("top1>=-2pt").account["budget"]["populations"]
    assert bad["sensitivity"]["4"] == pytest.approx(measured(bad=4) - measured())
    assert first["sensitivity"]["5"] == pytest.approx(max(0, measured(first=5) - measured()))
    assert bad["sensitivity"]["8"] == 0


@pytest.mark.parametrize("memory", [530, 600, 650, 800])
def test_memory_is_kept_with_less_error_than_equal_widths(memory: int) -> None:
    artifact = compiled(f"memory<={memory}B")
    bits = chosen(artifact)
    assert sum(WEIGHTS[name] * b for name, b in bits.items()) <= 8 * memory
    equal = 8 * memory // sum(WEIGHTS.values())
    assert error(artifact) <= error(with_widths(equal))
    if memory >= 600:
        assert bits["bad"] > bits["first"]
        assert error(artifact) < 0.7 * error(with_widths(equal))


def test_memory_without_labels() -> None:
    x, y = data()
    artifact = compile(
        graph(), dt=1e-4, calibration=x, budget="memory<=650B", weight_bits=4, rounding="nearest"
    )
    assert chosen(artifact) == chosen(compiled("memory<=650B"))
    assert artifact.account["budget"]["chosen"]["statistics"] is None
    assert "Accuracy" not in budget_text(artifact.account["budget"])
    labeled = compiled("memory<=650B").account["budget"]["chosen"]["statistics"]
    assert labeled["n"] == y.size


def test_memory_for_8_bits_everywhere() -> None:
    assert set(chosen(compiled("memory<=1.1KiB")).values()) == {8}


def test_the_same_again() -> None:
    before = compiled("top1>=-2pt")
    compiled.cache_clear()
    assert compiled("top1>=-2pt").files() == before.files()


def test_what_is_printed() -> None:
    said = budget_text(compiled("top1>=-2pt").account["budget"]).splitlines()
    bits, x, y = least(2), *data()
    memory = (4 * 480 + bits * 576) // 8
    artifact = with_widths(only_bad(bits))
    right = int((artifact.run(x).predictions == y).sum())
    assert said[0] == (
        f"budget top1>=-2pt: the weights take {memory} B, {100 * memory / 1056:.2f} % of 1.0 KiB "
        "with 8 bits everywhere"
    )
    assert [line.split()[:5] for line in said[4:7]] == [
        ["first", "384", "4", "192", "B"],
        ["bad", "576", f"{bits}", f"{576 * bits // 8}", "B"],
        ["last", "96", "4", "48", "B"],
    ]
    assert [line.split(" %  ")[1] for line in said[4:7]] == [
        "the narrowest considered",
        f"{bits - 1} bits would break the budget",
        "the narrowest considered",
    ]
    assert said[10].split() == ["float", "-", "100.00", "%", "519", "-", "-", "-"]
    assert (
        said[12].split()[:-1]
        == (
            f"these widths {100 * error(artifact):.2f} % {100 * right / 519:.2f} % {right} "
            f"{519 - right} 0"
        ).split()
    )
    assert said[-2].startswith(
        f"Accuracy falls by {lost(artifact):.2f} points on these samples, which chose the widths. "
    )
    assert said[-1].startswith("Measured on 519 samples of calibration data in ")
    assert said[-1].endswith(" runs, sensitivities on 64 of them in 13.")
