"""What the fields of a NIR node must be like, told of the arrays as a file holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.compiler.graph.parameters import number_problems
from snnc.frontends.hdf5.gate import printable
from snnc.frontends.hdf5.read import Array, Tree

Fields = Mapping[str, Array]
AGAIN = "correct the model, and write the file again"


def value_problems(
    place: str, values: Mapping[str, Tree | Array | str], texts: tuple[str, ...]
) -> Iterator[Diagnostic]:
    """Tell which fields are no finite real numbers; those named in ``texts`` may be text."""
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            yield from in_file("", number_problems(place, {name: value}))
        elif name not in texts or not isinstance(value, str):
            found = "a group" if isinstance(value, dict) else "text"
            yield problem(f"{place}.{name}", found, "real numbers")


def shape_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    """Tell what is wrong with the shape of an Input or Output node."""
    shape = fields["shape"]
    if shape.ndim != 1 or shape.size == 0 or shape.dtype.kind not in "iu" or (shape < 1).any():
        found = np.array2string(shape, threshold=8)
        yield problem(f"{place}.shape", found, "whole numbers of 1 or more in one axis")


def flatten_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    """Tell what is wrong with the axes of a Flatten node."""
    for name, value in fields.items():
        if value.dtype.kind not in "iu" or value.ndim != (name == "input_type"):
            limit = "whole numbers" if name == "input_type" else "a whole number"
            yield problem(f"{place}.{name}", f"{value.dtype} of shape {list(value.shape)}", limit)


def no_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    """Fields of numbers alone are checked when the node is built."""
    del place, fields
    yield from ()


def problem(node: str, found: Any, limit: str, rule: Rule = rules.NODE_COMPLETE) -> Diagnostic:
    """Say what is wrong with ``node`` of a file: SNN104 where no rule is named."""
    return Diagnostic(rule, printable(node), printable(str(found)), limit, AGAIN)


def in_file(place: str, problems: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Tell what is wrong with a graph as a fault of the file that holds it at ``place``."""
    for one in problems:
        node, found = printable(f"{place}{one.node}"), printable(one.found)
        yield replace(one, node=node, found=found, remedy=AGAIN)
