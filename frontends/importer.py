"""Import and run a module of whatever framework it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import nir
import numpy.typing as npt

from snnc.compiler.diagnostics import raise_all
from snnc.compiler.trace import Trace
from snnc.frontends.norse.frontend import import_norse, run_norse
from snnc.frontends.snntorch.frontend import import_snntorch, run_snntorch
from snnc.frontends.spec import framework_of
from snnc.frontends.torch.graph import Imported, argument_problems, module_problems

if TYPE_CHECKING:
    from torch.nn import Module


def import_module(
    module: Module, *, input_shape: tuple[int, ...] | None = None, dt: float | None = None
) -> nir.NIRGraph:
    """Import ``module`` with the frontend of its framework.

    Args:
        module: A trained model.
        input_shape: Shape of one sample at one step; asked of the model where it is None.
        dt: Length of one step in seconds, or None for the model's or the frontend's own.

    Raises:
        InputError: The framework is unknown, the shape is, or the model cannot be imported.
        EnvironmentFault: SNN501, the framework is not installed.
    """
    return follow_module(module, input_shape=input_shape, dt=dt).graph


def follow_module(
    module: Module, *, input_shape: tuple[int, ...] | None = None, dt: float | None = None
) -> Imported:
    """Import ``module`` as ``import_module`` does, and tell how its forward was followed."""
    raise_all((*module_problems(module), *argument_problems(input_shape, dt)))
    convert = import_norse if framework_of(module) == "norse" else import_snntorch
    return convert(module, input_shape, dt=dt)


def run_module(
    module: Module,
    x: npt.NDArray[Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Run ``module`` in its framework.

    Args:
        module: A model that ``import_module`` imports.
        x: Shape ``[steps, batch, *shape]``, computed with as float32.
        progress: Called with the samples done and the samples in all.

    Raises:
        InputError: The framework is unknown, or the model cannot be followed or takes no ``x``.
        EnvironmentFault: SNN501, the framework is not installed.
    """
    run = run_norse if framework_of(module) == "norse" else run_snntorch
    return run(module, x, progress=progress)
