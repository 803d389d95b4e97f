"""ONNX models that tests make, in a few words."""
# onnx's messages have no attributes that type checkers see:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.frontends.optional import optional

onnx = optional("onnx")
helper, numpy_helper = optional("onnx.helper"), optional("onnx.numpy_helper")

Array = npt.NDArray[Any]


def node(op: str, inputs: str, output: str, **attributes: Any) -> Any:
    """Make a node named after its output; inputs are separated by spaces, ``-`` is left out."""
    names = ["" if n == "-" else n for n in inputs.split()]
    return helper.make_node(op, names, output.split(), name=f"n/{output}", **attributes)


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Sequence[str] = ("y",),
    opset: int = 20,
    **constants: Any,
) -> Any:
    """Make a model; ``constants`` that are not arrays become float32."""
    made = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(n, 1, list(s)) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, 1, None) for n in outputs],
        [numpy_helper.from_array(tensor(v), n) for n, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def tensor(value: Any) -> Array:
    return value if isinstance(value, np.ndarray) else np.asarray(value, np.float32)


def random(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def reference(made: Any, feeds: Mapping[str, Array]) -> list[Array]:
    """Run a model by ONNX's own reference evaluator."""
    evaluator = optional("onnx.reference").ReferenceEvaluator(made)
    return list(evaluator.run(None, dict(feeds)))
