"""The parameters of norse's cells: as norse computes with them, and which cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Reset
from snnc.frontends.norse.kinds import READ_OUTS
from snnc.frontends.torch.layers import (
    Layer,
    Reals,
    number_problems,
    parameter_problems,
    per_neuron,
    refusal,
    unusable,
)

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]

RATES = ("tau_mem_inv", "tau_syn_inv")
"""Inverse time constants, as norse's parameters name them."""
FIELDS = (*RATES, "v_leak", "v_th", "v_reset")
"""What a cell has one number of, or one for each neuron."""
MOST_REFRACTORY_STEPS = 2**24
"""Up to here float32 counts down by one (norse 1.1.0, ``functional/lif_refrac.py:99-101``)."""


def parameters_of(layer: Layer) -> Any:
    """Give norse's parameters of the membrane: a refractory cell has them one level down."""
    return getattr(layer.p, "lif", layer.p)


def each(values: Tensor | float, shape: Shape) -> Reals:
    """Give one number for each neuron, rounded to float32 where norse rounds it.

    A Python number, and a tensor without axes, stays as it is until torch computes with it and a
    float32 tensor.
    """
    return per_neuron(_tensor(values), shape)


def rate(layer: Layer, name: str, shape: Shape) -> Reals:
    """Give ``dt / tau`` of each neuron as torch computes it from ``dt`` and the inverse of tau."""
    return each(layer.dt * getattr(parameters_of(layer), name), shape)


def reset_of(layer: Layer) -> Reset:
    """Give what a spike does; only ``LIFBoxCell`` has a choice."""
    from norse.torch import reset_subtract

    if type(layer).__name__ in READ_OUTS:
        return Reset.NONE
    parameters = parameters_of(layer)
    if getattr(parameters, "reset_method", None) is reset_subtract:
        return Reset.SUBTRACT
    return Reset.VALUE if bool((_tensor(parameters.v_reset) != 0).any()) else Reset.ZERO


def initial_of(layer: Layer) -> Tensor:
    """Give ``v`` before the first step: ``v_leak``, or where there is no leak ``v_reset``."""
    parameters = parameters_of(layer)
    return _tensor(getattr(parameters, "v_leak", getattr(parameters, "v_reset", 0.0)))


def refractory_of(layer: Layer) -> int:
    """Give the steps after a spike in which a cell holds ``v``; 0 where it has no such time.

    Its counter starts from ``rho_reset``, goes down by one a step, and holds the cell while it is
    above 0.
    """
    return int(_refractory_steps(layer).max())


def cell_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    """Tell why a cell cannot be imported exactly.

    Args:
        path: Its path in the model.
        layer: Of a class that is imported.
        shape: Shape of its neurons.
    """
    place = f"{path}.p.lif" if hasattr(layer.p, "lif") else f"{path}.p"
    parameters = parameters_of(layer)
    yield from _option_problems(place, parameters)
    bad = list(_field_problems(place, parameters, shape))
    yield from bad
    if not bad:
        yield from _value_problems(path, place, layer)
    if hasattr(layer.p, "rho_reset"):
        yield from _refractory_problems(f"{path}.p.rho_reset", layer)


def _tensor(values: Tensor | float) -> Tensor:
    import torch

    return torch.as_tensor(values, dtype=torch.float32).detach()


def _option_problems(place: str, parameters: Any) -> Iterator[Diagnostic]:
    from norse.torch import reset_subtract, reset_value

    if getattr(parameters, "method", None) == "adjoint":  # norse 1.1.0 itself does not run it
        remedy = "use another method, such as 'super'; it changes the gradient only"
        yield refusal(f"{place}.method", "'adjoint'", "a surrogate gradient of norse", remedy)
    method = getattr(parameters, "reset_method", reset_value)
    if method not in {reset_value, reset_subtract}:
        name = getattr(method, "__name__", type(method).__name__)
        limit = "reset_value or reset_subtract of norse"
        yield refusal(f"{place}.reset_method", name, limit, "use one of the two")


def _field_problems(place: str, parameters: Any, shape: Shape) -> Iterator[Diagnostic]:
    import torch

    for name in (n for n in FIELDS if hasattr(parameters, n)):
        values = getattr(parameters, name)
        axes = values.ndim if isinstance(values, torch.Tensor) else 0
        if axes and values.dtype != torch.float32:
            remedy = f"torch.as_tensor({name}, dtype=torch.float32)"
            yield refusal(f"{place}.{name}", str(values.dtype), "torch.float32", remedy)
        else:
            yield from parameter_problems(place, name, _tensor(values), shape)


def _value_problems(path: str, place: str, layer: Layer) -> Iterator[Diagnostic]:
    parameters = parameters_of(layer)
    if hasattr(parameters, "v_th"):
        yield from _threshold_problems(place, layer)
    if not (isfinite(layer.dt) and layer.dt > 0):
        yield unusable(f"{path}.dt", f"{layer.dt:g}", "a length in seconds above 0")
        return
    for name in (n for n in RATES if hasattr(parameters, n)):
        part = _tensor(layer.dt * getattr(parameters, name))
        outside = part[(part <= 0) | (part > 1)]
        if len(outside) > 0:
            found = f"dt * {name} = {float(outside[0]):g}"
            yield unusable(f"{place}.{name}", found, "above 0, to 1")


def _threshold_problems(place: str, layer: Layer) -> Iterator[Diagnostic]:
    """Tell of thresholds that a neuron is still above after its reset."""
    parameters = parameters_of(layer)
    threshold, limit = _tensor(parameters.v_th), "above 0"
    base = 0 * threshold
    if reset_of(layer) is Reset.VALUE:
        reset = _tensor(parameters.v_reset)
        base, limit = base + reset, f"above v_reset, {float(reset.max()):g}"
    below = (threshold + 0 * base)[threshold <= base]
    if len(below) > 0:
        yield unusable(f"{place}.v_th", f"{float(below.min()):g}", limit)


def _refractory_steps(layer: Layer) -> np.ndarray[Any, np.dtype[np.float64]]:
    counter = _tensor(getattr(layer.p, "rho_reset", 0.0)).cpu().numpy()
    return np.ceil(np.maximum(counter.astype(np.float64), 0))


def _refractory_problems(node: str, layer: Layer) -> Iterator[Diagnostic]:
    bad = list(number_problems(node, _tensor(layer.p.rho_reset)))
    yield from bad
    steps = np.unique(_refractory_steps(layer))
    if not bad and (len(steps) > 1 or steps.max() > MOST_REFRACTORY_STEPS):
        yield refusal(
            node,
            found=", ".join(f"{count:g}" for count in steps[:3]) + " steps",
            limit=f"one number of steps for all neurons of a layer, to {MOST_REFRACTORY_STEPS}",
            remedy="make a layer for each number of steps",
        )
