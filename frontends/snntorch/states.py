"""How snnTorch's neurons take, keep and return their states."""
# snntorch has no types:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.snntorch.layers import layer_problems
from snnc.frontends.torch.arguments import Convention
from snnc.frontends.torch.framework import Framework, Given, Left, Signals, tensors_of
from snnc.frontends.torch.layers import TORCH_LAYERS

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SUPPORTED = f"{TORCH_LAYERS}, snn.Leaky, snn.RLeaky, snn.Synaptic, snn.RSynaptic, snn.Lapicque"
"""What ``from_snntorch`` imports, for messages."""
STATES = ("spk", "syn", "mem")
"""Names of the states, as arguments of a neuron's ``forward`` and as its attributes."""


class SnnTorch(Framework):
    """The neurons of snnTorch 1.0.

    A state is kept in the layer (``self.mem``), and an argument replaces it; one whose shape is not
    that of the input is replaced by zeros (snntorch 1.0.0, ``_neurons/leaky.py:184-205``).
    """

    supported = SUPPORTED
    ways_out: ClassVar[Mapping[str, str]] = {
        "Alpha": "use snn.Synaptic: the two currents of Alpha drive a membrane without a memory",
        "SLSTM": "use a spiking neuron without gates",
        "SConv2dLSTM": "use a spiking neuron without gates",
        "LeakyParallel": "use snn.Leaky, which computes one step after the other",
        "StateLeaky": "use snn.Leaky, which computes one step after the other",
        "LinearLeaky": "use nn.Linear and snn.Leaky",
    }
    spike_state = "spk"
    hand_on = "hand every state on unchanged, and reset states before the first step, if at all"
    conventions = (Convention.BY_USE, Convention.LAST)
    read_out_state = "mem"
    read_out_remedy = "return the spikes too, or make the layer with reset_mechanism='none'"

    def is_layer(self, layer: Module) -> bool:
        """Tell whether ``layer`` is a neuron, or anything else of snnTorch."""
        import snntorch

        own = type(layer).__module__.startswith("snntorch.")
        return own or isinstance(layer, snntorch.SpikingNeuron)

    def is_supported(self, layer: Module) -> bool:
        """Tell whether ``layer`` is exactly of a class that is imported."""
        import snntorch as snn

        return type(layer) in {snn.Leaky, snn.RLeaky, snn.Synaptic, snn.RSynaptic, snn.Lapicque}

    def problems(self, path: str, layer: Module, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
        """Tell why neurons cannot be imported exactly."""
        yield from layer_problems(path, layer, shape)

    def runs_all_steps(self, layer: Module) -> bool:
        """No neuron does."""
        del layer
        return False

    def given(self, layer: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """Give input and states."""
        arguments = inspect.signature(layer.forward).bind(*args, **kwargs).arguments
        x = cast("Tensor", next(iter(arguments.values())))
        states: dict[str, Tensor | None] = {}
        for name in (name for name in STATES if hasattr(layer, name)):
            given = arguments.get(name)
            states[name] = cast("Tensor", getattr(layer, name) if given is None else given)
        others = {n for n, state in states.items() if state is None or state.shape != x.shape}
        return Given(x, states, frozenset(others))

    def left(self, layer: Module, output: Any) -> Left:
        """Give the spikes, and the states that the layer keeps."""
        states = {name: getattr(layer, name) for name in STATES if hasattr(layer, name)}
        return Left(next(tensors_of(output)), states)

    def signals(self, layer: Module, given: Given, output: Any) -> Signals:
        """Give spikes, ``mem`` and ``syn``."""
        del given
        neuron = cast("Any", layer)
        return Signals(next(tensors_of(output)), neuron.mem, getattr(neuron, "syn", None))

    def is_first(self, layer: Module, name: str, state: Tensor) -> bool:
        """Tell whether a state is zero."""
        del layer, name
        return not bool(state.any())

    def sends_ones(self, layer: Module) -> bool:
        """Tell whether the size of its spikes is 1."""
        import torch

        return bool((torch.as_tensor(cast("Any", layer).graded_spikes_factor) == 1).all())

    def can_read_out(self, layer: Module) -> bool:
        """Tell whether spikes reset nothing, and go nowhere within the layer."""
        return int(cast("Any", layer).reset_mechanism_val) == 2 and not hasattr(layer, "recurrent")

    def reset(self, layer: Module) -> None:
        """Set every state to zero."""
        if hasattr(layer, "reset_mem"):
            cast("Any", layer).reset_mem()
