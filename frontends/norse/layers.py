"""Neurons of a norse model as NIR nodes, or why they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Integration, Reset
from snnc.frontends.norse.kinds import INTEGRATIONS, READ_OUTS
from snnc.frontends.norse.parameters import (
    Shape,
    cell_problems,
    each,
    initial_of,
    parameters_of,
    rate,
    refractory_of,
    reset_of,
)
from snnc.frontends.torch.layers import (
    Layer,
    Nodes,
    Reals,
    axis_problems,
    number_problems,
    weights_node,
)
from snnc.frontends.torch.roll import Population

WEIGHTS = ("input_weights", "recurrent_weights")
"""What cells call their matrices, where they have some."""


def layer_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    """Tell why a cell cannot be imported exactly.

    Args:
        path: Path of the layer in the model.
        layer: Of a class that is imported.
        shape: Shape of its input at one step, without the batch.
    """
    matrices = [name for name in WEIGHTS if hasattr(layer, name)]
    if matrices:
        yield from axis_problems(path, type(layer).__name__, shape)
    for name in matrices:
        yield from number_problems(f"{path}.{name}", getattr(layer, name))
    yield from cell_problems(path, layer, _shape_of(layer, shape))


def population_nodes(population: Population) -> Nodes:
    """Give the nodes of a population that has no problems, and the edges among them."""
    path, name = population.path, population.name
    cell = cast("Layer", population.layer)
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    if hasattr(cell, "input_weights"):
        inner = f"{name}.input"
        nodes[inner] = weights_node(
            cell.input_weights, None, delay=0, order=0, origin=f"{path}.input_weights"
        )
        edges.append((inner, name))
    nodes[name] = _neurons(cell, path, _shape_of(cell, population.given))
    if hasattr(cell, "recurrent_weights"):
        loop = f"{name}.recurrent"
        nodes[loop] = weights_node(
            cell.recurrent_weights, None, delay=1, order=1, origin=f"{path}.recurrent_weights"
        )
        edges += [(name, loop), (loop, name)]
    return nodes, edges


def _shape_of(layer: Layer, given: Shape) -> Shape:
    """Give the shape of a layer's neurons: that of its input where it has no weights of its own."""
    return (len(layer.input_weights),) if hasattr(layer, "input_weights") else given


def _neurons(layer: Layer, path: str, shape: Shape) -> nir.NIRNode:
    """Give a standard node, with all that it cannot say as metadata."""
    integration = INTEGRATIONS[type(layer).__name__]
    spiking = type(layer).__name__ not in READ_OUTS
    notes: dict[str, Any] = {**_notes(layer, shape), "origin": path}
    fields: dict[str, Any] = {"metadata": {"snnc": notes}}
    if spiking:
        fields["v_threshold"] = notes["threshold"].reshape(shape).copy()
        fields["v_reset"] = notes["reset_value"].reshape(shape).copy()
    if integration is Integration.DECAY:
        return nir.IF(r=np.full(shape, 1 / layer.dt), **fields)
    fields["r"] = np.ones(shape, np.float32)
    fields["v_leak"] = notes["leak"].reshape(shape).copy()
    tau_mem = _time_constant(layer, "tau_mem_inv", shape)
    if not integration.has_current:
        return (nir.LIF if spiking else nir.LI)(tau=tau_mem, **fields)
    tau_syn = _time_constant(layer, "tau_syn_inv", shape)
    fields |= {"tau_mem": tau_mem, "tau_syn": tau_syn, "w_in": tau_syn / layer.dt}
    return (nir.CubaLIF if spiking else nir.CubaLI)(**fields)


def _notes(layer: Layer, shape: Shape) -> dict[str, Any]:
    """Give what snnc executes."""
    parameters, reset = parameters_of(layer), reset_of(layer)
    integration = INTEGRATIONS[type(layer).__name__]
    leaky, current = integration is not Integration.DECAY, integration.has_current
    reset_value = parameters.v_reset if reset is Reset.VALUE else 0.0
    return {
        "integration": str(integration),
        "reset": str(reset),
        "decay": rate(layer, "tau_mem_inv", shape) if leaky else each(1.0, shape),
        "current_decay": rate(layer, "tau_syn_inv", shape) if current else each(0.0, shape),
        "gain": each(1.0, shape),
        "leak": each(parameters.v_leak if leaky else 0.0, shape),
        "initial": each(initial_of(layer), shape),
        "threshold": each(getattr(parameters, "v_th", 1.0), shape),
        "reset_value": each(reset_value, shape),
        "refractory": refractory_of(layer),
    }


def _time_constant(layer: Layer, name: str, shape: Shape) -> npt.NDArray[np.float64]:
    """Give ``tau`` such that ``float32(dt / tau)`` is the rate that norse computes with.

    That is ``1 / tau_inv``; or, where float32 rounds ``dt * tau_inv`` in another way, ``dt`` by
    that rate, which is the same within 1e-7.
    """
    with_rate: Reals = rate(layer, name, shape)
    tau = 1 / each(getattr(parameters_of(layer), name), shape).astype(np.float64)
    exact = (layer.dt / tau).astype(np.float32) == with_rate
    return np.where(exact, tau, layer.dt / with_rate.astype(np.float64)).reshape(shape)
