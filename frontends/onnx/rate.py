"""A trained network of ReLUs as one of spikes, whose rates are the activations.

Every ReLU becomes neurons that integrate their current, fire above a threshold and subtract it
(Rueckauer et al. 2017, doi 10.3389/fnins.2017.00682, section 2.2). A neuron fires once a step at
most, so its threshold is the activation that it can just express: a percentile of what calibration
data bring about (section 2.2.2 there; Diehl et al. 2015 took the largest). It begins at half of
its threshold, which turns the rounding down of the count into rounding (Bu et al. 2022, arXiv
2303.04347, theorem 2).
"""
# nir has no types:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.onnx.convert import Converter
from snnc.frontends.onnx.graph import GraphMaker, reals
from snnc.frontends.onnx.model import Array, OnnxModel, OnnxNode, Shape
from snnc.frontends.onnx.quantized import Quantizer
from snnc.frontends.onnx.run import batch_of, batches, input_problems, samples_of
from snnc.frontends.onnx.signals import Activation

FAINT = 1 / 20
"""Smallest threshold of a channel, as a part of the largest of its layer: calibration data that
hardly reach a channel say little of it."""
OPEN_BATCH = 2
"""Samples with which a model is followed that leaves it open: two show what mixes them."""


def convert_rates(
    model: OnnxModel,
    calibration: Array | Mapping[str, Array] | None,
    *,
    percentile: float,
    dt: float,
    framework: str,
) -> nir.NIRGraph:
    """Convert a network of ReLUs.

    Args:
        model: Nodes that depend on the data are linear, pools and ReLUs.
        calibration: Typical input data, ``[samples, *shape]``, by input where there are several.
        percentile: Of the activations of a channel, above 0, to 100.
        dt: Length of a step in seconds.
        framework: What the graph says made it.

    Raises:
        InputError: SNN004, SNN141, SNN142 or SNN145.
    """
    raise_all([*input_problems(model), *_option_problems(percentile)])
    activations: dict[str, OnnxNode] = {}
    bare = _converted(model, {}, activations, dt)  # what cannot be converted needs no data
    raise_all(bare.problems)
    if calibration is None:
        raise InputError([_no_data(model)])
    samples = samples_of(model, calibration, bare.input_names)
    raise_all(_clipped(model, bare.clipping, samples))
    thresholds = _thresholds(model, activations, samples, percentile)
    converter = _converted(model, thresholds, activations, dt)
    raise_all(converter.problems)
    return converter.graph(framework, dt)


def rate_inputs(model: OnnxModel) -> dict[str, str]:
    """Give the names of the inputs in the graph by those in the model.

    Raises:
        InputError: SNN142, as ``convert_rates``.
    """
    raise_all(input_problems(model))
    bare = _converted(model, {}, {}, 1.0)
    raise_all(bare.problems)
    return bare.input_names


def ends_of(model: OnnxModel) -> tuple[dict[str, str], dict[str, str]]:
    """Give the names that inputs and outputs of a network of ReLUs have in NIR, by those in ONNX.

    Raises:
        InputError: SNN141 or SNN142, it cannot be converted.
    """
    raise_all(input_problems(model))
    converter = _converted(model, {}, {}, dt=1.0)
    raise_all(converter.problems)
    nodes = converter.maker.graph({}).nodes
    inputs = [name for name, node in nodes.items() if isinstance(node, nir.Input)]
    outputs = [name for name, node in nodes.items() if isinstance(node, nir.Output)]
    return (
        dict(zip((i.name for i in model.inputs), inputs, strict=True)),
        dict(zip(model.outputs, outputs, strict=True)),
    )


def _converted(
    model: OnnxModel,
    thresholds: Mapping[str, Array],
    activations: dict[str, OnnxNode],
    dt: float,
) -> Converter:
    """Walk through the model, and note the node of every activation by the name of its value."""

    def threshold(node: OnnxNode, bound: float) -> Array:
        activations[node.outputs[0]] = node
        return np.minimum(thresholds.get(node.outputs[0], np.array(1.0)), bound)

    maker = GraphMaker(lambda activation, shape: _neurons(activation, shape, dt))
    converter = Converter(model, batch_of(model) or OPEN_BATCH, maker, threshold)
    for one in model.inputs:
        converter.values[one.name] = converter.enter(one.name, one.features)
    converter.run()
    converter.finish()
    return converter


def _neurons(activation: Activation, shape: Shape, dt: float) -> nir.IF:
    """Give neurons whose ``v`` has the unit of the activation; one spike is worth a threshold."""
    threshold = reals(np.broadcast_to(activation.threshold, shape))
    one, nothing = np.ones((), np.float32), np.zeros((), np.float32)
    notes = {
        "integration": "decay",
        "reset": "subtract",
        "decay": one,
        "gain": one,
        "leak": nothing,
        "threshold": threshold,
        "initial": threshold / 2,
        "origin": activation.name,
    }
    return nir.IF(
        r=np.full(shape, 1 / dt),
        v_threshold=threshold,
        v_reset=np.zeros_like(threshold),
        metadata={"snnc": notes},
    )


@dataclass
class Largest:
    """The percentile of many numbers, of which only the largest are kept.

    Attributes:
        count: Numbers in all, for each channel.
        percentile: 0 to 100.
    """

    count: int
    percentile: float
    _kept: list[Array] = field(default_factory=list[Array])

    def add(self, values: Array) -> None:
        """Take in ``values``, shape ``[channels, n]``."""
        kept = np.concatenate([*self._kept, values], axis=1)
        if kept.shape[1] > self._size:
            kept = np.partition(kept, -self._size, axis=1)[:, -self._size :]
        self._kept = [kept]

    @property
    def _size(self) -> int:
        return self.count - floor(self._rank)

    @property
    def _rank(self) -> float:
        return (self.count - 1) * self.percentile / 100

    def value(self) -> Array:
        """Give the percentile of each channel, between two numbers by linear interpolation."""
        kept = np.sort(self._kept[0].astype(np.float64), axis=1)
        low, high = kept[:, 0], kept[:, min(1, kept.shape[1] - 1)]
        return np.asarray(low + (self._rank - floor(self._rank)) * (high - low))


def _thresholds(
    model: OnnxModel,
    nodes: Mapping[str, OnnxNode],
    samples: Mapping[str, Array],
    percentile: float,
) -> dict[str, Array]:
    """Give the threshold of every channel of every activation, by the name of its value."""
    count = len(next(iter(samples.values())))
    seen: dict[str, Largest] = {}
    axes: dict[str, int] = {}
    for found in batches(model, samples, nodes):
        for name, values in found.items():
            channels = np.moveaxis(values.reshape(*values.shape[:2], -1), 1, 0)
            size = count * channels.shape[2]
            kept = seen.setdefault(name, Largest(size, percentile))
            kept.add(channels.reshape(len(channels), -1))
            axes[name] = values.ndim - 2
    largest = {name: one.value() for name, one in seen.items()}
    raise_all(_silent(model, nodes[n], len(v)) for n, v in largest.items() if not v.max() > 0)
    return {
        name: np.maximum(v, FAINT * v.max()).reshape(-1, *(1,) * axes[name])
        for name, v in largest.items()
    }


def _clipped(
    model: OnnxModel, clipping: Sequence[Quantizer], samples: Mapping[str, Array]
) -> Iterator[Diagnostic]:
    """Tell of quantizers that clip values of the data, which nothing in the graph would do."""
    if not clipping:
        return
    counts, sizes, ranges = Counter[str](), Counter[str](), dict[str, str]()
    nodes = {q.node.inputs[0]: q for q in clipping}
    for found in batches(model, samples, nodes):
        for name, values in found.items():
            counts[name] += nodes[name].clipped(values)
            sizes[name] += values.size
            ranges[name] = nodes[name].range(values.shape)
    for name, quantizer in nodes.items():
        if counts[name]:
            yield Diagnostic(
                rule=rules.OPERATOR_SUPPORTED,
                node=f"{model.place}: {quantizer.node.place}",
                found=f"{counts[name]:,} of {sizes[name]:,} values of the calibration data are "
                f"outside of {ranges[name]}",
                limit="values that are rounded, and not clipped, where no ReLU is before",
                remedy="quantize for the range of the data, or export the model not quantized",
            )


def _silent(model: OnnxModel, node: OnnxNode, channels: int) -> Diagnostic:
    return Diagnostic(
        rule=rules.CALIBRATION_GIVEN,
        node=f"{model.place}: {node.place}",
        found=f"none of its {channels} channels is active on the calibration data",
        limit="data that are typical of what the model gets",
        remedy="give such data, scaled as in training: --calibrate X.npy",
    )


def _no_data(model: OnnxModel) -> Diagnostic:
    shapes = ", ".join(f"{i.name} {list(i.features)}" for i in model.inputs)
    return Diagnostic(
        rule=rules.CALIBRATION_GIVEN,
        node=model.place,
        found="no calibration data",
        limit=f"samples for {shapes}; some hundred of the training data do",
        remedy="--calibrate X.npy",
    )


def _option_problems(percentile: float) -> Iterator[Diagnostic]:
    if not 0 < percentile <= 100:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--percentile",
            found=f"{percentile:g}",
            limit="above 0, to 100",
            remedy="--percentile 99.9",
        )
