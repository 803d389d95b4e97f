"""What the numbers of a node have to be like, whoever made it."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.compiler.graph.nodes import WEIGHTS, parameters_of

Array = npt.NDArray[Any]

TIME_CONSTANTS = ("tau", "tau_mem", "tau_syn")
MOST = float(np.finfo(np.float32).max)
"""Largest number that a float32 holds: every target computes with those, or with integers."""


def parameter_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Yield what nobody can compute with in the nodes of ``graph``, whose shapes are in order."""
    for name, node in graph.nodes.items():
        problems = [*number_problems(name, numbers_of(node))]
        yield from problems or range_problems(name, node)


def numbers_of(node: nir.NIRNode) -> dict[str, Array]:
    """Give all weights or parameters of ``node`` by name."""
    if not isinstance(node, WEIGHTS):
        return parameters_of(node)
    given = {name: getattr(node, name, None) for name in ("weight", "bias")}
    return {name: np.asarray(value) for name, value in given.items() if value is not None}


def number_problems(node: str, fields: Mapping[str, Array]) -> Iterator[Diagnostic]:
    """Yield which ``fields`` of ``node`` are no finite real numbers that float32 can express."""
    for name, values in fields.items():
        place = f"{node}.{name}"
        if values.dtype.kind not in "fiu":
            yield _problem(place, f"{values.dtype} values", "real numbers", rules.NODE_COMPLETE)
            continue
        largest = _largest(values)
        if not np.isfinite(largest):
            bad = ~np.isfinite(values)
            found = f"{int(bad.sum())} of {values.size} are not finite ({values[bad][0]})"
            yield _problem(place, found, "finite numbers")
        elif largest > MOST:
            yield _problem(place, f"{largest:g}", f"{MOST:g}, the largest float32")


def _largest(values: Array) -> float:
    """Give the largest magnitude without a copy of ``values``; not finite where one is not."""
    return float(max(-float(values.min()), float(values.max()))) if values.size else 0.0


def range_problems(name: str, node: nir.NIRNode) -> Iterator[Diagnostic]:
    """Yield which finite numbers of ``node`` are out of the range where its equation makes sense.

    Args:
        name: Of the node, for messages.
        node: Its shapes are in order.
    """
    fields = numbers_of(node)
    if "weight" in fields:
        dense = isinstance(node, nir.Linear | nir.Affine)
        rows = fields["weight"].shape[-2 if dense else 0]
        yield from _sum_problems(name, fields["weight"].reshape(rows, -1))
    for field in TIME_CONSTANTS:
        if field in fields and not (fields[field] > 0).all():
            yield _problem(f"{name}.{field}", f"{fields[field].min():g}", "above 0")
    if "v_threshold" in fields:
        yield from _threshold_problems(name, fields["v_threshold"], fields.get("v_reset"))
    if "delay" in fields and (fields["delay"] < 0).any():
        yield _problem(f"{name}.delay", f"{fields['delay'].min():g}", "0 or more")


def _sum_problems(name: str, rows: Array) -> Iterator[Diagnostic]:
    if _largest(rows) * rows.shape[1] <= MOST:
        return
    largest = float(np.abs(rows).sum(axis=1, dtype=np.float64).max())
    if largest > MOST:
        found = f"weights of one neuron that add up to {largest:g}"
        limit = f"{MOST:g}: a sum of inputs must stay a float32"
        yield _problem(f"{name}.weight", found, limit)


def _threshold_problems(name: str, threshold: Array, reset: Array | None) -> Iterator[Diagnostic]:
    above, base = np.broadcast_arrays(threshold, 0 if reset is None else reset)
    bad = ~(above > base)
    if bad.any():
        found = f"{above[bad][0]:g} with a reset to {base[bad][0]:g}"
        limit = "above v_reset: the neuron would fire for ever"
        yield _problem(f"{name}.v_threshold", found, limit)


def _problem(node: str, found: str, limit: str, rule: Rule = rules.NUMBER_USABLE) -> Diagnostic:
    return Diagnostic(
        rule=rule,
        node=node,
        found=found,
        limit=limit,
        remedy="correct the parameter in the model",
    )
