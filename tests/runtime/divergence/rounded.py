"""Networks of which one number is rounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.operators import FixedDense, FixedOperator
from snnc.compiler.retime import retime
from snnc.compiler.trace import SIGNALS
from snnc.runtime.divergence.explain import explain
from snnc.runtime.divergence.explanation import Explanation
from snnc.runtime.divergence.parted import Parted
from snnc.targets.artifact import Artifact
from tests.builders import (
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    population,
    projection,
    spikes,
)

COUNTS = 64
"""Of the threshold for a potential of 1."""
Change = Callable[[FixedNetwork], FixedNetwork]


class Pair:
    """A float network, and the integers that are the same."""

    def __init__(
        self, *, reset: Reset = Reset.ZERO, integers: int = 40, current: bool = False
    ) -> None:
        rng = np.random.default_rng(5)
        first = rng.integers(-integers // 2, integers, (6, 8))
        second, back = rng.integers(-20, 40, (4, 6)), rng.integers(-20, 10, (4, 4))
        fields: dict[str, Any] = {"decay": 3584 / 4096, "reset": reset}
        if current:
            fields |= {"integration": Integration.CURRENT_DECAY, "current_decay": 2048 / 4096}
        bias = np.array([0, 3, -2, 0, 1, 0]) / COUNTS * (not current)
        self.network = network(
            [population("a", 6, initial=0.25, **fields), population("b", 4, **fields)],
            [
                projection("x", "a", first / COUNTS, bias=bias, name="fc1"),
                projection("a", "b", second / COUNTS, name="fc2"),
                projection("b", "b", back / COUNTS, delay=1, name="rec"),
            ],
        )
        integer: dict[str, Any] = {
            "dv": 512,
            "du": 2047 if current else 4095,
            "threshold": COUNTS,
            "scale": 64.0 * COUNTS,
            "reset": {Reset.ZERO: "zero", Reset.SUBTRACT: "subtract"}[reset],
        }
        self.fixed = fixed_network(
            [
                fixed_population(
                    "a", 6, bias_mant=np.rint(64 * COUNTS * bias), initial=16 * COUNTS, **integer
                ),
                fixed_population("b", 4, **integer),
            ],
            [
                fixed_projection("x", "a", first, delay=0, name="fc1"),
                fixed_projection("a", "b", second, delay=0, name="fc2"),
                fixed_projection("b", "b", back, delay=1, name="rec"),
            ],
        )


def explained(
    real: Network, integers: FixedNetwork, x: npt.NDArray[Any]
) -> tuple[Explanation, Parted]:
    """Run both on the samples of ``x`` and explain the first that parts."""
    artifact = Artifact(target="integer", network=real, fixed=retime(integers))
    for sample in range(x.shape[1]):
        inputs = {"x": x[:, sample : sample + 1]}
        parted = Parted(
            names=("float", "integer"),
            artifact=artifact,
            inputs=inputs,
            reference=replace(artifact, target="float").run(inputs, record=SIGNALS),
            other=artifact.run(inputs, record=SIGNALS),
            sample=sample,
        )
        found = explain(parted, None)
        if found is not None:
            return found, parted
    raise AssertionError("they do not part")


def population_of(fixed: FixedNetwork, name: str, **fields: Any) -> FixedNetwork:
    """Change fields of a population."""
    return replace(
        fixed,
        populations=tuple(replace(p, **fields) if p.name == name else p for p in fixed.populations),
    )


def numbers(name: str, field: str, *changes: int) -> Change:
    """Add to a field of a population."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        added = getattr(fixed.population(name), field) + np.array(changes, np.int32)
        return population_of(fixed, name, **{field: added})

    return change


def projection_of(name: str, **fields: Any) -> Change:
    """Change fields of a projection."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        changed = (replace(q, **fields) if q.name == name else q for q in fixed.projections)
        return replace(fixed, projections=tuple(changed))

    return change


def weights(name: str, of: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Change:
    """Change the weights of a projection."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        (q,) = (q for q in fixed.projections if q.name == name)
        (operator,) = q.operators
        assert isinstance(operator, FixedDense)
        made: FixedOperator = fixed_dense(of(operator.weight.astype(np.int64)))
        return projection_of(name, operators=(made,))(fixed)

    return change


def one_off(i: int, j: int, by: int) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Give what adds to one weight."""

    def change(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        weight = weight.copy()
        weight[i, j] += by
        return weight

    return change


X = spikes((40, 6, 8), seed=2, rate=0.3)
