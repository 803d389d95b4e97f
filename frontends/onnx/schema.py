"""Hold a node against ONNX's own definition of its operator."""
# onnx's definitions have no attributes that type checkers see:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snnc.frontends.onnx.model import OnnxNode


def schema_problems(
    node: OnnxNode, kinds: Mapping[str, int], opset: int
) -> Iterator[tuple[str, str]]:
    """Yield what a node has, and what its operator should have instead.

    Args:
        node: Of ONNX's own domain, or of another, which is not checked here.
        kinds: ``AttributeProto.AttributeType`` of its attributes by name.
        opset: Version of the operators.
    """
    schema = _schema(node.op, opset)
    if schema is None:
        return
    yield from _count_problems(node, schema)
    for name, kind in kinds.items():
        known = schema.attributes.get(name)
        if known is None:
            limit = ", ".join(sorted(schema.attributes)) or "none"
            yield f"an attribute {name}", f"attributes of {node.op}: {limit}"
        elif int(known.type.value) != kind:
            yield f"{name} of type {kind}", f"type {int(known.type.value)}"
    for name, known in sorted(schema.attributes.items()):
        if known.required and name not in kinds:
            yield f"no attribute {name}", f"attributes that {node.op} needs"


def _count_problems(node: OnnxNode, schema: Any) -> Iterator[tuple[str, str]]:
    for what, names, least, most in (
        ("inputs", node.inputs, schema.min_input, schema.max_input),
        ("outputs", node.outputs, schema.min_output, schema.max_output),
    ):
        count = len(names)
        while count > least and not names[count - 1]:
            count -= 1  # optional ones that are left out
        if not least <= count <= most or "" in names[: min(least, count)]:
            limit = f"{least}" if least == most else f"{least} to {most}"
            yield f"{count} {what}", f"{limit} {what} of {node.op}"


def _schema(op: str, opset: int) -> Any:
    import onnx.defs

    try:
        return onnx.defs.get_schema(op, opset, "")
    except onnx.defs.SchemaError:
        return None
