"""What the fields of a NIR node must be like, told of the arrays as a file holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.frontends.hdf5.gate import printable
from snnc.frontends.hdf5.read import Array, Tree

Fields = Mapping[str, Array]
TIME_CONSTANTS = ("tau", "tau_mem", "tau_syn")
MOST = float(np.finfo(np.float32).max)
"""Largest number that a float32 holds: every target computes with those, or with integers."""


def value_problems(
    place: str, values: Mapping[str, Tree | Array | str], texts: tuple[str, ...]
) -> Iterator[Diagnostic]:
    """Tell which fields are no finite real numbers; those named in ``texts`` may be text."""
    for name, value in values.items():
        if isinstance(value, str) and name in texts:
            continue
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
            found = "a group" if isinstance(value, dict) else "text"
            found = f"{value.dtype} values" if isinstance(value, np.ndarray) else found
            yield problem(f"{place}.{name}", found, "real numbers")
        else:
            yield from _number_problems(f"{place}.{name}", value)


def _number_problems(place: str, value: Array) -> Iterator[Diagnostic]:
    bad = ~np.isfinite(value)
    if bad.any():
        found = f"{int(bad.sum())} of {value.size} are not finite ({value[bad][0]})"
        yield problem(place, found, "finite numbers", rules.NUMBER_USABLE)
    elif value.size and float(np.abs(value.astype(np.float64, copy=False)).max()) > MOST:
        found = f"{np.abs(value.astype(np.float64)).max():g}"
        yield problem(place, found, f"{MOST:g}, the largest float32", rules.NUMBER_USABLE)


def weight_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    """Tell what is wrong with weights and bias of a Linear or Affine node."""
    weight = fields["weight"]
    if weight.ndim < 2 or weight.size == 0 or weight.size != weight.shape[-1] * weight.shape[-2]:
        yield problem(f"{place}.weight", f"shape {list(weight.shape)}", "[n_out, n_in]")
        return
    rows = weight.shape[-2]
    if "bias" in fields and fields["bias"].size != rows:
        found = f"shape {list(fields['bias'].shape)}"
        yield problem(f"{place}.bias", found, f"[{rows}], as weight has rows")
    yield from _sum_problems(place, weight.reshape(rows, -1))


def convolution_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    """Tell what is wrong with the weights of a convolution; windows are checked by themselves."""
    weight = fields["weight"]
    if weight.ndim < 3 or weight.size == 0:
        found = f"shape {list(weight.shape)}"
        yield problem(f"{place}.weight", found, "[c_out, c_in / groups, *kernel]")
    else:
        yield from _sum_problems(place, weight.reshape(weight.shape[0], -1))


def _sum_problems(place: str, rows: Array) -> Iterator[Diagnostic]:
    largest = float(np.abs(rows).sum(axis=1, dtype=np.float64).max())
    if largest > MOST:
        limit = f"{MOST:g}: a sum of inputs must stay a float32"
        found = f"weights of one neuron that add up to {largest:g}"
        yield problem(f"{place}.weight", found, limit, rules.NUMBER_USABLE)


def elementwise_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    """Tell what is wrong with the parameters of a node that computes each value by itself."""
    shapes = {value.shape for value in fields.values()}
    if not _go_together(shapes):
        found = ", ".join(f"{name} {list(value.shape)}" for name, value in fields.items())
        yield problem(place, found, "one value, or one for each neuron, alike in all fields")
        return
    for name in TIME_CONSTANTS:
        if name in fields and not (fields[name] > 0).all():
            found = f"{fields[name].min():g}"
            yield problem(f"{place}.{name}", found, "above 0", rules.NUMBER_USABLE)
    yield from _order_problems(place, fields)


def _go_together(shapes: set[tuple[int, ...]]) -> bool:
    try:
        joint = np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return joint in shapes and 0 not in joint


def _order_problems(place: str, fields: Fields) -> Iterator[Diagnostic]:
    if "v_threshold" in fields and "r" in fields:
        threshold, reset = np.broadcast_arrays(fields["v_threshold"], fields.get("v_reset", 0))
        bad = ~(threshold > reset)
        if bad.any():
            found = f"{threshold[bad][0]:g} with a reset to {reset[bad][0]:g}"
            limit = "above v_reset: the neuron would fire for ever"
            yield problem(f"{place}.v_threshold", found, limit, rules.NUMBER_USABLE)
    if "delay" in fields and (fields["delay"] < 0).any():
        found = f"{fields['delay'].min():g}"
        yield problem(f"{place}.delay", found, "0 or more", rules.NUMBER_USABLE)


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
    """Windows are checked when they are built."""
    del place, fields
    yield from ()


def problem(node: str, found: Any, limit: str, rule: Rule = rules.NODE_COMPLETE) -> Diagnostic:
    """Say what is wrong with ``node`` of a file: SNN104 where no rule is named."""
    return Diagnostic(
        rule=rule,
        node=printable(node),
        found=printable(str(found)),
        limit=limit,
        remedy="correct the model, and write the file again",
    )
