"""A budget of memory or accuracy, and the widths of weights that keep it at the least cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.names import written
from snnc.compiler.operators import FixedSparse, FixedWeighted
from snnc.compiler.quantization.pick import pick

Bits = Mapping[str, int]
"""Width of the weights into each population."""

UNITS = {"B": 8, "KiB": 8 * 2**10, "MiB": 8 * 2**20}
"""Bits of each unit of memory."""
POINTS = "pt"
"""Unit of accuracy: points of percent."""
EXAMPLES = '"top1>=-0.5pt" or "memory<=64KiB"'
FORM = re.compile(
    r"(?P<metric>\w+)(?P<relation>[<>=]+)(?P<number>[+-]?(\d{1,15}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?)"
    r"(?P<unit>(\D.*)?)"
)
"""``metric relation number unit``, without its spaces."""


class Metric(StrEnum):
    """What a budget is of."""

    ACCURACY = "top1"
    MEMORY = "memory"


@dataclass(frozen=True)
class Budget:
    """What the weights may cost.

    Attributes:
        metric: Accuracy or memory.
        limit: Of accuracy the points of percent that it may fall; of memory bits.
        text: As the user wrote it, without spaces.
    """

    metric: Metric
    limit: float
    text: str


def read_budget(text: object) -> Budget | Diagnostic:
    """Read ``top1>=-0.5pt`` or ``memory<=64KiB``; spaces do not matter.

    Returns:
        The budget, or what is wrong with it.
    """
    if not isinstance(text, str):
        return _unusable(written(text), "a text", f"write {EXAMPLES}")
    squeezed = "".join(text.split())
    form = FORM.fullmatch(squeezed)
    if form is None:
        return _unusable(
            text or "an empty text",
            "METRIC>=NUMBER UNIT or METRIC<=NUMBER UNIT",
            f"write {EXAMPLES}",
        )
    metric, relation, unit = form["metric"], form["relation"], form["unit"]
    number = float(form["number"])
    if metric not in list(Metric):
        return _unusable(text, " or ".join(Metric), f"write {EXAMPLES}")
    positive = form["number"].lstrip("+-")
    if metric == Metric.ACCURACY:
        if relation != ">=" or unit != POINTS or not -100 <= number <= 0:
            return _unusable(
                text,
                "top1>=-NUMBERpt: the points of percent, 0 to 100, that accuracy may fall",
                f'write "top1>=-{positive if abs(number) <= 100 else 0.5}pt"',
            )
        return Budget(Metric.ACCURACY, abs(number), squeezed)
    if relation != "<=" or unit not in UNITS or number <= 0:
        known = unit if unit in UNITS else "KiB"
        return _unusable(
            text,
            "memory<=NUMBER UNIT: more than 0 B, KiB or MiB",
            f'write "memory<={f"{positive}{known}" if number else "64KiB"}"',
        )
    return Budget(Metric.MEMORY, number * UNITS[unit], squeezed)


def _unusable(found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID, node="--budget", found=found, limit=limit, remedy=remedy
    )


def stored_weights(network: FixedNetwork, populations: Iterable[str]) -> dict[str, int]:
    """Count the weights into each population of a model: kernels once, zeros as others.

    Those from a neuron that carries biases are biases, and have 8 bits whatever is chosen.

    Args:
        network: The integers.
        populations: Of the model.
    """
    stored = dict.fromkeys(populations, 0)
    carriers = {p.name for p in network.populations} - stored.keys()
    for q in network.projections:
        if q.source in carriers:
            continue
        for operator in q.operators:
            if isinstance(operator, FixedSparse):
                stored[q.target] += prod(operator.shape)
            elif isinstance(operator, FixedWeighted):
                stored[q.target] += operator.weight.size
    return stored


@dataclass(frozen=True)
class Table:
    """What each width of each population costs.

    Attributes:
        weights: Stored for each population.
        errors: For each population and width what it adds to the error of the outputs; a width
            that is not there is not possible.
    """

    weights: Mapping[str, int]
    errors: Mapping[str, Mapping[int, float]]
    _pairs: tuple[tuple[str, int], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = tuple((p, b) for p, widths in self.errors.items() for b in sorted(widths))
        object.__setattr__(self, "_pairs", pairs)

    def memory(self, bits: Bits) -> int:
        """Give the bits that all weights take."""
        return sum(self.weights[p] * b for p, b in bits.items())

    def error(self, bits: Bits) -> float:
        """Give the error to expect: sensitivities are added."""
        return sum(self.errors[p][b] for p, b in bits.items())

    def narrowest(self) -> dict[str, int]:
        """Give the choice of least memory."""
        return {p: min(widths) for p, widths in self.errors.items()}

    def widest(self) -> dict[str, int]:
        """Give the choice of most memory."""
        return {p: max(widths) for p, widths in self.errors.items()}

    def step(self, population: str, bits: int, by: int) -> int | None:
        """Give the next possible width, narrower (-1) or wider (1), or None."""
        widths = sorted(self.errors[population])
        index = widths.index(bits) + by
        return widths[index] if 0 <= index < len(widths) else None

    def least_memory(self, error: float) -> dict[str, int] | None:
        """Give the choice of least memory whose error is at most ``error``.

        Among those of the same memory it is one of least error; None where there is no choice.
        """
        errors, memory = self._costs()
        found = self._solve(memory, errors, error)
        return found and (self._solve(errors, memory, self.memory(found)) or found)

    def least_error(self, memory: float) -> dict[str, int] | None:
        """Give the choice of least error whose weights take at most ``memory`` bits.

        Among those of the same error it is one of least memory; None where there is no choice.
        """
        errors, sizes = self._costs()
        found = self._solve(errors, sizes, memory)
        return found and (self._solve(sizes, errors, self.error(found)) or found)

    def exchanges(self, bits: Bits, memory: float) -> Iterator[dict[str, int]]:
        """Give the choices near ``bits`` that fit ``memory``, those of least error first.

        One population becomes wider by a step, and another one narrower or none.
        """
        near: list[dict[str, int]] = []
        for p, b in bits.items():
            wider = self.step(p, b, 1)
            if wider is None:
                continue
            near.append({**bits, p: wider})
            for q, c in bits.items():
                narrower = self.step(q, c, -1)
                if narrower is not None and q != p:
                    near.append({**bits, p: wider, q: narrower})
        yield from sorted((n for n in near if self.memory(n) <= memory), key=self.error)

    def _costs(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Give error and memory of each pair of population and width, shape ``[pairs]``."""
        errors = np.array([self.errors[p][b] for p, b in self._pairs], np.float64)
        memory = np.array([self.weights[p] * b for p, b in self._pairs], np.float64)
        return errors, memory

    def _solve(
        self, cost: npt.NDArray[np.float64], limited: npt.NDArray[np.float64], limit: float
    ) -> dict[str, int] | None:
        """Give one width for each population, of least cost within the limit, or None."""
        of_each = np.array([[p == name for p, _ in self._pairs] for name in self.errors])
        picked = pick(of_each, cost, limited, limit)
        if picked is None:
            return None
        return {p: b for (p, b), taken in zip(self._pairs, picked, strict=True) if taken}


def memory_text(bits: float) -> str:
    """Give memory in a unit that suits it."""
    unit = next((u for u in ("MiB", "KiB") if bits >= UNITS[u]), "B")
    value = bits / UNITS[unit]
    return f"{value:g} B" if unit == "B" else f"{value:.1f} {unit}"
