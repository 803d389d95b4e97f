"""Models of norse: into NIR with all that NIR cannot say, and run as norse runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import nir
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.norse.kinds import SUPPORTED
from snnc.frontends.norse.layers import population_nodes
from snnc.frontends.norse.states import Norse
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


def from_norse(
    module: Module, input_shape: tuple[int, ...] | None = None, *, dt: float | None = None
) -> nir.NIRGraph:
    """Import a trained model.

    The model runs on zeros, and every function of torch that its ``forward`` calls is recorded.
    It is left as it was.

    Args:
        module: Its ``forward`` computes one step, takes the states that it returned in the step
            before, and returns spikes and states; or it computes all steps in a loop of its own.
        input_shape: Shape of one sample at one step; None where the model begins with nn.Linear,
            which says it.
        dt: Length of one step in seconds: that of the cells, which know it themselves.

    Returns:
        Standard nodes named by their paths in the model, with what NIR cannot say in
        ``metadata["snnc"]`` (docs/norse.md), and the nodes ``input`` and ``output``.

    Raises:
        InputError: SNN004, SNN104, SNN105, SNN112, SNN113 or SNN120: all that keeps the model
            from being imported exactly, at once.
        EnvironmentFault: SNN501, torch or norse is not installed.
    """
    return import_norse(module, input_shape, dt=dt).graph


def import_norse(
    module: Module, input_shape: tuple[int, ...] | None = None, *, dt: float | None = None
) -> Imported:
    """Import a trained model as ``from_norse`` does, and tell how its forward was followed."""
    version = framework_version("norse")
    raise_all((*module_problems(module), *argument_problems(input_shape, dt)))
    shape = input_shape_of(module, input_shape)
    model = _followed(module, shape)
    steps = {p.path: float(cast("Any", p.layer).dt) for p in model.populations}
    raise_all(_dt_problems(steps, dt))
    graph = graph_of(
        model,
        shape,
        population_nodes,
        {"format": 2, "framework": f"norse {version}", "dt": next(iter(steps.values()))},
    )
    return Imported(graph=graph, model=model, framework=Norse())


def run_norse(
    module: Module,
    x: npt.NDArray[Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Run ``module`` in norse itself, from its first state.

    Args:
        module: A model that ``from_norse`` imports.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        progress: Called with the samples done and the samples in all.

    Returns:
        Spikes, membrane potential and, where there is one, synaptic current of every cell under
        the name of its node, and what the model gives at each step.

    Raises:
        InputError: SNN113, the model cannot be followed; SNN502, ``x`` has no such shape; SNN509,
            it does not suit the model's own loop over time.
        EnvironmentFault: SNN501, torch or norse is not installed.
    """
    framework_version("norse")
    raise_all(data_problems(x))
    model = _followed(module, x.shape[2:])
    return run_model("norse", Norse(), module, model, x, progress)


def _followed(module: Module, shape: tuple[int, ...]) -> Model:
    """Give the model that ``module`` computes.

    Raises:
        InputError: All that keeps it from being imported exactly.
    """
    framework = Norse()
    return model_of(follow(module, framework, shape), framework)


def _dt_problems(steps: Mapping[str, float], dt: float | None) -> Iterator[Diagnostic]:
    if not steps:
        yield Diagnostic(
            rule=rules.LAYER_SUPPORTED,
            node="the model",
            found="no neurons",
            limit=SUPPORTED,
            remedy="build the model with norse's cells; a network of ReLUs goes by way of ONNX",
        )
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
    elif steps and dt is not None and dt not in lengths:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--dt",
            found=f"{dt:g}",
            limit=f"{next(iter(lengths)):g}, the dt of the model's cells",
            remedy="leave --dt out, in Python dt=None",
        )
