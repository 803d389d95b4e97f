"""What the frontends have to know of the neurons of a framework, and of modules of any package."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch.arguments import Convention

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Path = tuple[object, ...]
"""Where a tensor lies in nested tuples, lists and dicts: places and keys, from the outside in."""
PACKAGES = ("torch", "snntorch", "norse")
"""Packages whose classes are layers, and whose lines of code are none of the user's."""


@dataclass(frozen=True)
class Given:
    """What a neuron layer is called with.

    Attributes:
        x: Its input.
        states: Every state that it goes on from, by name; None where it starts from its first.
        ignored: Names of states that are given and not used: it starts from its first as well.
    """

    x: Tensor
    states: Mapping[str, Tensor | None]
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Left:
    """What a call of a neuron layer gave.

    Attributes:
        spikes: Of one step, or of all steps along the first axis.
        states: What the layer, or its caller, holds for the next step, by name.
        sends: Name of the state that a read-out gives in place of spikes.
    """

    spikes: Tensor
    states: Mapping[str, Tensor]
    sends: str | None = None


@dataclass(frozen=True)
class Signals:
    """What neurons did in one step; of layers that run all steps, in all along the first axis.

    Attributes:
        spikes: Not 0 where there is one.
        v: Membrane potential.
        u: Synaptic current, where it has a memory.
    """

    spikes: Tensor
    v: Tensor
    u: Tensor | None = None


class Framework(Protocol):
    """The neurons of a framework, as the recorder sees them.

    Attributes:
        supported: The layers that are imported, for messages.
        ways_out: What to do instead of layers that are not, by the name of their class.
        spike_state: Name of the state that holds the spikes of the step before, where there is one.
        hand_on: How states go from one step to the next, for messages.
        conventions: How models hand states on, the most usual first.
        read_out_state: Name of the membrane potential among the states.
        read_out_remedy: What makes neurons read-outs, for messages.
    """

    supported: ClassVar[str]
    ways_out: ClassVar[Mapping[str, str]]
    spike_state: ClassVar[str | None]
    hand_on: ClassVar[str]
    conventions: ClassVar[tuple[Convention, ...]]
    read_out_state: ClassVar[str]
    read_out_remedy: ClassVar[str]

    def is_layer(self, layer: Module) -> bool:
        """Tell whether ``layer`` is called as a whole; else its ``forward`` is looked into."""
        ...

    def is_supported(self, layer: Module) -> bool:
        """Tell whether a layer that is called as a whole is of a class that is imported."""
        ...

    def problems(self, path: str, layer: Module, shape: tuple[int, ...]) -> Iterator[Diagnostic]:
        """Tell why a layer cannot be imported exactly.

        Args:
            path: Path of the layer in the model.
            layer: Of a class that is imported.
            shape: Shape of its input without the batch.
        """
        ...

    def runs_all_steps(self, layer: Module) -> bool:
        """Tell whether one call of ``layer`` runs all steps, along the first axis."""
        ...

    def given(self, layer: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """Give what ``layer`` is called with."""
        ...

    def left(self, layer: Module, output: Any) -> Left:
        """Give what a call of ``layer`` gave."""
        ...

    def signals(self, layer: Module, given: Given, output: Any) -> Signals:
        """Give what the neurons of ``layer`` did in a call."""
        ...

    def is_first(self, layer: Module, name: str, state: Tensor) -> bool:
        """Tell whether ``state`` is what ``layer`` starts from."""
        ...

    def sends_ones(self, layer: Module) -> bool:
        """Tell whether a spike of ``layer`` is 1."""
        ...

    def can_read_out(self, layer: Module) -> bool:
        """Tell whether spikes change nothing in ``layer``: then its potential can be an output."""
        ...

    def counters(self, layer: Module, given: Given, spikes: Tensor) -> dict[str, Tensor]:
        """Give the states that nothing but spikes changes, after a step.

        Args:
            layer: Neurons.
            given: What they were called with.
            spikes: 1 where there was one in the step, else 0.
        """
        del layer, given, spikes
        return {}

    def reset(self, layer: Module) -> None:
        """Set what ``layer`` holds itself to what it starts from."""
        ...


def located(value: object, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """Give the tensors in nested tuples, lists and dicts, and where they lie, in their order."""
    import torch

    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            yield from located(item, (*path, key))
    elif isinstance(value, tuple | list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from located(item, (*path, place))


def tensors_of(value: object) -> Iterator[Tensor]:
    """Give the tensors in nested tuples, lists and dicts, from left to right."""
    return (tensor for _, tensor in located(value))


def is_packaged(module: Module) -> bool:
    """Tell whether a package defines what ``module`` computes, and not only holds others."""
    kind = type(module)
    held = kind.__module__.endswith("modules.container")
    return kind.__module__.partition(".")[0] in PACKAGES and not held


def layer_name(module: Module) -> str:
    """Give the class of a layer and the package that defines it."""
    return f"{type(module).__module__.partition('.')[0]}: {type(module).__name__}"
