"""Run an ONNX model in NumPy, as ONNX defines it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.onnx.model import Array, OnnxInput, OnnxModel, OperatorError
from snnc.frontends.onnx.ops import compute

BATCH = 32
"""Samples at once, where the model leaves it open."""


def evaluate(
    model: OnnxModel, feeds: Mapping[str, Array], wanted: Collection[str]
) -> dict[str, Array]:
    """Compute ``wanted`` of one batch; every value is forgotten after its last use.

    Args:
        model: A model.
        feeds: One array for each input.
        wanted: Names of values.

    Raises:
        InputError: SNN141 or SNN142, an operator cannot be computed.
    """
    last = {name: node for node in model.nodes for name in node.inputs}
    values: dict[str, Array | None] = {"": None, **model.constants, **feeds}
    for node in model.nodes:
        try:
            values[node.outputs[0]] = compute(
                node, [_get(values, n) for n in node.inputs], model.opset
            )
        except OperatorError as error:
            raise InputError([error.at(f"{model.place}: {node.place}")]) from error
        for name in {*node.inputs} - {*wanted, "", *model.constants}:
            if last[name] is node:
                values.pop(name, None)
    found: dict[str, Array] = {}
    for name in wanted:
        try:
            found[name] = np.asarray(_get(values, name))
        except OperatorError as error:
            raise InputError([error.at(f"{model.place}: {name}")]) from error
    return found


def _get(values: Mapping[str, Array | None], name: str) -> Array | None:
    if name not in values:
        raise OperatorError(f"the second output {name!r} of an operator", "first outputs")
    return values[name]


def batches(
    model: OnnxModel, data: Mapping[str, Array], wanted: Collection[str]
) -> Iterator[dict[str, Array]]:
    """Yield ``wanted`` of one batch after the other.

    Args:
        model: A model whose values have the batch as their first axis.
        data: Samples for each input, shape ``[samples, *shape]``.
        wanted: Names of values.
    """
    size = batch_of(model) or BATCH
    fixed = batch_of(model) is not None
    count = len(next(iter(data.values())))
    for start in range(0, count, size):
        feeds = {name: x[start : start + size] for name, x in data.items()}
        taken = min(size, count - start)
        if fixed and taken < size:  # such a model takes no other number of samples
            feeds = {
                n: np.concatenate([x, x[-1:].repeat(size - taken, 0)]) for n, x in feeds.items()
            }
        found = evaluate(model, feeds, wanted)
        yield {name: values[:taken] for name, values in found.items()}


def batch_of(model: OnnxModel) -> int | None:
    """Give the number of samples that the model takes at once; None where it takes any."""
    return model.inputs[0].shape[0] if model.inputs and model.inputs[0].shape else None


def input_problems(model: OnnxModel) -> Iterator[Diagnostic]:
    """Tell of inputs that are not samples of one known shape."""
    if not model.inputs:
        yield Diagnostic(
            rule=rules.OPERATOR_SUPPORTED,
            node=model.place,
            found="no input",
            limit="one input or more",
            remedy="export the model again, with an example of its input",
        )
    for one in model.inputs:
        known = len(one.shape) > 1 and None not in one.shape[1:]
        if one.dtype == "float32" and known:
            continue
        shape = "[" + ", ".join("?" if n is None else str(n) for n in one.shape) + "]"
        yield Diagnostic(
            rule=rules.OPERATOR_SUPPORTED,
            node=f"{model.place}: {one.name} (input)",
            found=f"{one.dtype} of shape {shape}",
            limit="float32 of shape [batch, *shape]; the batch alone may be open",
            remedy="export the model for one shape, with no dynamic axes but the batch",
        )


def samples_of(
    model: OnnxModel, data: Array | Mapping[str, Array], names: Mapping[str, str]
) -> dict[str, Array]:
    """Give calibration data as samples for each input.

    Args:
        model: A model.
        data: Shape ``[samples, *shape]`` or ``[steps, batch, *shape]``, whose steps are samples
            too; by input where there are several.
        names: What the inputs of the model are called in the graph. Data may use these names, or
            those of the model.

    Raises:
        InputError: SNN145, it has no such shape, numbers that are not finite, or other names.
    """
    given = _by_input(model, data, names)
    raise_all(p for i in model.inputs for p in _data_problems(i, given))
    shaped = {
        i.name: np.asarray(given[i.name], np.float32).reshape(-1, *i.features) for i in model.inputs
    }
    counts = {len(x) for x in shaped.values()}
    if len(counts) > 1 or 0 in counts:
        found = ", ".join(f"{len(x)} samples for {name}" for name, x in shaped.items())
        raise InputError(
            [_misfit("--calibrate", found, "as many samples for each input, 1 or more")]
        )
    return shaped


def _by_input(
    model: OnnxModel, data: Array | Mapping[str, Array], names: Mapping[str, str]
) -> Mapping[str, Array]:
    """Give data by the names of the model's inputs."""
    if not isinstance(data, Mapping):
        if len(model.inputs) == 1:
            return {model.inputs[0].name: data}
        limit = f"data by input: {', '.join(names)}"
        raise InputError([_misfit("--calibrate", f"one array for {len(names)} inputs", limit)])
    if set(data) == set(names):
        return data
    if set(data) != set(names.values()):
        named = ", ".join(names)
        called = ", ".join(names.values())
        limit = named if called == named else f"{named}, or as in the graph: {called}"
        found = f"data for {', '.join(map(str, data)) or 'no input'}"
        raise InputError([_misfit("--calibrate", found, f"data for the inputs {limit}")])
    return {name: data[made] for name, made in names.items()}


def _data_problems(one: OnnxInput, given: Mapping[str, Array]) -> Iterator[Diagnostic]:
    limit = f"finite numbers of shape [samples, {', '.join(map(str, one.features))}]"
    x = np.asarray(given[one.name])
    axes = len(one.features)
    if (
        x.dtype.kind not in "biuf"
        or x.ndim not in {axes + 1, axes + 2}
        or x.shape[-axes:] != one.features
    ):
        yield _misfit(f"--calibrate, {one.name}", f"{x.dtype} of shape {list(x.shape)}", limit)
    elif not np.isfinite(x).all():
        count = int((~np.isfinite(x)).sum())
        yield _misfit(f"--calibrate, {one.name}", f"{count} of {x.size} are not finite", limit)


def _misfit(node: str, found: str, limit: str) -> Diagnostic:
    remedy = "give samples as the model takes them: --calibrate X.npy"
    return Diagnostic(rules.CALIBRATION_GIVEN, node, found, limit, remedy)
