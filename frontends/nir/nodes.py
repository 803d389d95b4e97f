"""The node types of NIR that snnc reads and writes, and how each is built from its fields."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.nodes import PARAMETERS, WEIGHTS, MaxPool1d, MaxPool2d
from snnc.compiler.graph.parameters import range_problems
from snnc.compiler.graph.shapes import ends_of, joint_shape
from snnc.compiler.operators import ShapeError
from snnc.frontends.hdf5.read import Array, Tree
from snnc.frontends.nir.fields import (
    Fields,
    flatten_problems,
    in_file,
    no_problems,
    problem,
    shape_problems,
    value_problems,
)
from snnc.frontends.nir.notes import read_notes


@dataclass(frozen=True)
class Form:
    """One node type.

    Attributes:
        fields: Data sets that it must have.
        optional: Data sets that it may have.
        problems: Checks the form of fields, given the node's place and those that are numbers.
        build: Makes the node of its fields.
        texts: Fields that may be text.
    """

    fields: tuple[str, ...]
    optional: tuple[str, ...]
    problems: Callable[[str, Fields], Iterator[Diagnostic]]
    build: Callable[[Mapping[str, Any]], nir.NIRNode]
    texts: tuple[str, ...] = ()


def parse_node(place: str, group: Tree) -> nir.NIRNode | list[Diagnostic]:
    """Make the node that ``group`` holds, or tell all that is wrong with it.

    Args:
        place: File and name of the node, for messages.
        group: What the file holds under the node's name.
    """
    kind = group.get("type")
    if not isinstance(kind, str) or kind not in FORMS:
        found = kind if isinstance(kind, str) else "no type"
        return [problem(place, found, ", ".join((*FORMS, "NIRGraph")), rules.NODE_KNOWN)]
    form = FORMS[kind]
    values = {n: v for n, v in group.items() if n not in {"type", "metadata"}}
    problems = [*_name_problems(place, form, set(values))]
    problems += value_problems(place, values, form.texts)
    fields = {n: v for n, v in values.items() if isinstance(v, np.ndarray)}
    problems = problems or list(form.problems(place, fields))
    return problems or _build(place, form, values, read_notes(group.get("metadata", {})))


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
    for name, value in values.items():
        if value is not None:
            tree[name] = str(value) if isinstance(value, str) else np.asarray(value)
    return tree


def _build(
    place: str, form: Form, values: Mapping[str, Any], notes: dict[str, Any]
) -> nir.NIRNode | list[Diagnostic]:
    try:
        node: Any = form.build(values)
        node.metadata = notes  # padding that NIR cannot say is among them
        ends = ends_of(node)
    except ShapeError as error:
        return [problem(place, error, "fields that go together")]
    problems = [*in_file("", range_problems(place, node))]
    if problems:
        return problems
    if ends and isinstance(node, (*WEIGHTS, nir.Flatten)):
        node.output_type = {"output": np.array(ends[1])}
    if ends and isinstance(node, WEIGHTS):
        node.input_type = {"input": np.array(ends[0])}
    return cast("nir.NIRNode", node)


def _name_problems(place: str, form: Form, names: set[str]) -> Iterator[Diagnostic]:
    limit = ", ".join((*form.fields, *(f"{n} (optional)" for n in form.optional)))
    for name in form.fields:
        if name not in names:
            yield problem(f"{place}.{name}", "no such field", limit)
    for name in sorted(names - {*form.fields, *form.optional}):
        yield problem(f"{place}.{name}", "a field that the node type does not have", limit)


def _build_elementwise(kind: type[nir.NIRNode], fields: Mapping[str, Array]) -> nir.NIRNode:
    """Make the node with single values broadcast to the shape of the others."""
    given = {name: fields[name] for name in PARAMETERS[kind] if name in fields}
    shape = joint_shape(given)
    node: nir.NIRNode = kind(**{n: np.broadcast_to(v, shape).copy() for n, v in given.items()})
    return node


def _build_weights(kind: type[nir.Linear | nir.Affine], fields: Mapping[str, Array]) -> Any:
    """Make the node without nir's shapes, which may raise."""
    nothing: dict[str, Any] = dict.fromkeys(fields, np.zeros((1, 1)))
    node: Any = kind(**nothing)
    for name, values in fields.items():
        setattr(node, name, values)
    return node


def _build_flatten(fields: Mapping[str, Any]) -> Any:
    start, end = int(fields.get("start_dim", 1)), int(fields.get("end_dim", -1))
    unknown: Any = {"input": None}  # nir's own shapes may raise
    node: Any = nir.Flatten(input_type=unknown, start_dim=start, end_dim=end)
    node.input_type = {"input": fields.get("input_type")}
    return node


def _build_convolution(kind: type[nir.Conv1d | nir.Conv2d], fields: Mapping[str, Any]) -> Any:
    """Make the node without nir's shapes, which know one axis of the kernel and no groups."""
    one = kind is nir.Conv1d
    node: Any = kind(
        input_shape=None,
        weight=fields["weight"],
        stride=_numbers(fields["stride"], single=one),
        padding=0,
        dilation=_numbers(fields["dilation"], single=one),
        groups=_numbers(fields["groups"], single=True),
        bias=fields["bias"],
    )
    node.padding = _numbers(fields["padding"], single=one)  # nir raises where the text is another
    if "input_shape" in fields:
        node.input_shape = _numbers(fields["input_shape"], single=one)
    return node


def _numbers(value: Array | str, *, single: bool) -> Any:
    """Give numbers as nir has them in memory: an int, or two of them; anything else as it is."""
    if isinstance(value, str) or value.dtype.kind not in "iu" or value.ndim > 1:
        return value
    if value.size == 1:
        return int(value.item()) if single else (int(value.item()),) * 2
    return tuple(value.tolist())


def _weights(kind: type[nir.Linear | nir.Affine], *fields: str) -> Form:
    return Form(fields, (), no_problems, lambda values: _build_weights(kind, values))


def _convolution(kind: type[nir.Conv1d | nir.Conv2d]) -> Form:
    return Form(
        ("weight", "bias", "stride", "padding", "dilation", "groups"),
        ("input_shape",),
        no_problems,
        lambda values: _build_convolution(kind, values),
        texts=("padding",),
    )


def _pool(kind: type[nir.NIRNode], *more: str) -> Form:
    fields = ("kernel_size", "stride", "padding", *more)
    return Form(fields, (), no_problems, lambda values: kind(**values))


def _elementwise(kind: type[nir.NIRNode]) -> Form:
    optional = tuple(n for n in PARAMETERS[kind] if n in {"v_reset", "w_in"})
    fields = tuple(n for n in PARAMETERS[kind] if n not in optional)
    return Form(fields, optional, no_problems, lambda values: _build_elementwise(kind, values))


FORMS = {
    "Input": Form(
        ("shape",), (), shape_problems, lambda v: nir.Input(input_type={"input": v["shape"]})
    ),
    "Output": Form(
        ("shape",), (), shape_problems, lambda v: nir.Output(output_type={"output": v["shape"]})
    ),
    "Affine": _weights(nir.Affine, "weight", "bias"),
    "Linear": _weights(nir.Linear, "weight"),
    "Conv1d": _convolution(nir.Conv1d),
    "Conv2d": _convolution(nir.Conv2d),
    "SumPool2d": _pool(nir.SumPool2d),
    "AvgPool2d": _pool(nir.AvgPool2d),
    "MaxPool2d": _pool(MaxPool2d, "dilation"),
    "MaxPool1d": _pool(MaxPool1d, "dilation"),
    "Flatten": Form((), ("start_dim", "end_dim", "input_type"), flatten_problems, _build_flatten),
    **{kind.__name__: _elementwise(kind) for kind in PARAMETERS},
}
"""The node types by name; beside them NIR has graphs in graphs."""
