"""Run a followed model in its framework, batch by batch, and record what the neurons do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.trace import Trace
from snnc.frontends.torch_model import OUTPUT, Model, device_of
from snnc.frontends.torch_trace import evaluating

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

RUN_BATCH = 256
"""Samples that are run at once: bounds the memory, and shows progress."""

Signals = Mapping[str, "tuple[Tensor, Tensor]"]
"""Spikes and membrane potential of one step by name of the node, ``[batch, *shape]``."""
Steps = Callable[["Module", Model, "Tensor"], Iterator[Signals]]
"""Runs a module from reset states on values of shape ``[steps, batch, *shape]``."""


def run_model(
    executor: str,
    module: Module,
    model: Model,
    x: npt.NDArray[Any],
    steps: Steps,
    progress: Callable[[int, int], None] | None,
) -> Trace:
    """Run ``module`` on ``x`` and record every neuron layer.

    Args:
        executor: Name of the framework.
        module: The user's.
        model: The same, followed.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        steps: How the framework does it.
        progress: Called with the samples done and the samples in all.
    """
    import torch

    began = time.perf_counter()
    length, samples = x.shape[:2]
    sizes = {name: (length, samples, *model.shapes[name]) for name in model.neurons}
    spikes = {name: np.empty(size, np.uint8) for name, size in sizes.items()}
    potentials = {name: np.empty(size, np.float32) for name, size in sizes.items()}
    with evaluating(module):
        for start in range(0, samples, RUN_BATCH):
            part = slice(start, min(start + RUN_BATCH, samples))
            values = torch.as_tensor(np.ascontiguousarray(x[:, part], np.float32))
            for t, signals in enumerate(steps(module, model, values.to(device_of(module)))):
                for name, (fired, potential) in signals.items():
                    spikes[name][t, part] = fired.cpu().numpy()
                    potentials[name][t, part] = potential.cpu().numpy()
            if progress is not None:
                progress(part.stop, samples)
    return Trace(
        executor=executor,
        outputs={OUTPUT: spikes[model.output]},
        spikes=spikes,
        v=potentials,
        seconds=time.perf_counter() - began,
    )


def data_problems(x: npt.NDArray[Any]) -> Iterator[Diagnostic]:
    """Tell why ``x`` cannot be run."""
    if x.ndim < 3 or 0 in x.shape:
        yield Diagnostic(
            rule=rules.INPUT_SHAPE,
            node="input",
            found=f"shape {list(x.shape)}",
            limit="[steps, batch, *shape], no axis empty",
            remedy="add the missing axis, as in x[:, None] for a single sample",
        )
