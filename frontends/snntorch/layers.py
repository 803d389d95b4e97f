"""Layers of a snnTorch model as NIR nodes, or why a layer cannot be one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Reset
from snnc.compiler.operators import Reals
from snnc.frontends.torch.layers import (
    Layer,
    Nodes,
    axis_problems,
    number_problems,
    parameter_problems,
    per_neuron,
    reals,
    refusal,
    threshold_problems,
    unusable,
    weights_node,
)
from snnc.frontends.torch.nodes import conv_node, scale_node
from snnc.frontends.torch.roll import Population

if TYPE_CHECKING:
    from torch import Tensor

NO_LEAK_STEPS = 2.0**30
"""Time constant of ``beta = 1``, in steps: ``float32(1 - 2**-30)`` is 1."""
PARAMETERS = ("alpha", "beta", "threshold", "graded_spikes_factor")
"""What a neuron has one value of, or one for each; ``alpha`` where there is a current."""
Shape = tuple[int, ...]

RESETS = {
    ("Leaky", "subtract", True): Reset.SUBTRACT_DELAYED,
    ("Leaky", "subtract", False): Reset.SUBTRACT_RETEST,
    ("Leaky", "zero", True): Reset.ZERO_DELAYED,
    ("Leaky", "zero", False): Reset.ZERO,
    ("Leaky", "none", True): Reset.NONE,
    ("Leaky", "none", False): Reset.NONE,
    ("RLeaky", "subtract", True): Reset.SUBTRACT_DELAYED,
    ("RLeaky", "subtract", False): Reset.SUBTRACT_RETEST,
    ("RLeaky", "zero", True): Reset.ZERO_NEXT,
    ("RLeaky", "zero", False): Reset.ZERO,
    ("RLeaky", "none", True): Reset.NONE,
    ("RLeaky", "none", False): Reset.NONE,
    ("Synaptic", "subtract", True): Reset.SUBTRACT_DELAYED,
    ("Synaptic", "subtract", False): Reset.SUBTRACT_RETEST,
    ("Synaptic", "zero", True): Reset.ZERO_NEXT,
    ("Synaptic", "zero", False): Reset.ZERO,
    ("Synaptic", "none", True): Reset.NONE,
    ("Synaptic", "none", False): Reset.NONE,
    ("RSynaptic", "subtract", True): Reset.SUBTRACT_DELAYED,
    ("RSynaptic", "zero", True): Reset.ZERO_NEXT,
    ("RSynaptic", "none", True): Reset.NONE,
    ("Lapicque", "subtract", True): Reset.SUBTRACT_DELAYED,
    ("Lapicque", "zero", True): Reset.ZERO_NEXT,
    ("Lapicque", "none", True): Reset.NONE,
}
"""Class, ``reset_mechanism``, ``reset_delay`` (snntorch 1.0.0, ``_neurons/leaky.py:186-250``,
``rleaky.py:329-432``, ``synaptic.py:216-303``, ``rsynaptic.py:324-460``,
``lapicque.py:170-230``). Without delay ``v``
never starts a step above a positive threshold after a reset to zero, so the delayed part of that
reset never acts."""
UPDATES = {"subtract": "_base_sub", "zero": "_base_zero", "none": "_base_int"}
"""The method that computes the state under each ``reset_mechanism``."""


def layer_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    """Tell why neurons cannot be imported exactly.

    Args:
        path: Path of the layer in the model.
        layer: Of a class that is imported.
        shape: Shape of its input without the batch.
    """
    yield from _neuron_problems(path, layer, shape)
    if type(layer).__name__ == "Lapicque":
        yield from _circuit_problems(path, layer, shape)
    if hasattr(layer, "recurrent"):
        yield from _recurrent_problems(path, layer, shape)


def population_nodes(population: Population, dt: float) -> Nodes:
    """Give the nodes of a population that has no problems, and the edges among them.

    Args:
        population: Of a layer that is imported.
        dt: Length of a step in seconds.
    """
    layer, name, path = cast("Layer", population.layer), population.name, population.path
    shape = population.given
    node = _neurons(layer, path, shape, dt, reads_out=population.reads_out)
    if type(layer).__name__ == "Lapicque":
        return _behind_factors(node, layer, name, path, shape)
    if not hasattr(layer, "recurrent"):
        return {name: node}, []
    inner = f"{name}.recurrent"
    weights = _recurrent_weights(layer, f"{path}.recurrent", shape)
    return {name: node, inner: weights}, [(name, inner), (inner, name)]


def _behind_factors(node: nir.NIRNode, layer: Layer, name: str, path: str, shape: Shape) -> Nodes:
    """Give what a current is multiplied with before it reaches the membrane.

    ``input_ * R * (1 / (R * C)) * time_step``, each product rounded (snntorch 1.0.0,
    ``lapicque.py:209-214``).
    """
    factors = [layer.R, 1 / (layer.R * layer.C), layer.time_step]
    arrays = [per_neuron(factor, shape) for factor in factors]
    nodes: dict[str, nir.NIRNode] = {}
    for i, array in enumerate(arrays):
        if (array != 1).any():
            notes = {"delay": 0, "order": 0, "origin": path}
            nodes[f"{name}.gain{i}"] = scale_node(array, notes)
    nodes[name] = node
    return nodes, list(pairwise(nodes))


def _recurrent_weights(layer: Layer, path: str, shape: Shape) -> nir.NIRNode:
    """Give ``nn.Linear`` and ``nn.Conv2d`` as they are, the elementwise ``V`` as a product."""
    from torch import nn

    notes: dict[str, Any] = {"delay": 1, "order": 1, "origin": path}
    recurrent = layer.recurrent
    if isinstance(recurrent, nn.Linear):
        return weights_node(recurrent.weight, recurrent.bias, **notes)
    if not isinstance(recurrent, nn.Conv2d):
        return scale_node(per_neuron(recurrent.V, shape), notes)
    padding = cast("tuple[int, int]", recurrent.padding)
    return conv_node(
        reals(recurrent.weight),
        None if recurrent.bias is None else reals(recurrent.bias),
        shape[1:],
        notes,
        stride=recurrent.stride,
        padding=((padding[0], padding[0]), (padding[1], padding[1])),
        dilation=recurrent.dilation,
        groups=recurrent.groups,
    )


def _neurons(layer: Layer, path: str, shape: Shape, dt: float, *, reads_out: bool) -> nir.NIRNode:
    """Give a standard node, with all that it cannot say as metadata.

    ``tau = dt / (1 - beta)`` and ``r = tau / dt``, so ``r dt / tau`` is 1, as snnTorch's own
    exporter has it (snntorch 1.0.0, ``export_nir.py``); in float64, so that
    ``float32(1 - dt / tau)`` is ``beta`` again. The same of ``tau_syn``, ``w_in`` and ``alpha``.
    """
    beta = _decay(layer, shape)
    threshold = per_neuron(layer.threshold, shape)
    notes = {
        "integration": "decay",
        "reset": str(reset_of(layer)),
        "decay": beta,
        "gain": np.ones_like(beta),
        "leak": np.zeros_like(beta),
        "threshold": threshold,
        "spike": per_neuron(layer.graded_spikes_factor, shape),
        "origin": path,
    }
    steps = _time_constant(beta)
    fields: dict[str, Any] = {
        "r": steps,
        "v_leak": np.zeros(shape, np.float32),
        "metadata": {"snnc": notes},
    }
    if not reads_out:
        fields["v_threshold"] = threshold.copy()
        fields["v_reset"] = np.zeros(shape, np.float32)
    if not hasattr(layer, "alpha"):
        return (nir.LI if reads_out else nir.LIF)(tau=dt * steps, **fields)
    alpha = per_neuron(layer.alpha.clamp(0, 1), shape)
    of_current = _time_constant(alpha)
    notes |= {"integration": "current-decay", "current_decay": alpha}
    return (nir.CubaLI if reads_out else nir.CubaLIF)(
        tau_mem=dt * steps, tau_syn=dt * of_current, w_in=of_current, **fields
    )


def _decay(layer: Layer, shape: Shape) -> Reals:
    """Give the factor of the membrane potential, as the layer computes it."""
    if type(layer).__name__ == "Lapicque":
        return per_neuron(1 - (layer.time_step / (layer.R * layer.C)), shape)
    return per_neuron(layer.beta.clamp(0, 1), shape)


def _time_constant(factor: Reals) -> npt.NDArray[np.float64]:
    """Give the time constant, in steps, of what is multiplied by ``factor`` in each."""
    return 1 / np.maximum(1 - factor.astype(np.float64), 1 / NO_LEAK_STEPS)


def reset_of(layer: Layer) -> Reset:
    """Give what a spike of ``layer`` does to its membrane potential."""
    return RESETS[_reset_key(layer)]


def _reset_key(layer: Layer) -> tuple[str, str, bool]:
    return type(layer).__name__, _mechanism(layer), bool(getattr(layer, "reset_delay", True))


def _mechanism(layer: Layer) -> str:
    return tuple(UPDATES)[int(layer.reset_mechanism_val)]


def _neuron_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    exact = "docs/frontends.md lists the options that are exact"
    if layer.inhibition:
        yield refusal(path, "inhibition=True", exact, "train without inhibition")
    if layer.state_quant:
        yield refusal(path, "state_quant is set", exact, "train without state_quant")
    factor = layer.graded_spikes_factor
    if bool((factor == 0).any()):
        yield unusable(f"{path}.graded_spikes_factor", "0", "anything but 0")
    if not _spikes_above_zero(layer):
        remedy = "use a surrogate of snntorch.surrogate"
        yield refusal(path, "spike_grad is not 1 where x > 0, else 0", exact, remedy)
    if layer.state_function != getattr(layer, UPDATES[_mechanism(layer)]):
        found = f"made with another reset_mechanism than it has now, {_mechanism(layer)!r}"
        remedy = f"make the layer with reset_mechanism={_mechanism(layer)!r} before loading weights"
        yield refusal(path, found, "snnTorch then mixes the two", remedy)
    for name in filter(partial(hasattr, layer), PARAMETERS):
        yield from parameter_problems(path, name, getattr(layer, name), shape)
    yield from threshold_problems(f"{path}.threshold", layer.threshold)


def _circuit_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    """Tell of a circuit whose step is longer than its time constant."""
    bad = [
        problem
        for name in ("R", "C", "time_step")
        for problem in parameter_problems(path, name, getattr(layer, name), shape)
    ]
    yield from bad
    if not bad:
        decay = _decay(layer, shape)
        outside = decay[(decay < 0) | (decay > 1)]
        if outside.size:
            found = f"1 - time_step / (R * C) = {float(outside[0]):g}"
            yield unusable(path, found, "0 to 1")


def _recurrent_problems(path: str, layer: Layer, shape: Shape) -> Iterator[Diagnostic]:
    from torch import nn

    if _reset_key(layer) not in RESETS:
        limit = "reset_delay=True: snntorch 1.0 applies the other to states that it then discards"
        yield refusal(path, "reset_delay=False", limit, "train with reset_delay=True")
    recurrent = layer.recurrent
    if type(recurrent) in {nn.Linear, nn.Conv2d}:
        if type(recurrent) is nn.Linear:
            yield from axis_problems(f"{path}.recurrent", "nn.Linear", shape)
        for name, values in recurrent.named_parameters():
            yield from number_problems(f"{path}.recurrent.{name}", values)
    elif hasattr(recurrent, "V"):
        yield from parameter_problems(path, "V", layer.recurrent.V, shape)
    else:
        limit = "nn.Linear, nn.Conv2d or elementwise V, as snnTorch makes them"
        remedy = "use one of the three"
        yield refusal(f"{path}.recurrent", type(recurrent).__name__, limit, remedy)


def _spikes_above_zero(layer: Layer) -> bool:
    """Try the spike function on both sides of 0, and at it."""
    import torch

    probe = torch.tensor([[-1.0, -1e-30, 0.0, 1e-30, 1.0]], device=layer.threshold.device)
    wanted = (probe > 0).float()
    return bool(torch.equal(cast("Tensor", layer.spike_grad(probe)), wanted))
