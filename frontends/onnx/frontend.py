"""ONNX models: a trained network of ReLUs as one of spikes, or one step of a spiking network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import raise_all
from snnc.frontends.onnx.file import read_onnx
from snnc.frontends.onnx.rate import convert_rates, rate_inputs
from snnc.frontends.onnx.step import convert_step, is_step, step_inputs
from snnc.frontends.torch.graph import argument_problems

if TYPE_CHECKING:
    from onnx import ModelProto

Array = npt.NDArray[Any]


def from_onnx(
    model: str | os.PathLike[str] | ModelProto,
    *,
    calibration: Array | Mapping[str, Array] | None = None,
    percentile: float = 99.9,
    dt: float = 1e-3,
) -> nir.NIRGraph:
    """Import a model.

    A model that compares nothing is a network of ReLUs, which is converted to one of spikes with
    about the same rates. A model with neurons is one step of a spiking network, with its states
    as inputs and outputs, which is imported as it computes.

    Args:
        model: An .onnx file, or a model in memory.
        calibration: Typical input data, ``[samples, *shape]``, for a network of ReLUs; by input
            where there are several, named as in the model or as in the graph.
        percentile: Of the activations of a channel: what its neurons express with a spike in
            every step. Above 0, to 100.
        dt: Length of one step in seconds; it sets the unit of ``r``.

    Returns:
        Standard nodes named after the operators, with what NIR cannot say in
        ``metadata["snnc"]`` (docs/onnx.md), and the inputs and outputs of the model.

    Raises:
        InputError: SNN001, SNN004, SNN105 or SNN140 to SNN145: all that keeps the model from
            being imported, at once.
        EnvironmentFault: SNN501, onnx is not installed.
    """
    raise_all(argument_problems((1,), dt))
    read = read_onnx(model)
    framework = f"onnx {version('onnx')}"
    with np.errstate(all="ignore"):  # numbers that are not finite are refused where they end up
        if is_step(read):
            return convert_step(read, dt=dt, framework=framework)
        return convert_rates(read, calibration, percentile=percentile, dt=dt, framework=framework)


def input_names(model: str | os.PathLike[str] | ModelProto) -> dict[str, str]:
    """Give what the inputs of a model are called in the graph that ``from_onnx`` makes of it.

    NIR takes no slash in a name, and a lone input is ``input``.

    Args:
        model: An .onnx file, or a model in memory.

    Returns:
        The name in the graph by that in the model; states are no inputs of the graph.

    Raises:
        InputError: As ``from_onnx``.
        EnvironmentFault: SNN501, onnx is not installed.
    """
    read = read_onnx(model)
    with np.errstate(all="ignore"):
        return step_inputs(read) if is_step(read) else rate_inputs(read)
