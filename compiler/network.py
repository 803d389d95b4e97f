"""Stage 1, ``Network``: real numbers in discrete time, with nothing left to guess.

NIR states neither the step, nor the integrator, nor the order of update, nor how a spike resets.
A ``Network`` states all four for every population, in float32 and in the order of operations of
the framework that trained it, so that executing it gives that framework's spikes bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import prod

from snnc.compiler.frozen import Frozen
from snnc.compiler.operators import Operator, Reals


class Integration(StrEnum):
    """How the membrane potential ``v`` takes up the input current ``I`` in one step."""

    DECAY = "decay"
    """``v = decay * v + gain * I_1 + gain * I_2 + ...``, in the order of projections (snnTorch)."""
    EULER = "euler"
    """``v = v + decay * ((gain * I_1 + gain * I_2 + ... + leak) - v)`` (norse, NIR's equation)."""
    LEAK_EULER = "leak-euler"
    """``v = v + decay * ((leak - v) + (gain * I_1 + gain * I_2 + ...))``.

    ``EULER`` rounded in another order (norse ``LIBoxCell``, 1.1.0
    ``functional/leaky_integrator_box.py:li_box_feed_forward_step``).
    """
    CURRENT_DECAY = "current-decay"
    """``i = current_decay * i + gain * I_1 + ...``, then ``v = decay * v + i``.

    A synaptic current ``i`` with a memory of its own (snnTorch ``Synaptic`` and ``RSynaptic``).
    """
    CURRENT_EULER = "current-euler"
    """``i = i + gain * I_1 + ...``, ``v = v + decay * ((leak - v) + i)``, then ``i`` decays.

    ``i = i - current_decay * i`` comes last: ``v`` takes up the input of the step in full (norse
    ``LIFCell``, 1.1.0 ``functional/lif.py:lif_feed_forward_step``; ``CubaLIF`` of NIR).
    """

    @property
    def is_euler(self) -> bool:
        """Whether ``decay`` is ``dt / tau``, which scales the input too, and not a factor."""
        return self in {Integration.EULER, Integration.LEAK_EULER, Integration.CURRENT_EULER}

    @property
    def has_current(self) -> bool:
        """Whether input enters a synaptic current, and not ``v`` itself."""
        return self in {Integration.CURRENT_DECAY, Integration.CURRENT_EULER}


class Reset(StrEnum):
    """What a spike does to ``v``.

    ``s`` is the spike of the step, ``r = v > threshold`` as the step begins, ``theta`` the
    threshold.
    """

    NONE = "none"
    """Nothing."""
    VALUE = "value"
    """``v = reset_value`` in the step of the spike (norse with ``v_reset``, NIR)."""
    ZERO = "zero"
    """``v = 0`` in the step of the spike (norse; snnTorch zero without delay)."""
    ZERO_DELAYED = "zero-delayed"
    """``v = 0`` before the next integration, whose input counts (snnTorch ``Leaky`` zero).

    The same spikes as ``ZERO``; only the ``v`` that is seen in between differs.
    """
    ZERO_NEXT = "zero-next"
    """``v = 0`` after the next integration, whose input is lost (snnTorch ``RLeaky`` zero)."""
    SUBTRACT = "subtract"
    """``v -= theta`` in the step of the spike."""
    SUBTRACT_DELAYED = "subtract-delayed"
    """``v -= r * theta`` within the next integration (snnTorch's default)."""
    SUBTRACT_RETEST = "subtract-retest"
    """``v -= r * theta``, spike test, ``v -= (s - r) * theta`` (snnTorch ``reset_delay=False``).

    Differs from ``SUBTRACT`` only where ``v`` is still above threshold after the subtraction.
    """


@dataclass(frozen=True)
class Input:
    """A place where the user's data enters.

    Attributes:
        name: Unique among inputs and populations.
        shape: Shape of one sample at one step.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values a step."""
        return prod(self.shape)


@dataclass(frozen=True)
class Output:
    """A place where data leave: the spikes of a population, or the potential of a read-out.

    Attributes:
        name: Unique among outputs.
        source: Name of the population.
    """

    name: str
    source: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Population(Frozen):
    """Neurons of one kind; every array has shape ``[n]``, ``n`` the product of ``shape``.

    Attributes:
        name: Unique among inputs and populations.
        origin: The modules of the user's model that it came from.
        shape: Shape of the population.
        integration: How input is taken up.
        decay: ``DECAY``, ``CURRENT_DECAY``: factor of ``v`` a step, 0 to 1. ``EULER``,
            ``LEAK_EULER``, ``CURRENT_EULER``: ``dt / tau``, above 0, to 1.
        current_decay: ``CURRENT_DECAY``: factor of ``i`` a step, 0 to 1. ``CURRENT_EULER``:
            ``dt / tau`` of the current, 0 to 1. Else 0.
        gain: Factor of the input current; 1 where the framework has none.
        leak: ``EULER``, ``LEAK_EULER``, ``CURRENT_EULER``: potential that ``v`` decays to; else 0.
        initial: ``v`` before the first step.
        threshold: A neuron spikes where ``v > threshold``.
        inclusive: At the threshold itself, too: ``v >= threshold`` (sinabs, SpikingJelly,
            Rockpool, lava-dl).
        reset: What a spike does to ``v``.
        reset_value: What ``VALUE`` sets ``v`` to; else 0.
        spike: What a spike sends on: 1, or snnTorch's ``graded_spikes_factor``.
        refractory: Steps after a spike in which ``v`` is held and no spike is possible, while a
            synaptic current goes on (norse ``LIFRefracCell``).
        spiking: False for a read-out, which has no threshold and whose ``v`` is the output.
    """

    name: str
    origin: tuple[str, ...]
    shape: tuple[int, ...]
    integration: Integration
    decay: Reals
    current_decay: Reals
    gain: Reals
    leak: Reals
    initial: Reals
    threshold: Reals
    inclusive: bool
    reset: Reset
    reset_value: Reals
    spike: Reals
    refractory: int
    spiking: bool

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class Junction:
    """The sum of what arrives, sent on within the step: no neuron, and no state.

    Attributes:
        name: Unique among inputs, junctions and populations.
        origin: The modules of the user's model that it came from.
        shape: Shape of the sum.
    """

    name: str
    origin: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What ``source`` sends, through ``operators``, into ``target``.

    Attributes:
        name: Unique among projections.
        origin: The modules of the user's model that it came from.
        source: Name of an input, a junction or a population.
        target: Name of a junction or a population.
        operators: Applied one after the other; none where values arrive as they are sent. Before
            the first value arrives they take zeros, so a bias is there from the first step on.
        delay: Steps from a spike to its effect; 0 is the same step.
    """

    name: str
    origin: tuple[str, ...]
    source: str
    target: str
    operators: tuple[Operator, ...]
    delay: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Inputs, populations, projections and outputs.

    Attributes:
        inputs: Where data enters.
        junctions: In an order of evaluation among themselves.
        populations: In an order of evaluation: a projection of delay 0 goes only forward, be it
            through junctions.
        projections: The currents of a population or junction are summed in this order.
        outputs: Where data leave.
        dt: Length of one step in seconds.
        choices: What had to be chosen because the model does not say it, for the user to read.
    """

    inputs: tuple[Input, ...]
    junctions: tuple[Junction, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    outputs: tuple[Output, ...]
    dt: float
    choices: tuple[str, ...] = ()

    def incoming(self, name: str) -> Iterator[Projection]:
        """Give the projections into a population or junction, in the order of summation."""
        return (p for p in self.projections if p.target == name)

    def population(self, name: str) -> Population:
        """Give the population of that name.

        Raises:
            KeyError: There is none.
        """
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(name)

    @property
    def class_weights(self) -> Reals | None:
        """What a spike of the first output counts for, its size; None of a read-out."""
        decides = self.population(self.outputs[0].source)
        return decides.spike if decides.spiking else None

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input, junction and population by name."""
        nodes: tuple[Input | Junction | Population, ...] = (
            *self.inputs,
            *self.junctions,
            *self.populations,
        )
        return {node.name: node.shape for node in nodes}
