"""Models of norse: into NIR with all that NIR cannot say, and run as norse runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import nir
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.norse_layers import is_neuron, layer_nodes, layer_problems
from snnc.frontends.norse_states import CellStates, first_arguments, next_arguments, spikes_of
from snnc.frontends.torch_graph import argument_problems, framework_version, graph_of
from snnc.frontends.torch_model import Model, device_of, model_of, output_problems, reshape_problems
from snnc.frontends.torch_run import Signals, data_problems, run_model
from snnc.frontends.torch_trace import (
    BATCH,
    Step,
    call_model,
    evaluating,
    layers_of,
    trace_step,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def from_norse(
    module: Module, input_shape: tuple[int, ...], *, dt: float | None = None
) -> nir.NIRGraph:
    """Import a trained model.

    The model is run for two steps on zeros, and its tensors are followed from layer to layer. It
    is left as it was.

    Args:
        module: Its ``forward`` computes one step, calls each layer once, takes the states that it
            returned in the step before, and returns spikes and states.
        input_shape: Shape of one sample at one step.
        dt: Length of one step in seconds: that of the cells, which know it themselves.

    Returns:
        Standard nodes named by their paths in the model, with what NIR cannot say in
        ``metadata["snnc"]`` (docs/frontends.md), and the nodes ``input`` and ``output``.

    Raises:
        InputError: SNN004, SNN104, SNN105, SNN112, SNN113 or SNN120: all that keeps the model
            from being imported exactly, at once.
        EnvironmentFault: SNN501, torch or norse is not installed.
    """
    version = framework_version("norse")
    raise_all(argument_problems(input_shape, dt))
    model = follow_model(module, input_shape)
    steps = {path: float(cast("Any", cell).dt) for path, cell in model.neurons.items()}
    raise_all(_dt_problems(steps, dt))
    return graph_of(
        model,
        input_shape,
        lambda link: layer_nodes(link.path, link.name, link.layer, link.shape),
        {"format": 1, "framework": f"norse {version}", "dt": next(iter(steps.values()))},
    )


def run_norse(
    module: Module,
    x: npt.NDArray[Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Run ``module`` in norse itself, step by step from its first state.

    Args:
        module: A model that ``from_norse`` imports.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        progress: Called with the samples done and the samples in all.

    Returns:
        Spikes and membrane potential of every cell under the name of its node, and the spikes of
        the model's output as ``output``.

    Raises:
        InputError: SNN113, the model cannot be followed; SNN502, ``x`` has no such shape.
        EnvironmentFault: SNN501, torch or norse is not installed.
    """
    framework_version("norse")
    raise_all(data_problems(x))
    return run_model("norse", module, follow_model(module, x.shape[2:]), x, _steps, progress)


def follow_model(module: Module, shape: tuple[int, ...]) -> Model:
    """Run ``module`` for two steps from its first state, and follow both.

    Args:
        module: A model of norse.
        shape: Shape of one sample at one step.

    Raises:
        InputError: Everything that keeps the model from being imported exactly, at once.
    """
    import torch

    x = torch.zeros((BATCH, *shape), device=device_of(module))
    states = CellStates({p: m for p, m in layers_of(module).items() if is_neuron(m)})
    with evaluating(module), states.watching():
        step = trace_step(module, x, first_arguments(module), spikes_of)
        found = [p for c in step.calls for p in layer_problems(c.path, c.layer, c.shape)]
        found += [*step.problems, *reshape_problems(step)]
        if not found:
            found += output_problems(step, is_neuron, "LIFCell")
            second = trace_step(module, x, next_arguments(module, step.value), spikes_of)
            found += second.problems or _change_problems(module, step, second)
            states.start()
            call_model(module, x, first_arguments(module))  # what a model keeps itself, shows here
        raise_all(dict.fromkeys([*found, *states.problems.values()]))  # once, not once a call
    return model_of(step, is_neuron)


def _steps(module: Module, model: Model, values: Tensor) -> Iterator[Signals]:
    states = CellStates(model.neurons)
    arguments = first_arguments(module)
    with states.watching():
        for value in values:
            arguments = next_arguments(module, call_model(module, value, arguments))
            raise_all(states.problems.values())
            yield states.signals


def _change_problems(module: Module, first: Step, second: Step) -> Iterator[Diagnostic]:
    """Tell of a model that does something else once it has states."""
    ways = [
        ([(c.path, c.source, c.shape) for c in step.calls], step.returned)
        for step in (first, second)
    ]
    if ways[0] != ways[1]:
        yield Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=f"{type(module).__name__}.forward",
            found="the second step takes another way through the layers than the first",
            limit="every step computes the same",
            remedy="let states go to the cells and nowhere else",
        )


def _dt_problems(steps: Mapping[str, float], dt: float | None) -> Iterator[Diagnostic]:
    lengths: dict[float, str] = {}
    for path, length in steps.items():
        lengths.setdefault(length, path)
    if len(lengths) > 1:
        yield Diagnostic(
            rule=rules.LAYER_SUPPORTED,
            node=", ".join(lengths.values()),
            found="dt = " + ", ".join(f"{length:g}" for length in lengths),
            limit="all cells of a model have the same dt",
            remedy="make all cells with one dt; tau_mem_inv and tau_syn_inv can differ",
        )
    elif dt is not None and dt not in lengths:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--dt",
            found=f"{dt:g}",
            limit=f"{next(iter(lengths)):g}, the dt of the model's cells",
            remedy="leave --dt out",
        )
