"""How a user says what calibration data may change of the integers."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.operators import FixedDense
from snnc.runtime.deploy import compile
from snnc.runtime.verify import verify
from tests.builders import chain, lif, linear, spikes

GRAPH = chain(linear(np.random.default_rng(0).normal(1, 3, (30, 20))), lif(30), n=20)
DATA = spikes((100, 32, 20), seed=1)


def message(**options: object) -> str:
    with pytest.raises(InputError) as raised:
        compile(GRAPH, "integer", dt=1e-3, dialect="norse", **options)  # type: ignore[arg-type]
    return "\n".join(d.text() for d in raised.value.diagnostics)


@pytest.mark.parametrize("rounding", ["feedback", "recalibrated"])
def test_rounding_that_has_no_data(rounding: str) -> None:
    assert message(rounding=rounding) == (
        "error[SNN312]: rounding that follows data has calibration data to follow\n"
        "  --> --rounding\n"
        f"   found: {rounding} without calibration data\n"
        "   limit: typical input data, [steps, batch, *shape]\n"
        "  remedy: give them with --calibrate X.npy, or leave --rounding out"
    )


def test_a_rounding_that_is_none() -> None:
    assert message(rounding="feedbak", calibration=DATA) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --rounding\n"
        "   found: feedbak\n"
        "   limit: nearest, feedback, recalibrated\n"
        "  remedy: --rounding feedback"
    )


def test_each_rounding_gives_its_integers_and_says_its_name() -> None:
    def made(rounding: str | None) -> tuple[str, bytes, bytes]:
        artifact = compile(
            GRAPH,
            "integer",
            dt=1e-3,
            dialect="norse",
            weight_bits=3,
            rounding=rounding,
            calibration=DATA,
        )
        fixed = artifact.required_fixed
        operator = fixed.projections[0].operators[0]
        assert isinstance(operator, FixedDense)
        threshold = fixed.populations[0].threshold.tobytes()
        return artifact.options["rounding"], operator.weight.tobytes(), threshold

    nearest, feedback, recalibrated = map(made, ("nearest", "feedback", "recalibrated"))
    assert [found[0] for found in (nearest, feedback, recalibrated)] == [
        "nearest",
        "feedback",
        "recalibrated",
    ]
    assert nearest[1] != feedback[1] == recalibrated[1]
    assert nearest[2] == feedback[2] != recalibrated[2]
    assert made(None) == recalibrated


def test_without_data_weights_are_rounded_to_the_nearest() -> None:
    assert compile(GRAPH, "integer", dt=1e-3, dialect="norse").options["rounding"] == "nearest"


def test_verify_takes_it() -> None:
    report = verify(
        GRAPH,
        DATA[:, :4],
        targets="integer",
        dt=1e-3,
        dialect="norse",
        rounding="feedback",
        calibration=DATA,
    )
    assert report.verdict
