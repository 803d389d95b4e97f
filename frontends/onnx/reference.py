"""A network of ReLUs as ONNX defines it, beside the network of spikes that was made of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.onnx.file import read_onnx
from snnc.frontends.onnx.model import Array, OnnxModel
from snnc.frontends.onnx.rate import ends_of
from snnc.frontends.onnx.run import batches
from snnc.frontends.onnx.step import is_step

Progress = Callable[[int, int], None]


def is_network_of_relus(path: str | os.PathLike[str]) -> bool:
    """Say whether an ``.onnx`` file is one, and not one step of a spiking network."""
    return not is_step(read_onnx(path))


def run_relus(
    path: str | os.PathLike[str], x: Mapping[str, Array], progress: Progress | None = None
) -> Trace:
    """Run a network of ReLUs on what the steps of ``x`` are in the mean.

    Spikes stand for rates: what is held for all steps is the value that the model takes.

    Args:
        path: An ``.onnx`` file that ``from_onnx`` converts.
        x: Of each input of the converted network, ``[steps, batch, *shape]``.
        progress: Called with the samples done and the samples in all.

    Returns:
        What the model gives, the same in every step, under the names of the network's outputs.

    Raises:
        InputError: The file cannot be read or converted; SNN004, it takes other inputs.
        EnvironmentFault: SNN501, onnx is not installed.
    """
    began = time.perf_counter()
    model = read_onnx(path)
    inputs, outputs = ends_of(model)
    raise_all(_misfits(model, inputs, x))
    steps, samples = next(iter(x.values())).shape[:2]
    feeds = {given: _held(x[name]) for given, name in inputs.items()}
    parts: dict[str, list[Array]] = {name: [] for name in outputs}
    done = 0
    for found in batches(model, feeds, outputs):
        for name, values in found.items():
            parts[name].append(values)
        done += len(found[next(iter(outputs))])
        if progress is not None:
            progress(done, samples)
    whole = {name: np.concatenate(values) for name, values in parts.items()}
    return Trace(
        executor="onnx",
        outputs={
            name: np.broadcast_to(whole[given], (steps, *whole[given].shape))
            for given, name in outputs.items()
        },
        seconds=time.perf_counter() - began,
    )


def _misfits(
    model: OnnxModel, inputs: Mapping[str, str], x: Mapping[str, Array]
) -> Iterator[Diagnostic]:
    found = {f"{inputs[i.name]} {list(i.features)}" for i in model.inputs}
    wanted = {f"{name} {list(values.shape[2:])}" for name, values in x.items()}
    if found != wanted:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--model",
            found=f"a network of other inputs: {', '.join(sorted(found))}",
            limit=f"the one that the network was made from: {', '.join(sorted(wanted))}",
            remedy="name the .onnx file itself with --model, or verify it alone",
        )


def _held(x: Array) -> Array:
    """Give the value of all steps, shape ``[batch, *shape]``; where they differ their mean."""
    values = x[0] if (x == x[:1]).all() else x.mean(axis=0, dtype=np.float64)
    return np.asarray(values, np.float32)
