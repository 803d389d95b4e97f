"""Operations as NIR nodes, or why one cannot be."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.nodes import MaxPool1d, MaxPool2d
from snnc.frontends.torch_layers import Reals, axis_problems, number_problems, reals
from snnc.frontends.torch_values import (
    Add,
    AvgPool,
    Concatenate,
    Constant,
    Convolve,
    Dense,
    MaxPool,
    Multiply,
    Normalize,
    Operation,
    Pairs,
    Reshape,
    Shape,
    Shift,
    is_constant,
)

Notes = dict[str, Any]


def node_of(operation: Operation, notes: Notes) -> nir.NIRNode:
    """Give the node of an operation that has no problems.

    Args:
        operation: Anything but a concatenation, which takes several nodes.
        notes: What goes into the node's metadata.
    """
    shape = operation.sources[0].shape
    match operation.operator:
        case Dense(weight, bias):
            return _matrix(weight.tensor.numpy(force=True), _values(bias), notes)
        case Convolve():
            return _convolution(operation.operator, shape, notes)
        case MaxPool():
            return _max_pool(operation.operator, notes)
        case AvgPool():
            return _avg_pool(operation.operator, shape, notes)
        case Normalize(factor, shift):
            return _elementwise(reals(factor.tensor), reals(shift.tensor), shape, notes)
        case Shift(shift):
            per_channel = _per_channel(shift, shape)
            return _elementwise(np.ones_like(per_channel), per_channel, shape, notes)
        case Multiply(factor):
            return scale_node(np.broadcast_to(reals(factor.tensor), shape).copy(), notes)
        case Reshape():
            return nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)
        case Add() | Concatenate():
            twice = operation.sources[0] is operation.sources[-1]
            size = 2 if twice and isinstance(operation.operator, Add) else 1
            return scale_node(np.full(operation.shape, size, np.float32), notes)


def scale_node(factor: Reals, notes: Notes) -> nir.Scale:
    """Give a product with each value."""
    return nir.Scale(scale=factor, metadata={"snnc": notes})


def placing_nodes(operation: Operation, notes: Notes) -> Iterator[nir.NIRNode]:
    """Give for each part of a concatenation the weights of 0 and 1 that put it in its place."""
    total, start = operation.shape[0], 0
    for source in operation.sources:
        channels = source.shape[0]
        weight = np.zeros((total, channels), np.float32)
        weight[start : start + channels] = np.eye(channels, dtype=np.float32)
        start += channels
        if len(operation.shape) == 1:
            yield _matrix(weight, None, dict(notes))
            continue
        axes = len(operation.shape) - 1
        yield conv_node(
            weight.reshape(total, channels, *(1,) * axes), None, source.shape[1:], dict(notes)
        )


def conv_node(
    weight: Reals,
    bias: Reals | None,
    extent: Shape,
    notes: Notes,
    *,
    stride: Shape = (1, 1),
    padding: Pairs = ((0, 0), (0, 0)),
    dilation: Shape = (1, 1),
    groups: int = 1,
) -> nir.Conv1d | nir.Conv2d:
    """Give a convolution over one or two axes.

    Args:
        weight: Shape ``[c_out, c_in / groups, *kernel]``.
        bias: Shape ``[c_out]``, or None.
        extent: Shape of the input behind the channels.
        notes: What goes into the node's metadata.
        stride: Elements from one position to the next.
        padding: Zeros before and after, of each axis.
        dilation: Elements from one under the kernel to the next.
        groups: Channels are convolved in so many independent groups.
    """
    axes = weight.ndim - 2
    even = all(before == after for before, after in padding[:axes])
    before = tuple(pair[0] for pair in padding[:axes])
    fields: dict[str, Any] = {
        "weight": weight,
        "bias": np.zeros(len(weight), np.float32) if bias is None else bias,
        "groups": groups,
        "metadata": {"snnc": notes},
    }
    if axes == 1:
        return nir.Conv1d(
            input_shape=extent[0],
            stride=stride[0],
            padding=before[0] if even else "same",
            dilation=dilation[0],
            **fields,
        )
    return nir.Conv2d(
        input_shape=(extent[0], extent[1]),
        stride=stride[:2],
        padding=before if even else "same",
        dilation=dilation[:2],
        **fields,
    )


def _values(constant: Constant | None) -> Reals | None:
    return None if constant is None else reals(constant.tensor)


def _matrix(weight: Reals, bias: Reals | None, notes: Notes) -> nir.Linear | nir.Affine:
    metadata = {"snnc": notes}
    if bias is None:
        return nir.Linear(weight=weight, metadata=metadata)
    return nir.Affine(weight=weight, bias=bias, metadata=metadata)


def _convolution(convolve: Convolve, shape: Shape, notes: Notes) -> nir.NIRNode:
    return conv_node(
        reals(convolve.weight.tensor),
        _values(convolve.bias),
        shape[1:],
        notes,
        stride=convolve.stride,
        padding=convolve.padding,
        dilation=convolve.dilation,
        groups=convolve.groups,
    )


def _max_pool(pool: MaxPool, notes: Notes) -> MaxPool2d:
    kind = MaxPool1d if len(pool.kernel) == 1 else MaxPool2d
    node = kind(
        kernel_size=np.array(pool.kernel),
        stride=np.array(pool.stride),
        padding=np.array(pool.padding),
        dilation=np.array(pool.dilation),
    )
    node.metadata = {"snnc": notes}
    return node


def _avg_pool(pool: AvgPool, shape: Shape, notes: Notes) -> nir.NIRNode:
    """Give an average; over one axis a convolution of each channel, as NIR has no such pool."""
    if pool.divisors is not None:
        notes["divisors"] = reals(pool.divisors.tensor)
    uneven = any(before != after for before, after in pool.padding)
    if uneven:
        notes["padding"] = np.array(pool.padding)
    if len(pool.kernel) == 1:
        size = pool.kernel[0]
        notes["average"] = size
        return conv_node(
            np.full((shape[0], 1, size), 1 / size, np.float32),
            None,
            shape[1:],
            notes,
            stride=pool.stride,
            padding=tuple((before, before) for before, _ in pool.padding),
            groups=shape[0],
            dilation=(1,),
        )
    return nir.AvgPool2d(
        kernel_size=np.array(pool.kernel),
        stride=np.array(pool.stride),
        padding=np.array([before for before, _ in pool.padding]),
        metadata={"snnc": notes},
    )


def _elementwise(factor: Reals, shift: Reals, shape: Shape, notes: Notes) -> nir.NIRNode:
    """Give ``factor * x + shift`` of each channel."""
    if len(shape) == 1:
        return _matrix(np.diag(factor), shift, notes)
    weight = factor.reshape(-1, *(1,) * len(shape))
    return conv_node(weight, shift, shape[1:], notes, groups=len(factor))


def _per_channel(shift: Constant, shape: Shape) -> Reals:
    """Give what is added to each channel, shape ``[c]``."""
    values = np.broadcast_to(reals(shift.tensor), shape)
    return values.reshape(shape[0], -1)[:, 0].copy()


def operation_problems(operation: Operation) -> Iterator[Diagnostic]:
    """Tell why an operation cannot be a node."""
    shape, where = operation.sources[0].shape, operation.origin
    path = where.path if where.packaged else where.place
    match operation.operator:
        case Dense(weight, bias):
            kind = "nn.Linear" if where.packaged else where.function
            yield from axis_problems(path, kind, shape)
            yield from _weight_problems(path, weight, bias)
        case Convolve(weight, bias):
            yield from _weight_problems(path, weight, bias)
        case Normalize(factor, shift):
            yield from number_problems(f"{path}.weight", factor.tensor)
            yield from number_problems(f"{path}.bias", shift.tensor)
        case Multiply(numbers):
            yield from number_problems(path, numbers.tensor)
        case Shift(numbers):
            yield from number_problems(path, numbers.tensor)
            each = np.broadcast_to(reals(numbers.tensor), shape).reshape(shape[0], -1)
            if (each != each[:, :1]).any():
                limit = "one number for each channel"
                yield _unlike(where.place, f"adds other numbers within a channel of {shape}", limit)
        case Reshape() if len(operation.shape) > 1 or prod(operation.shape) != prod(shape):
            found = f"makes {list(operation.shape)} of {list(shape)}"
            yield _unlike(path, found, "the same shape, or all in one axis as nn.Flatten gives it")
        case _ if any(map(is_constant, operation.sources)):
            found = f"{where.function} of a tensor that depends on no input"
            yield _unlike(path, found, "weights, pooling and sums of what neurons send")
        case _:
            return


def _weight_problems(path: str, weight: Constant, bias: Constant | None) -> Iterator[Diagnostic]:
    yield from number_problems(f"{path}.weight", weight.tensor)
    if bias is not None:
        yield from number_problems(f"{path}.bias", bias.tensor)


def _unlike(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=node,
        found=found,
        limit=limit,
        remedy="change the model; of an input the shape can be given with --input-shape",
    )
