"""What snnc's frontends note in the metadata of a graph, and whether it is all there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.nodes import NEURONS, OPERATORS, NeuronNode
from snnc.compiler.network import Integration, Reset

KEY = "snnc"
"""The one key of a node's or graph's metadata that is ours."""
FORMAT = 2
"""Version of our metadata."""
REQUIRED = ("decay", "gain", "leak", "threshold")
"""What every neuron has a number of, or one for each."""
DEFAULTS = {"current_decay": 0.0, "initial": 0.0, "reset_value": 0.0, "spike": 1.0}
"""What a neuron may have, and the number where it has none."""

_OF_CURRENTS = tuple(i for i in Integration if i.has_current)
Check = Callable[[Any], bool]


def metadata(node: nir.NIRNode) -> Mapping[str, Any]:
    """Give what snnc noted on ``node``, empty where it did not."""
    notes = cast("Mapping[str, Any]", node.metadata or {}).get(KEY, {})
    return cast("Mapping[str, Any]", notes) if isinstance(notes, Mapping) else {}


def origin_of(graph: nir.NIRGraph, name: str) -> str:
    """Give the path in the user's model of the node ``name``."""
    return str(metadata(graph.nodes[name]).get("origin", name))


def note_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Yield every note that is missing or unusable; a graph without notes has none."""
    if metadata(graph):
        yield from _problems("the graph", metadata(graph), _GRAPH)
    for name, node in graph.nodes.items():
        if isinstance(node, NEURONS) and metadata(graph):
            yield from _problems(name, metadata(node), _neuron_checks(node))
        elif isinstance(node, OPERATORS):
            given = {k: v for k, v in metadata(node).items() if k in _OPERATORS}
            yield from _problems(name, given, {k: _OPERATORS[k] for k in given})


def _problems(
    name: str, notes: Mapping[str, Any], checks: Mapping[str, Check]
) -> Iterator[Diagnostic]:
    for field, check in checks.items():
        if field not in notes:
            yield _unusable(name, f"no {field!r}")
        elif not _holds(check, notes[field]):
            yield _unusable(name, f"{field} = {notes[field]!r:.60}")


def _holds(check: Check, value: Any) -> bool:
    try:
        return check(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _neuron_checks(node: NeuronNode) -> Mapping[str, Check]:
    shape = np.shape(parameter_of(node))

    def fits(value: Any) -> bool:
        numbers = np.asarray(value)
        return numbers.dtype.kind in "iuf" and np.broadcast_shapes(numbers.shape, shape) == shape

    notes = metadata(node)
    fields = [*REQUIRED, *(name for name in DEFAULTS if name in notes)]
    if str(notes.get("integration")) in _OF_CURRENTS and "current_decay" not in fields:
        fields.append("current_decay")
    numbers: dict[str, Check] = dict.fromkeys(fields, fits)
    if "refractory" in notes:
        numbers["refractory"] = lambda value: _is_integer(value) and int(value) >= 0
    return {
        "integration": lambda value: str(value) in tuple(Integration),
        "reset": lambda value: str(value) in tuple(Reset),
        **numbers,
    }


def parameter_of(node: NeuronNode) -> Any:
    """Give a parameter of the node's shape: every neuron node has one of ``r``, ``threshold``."""
    return node.threshold if isinstance(node, nir.Threshold) else node.r


def _is_integer(value: Any) -> bool:
    return int(np.asarray(value)) == float(np.asarray(value))


def _are_counts(value: Any) -> bool:
    numbers = np.asarray(value)
    return numbers.dtype.kind in "iuf" and numbers.ndim > 0 and bool((numbers > 0).all())


_GRAPH: Mapping[str, Check] = {
    "format": lambda value: int(np.asarray(value)) == FORMAT,
    "framework": lambda value: isinstance(value, str),
    "dt": lambda value: 0 < float(np.asarray(value)) < np.inf,
}
_OPERATORS: Mapping[str, Check] = {
    "delay": _is_integer,
    "order": _is_integer,
    "divisors": _are_counts,
    "average": lambda value: _is_integer(value) and int(value) > 0,
    "padding": lambda value: np.asarray(value).dtype.kind in "iu" and np.ndim(value) == 2,
}


def _unusable(name: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=f"{name}, metadata",
        found=found,
        limit=f"the notes of snnc's frontends, format {FORMAT}",
        remedy="import the trained module again: snnc import SPEC -o model.nir",
    )
