"""The numbers of a neuron node, and whether they can be computed with at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.nodes import NEURONS, NeuronNode

NAMES = ("tau", "tau_syn", "tau_mem", "w_in", "r", "v_leak", "v_threshold", "v_reset", "threshold")
"""Every parameter that a neuron node of NIR can have, in the order of its equation."""
POSITIVE = ("tau", "tau_syn", "tau_mem", "v_threshold", "threshold")


def parameters_of(node: NeuronNode) -> dict[str, npt.NDArray[Any]]:
    """Give the parameters that ``node`` has, by name."""
    given = {name: getattr(node, name, None) for name in NAMES}
    return {name: np.asarray(value) for name, value in given.items() if value is not None}


def parameter_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Yield every neuron node whose parameters are no numbers, or do not fit each other."""
    for name, node in graph.nodes.items():
        if not isinstance(node, NEURONS):
            continue
        values = parameters_of(node)
        for field, array in values.items():
            if array.dtype.kind not in "iuf":
                yield _unfit(f"{name}.{field}", f"values of type {array.dtype}", "real numbers")
        shapes = {field: list(array.shape) for field, array in values.items()}
        try:
            shape = np.broadcast_shapes(*(a.shape for a in values.values()))
        except ValueError:
            found = ", ".join(f"{field} of {axes}" for field, axes in shapes.items())
            yield _unfit(name, found, "parameters of one shape, or single numbers")
        else:
            if 0 in shape:
                yield _unfit(name, "no neurons", "one at least")


def number_problems(name: str, node: NeuronNode) -> Iterator[Diagnostic]:
    """Yield every parameter that has to be positive and finite, and is not."""
    for field, values in parameters_of(node).items():
        if field not in POSITIVE:
            continue
        if not values.min() > 0:
            yield unusable(f"{name}.{field}", f"{values.min():g}", "above 0")
        elif values.max() == np.inf:
            yield unusable(f"{name}.{field}", "inf", "a finite number")


def unusable(node: str, found: str, limit: str) -> Diagnostic:
    """Say that a number is out of its range."""
    return Diagnostic(
        rule=rules.NUMBER_USABLE,
        node=node,
        found=found,
        limit=limit,
        remedy="correct the parameter in the model",
    )


def _unfit(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=node,
        found=found,
        limit=limit,
        remedy="correct the node in the model",
    )
