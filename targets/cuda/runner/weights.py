"""Operators as the kernels take them: arrays in the order of the kernels, and their windows."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from .records import Array, Operator, Program, Projection

POOLINGS = {"SumPooling": "pool_sum", "MaxPooling": "pool_max"}

PARAMETERS = ("keep_u", "keep_v", "theta", "bias", "initial")
"""Of a neuron, as ``kernels/neurons.h`` takes them."""


def result_shape(operator: Operator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape of what ``operator`` makes of a value of ``shape``."""
    match operator["kind"]:
        case "FixedDense":
            return (int(operator["weight"].shape[0]),)
        case "FixedSparse":
            return (int(operator["n_out"]),)
        case "FixedScaling":
            return shape
        case kind:
            window = operator["window"]
            padded = (
                n + sum(pad) - d * (k - 1) - 1
                for n, pad, d, k in zip(
                    shape[1:], window["padding"], window["dilation"], window["kernel"], strict=True
                )
            )
            positions = (p // s + 1 for p, s in zip(padded, window["stride"], strict=True))
            channels = operator["weight"].shape[0] if kind == "FixedConvolution" else shape[0]
            return channels, *positions


def shapes(program: Program, projection: Projection) -> list[tuple[int, ...]]:
    """Give the shape of what the source sends, and of what each operator makes of it."""
    found = [program.shapes[projection.source]]
    for operator in projection.operators:
        found.append(result_shape(operator, found[-1]))
    return found


def window_array(operator: Operator, shape: tuple[int, ...], result: tuple[int, ...]) -> Array:
    """Give the record ``Window`` of ``kernels/windows.h``, int32.

    Args:
        operator: A convolution or a pooling.
        shape: Of the value.
        result: Of what the operator makes of it.
    """
    window = operator["window"]
    before = [pair[0] for pair in window["padding"]]
    groups = operator["groups"] if operator["kind"] == "FixedConvolution" else 1
    fields = [
        *_three(shape),
        *_three(result),
        *_two(window["kernel"], 1),
        *_two(window["stride"], 1),
        *_two(before, 0),
        *_two(window["dilation"], 1),
        groups,
    ]
    return np.array(fields, np.int32)


def weight_arrays(operator: Operator, *, by_rows: bool) -> dict[str, Array]:
    """Give the arrays of an operator with weights, by name.

    Args:
        operator: What has weights.
        by_rows: Whether dense weights are taken source by source, for few rows at once.
    """
    weight = operator["weight"]
    match operator["kind"]:
        case "FixedDense" if by_rows:
            return {"weight": np.ascontiguousarray(weight.T)}
        case "FixedDense" if weight.dtype == np.int8:  # rows begin at a word
            padding = -weight.shape[1] % 4
            return {"weight": np.pad(weight, ((0, 0), (0, padding)))}
        case "FixedSparse":
            return {
                "weight": np.ascontiguousarray(weight),
                "target": np.ascontiguousarray(operator["target"], np.int32),
                "begin": np.ascontiguousarray(operator["begin"], np.int64),
            }
        case _:
            return {"weight": np.ascontiguousarray(weight)}


def parameter_arrays(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Give the arrays of a population as ``kernels/neurons.h`` has them, int32, shape ``[n]``."""
    wide = {name: values.astype(np.int64) for name, values in parameters.items()}
    made = (
        4096 - (wide["du"] + 1),
        4096 - wide["dv"],
        wide["threshold"] << 6,
        wide["bias_mant"] << wide["bias_exp"],
        wide["initial"],
    )
    return {name: a.astype(np.int32) for name, a in zip(PARAMETERS, made, strict=True)}


def _two(values: Any, first: int) -> tuple[int, int]:
    """Give an entry for each of two axes; one axis is the second of two."""
    return (first, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Give ``[channels, height, width]``; one axis is the second of two."""
    return shape[0], *(prod(shape[1:-1]), shape[-1])
