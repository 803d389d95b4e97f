"""Models of snnTorch: into NIR with all that NIR cannot say, and run as snnTorch runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import nir
import numpy.typing as npt

from snnc.compiler.diagnostics import raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.snntorch.layers import population_nodes
from snnc.frontends.snntorch.states import SnnTorch
from snnc.frontends.spec import input_shape_of
from snnc.frontends.torch.agree import model_of
from snnc.frontends.torch.follow import follow
from snnc.frontends.torch.graph import (
    Imported,
    argument_problems,
    framework_version,
    graph_of,
    module_problems,
)
from snnc.frontends.torch.roll import Model
from snnc.frontends.torch.run import data_problems, run_model

if TYPE_CHECKING:
    from torch.nn import Module

DT = 1e-4
"""Length of one step in seconds where the user names none."""


def from_snntorch(
    module: Module, input_shape: tuple[int, ...] | None = None, *, dt: float | None = None
) -> nir.NIRGraph:
    """Import a trained model.

    The model runs on zeros, and every function of torch that its ``forward`` calls is recorded.
    It is left as it was.

    Args:
        module: Its ``forward`` computes one step, or all of them in a loop of its own.
        input_shape: Shape of one sample at one step; None where the model begins with nn.Linear,
            which says it.
        dt: Length of one step in seconds. snnTorch has none; it sets the unit of ``tau``, and is
            1e-4 where it is None.

    Returns:
        Standard nodes named by their paths in the model, with what NIR cannot say in
        ``metadata["snnc"]`` (docs/frontends.md), and the nodes ``input`` and ``output``.

    Raises:
        InputError: SNN004, SNN104, SNN105, SNN112, SNN113 or SNN120: all that keeps the model
            from being imported exactly, at once.
        EnvironmentFault: SNN501, torch or snntorch is not installed.
    """
    return import_snntorch(module, input_shape, dt=dt).graph


def import_snntorch(
    module: Module, input_shape: tuple[int, ...] | None = None, *, dt: float | None = None
) -> Imported:
    """Import a trained model as ``from_snntorch`` does, and tell how its forward was followed."""
    version = framework_version("snntorch")
    raise_all((*module_problems(module), *argument_problems(input_shape, dt)))
    shape = input_shape_of(module, input_shape)
    step = DT if dt is None else float(dt)
    model = _followed(module, shape)
    graph = graph_of(
        model,
        shape,
        lambda population: population_nodes(population, step),
        {"format": 2, "framework": f"snntorch {version}", "dt": step},
    )
    return Imported(graph=graph, model=model, framework=SnnTorch())


def run_snntorch(
    module: Module,
    x: npt.NDArray[Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Run ``module`` in snnTorch itself, from reset states.

    Args:
        module: A model that ``from_snntorch`` imports.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        progress: Called with the samples done and the samples in all.

    Returns:
        Spikes, membrane potential and, where it has a memory, synaptic current of every neuron
        layer under the name of its node, and what the model gives at each step.

    Raises:
        InputError: SNN113, the model cannot be followed; SNN502, ``x`` has no such shape; SNN509,
            it does not suit the model's own loop over time.
        EnvironmentFault: SNN501, torch or snntorch is not installed.
    """
    framework_version("snntorch")
    raise_all(data_problems(x))
    model = _followed(module, x.shape[2:])
    return run_model("snntorch", SnnTorch(), module, model, x, progress)


def _followed(module: Module, shape: tuple[int, ...]) -> Model:
    """Give the model that ``module`` computes.

    Raises:
        InputError: All that keeps it from being imported exactly.
    """
    framework = SnnTorch()
    return model_of(follow(module, framework, shape), framework)
