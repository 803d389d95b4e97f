"""Layers of torch as NIR nodes, or why one cannot be; what the frontends say of any layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic

if TYPE_CHECKING:
    from torch import Tensor

TORCH_LAYERS = (
    "nn.Linear, nn.Conv1d/2d, nn.MaxPool1d/2d, nn.AvgPool1d/2d, nn.AdaptiveAvg/MaxPool1d/2d, "
    "nn.BatchNorm1d/2d, nn.Flatten, nn.Identity, nn.Dropout"
)
"""What every frontend imports beside the neurons, for messages."""

MARKS = {"snntorch": "snn.", "norse": "norse "}
"""What tells by its list of layers that a frontend is that of a package."""

Layer = Any
"""A layer of torch or of a framework; their attributes have no types."""
Reals = npt.NDArray[np.float32]
Nodes = tuple[dict[str, nir.NIRNode], list[tuple[str, str]]]
"""The nodes of a layer by name, first the one that takes its input, and the edges among them."""


def weights_node(weight: Tensor, bias: Tensor | None, **notes: int | str) -> nir.NIRNode:
    """Give ``W x + b``, with ``notes`` as its metadata."""
    metadata = {"snnc": notes}
    if bias is None:
        return nir.Linear(weight=reals(weight), metadata=metadata)
    return nir.Affine(weight=reals(weight), bias=reals(bias), metadata=metadata)


def reals(values: Tensor) -> Reals:
    """Give the values of a tensor, as float32."""
    import torch

    return values.detach().to("cpu", torch.float32).numpy().copy()


def per_neuron(values: Tensor, shape: tuple[int, ...]) -> Reals:
    """Give ``values`` broadcast to ``shape`` as torch does, as float32."""
    return np.broadcast_to(reals(values), (1, *shape)).reshape(shape).copy()


def axis_problems(path: str, kind: str, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
    """Tell whether a layer with a weight matrix takes anything but vectors."""
    if len(shape) != 1:
        yield refusal(
            path,
            found=f"{kind} on values of shape {list(shape)}",
            limit="one axis beside the batch",
            remedy="put nn.Flatten() before it",
        )


def parameter_problems(
    path: str, name: str, values: Tensor, shape: tuple[int, ...]
) -> Iterator[Diagnostic]:
    """Tell why a parameter is not one number for each neuron, or for all."""
    try:
        fits = np.broadcast_shapes(tuple(values.shape), (1, *shape)) == (1, *shape)
    except ValueError:
        fits = False
    if not fits:
        yield Diagnostic(
            rule=rules.NODE_COMPLETE,
            node=f"{path}.{name}",
            found=f"shape {list(values.shape)}",
            limit=f"one value, or one for each neuron: {list(shape)}",
            remedy="make the layer with as many values as it has neurons",
        )
    yield from number_problems(f"{path}.{name}", values)


def number_problems(node: str, values: Tensor) -> Iterator[Diagnostic]:
    """Tell of numbers that are not finite."""
    bad = ~values.detach().isfinite()
    if bool(bad.any()):
        first = float(values.detach()[bad][0])
        found = f"{int(bad.sum())} of {values.numel()} are not finite ({first})"
        yield unusable(node, found, "finite numbers")


def threshold_problems(node: str, values: Tensor) -> Iterator[Diagnostic]:
    """Tell of thresholds that silence does not stay below."""
    smallest = float(values.min())
    if smallest <= 0:
        yield unusable(node, f"{smallest:g}", "above 0")


def unknown_layer(path: str, found: str, supported: str, remedy: str = "") -> Diagnostic:
    """Tell that snnc does not import layers of this class."""
    default = "replace the layer; docs/frontends.md lists what is supported"
    mark = MARKS.get(found.partition(":")[0], "")
    if mark not in supported:
        default = "build the model with neurons of one framework"
    return refusal(path, found, supported, remedy or default)


def refusal(node: str, found: str, limit: str, remedy: str) -> Diagnostic:
    """Tell why a layer cannot be imported exactly."""
    return Diagnostic(rules.LAYER_SUPPORTED, node, found, limit, remedy)


def unusable(node: str, found: str, limit: str) -> Diagnostic:
    """Tell of a number with which an equation makes no sense."""
    remedy = "correct the parameter, or train again"
    return Diagnostic(rules.NUMBER_USABLE, node, found, limit, remedy)
