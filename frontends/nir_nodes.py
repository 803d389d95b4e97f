"""The node types of NIR that snnc reads and writes: their fields, and what fields must be like."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.compiler.nodes import COMPILED
from snnc.frontends.hdf5_gate import printable
from snnc.frontends.hdf5_tree import Array, Tree

Fields = Mapping[str, Array]


@dataclass(frozen=True)
class Form:
    """One node type.

    Attributes:
        fields: Data sets that it must have.
        optional: Data sets that it may have.
        problems: Checks shapes, given the node's place and its fields.
        build: Makes the node.
    """

    fields: tuple[str, ...]
    optional: tuple[str, ...]
    problems: Callable[[str, Fields], Iterator[Diagnostic]]
    build: Callable[[Fields], nir.NIRNode]


def parse_node(place: str, group: Tree) -> nir.NIRNode | list[Diagnostic]:
    """Make the node that ``group`` holds, or tell all that is wrong with it.

    Args:
        place: File and name of the node, for messages.
        group: What the file holds under the node's name, metadata left out.
    """
    kind = group.get("type")
    if not isinstance(kind, str) or kind not in FORMS:
        found = kind if isinstance(kind, str) else "no type"
        limit = ", ".join(kind.__name__ for kind in COMPILED)
        return [_problem(place, found, limit, rules.NODE_KNOWN)]
    form = FORMS[kind]
    values = {n: v for n, v in group.items() if n != "type"}
    problems = [*_name_problems(place, form, set(values)), *_value_problems(place, values)]
    fields = {n: v for n, v in values.items() if isinstance(v, np.ndarray)}
    problems = problems or list(form.problems(place, fields))
    return problems or form.build(fields)


def node_fields(node: nir.NIRNode) -> Tree:
    """Give what a file holds for ``node``, metadata left out; only ``type`` where unknown."""
    kind = type(node).__name__
    values: dict[str, Any] = {}
    if isinstance(node, nir.Input):
        values = {"shape": node.input_type["input"]}
    elif isinstance(node, nir.Output):
        values = {"shape": node.output_type["output"]}
    elif kind in FORMS:
        values = {n: getattr(node, n) for n in (*FORMS[kind].fields, *FORMS[kind].optional)}
    if isinstance(node, nir.Flatten):
        values["input_type"] = node.input_type["input"]
    tree: Tree = {"type": kind}
    tree.update({n: np.asarray(v) for n, v in values.items() if v is not None})
    return tree


def input_size(node: nir.NIRNode) -> int | None:
    """Give the number of values that ``node`` takes; None where it takes any."""
    return _size(node, node.input_type["input"])


def output_size(node: nir.NIRNode) -> int | None:
    """Give the number of values that ``node`` gives; None where that depends on what it takes."""
    return _size(node, node.output_type["output"])


def _size(node: nir.NIRNode, shape: Any) -> int | None:
    spread = isinstance(node, nir.Flatten) or np.size(shape) == 0  # one number for any population
    return None if spread else prod(int(n) for n in np.asarray(shape))


def _name_problems(place: str, form: Form, names: set[str]) -> Iterator[Diagnostic]:
    limit = ", ".join((*form.fields, *(f"{n} (optional)" for n in form.optional)))
    for name in form.fields:
        if name not in names:
            yield _problem(f"{place}.{name}", "no such field", limit)
    for name in sorted(names - {*form.fields, *form.optional}):
        yield _problem(f"{place}.{name}", "a field that the node type does not have", limit)


def _value_problems(place: str, values: Mapping[str, Tree | Array | str]) -> Iterator[Diagnostic]:
    for name, value in values.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
            found = "a group" if isinstance(value, dict) else "text"
            found = f"{value.dtype} values" if isinstance(value, np.ndarray) else found
            yield _problem(f"{place}.{name}", found, "real numbers")
        elif not np.isfinite(value).all():
            bad = ~np.isfinite(value)
            found = f"{int(bad.sum())} of {value.size} are not finite ({value[bad][0]})"
            yield _problem(f"{place}.{name}", found, "finite numbers", rules.NUMBER_USABLE)


def _weight_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    weight = fields["weight"]
    if weight.ndim != 2 or weight.size == 0:
        yield _problem(f"{place}.weight", f"shape {list(weight.shape)}", "[n_out, n_in]")
    elif "bias" in fields and fields["bias"].shape != weight.shape[:1]:
        found = f"shape {list(fields['bias'].shape)}"
        yield _problem(f"{place}.bias", found, f"{list(weight.shape[:1])}, as weight has rows")


def _elementwise_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    shapes = {value.shape for value in fields.values() if value.ndim}
    if len(shapes) > 1 or any(0 in shape for shape in shapes):
        found = ", ".join(f"{name} {list(value.shape)}" for name, value in fields.items())
        yield _problem(place, found, "one value, or one for each neuron, alike in all fields")


def _shape_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    shape = fields["shape"]
    if shape.ndim != 1 or shape.size == 0 or shape.dtype.kind not in "iu" or (shape < 1).any():
        found = printable(np.array2string(shape, threshold=8))
        yield _problem(f"{place}.shape", found, "whole numbers of 1 or more in one axis")


def _flatten_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    for name, value in fields.items():
        if value.dtype.kind not in "iu" or value.ndim != (name == "input_type"):
            limit = "whole numbers" if name == "input_type" else "a whole number"
            yield _problem(f"{place}.{name}", f"{value.dtype} of shape {list(value.shape)}", limit)


def _spread(fields: Fields) -> dict[str, Array]:
    """Broadcast single values to the shape of the others."""
    shape = np.broadcast_shapes(*(value.shape for value in fields.values()))
    return {name: np.broadcast_to(value, shape).copy() for name, value in fields.items()}


def _build_flatten(fields: Fields) -> nir.Flatten:
    start, end = fields.get("start_dim", 1), fields.get("end_dim", -1)
    given: Any = {"input": fields.get("input_type")}
    return nir.Flatten(input_type=given, start_dim=int(start), end_dim=int(end))


def _weights(kind: type[nir.NIRNode], *fields: str) -> Form:
    return Form(fields, (), _weight_problems, lambda values: kind(**values))


def _elementwise(kind: type[nir.NIRNode], *fields: str, optional: tuple[str, ...] = ()) -> Form:
    return Form(fields, optional, _elementwise_problems, lambda values: kind(**_spread(values)))


FORMS = {
    "Input": Form(
        ("shape",), (), _shape_problems, lambda v: nir.Input(input_type={"input": v["shape"]})
    ),
    "Output": Form(
        ("shape",), (), _shape_problems, lambda v: nir.Output(output_type={"output": v["shape"]})
    ),
    "Affine": _weights(nir.Affine, "weight", "bias"),
    "Linear": _weights(nir.Linear, "weight"),
    "Flatten": Form((), ("start_dim", "end_dim", "input_type"), _flatten_problems, _build_flatten),
    "LIF": _elementwise(nir.LIF, "tau", "r", "v_leak", "v_threshold", optional=("v_reset",)),
    "IF": _elementwise(nir.IF, "r", "v_threshold", optional=("v_reset",)),
    "LI": _elementwise(nir.LI, "tau", "r", "v_leak"),
    "I": _elementwise(nir.I, "r"),
    "CubaLIF": _elementwise(
        nir.CubaLIF,
        *("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
        optional=("v_reset", "w_in"),
    ),
    "CubaLI": _elementwise(nir.CubaLI, "tau_syn", "tau_mem", "r", "v_leak", optional=("w_in",)),
    "Scale": _elementwise(nir.Scale, "scale"),
    "Threshold": _elementwise(nir.Threshold, "threshold"),
    "Delay": _elementwise(nir.Delay, "delay"),
}
"""The node types by name; nir 1.0.8 has convolutions, pooling and nested graphs beside them."""


def _problem(node: str, found: str, limit: str, rule: Rule = rules.NODE_COMPLETE) -> Diagnostic:
    return Diagnostic(
        rule=rule,
        node=printable(node),
        found=printable(found),
        limit=limit,
        remedy="correct the model, and write the file again",
    )
