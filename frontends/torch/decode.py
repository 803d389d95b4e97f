"""Hold what a model returned on data against the steps that it is known to be made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch.follow import Layout
from snnc.frontends.torch.framework import Path
from snnc.frontends.torch.outputs import MADE, Port
from snnc.frontends.torch.values import Operation, Spikes, State

Array = npt.NDArray[Any]
Returned = Mapping[Path, Array]
"""What one call of ``forward`` returned, and where."""
SUM_ERROR = 1e-5
"""Difference of two orders of summation in float32, in parts of the sum of the absolute values."""


def returned_as(port: Port, layout: Layout, returned: list[Returned], steps: int) -> Array | None:
    """Give what ``forward`` returned as ``port``: all steps along the first axis, or one value.

    Args:
        port: An output.
        layout: Of the model.
        returned: Of one call, or of one call a step.
        steps: How many were run.

    Returns:
        None where it is not there, or not as many times as there are steps.
    """
    listed = len(port.paths) > 1
    paths = [port.path_at(step) for step in range(steps)] if listed else port.paths
    found = [call[path] for call in returned for path in paths if path in call]
    if len(found) < len(returned) * len(paths) or len({array.shape for array in found}) > 1:
        return None
    if listed or layout is Layout.STEP:
        return np.stack(found)
    return np.moveaxis(found[0], port.axis, 0) if port.decoding == "steps" else found[0]


def output_problems(
    port: Port, steps: int, sent: Array | None, given: Array | None
) -> Iterator[Diagnostic]:
    """Tell where ``forward`` returned something else than what is decoded from its steps.

    Args:
        port: An output.
        steps: How many were run.
        sent: What the layer of the output sent in each, shape ``[steps, batch, *shape]``; None
            where ``given`` is all that says it.
        given: What ``forward`` returned.
    """
    decoded = f"{MADE[port.decoding]} {steps} steps of {_layer(port)}"
    if given is None:
        found = f"not {decoded}"
    elif sent is None:
        if len(given) == steps:
            return
        found = f"{len(given)} steps, not {decoded}"
    else:
        wanted, error = _decoded(port, sent)
        if given.shape != wanted.shape:
            found = f"shape {list(given.shape)}; {decoded} have shape {list(wanted.shape)}"
        else:
            same = _equal(given, wanted, error)
            if same.all():
                return
            found = f"{int((~same).sum())} of {same.size} values are not those of {decoded}"
    yield Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=f"what forward returns as {port.name}",
        found=found,
        limit="made of the steps in one way, whatever data, steps, samples and calls there are",
        remedy="return all steps, and choose among them in the code that calls the model",
    )


def _layer(port: Port) -> str:
    if isinstance(port.value, Spikes | State):
        return port.value.call.chain.path
    origin = cast("Operation", port.value).origin
    return origin.path or origin.function


def _equal(one: Array, other: Array, error: Array | float) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # of infinities
        near = np.abs(one - other) <= error
    return np.asarray(near | (one == other) | (np.isnan(one) & np.isnan(other)), np.bool_)


def _decoded(port: Port, steps: Array) -> tuple[Array, Array | float]:
    """Give what ``port`` makes of its steps, and what an order of summation may change in it."""
    factor = np.asarray(port.factor)
    match port.decoding:
        case "steps":
            return steps, 0.0
        case "last":
            return steps[-1], 0.0
        case "max":
            wanted = steps.max(axis=0) * factor
            return wanted, SUM_ERROR * np.abs(wanted)
        case how:
            parts = factor / (len(steps) if how == "mean" else 1)
            sizes = np.abs(steps).sum(axis=0, dtype=np.float64)
            return steps.sum(axis=0, dtype=np.float64) * parts, SUM_ERROR * sizes * np.abs(parts)
