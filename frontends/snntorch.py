"""Models of snnTorch: into NIR with all that NIR cannot say, and run as snnTorch runs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.packages import missing_framework
from snnc.frontends.snntorch_layers import layer_nodes
from snnc.frontends.snntorch_model import INPUT, OUTPUT, Model, device_of, follow_model
from snnc.frontends.snntorch_states import States
from snnc.frontends.torch_trace import call_model, evaluating

if TYPE_CHECKING:
    from torch.nn import Module

RUN_BATCH = 256
"""Samples that ``run_snntorch`` runs at once: bounds its memory, and shows progress."""


def from_snntorch(
    module: Module, input_shape: tuple[int, ...], *, dt: float = 1e-4
) -> nir.NIRGraph:
    """Import a trained model.

    The model is run for two steps on zeros, and its tensors are followed from layer to layer.
    It is left as it was, with its states reset.

    Args:
        module: Its ``forward`` computes one step, and calls each layer once.
        input_shape: Shape of one sample at one step.
        dt: Length of one step in seconds. snnTorch has none; it sets the unit of ``tau``.

    Returns:
        Standard nodes named by their paths in the model, with what NIR cannot say in
        ``metadata["snnc"]`` (docs/frontends.md), and the nodes ``input`` and ``output``.

    Raises:
        InputError: SNN004, SNN104, SNN105, SNN112, SNN113 or SNN120: all that keeps the model
            from being imported exactly, at once.
        EnvironmentFault: SNN501, torch or snntorch is not installed.
    """
    version = _snntorch_version()
    raise_all(_argument_problems(input_shape, dt))
    model = follow_model(module, input_shape)
    nodes: dict[str, nir.NIRNode] = {INPUT: nir.Input(input_type={"input": np.array(input_shape)})}
    edges: list[tuple[str, str]] = []
    for link in model.links:
        source = link.source
        if link.shape != link.source_shape:
            source = f"{link.source}.flatten"
            if source not in nodes:
                nodes[source] = _flatten(link.source_shape)
                edges.append((link.source, source))
        made, inner = layer_nodes(link.path, link.name, link.layer, link.shape, dt)
        nodes.update(made)
        edges += [(source, link.name), *inner]
    nodes[OUTPUT] = nir.Output(output_type={"output": np.array(model.shapes[model.output])})
    edges.append((model.output, OUTPUT))
    notes = {"snnc": {"format": 1, "framework": f"snntorch {version}", "dt": float(dt)}}
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=notes, type_check=False)


def run_snntorch(
    module: Module,
    x: npt.NDArray[Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Run ``module`` in snnTorch itself, step by step from reset states.

    Args:
        module: A model that ``from_snntorch`` imports.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        progress: Called with the samples done and the samples in all.

    Returns:
        Spikes and membrane potential of every neuron layer under the name of its node, and the
        spikes of the model's output as ``output``.

    Raises:
        InputError: SNN113, the model cannot be followed; SNN502, ``x`` has no such shape.
        EnvironmentFault: SNN501, torch or snntorch is not installed.
    """
    _snntorch_version()
    raise_all(_data_problems(x))
    model = follow_model(module, x.shape[2:])
    began = time.perf_counter()
    steps, samples = x.shape[:2]
    record = _Record(
        {n: np.empty((steps, samples, *model.shapes[n]), np.uint8) for n in model.neurons},
        {n: np.empty((steps, samples, *model.shapes[n]), np.float32) for n in model.neurons},
    )
    with evaluating(module):
        for start in range(0, samples, RUN_BATCH):
            part = slice(start, min(start + RUN_BATCH, samples))
            _run_batch(module, model, x, part, record)
            if progress is not None:
                progress(part.stop, samples)
    return Trace(
        executor="snntorch",
        outputs={OUTPUT: record.spikes[model.output]},
        spikes=record.spikes,
        v=record.v,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, eq=False)
class _Record:
    """Spikes and membrane potential by name of the node, ``[steps, batch, *shape]``."""

    spikes: Mapping[str, npt.NDArray[np.uint8]]
    v: Mapping[str, npt.NDArray[np.float32]]


def _run_batch(
    module: Module, model: Model, x: npt.NDArray[Any], part: slice, record: _Record
) -> None:
    import torch

    states = States(model.neurons)
    values = torch.as_tensor(np.ascontiguousarray(x[:, part], np.float32)).to(device_of(module))
    states.start(module, values)
    with states.watching():
        for t, value in enumerate(values):
            call_model(module, value, states.arguments())
            raise_all(states.problems.values())
            for name, spikes in states.spikes.items():
                record.spikes[name][t, part] = spikes.cpu().numpy()
                record.v[name][t, part] = states.left(name, "mem").cpu().numpy()


def _flatten(shape: tuple[int, ...]) -> nir.Flatten:
    """NIR counts dimensions without the batch: 0 is the first of them."""
    return nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)


def _snntorch_version() -> str:
    try:
        import snntorch
    except ModuleNotFoundError as error:
        raise (missing_framework(error) or error) from error
    return str(snntorch.__version__)


def _argument_problems(shape: tuple[int, ...], dt: float) -> Iterator[Diagnostic]:
    if not shape or min(shape) < 1:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--input-shape",
            found=",".join(map(str, shape)) or "no dimension",
            limit="the shape of one sample at one step, every dimension 1 or more",
            remedy="--input-shape 1,28,28",
        )
    if not (isfinite(dt) and dt > 0):
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--dt",
            found=f"{dt:g}",
            limit="a length in seconds above 0",
            remedy="--dt 1e-4",
        )


def _data_problems(x: npt.NDArray[Any]) -> Iterator[Diagnostic]:
    if x.ndim < 3 or 0 in x.shape:
        yield Diagnostic(
            rule=rules.INPUT_SHAPE,
            node="input",
            found=f"shape {list(x.shape)}",
            limit="[steps, batch, *shape], no axis empty",
            remedy="add the missing axis, as in x[:, None] for a single sample",
        )
