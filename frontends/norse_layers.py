"""Layers of a norse model as NIR nodes, or why a layer cannot be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import nir
import numpy as np

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Integration, Reset
from snnc.frontends.torch_layers import (
    TORCH_LAYERS,
    Layer,
    Nodes,
    Reals,
    axis_problems,
    number_problems,
    parameter_problems,
    per_neuron,
    refusal,
    threshold_problems,
    unusable,
    weights_node,
)
from snnc.frontends.torch_roll import Population

if TYPE_CHECKING:
    from torch import Tensor

SUPPORTED = (
    f"{TORCH_LAYERS}, and of norse SequentialState, LIFBoxCell, LIFCell, LIFRecurrentCell, IAFCell"
)
"""What ``from_norse`` imports, for messages."""
INTEGRATIONS = {
    "LIFBoxCell": Integration.EULER,
    "LIFCell": Integration.CURRENT_EULER,
    "LIFRecurrentCell": Integration.CURRENT_EULER,
    "IAFCell": Integration.DECAY,
}
"""How each cell takes up its input (norse 1.1.0, ``functional/lif_box.py:91-99``,
``lif.py:203-219`` and ``lif.py:315-327``, ``iaf.py:95-100``), in its order of operations."""
RATES = ("tau_mem_inv", "tau_syn_inv")
"""Inverse time constants, as norse's parameters name them."""
Shape = tuple[int, ...]
Problems = Callable[[str, Layer, Shape], Iterator[Diagnostic]]


def layer_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    """Tell why a cell cannot be imported exactly.

    Args:
        path: Path of the layer in the model.
        layer: Of a class that is imported.
        shape: Shape of its input without the batch.
    """
    yield from _problems_of_cells()[type(layer)](path, layer, shape)


def population_nodes(population: Population) -> Nodes:
    """Give the nodes of a population that has no problems, and the edges among them."""
    name, path, cell = population.name, population.path, cast("Layer", population.layer)
    if not hasattr(cell, "recurrent_weights"):
        return {name: _neurons(cell, path, population.given)}, []
    inner, loop = f"{name}.input", f"{name}.recurrent"
    nodes = {
        inner: weights_node(
            cell.input_weights, None, delay=0, order=0, origin=f"{path}.input_weights"
        ),
        name: _neurons(cell, path, population.shape),
        loop: weights_node(
            cell.recurrent_weights, None, delay=1, order=1, origin=f"{path}.recurrent_weights"
        ),
    }
    return nodes, [(inner, name), (name, loop), (loop, name)]


def _neurons(layer: Layer, path: str, shape: Shape) -> nir.NIRNode:
    """Give a standard node, with all that it cannot say as metadata."""
    integration = INTEGRATIONS[type(layer).__name__]
    threshold = _each(layer.p.v_th, shape)
    zeros, ones = np.zeros_like(threshold), np.ones_like(threshold)
    notes = {
        "integration": str(integration),
        "reset": str(_reset_of(layer)),
        "decay": ones,
        "current_decay": zeros,
        "gain": ones.copy(),
        "leak": zeros.copy(),
        "threshold": threshold,
        "origin": path,
    }
    fields: dict[str, Any] = {
        "v_threshold": threshold.reshape(shape),
        "v_reset": zeros.reshape(shape).copy(),
        "metadata": {"snnc": notes},
    }
    if integration is Integration.DECAY:
        return nir.IF(r=np.full(shape, 1 / layer.dt), **fields)
    notes["decay"] = _each(layer.dt * layer.p.tau_mem_inv, shape)
    fields["r"] = ones.reshape(shape).copy()
    fields["v_leak"] = zeros.reshape(shape).copy()
    tau_mem = _time_constant(layer.p.tau_mem_inv, shape)
    if integration is Integration.EULER:
        return nir.LIF(tau=tau_mem, **fields)
    notes["current_decay"] = _each(layer.dt * layer.p.tau_syn_inv, shape)
    tau_syn = _time_constant(layer.p.tau_syn_inv, shape)
    return nir.CubaLIF(tau_mem=tau_mem, tau_syn=tau_syn, w_in=tau_syn / layer.dt, **fields)


def _time_constant(rate: Tensor | float, shape: Shape) -> np.ndarray[Any, np.dtype[np.float64]]:
    return 1 / _each(rate, shape).astype(np.float64).reshape(shape)


def _each(values: Tensor | float, shape: Shape) -> Reals:
    """Give one number for each neuron, rounded to float32 where norse rounds it.

    A Python number stays one until torch computes with it and a float32 tensor.
    """
    return per_neuron(_tensor(values), shape)


def _tensor(values: Tensor | float) -> Tensor:
    import torch

    return torch.as_tensor(values, dtype=torch.float32)


def _reset_of(layer: Layer) -> Reset:
    """Give what a spike does; only ``LIFBoxCell`` has a choice."""
    from norse.torch import reset_subtract

    method = getattr(layer.p, "reset_method", None)
    return Reset.SUBTRACT if method is reset_subtract else Reset.ZERO


def cells() -> frozenset[type]:
    """Give the classes of cells that are imported; one derived from them may compute anything."""
    return frozenset(_problems_of_cells())


def _problems_of_cells() -> dict[type, Problems]:
    from norse.torch import IAFCell, LIFBoxCell, LIFCell, LIFRecurrentCell

    return {
        LIFBoxCell: _box_problems,
        LIFCell: _cell_problems,
        LIFRecurrentCell: _recurrent_problems,
        IAFCell: _cell_problems,
    }


def _box_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    from norse.torch import reset_subtract, reset_value

    yield from _cell_problems(path, layer, shape)
    if layer.p.reset_method not in {reset_value, reset_subtract}:
        name = getattr(layer.p.reset_method, "__name__", type(layer.p.reset_method).__name__)
        limit = "reset_value or reset_subtract of norse"
        yield refusal(f"{path}.p.reset_method", name, limit, "use one of the two")


def _recurrent_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    yield from axis_problems(path, "LIFRecurrentCell", shape)
    for name in ("input_weights", "recurrent_weights"):
        yield from number_problems(f"{path}.{name}", getattr(layer, name))
    yield from _cell_problems(path, layer, (int(layer.hidden_size),))


def _cell_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    parameters = layer.p
    if parameters.method == "adjoint":
        remedy = "use another method, such as 'super'; it changes the gradient only"
        yield refusal(f"{path}.p.method", "'adjoint'", "a surrogate gradient of norse", remedy)
    bad = list(_field_problems(path, parameters, shape))
    yield from bad
    if not bad:
        yield from _value_problems(path, layer)


def _field_problems(path: str, parameters: Any, shape: Shape) -> Iterator[Diagnostic]:
    import torch

    for name in (*RATES, "v_leak", "v_th", "v_reset"):
        if not hasattr(parameters, name):
            continue
        values, node = getattr(parameters, name), f"{path}.p"
        if isinstance(values, torch.Tensor) and values.dtype != torch.float32:
            remedy = f"torch.as_tensor({name}, dtype=torch.float32)"
            yield refusal(f"{node}.{name}", str(values.dtype), "torch.float32", remedy)
        else:
            yield from parameter_problems(node, name, _tensor(values), shape)


def _value_problems(path: str, layer: Layer) -> Iterator[Diagnostic]:
    parameters = layer.p
    for name, limit in (
        ("v_leak", "0: norse starts v at v_leak, snnc at 0"),
        ("v_reset", "0: snnc resets v to 0, or subtracts the threshold"),
    ):
        values = _tensor(getattr(parameters, name, 0.0))
        other = values[values != 0]
        if len(other) > 0:
            remedy = f"train with {name} = 0: shift all potentials and the threshold by it"
            yield refusal(f"{path}.p.{name}", f"{float(other[0]):g}", limit, remedy)
    yield from threshold_problems(f"{path}.p.v_th", _tensor(parameters.v_th))
    if not (isfinite(layer.dt) and layer.dt > 0):
        yield unusable(f"{path}.dt", f"{layer.dt:g}", "a length in seconds above 0")
        return
    for name in (n for n in RATES if hasattr(parameters, n)):
        part = _tensor(layer.dt * getattr(parameters, name))
        outside = part[(part <= 0) | (part > 1)]
        if len(outside) > 0:
            found = f"dt * {name} = {float(outside[0]):g}"
            yield unusable(f"{path}.p.{name}", found, "above 0, to 1")
