"""What conformance tests are parametrised over; docs/support.md lists the same records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import nir
import pytest

VALUES = 1_000_000
"""Spikes, or potentials, that are compared of every configuration, at least."""


@dataclass(frozen=True)
class Case:
    """A configuration that is imported, and compared value by value.

    Attributes:
        layer: What a user writes.
        option: What tells it from the other cases of ``layer``.
        becomes: The types of the nodes that it becomes, in the order of the graph.
        make: Gives what the test compares.
    """

    layer: str
    option: str
    becomes: str
    make: Callable[[], Any]

    def __str__(self) -> str:
        return f"{self.layer}; {self.option}" if self.option else self.layer


@dataclass(frozen=True)
class Refused:
    """A configuration that is refused.

    Attributes:
        form: What a user writes.
        make: Gives what the test tries to import.
        found: What the refusal says that it found.
        remedy: What it says to do.
        limit: What it says that would do; empty where that is the list of all that is imported.
    """

    form: str
    make: Callable[[], Any]
    found: str
    remedy: str
    limit: str = ""

    def __str__(self) -> str:
        return self.form


def over(cases: Sequence[Any]) -> pytest.MarkDecorator:
    """Parametrise a test over ``cases``, for docs/support.md to find."""
    return pytest.mark.parametrize("case", cases, ids=str)


def cases_of(test: Any) -> tuple[Any, ...]:
    """Give what ``over`` was given for ``test``."""
    (found,) = (m for m in test.pytestmark if m.name == "parametrize" and m.args[0] == "case")
    return tuple(found.args[1])


def becomes(graph: nir.NIRGraph, *layers: str) -> str:
    """Give the types of the nodes that come of layers, by their paths; of all where none is named.

    Each once, in the order of the graph.
    """

    def counts(node: nir.NIRNode) -> bool:
        if isinstance(node, nir.Input | nir.Output):
            return False
        origin = str(node.metadata.get("snnc", {}).get("origin", ""))
        return not layers or any(origin == n or origin.startswith(f"{n}.") for n in layers)

    kinds = [type(node).__name__ for node in graph.nodes.values() if counts(node)]
    return ", ".join(dict.fromkeys(kinds))
