"""Models of snnTorch: into NIR with all that NIR cannot say, and run as snnTorch runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import nir
import numpy.typing as npt

from snnc.compiler.diagnostics import raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.snntorch_layers import layer_nodes
from snnc.frontends.snntorch_model import follow_model
from snnc.frontends.snntorch_states import States
from snnc.frontends.torch_graph import argument_problems, framework_version, graph_of
from snnc.frontends.torch_model import Model
from snnc.frontends.torch_run import Signals, data_problems, run_model
from snnc.frontends.torch_trace import call_model

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


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
    version = framework_version("snntorch")
    raise_all(argument_problems(input_shape, dt))
    model = follow_model(module, input_shape)
    return graph_of(
        model,
        input_shape,
        lambda link: layer_nodes(link.path, link.name, link.layer, link.shape, dt),
        {"format": 1, "framework": f"snntorch {version}", "dt": float(dt)},
    )


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
    framework_version("snntorch")
    raise_all(data_problems(x))
    model = follow_model(module, x.shape[2:])
    return run_model("snntorch", module, model, x, _steps, progress)


def _steps(module: Module, model: Model, values: Tensor) -> Iterator[Signals]:
    states = States(model.neurons)
    states.start(module, values)
    with states.watching():
        for value in values:
            call_model(module, value, states.arguments())
            raise_all(states.problems.values())
            yield {
                name: (spikes, states.left(name, "mem")) for name, spikes in states.spikes.items()
            }
