"""What is wrong with a record of a stage, as diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedAxons, FixedInput, FixedPopulation, FixedProjection
from snnc.compiler.network import Population, Projection

Record = Population | Projection | FixedInput | FixedPopulation | FixedProjection | FixedAxons
"""What there is something wrong with."""


def has_shape(
    record: Record, field: str, values: npt.NDArray[np.generic], shape: tuple[int, ...]
) -> Iterator[Diagnostic]:
    """Yield whether an array has not the shape that it should."""
    if values.shape != shape:
        yield misfit(record, f"{field} of shape {list(values.shape)}", f"shape {list(shape)}")


def misfit(record: Record, found: str, limit: str) -> Diagnostic:
    """Say that shapes do not agree."""
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=_path(record),
        found=found,
        limit=limit,
        remedy="give the node arrays of one shape",
    )


def in_range(
    record: Record, field: str, values: npt.NDArray[np.generic], low: int, high: int
) -> Iterator[Diagnostic]:
    """Yield whether a number is not one from ``low`` to ``high``, both included."""
    numbers = values.astype(np.float64)
    if numbers.size and not (numbers.min() >= low and numbers.max() <= high):
        found = f"{numbers.min():g} to {numbers.max():g}"
        yield number(record, field, found, f"{low} to {high}")


def _path(record: Record) -> str:
    origin = () if isinstance(record, FixedInput | FixedAxons) else record.origin
    return " + ".join(origin) or record.name


def number(record: Record, field: str, found: str, limit: str) -> Diagnostic:
    """Say that a number makes no sense."""
    return Diagnostic(
        rule=rules.NUMBER_USABLE,
        node=_path(record),
        found=f"{field}: {found}",
        limit=limit,
        remedy="correct the parameter in the model",
    )


def edge(name: str, found: str, limit: str) -> Diagnostic:
    """Say that a name or an edge leads nowhere."""
    return Diagnostic(
        rule=rules.EDGE_VALID,
        node=name,
        found=found,
        limit=limit,
        remedy="correct the edges of the graph",
    )
