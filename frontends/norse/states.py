"""How norse's cells take and return their states."""
# norse has no types:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.norse.kinds import (
    INTEGRATIONS,
    READ_OUTS,
    SUPPORTED,
    WAYS_OUT,
    is_layer,
    kind_of,
    runs_all_steps,
)
from snnc.frontends.norse.layers import layer_problems
from snnc.frontends.norse.parameters import initial_of
from snnc.frontends.torch.arguments import Convention
from snnc.frontends.torch.framework import Framework, Given, Left, Signals

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class GivenTuple(Given):
    """What a cell is called with.

    Attributes:
        state: Its state as norse has it, a named tuple, or None.
    """

    state: Any = None


class Norse(Framework):
    """The cells of norse 1.1.

    A cell keeps nothing: it takes a state, or None for the first, and returns the next (norse
    1.1.0, ``module/snn.py:83-88``).
    """

    supported = SUPPORTED
    ways_out = WAYS_OUT
    spike_state = "z"
    hand_on = "hand every state on unchanged, from None on, as norse's SequentialState does"
    conventions = (Convention.BEHIND_OUTPUT, Convention.LAST)
    read_out_state = "v"
    read_out_remedy = "return the spikes, the first of what the cell returns"

    def is_layer(self, layer: Module) -> bool:
        """Tell whether ``layer`` is a cell, or anything else of norse but a container."""
        return is_layer(layer)

    def is_supported(self, layer: Module) -> bool:
        """Tell whether ``layer`` is exactly of a class that is imported."""
        return kind_of(layer) is not None

    def problems(self, path: str, layer: Module, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
        """Tell why a cell cannot be imported exactly."""
        yield from layer_problems(path, layer, shape)

    def runs_all_steps(self, layer: Module) -> bool:
        """Tell whether one call of ``layer`` runs all steps, along the first axis."""
        return runs_all_steps(layer)

    def given(self, layer: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> GivenTuple:
        """Give input and states."""
        arguments = inspect.signature(layer.forward).bind(*args, **kwargs).arguments
        x, state = next(iter(arguments.values())), arguments.get("state")
        states = dict.fromkeys(_names(layer)) if state is None else _flat(state)
        return GivenTuple(cast("Tensor", x), states, state=state)

    def left(self, layer: Module, output: Any) -> Left:
        """Give what is sent, and the states that the caller is to hand on."""
        sent, state = output
        states = {} if getattr(layer, "record_states", False) else _flat(state)
        return Left(sent, states, sends="v" if self.can_read_out(layer) else None)

    def signals(self, layer: Module, given: Given, output: Any) -> Signals:
        """Give spikes, ``v`` and ``i``; a layer that returns its last state only, runs again."""
        sent, state = output
        if runs_all_steps(layer):
            state = _all_states(layer, given.x, cast("GivenTuple", given).state)
        states, shape = _flat(state), sent.shape
        current = states.get("i")
        return Signals(
            sent, states["v"].expand(shape), None if current is None else current.expand(shape)
        )

    def is_first(self, layer: Module, name: str, state: Tensor) -> bool:
        """Tell whether a state is what norse starts from where it is given none."""
        return bool((state == (initial_of(layer) if name == "v" else 0)).all())

    def sends_ones(self, layer: Module) -> bool:
        """Tell whether ``layer`` spikes."""
        return not self.can_read_out(layer)

    def can_read_out(self, layer: Module) -> bool:
        """Tell whether ``layer`` is a leaky integrator, which never spikes."""
        return kind_of(layer) in READ_OUTS

    def counters(self, layer: Module, given: Given, spikes: Tensor) -> dict[str, Tensor]:
        """Give the refractory counter (norse 1.1.0, ``functional/lif_refrac.py:93-101``)."""
        import torch

        cell = cast("Any", layer)
        if not hasattr(cell.p, "rho_reset"):
            return {}
        before = given.states.get("rho")
        left = torch.zeros_like(spikes) if before is None else (before - 1).clamp(min=0)
        return {"rho": torch.where(spikes > 0, cell.p.rho_reset.to(left), left).detach()}

    def reset(self, layer: Module) -> None:
        """A cell keeps nothing."""
        del layer


def _names(layer: Any) -> tuple[str, ...]:
    """Give the names of the states of a cell."""
    names: tuple[str, ...] = ("z",) if hasattr(layer, "recurrent_weights") else ()
    names += ("v", "i") if INTEGRATIONS[type(layer).__name__].has_current else ("v",)
    return (*names, "rho") if hasattr(layer.p, "rho_reset") else names


def _flat(state: Any) -> dict[str, Tensor]:
    """Give the tensors of a state by name: those of a refractory cell lie one level down."""
    fields: dict[str, Any] = state._asdict()
    return {**fields.pop("lif")._asdict(), **fields} if "lif" in fields else fields


def _all_states(layer: Any, x: Tensor, state: Any) -> Any:
    """Give the states of all steps, along the first axis.

    norse gathers them where a layer has been told to (1.1.0, ``module/snn.py:253-262``).
    """
    before, layer.record_states = layer.record_states, True
    try:
        return cast("Any", type(layer)).forward(layer, x, state)[1]
    finally:
        layer.record_states = before
