"""A snnTorch model, followed from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnc.compiler.diagnostics import raise_all
from snnc.frontends.snntorch_layers import is_neuron, layer_problems
from snnc.frontends.snntorch_states import States
from snnc.frontends.torch_model import (
    Model,
    device_of,
    model_of,
    output_problems,
    reshape_problems,
)
from snnc.frontends.torch_trace import BATCH, call_model, evaluating, layers_of, trace_step

if TYPE_CHECKING:
    from torch.nn import Module


def follow_model(module: Module, shape: tuple[int, ...]) -> Model:
    """Run ``module`` for two steps from reset states; follow the first, watch both.

    Args:
        module: A snnTorch model.
        shape: Shape of one sample at one step.

    Raises:
        InputError: Everything that keeps the model from being imported exactly, at once.
    """
    import torch

    x = torch.zeros((BATCH, *shape), device=device_of(module))
    states = States({p: m for p, m in layers_of(module).items() if is_neuron(m)})
    states.start(module, x)
    with evaluating(module), states.watching():
        step = trace_step(module, x, states.arguments())
        found = [p for c in step.calls for p in layer_problems(c.path, c.layer, c.shape)]
        found += [*step.problems, *reshape_problems(step)]
        if step.returned is not None:
            found += states.unclaimed()
        if not found:
            found += output_problems(step, is_neuron, "snn.Leaky")
            call_model(module, x, states.arguments())
        raise_all(dict.fromkeys([*found, *states.problems.values()]))  # once, not once a call
    return model_of(step, is_neuron)
