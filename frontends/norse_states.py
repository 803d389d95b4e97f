"""How norse's cells take and return their states."""
# norse has no types:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.norse_layers import SUPPORTED, cells, layer_problems
from snnc.frontends.torch_arguments import Convention
from snnc.frontends.torch_framework import Framework, Given, Left, Signals

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

LOOKED_INTO = {("norse.torch.module.sequential", "SequentialState")}
"""Classes of norse that only call their children, one after the other."""
RUNS_THE_STEPS = "use {}Cell with the same parameters; snnc runs the steps"


class Norse(Framework):
    """The cells of norse 1.1.

    A cell keeps nothing: it takes a state, or None for the first, and returns the next (norse
    1.1.0, ``module/snn.py:83-88``).
    """

    supported = SUPPORTED
    ways_out: ClassVar[Mapping[str, str]] = {
        name: RUNS_THE_STEPS.format(name) for name in ("LIF", "LIFRecurrent", "IAF")
    }
    spike_state = "z"
    hand_on = "return the cells' states unchanged: forward(x, state=None) -> spikes, state"
    conventions = (Convention.BEHIND_OUTPUT,)
    read_out_state = "v"
    read_out_remedy = "return the spikes, the first of what the cell returns"

    def is_layer(self, layer: Module) -> bool:
        """Tell whether ``layer`` is a cell, or anything else of norse but a container."""
        from norse.torch.module.snn import SNN, SNNCell, SNNRecurrent, SNNRecurrentCell

        kind = type(layer)
        if (kind.__module__, kind.__name__) in LOOKED_INTO:
            return False
        own = kind.__module__.startswith("norse.")
        return own or isinstance(layer, SNN | SNNCell | SNNRecurrent | SNNRecurrentCell)

    def is_supported(self, layer: Module) -> bool:
        """Tell whether ``layer`` is exactly of a class that is imported."""
        return type(layer) in cells()

    def problems(self, path: str, layer: Module, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
        """Tell why neurons cannot be imported exactly."""
        yield from layer_problems(path, layer, shape)

    def runs_all_steps(self, layer: Module) -> bool:
        """No cell does."""
        del layer
        return False

    def given(self, layer: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """Give input and states."""
        arguments = inspect.signature(layer.forward).bind(*args, **kwargs).arguments
        x, state = next(iter(arguments.values())), arguments.get("state")
        return Given(cast("Tensor", x), {} if state is None else state._asdict())

    def left(self, layer: Module, output: Any) -> Left:
        """Give the spikes, and the states that the caller is to hand on."""
        del layer
        spikes, state = output
        return Left(spikes, state._asdict())

    def signals(self, layer: Module, given: Given, output: Any) -> Signals:
        """Give spikes, ``v`` and ``i``."""
        del layer, given
        spikes, state = output
        return Signals(spikes, state.v, getattr(state, "i", None))

    def is_first(self, layer: Module, name: str, state: Tensor) -> bool:
        """Tell whether a state is zero, as without leak and reset to other potentials."""
        del layer, name
        return not bool(state.any())

    def sends_ones(self, layer: Module) -> bool:
        """Every spike is 1."""
        del layer
        return True

    def can_read_out(self, layer: Module) -> bool:
        """No spiking cell can: there is none without a reset."""
        del layer
        return False

    def reset(self, layer: Module) -> None:
        """A cell keeps nothing."""
        del layer
