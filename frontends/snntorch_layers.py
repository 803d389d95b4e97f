"""Layers of a snnTorch model as NIR nodes, or why a layer cannot be one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.network import Reals, Reset
from snnc.frontends.torch_layers import (
    TORCH_LAYERS,
    Layer,
    Nodes,
    Problems,
    is_passed_through,
    linear_problems,
    parameter_problems,
    per_neuron,
    refusal,
    threshold_problems,
    unknown_layer,
    weights_node,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SUPPORTED = f"{TORCH_LAYERS}, snn.Leaky, snn.RLeaky, snn.Synaptic, snn.RSynaptic"
"""What ``from_snntorch`` imports, for messages."""
NO_LEAK_STEPS = 2.0**30
"""Time constant of ``beta = 1``, in steps: ``float32(1 - 2**-30)`` is 1."""
PARAMETERS = ("alpha", "beta", "threshold")
"""What a neuron has one value of, or one for each; ``alpha`` where there is a current."""

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
}
"""Class, ``reset_mechanism``, ``reset_delay`` (snntorch 1.0.0, ``_neurons/leaky.py:186-250``,
``rleaky.py:329-432``, ``synaptic.py:216-303``, ``rsynaptic.py:324-460``). Without delay ``v``
never starts a step above a positive threshold after a reset to zero, so the delayed part of that
reset never acts."""
UPDATES = {"subtract": "_base_sub", "zero": "_base_zero", "none": "_base_int"}
"""The method that computes the state under each ``reset_mechanism``."""


def is_neuron(layer: Module) -> bool:
    """Tell whether ``layer`` is a neuron of snnTorch, supported or not."""
    import snntorch

    return isinstance(layer, snntorch.SpikingNeuron)


def layer_problems(path: str, layer: Module, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
    """Tell why ``layer`` cannot be imported exactly.

    Args:
        path: Path of the layer in the model.
        layer: Exactly of a supported class: a subclass may compute anything.
        shape: Shape of its input without the batch axis.
    """
    import snntorch
    from torch import nn

    known: dict[type, Problems] = {
        nn.Linear: linear_problems,
        snntorch.Leaky: _neuron_problems,
        snntorch.RLeaky: _recurrent_problems,
        snntorch.Synaptic: _neuron_problems,
        snntorch.RSynaptic: _recurrent_problems,
    }
    if type(layer) in known:
        yield from known[type(layer)](path, layer, shape)
    elif not is_passed_through(layer):
        yield unknown_layer(path, layer, SUPPORTED)


def layer_nodes(path: str, name: str, layer: Module, shape: tuple[int, ...], dt: float) -> Nodes:
    """Give the nodes of a layer that has no problems, and the edges among them.

    Args:
        path: Path of the layer in the model, kept as ``origin``.
        name: Name of its node.
        layer: ``nn.Linear`` or one of the neurons of ``SUPPORTED``.
        shape: Shape of its input without the batch axis.
        dt: Length of a step in seconds.
    """
    if not is_neuron(layer):
        return {name: _weights(layer, path, delay=0, order=0)}, []
    node = _neurons(layer, path, shape, dt)
    if not hasattr(layer, "recurrent"):
        return {name: node}, []
    inner = f"{name}.recurrent"
    weights = _recurrent_weights(layer, f"{path}.recurrent", shape)
    return {name: node, inner: weights}, [(name, inner), (inner, name)]


def _weights(linear: Layer, path: str, *, delay: int, order: int) -> nir.NIRNode:
    return weights_node(linear.weight, linear.bias, delay=delay, order=order, origin=path)


def _recurrent_weights(layer: Layer, path: str, shape: tuple[int, ...]) -> nir.NIRNode:
    """Give ``nn.Linear`` as it is, and the elementwise ``V`` as a diagonal matrix."""
    if hasattr(layer.recurrent, "weight"):
        return _weights(layer.recurrent, path, delay=1, order=1)
    notes = {"snnc": {"delay": 1, "order": 1, "origin": path}}
    return nir.Linear(weight=np.diag(per_neuron(layer.recurrent.V, shape)), metadata=notes)


def _neurons(layer: Layer, path: str, shape: tuple[int, ...], dt: float) -> nir.LIF | nir.CubaLIF:
    """Give a standard node, with all that it cannot say as metadata.

    ``tau = dt / (1 - beta)`` and ``r = tau / dt``, so ``r dt / tau`` is 1, as snnTorch's own
    exporter has it (snntorch 1.0.0, ``export_nir.py``); in float64, so that
    ``float32(1 - dt / tau)`` is ``beta`` again. The same of ``tau_syn``, ``w_in`` and ``alpha``.
    """
    beta = per_neuron(layer.beta.clamp(0, 1), shape)
    threshold = per_neuron(layer.threshold, shape)
    notes = {
        "integration": "decay",
        "reset": str(reset_of(layer)),
        "decay": beta,
        "gain": np.ones_like(beta),
        "leak": np.zeros_like(beta),
        "threshold": threshold,
        "origin": path,
    }
    steps = _time_constant(beta).reshape(shape)
    fields = {
        "r": steps,
        "v_leak": np.zeros(shape, np.float32),
        "v_threshold": threshold.reshape(shape),
        "v_reset": np.zeros(shape, np.float32),
    }
    if not hasattr(layer, "alpha"):
        return nir.LIF(tau=dt * steps, **fields, metadata={"snnc": notes})
    alpha = per_neuron(layer.alpha.clamp(0, 1), shape)
    of_current = _time_constant(alpha).reshape(shape)
    notes |= {"integration": "current-decay", "current_decay": alpha}
    return nir.CubaLIF(
        tau_mem=dt * steps,
        tau_syn=dt * of_current,
        w_in=of_current,
        **fields,
        metadata={"snnc": notes},
    )


def _time_constant(factor: Reals) -> npt.NDArray[np.float64]:
    """Give the time constant, in steps, of what is multiplied by ``factor`` in each."""
    return 1 / np.maximum(1 - factor.astype(np.float64), 1 / NO_LEAK_STEPS)


def reset_of(layer: Layer) -> Reset:
    """Give what a spike of ``layer`` does to its membrane potential."""
    return RESETS[type(layer).__name__, _mechanism(layer), bool(layer.reset_delay)]


def _mechanism(layer: Layer) -> str:
    return tuple(UPDATES)[int(layer.reset_mechanism_val)]


def _neuron_problems(path: str, layer: Layer, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
    exact = "docs/frontends.md lists the options that are exact"
    if layer.inhibition:
        yield refusal(path, "inhibition=True", exact, "train without inhibition")
    if layer.state_quant:
        yield refusal(path, "state_quant is set", exact, "train without state_quant")
    if bool((layer.graded_spikes_factor != 1).any()):
        factor = float(layer.graded_spikes_factor.flatten()[0])
        remedy = "fold the factor into the weights after it"
        yield refusal(path, f"graded_spikes_factor = {factor:g}", "spikes of size 1", remedy)
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


def _recurrent_problems(path: str, layer: Layer, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
    from torch import nn

    yield from _neuron_problems(path, layer, shape)
    if (type(layer).__name__, _mechanism(layer), bool(layer.reset_delay)) not in RESETS:
        limit = "reset_delay=True: snntorch 1.0 applies the other to states that it then discards"
        yield refusal(path, "reset_delay=False", limit, "train with reset_delay=True")
    recurrent = layer.recurrent
    if type(recurrent) is nn.Linear:
        yield from linear_problems(f"{path}.recurrent", recurrent, shape)
    elif hasattr(recurrent, "V"):
        yield from parameter_problems(path, "V", layer.recurrent.V, shape)
    else:
        limit = "nn.Linear (linear_features=n) or elementwise V (all_to_all=False)"
        remedy = "use one of the two"
        yield refusal(f"{path}.recurrent", type(recurrent).__name__, limit, remedy)


def _spikes_above_zero(layer: Layer) -> bool:
    """Try the spike function on both sides of 0, and at it."""
    import torch

    probe = torch.tensor([[-1.0, -1e-30, 0.0, 1e-30, 1.0]], device=layer.threshold.device)
    wanted = (probe > 0).float()
    return bool(torch.equal(cast("Tensor", layer.spike_grad(probe)), wanted))
