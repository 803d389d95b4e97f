"""What snnc's frontends note in the metadata of a graph, and whether it is all there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Integration, Reset

KEY = "snnc"
"""The one key of a node's or graph's metadata that is ours."""
FORMAT = 1
"""Version of our metadata."""

NeuronNode: TypeAlias = nir.LIF | nir.CubaLIF | nir.IF
NEURONS = (nir.LIF, nir.CubaLIF, nir.IF)
"""The node types that become populations."""

_OF_CURRENTS = tuple(i for i in Integration if i.has_current)
Check = Callable[[Any], bool]


def metadata(node: nir.NIRNode) -> Mapping[str, Any]:
    """Give what snnc noted on ``node``, empty where it did not."""
    notes = cast("Mapping[str, Any]", node.metadata or {}).get(KEY, {})
    return cast("Mapping[str, Any]", notes) if isinstance(notes, Mapping) else {}


def note_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Yield every note that is missing or unusable; a graph without notes has none."""
    if metadata(graph):
        yield from _problems("the graph", metadata(graph), _GRAPH)
    for name, node in graph.nodes.items():
        if isinstance(node, NEURONS) and metadata(graph):
            yield from _problems(name, metadata(node), _neuron_checks(node))
        elif isinstance(node, nir.Linear | nir.Affine):
            given = {k: v for k, v in metadata(node).items() if k in _WEIGHTS}
            yield from _problems(name, given, {k: _WEIGHTS[k] for k in given})


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
    shape = np.shape(node.v_threshold)

    def fits(value: Any) -> bool:
        numbers = np.asarray(value)
        return numbers.dtype.kind in "iuf" and np.broadcast_shapes(numbers.shape, shape) == shape

    fields = ["decay", "gain", "leak", "threshold"]
    notes = metadata(node)
    if "current_decay" in notes or str(notes.get("integration")) in _OF_CURRENTS:
        fields.append("current_decay")
    numbers: dict[str, Check] = dict.fromkeys(fields, fits)
    return {
        "integration": lambda value: str(value) in tuple(Integration),
        "reset": lambda value: str(value) in tuple(Reset),
        **numbers,
    }


def _is_integer(value: Any) -> bool:
    return int(np.asarray(value)) == float(np.asarray(value))


_GRAPH: Mapping[str, Check] = {
    "format": lambda value: int(np.asarray(value)) == FORMAT,
    "framework": lambda value: isinstance(value, str),
    "dt": lambda value: 0 < float(np.asarray(value)) < np.inf,
}
_WEIGHTS: Mapping[str, Check] = {"delay": _is_integer, "order": _is_integer}


def _unusable(name: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=f"{name}, metadata",
        found=found,
        limit=f"the notes of snnc's frontends, format {FORMAT}",
        remedy="import the trained module again: snnc import SPEC -o model.nir",
    )
