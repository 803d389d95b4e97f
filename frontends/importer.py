"""Import a module of whatever framework it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nir

from snnc.frontends.snntorch import from_snntorch
from snnc.frontends.spec import framework_of, input_shape_of

if TYPE_CHECKING:
    from torch.nn import Module


def import_module(
    module: Module, *, input_shape: tuple[int, ...] | None = None, dt: float | None = None
) -> nir.NIRGraph:
    """Import ``module`` with the frontend of its framework.

    Args:
        module: A trained model.
        input_shape: Shape of one sample at one step; asked of the model where it is None.
        dt: Length of one step in seconds, or None for the frontend's own.

    Raises:
        InputError: The framework is unknown, the shape is, or the model cannot be imported.
        EnvironmentFault: SNN501, the framework is not installed.
    """
    framework_of(module)
    shape = input_shape_of(module, input_shape)
    return from_snntorch(module, shape) if dt is None else from_snntorch(module, shape, dt=dt)
