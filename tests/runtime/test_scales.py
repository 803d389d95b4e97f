"""``--max-thresholds`` and ``--decays``, from the options to what is shown of the artifact."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc import compile
from snnc.compiler.diagnostics import InputError
from snnc.runtime.overview import overview, registers_table
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact
from tests.builders import affine, chain, lif, spikes


def graph(n: int = 20) -> nir.NIRGraph:
    rng = np.random.default_rng(0)
    return chain(affine(rng.lognormal(0, 1, (n, 1)) * rng.normal(0, 1, (n, 8))), lif(n), n=8)


def compiled(**options: Any) -> Artifact:
    return compile(graph(), "integer", dt=1e-4, dialect="nir", reset="zero", **options)


def test_both_reach_the_integers_and_the_artifact() -> None:
    plain, made = compiled(), compiled(max_thresholds=4, decays="gain")
    assert (plain.options["max_thresholds"], plain.options["decays"]) == (None, "nearest")
    assert (made.options["max_thresholds"], made.options["decays"]) == (4, "gain")
    assert len(np.unique(made.required_fixed.populations[0].threshold)) == 4
    (before,), (after,) = plain.account["populations"], made.account["populations"]
    assert (before["ungrouped"], after["thresholds"]) == (None, 4)
    assert after["ungrouped"]["thresholds"] == before["thresholds"] > 4
    free = compiled(decays="gain").account["populations"][0]
    assert after["ungrouped"]["weight_sqnr_db"] == free["weight_sqnr_db"]
    ratio = made.required_fixed.populations[0].threshold / (
        made.required_fixed.populations[0].scale / 64
    )
    assert np.allclose(ratio, 1), "a threshold of 1 in the units of the model"


def test_what_it_costs_is_shown() -> None:
    made = compiled(max_thresholds=4)
    table = registers_table(made.account)
    assert table in overview(made)
    lines = [line.split("  ") for line in table.splitlines()]
    header, row = (
        [cell.strip() for cell in line if cell.strip()] for line in (lines[0], lines[-1])
    )
    shown = dict(zip(header[5:], row[5:], strict=True))
    (account,) = made.account["populations"]
    assert shown == {
        "thresholds": "4",
        "if free": str(account["ungrouped"]["thresholds"]),
        "SQNR dB if free": f"{account['ungrouped']['weight_sqnr_db']:.1f}",
        "biases": "1",
    }
    assert row[1:5] == ["0.10 %", "0.10 %", "-", "-"]


def test_options_out_of_their_range() -> None:
    with pytest.raises(InputError) as raised:
        compiled(max_thresholds=0, decays="gian")
    assert str(raised.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --max-thresholds\n"
        "   found: 0\n"
        "   limit: 1 or more (Loihi: 16 in each core)\n"
        "  remedy: --max-thresholds 16\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --decays\n"
        "   found: gian\n"
        "   limit: nearest, gain\n"
        "  remedy: --decays gain"
    )


def test_a_verification_takes_them() -> None:
    options: dict[str, Any] = {"dt": 1e-4, "dialect": "nir", "reset": "zero"}
    report = verify(
        graph(),
        spikes((20, 2, 8)),
        targets=("integer",),
        max_thresholds=2,
        decays="gain",
        **options,
    )
    (account,) = report.populations
    assert account["thresholds"] == 2
