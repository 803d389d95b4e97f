"""Stage 2, ``FixedNetwork``: integers only, every delay explicit.

The arithmetic of these records is written down in ``docs/arithmetic.md``; whoever executes a
``FixedNetwork`` gives the same spikes, ``u`` and ``v`` to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedOperator

Ints = npt.NDArray[np.int32]

STATE_LIMIT = 2**23
"""``u`` and ``v`` are 24 bit wide (lava 0.10.0, ``lava/proc/lif/models.py:100``)."""
ALIGN_BITS = 6
"""Synaptic input and threshold are shifted by this (``lava/proc/lif/models.py:107-108``)."""
DECAY_BITS = 12
"""A decay is a fraction of ``2**12`` (``lava/proc/lif/models.py:71-214``)."""
MAX_DU = 2**DECAY_BITS - 1
"""Largest ``du``: no memory of ``u``, since one is added to it."""
MAX_DV = 2**DECAY_BITS
"""Largest ``dv``: no memory of ``v``."""
MAX_THRESHOLD = 2**17 - 1
"""Largest threshold mantissa, 17 bits (nengo-loihi, ``hardware/validate.py:54``)."""
MAX_BIAS_MANT = 2**12 - 1
"""Largest bias mantissa, 12 bits and sign (nengo-loihi, ``builder/discretize.py``)."""
MAX_BIAS_EXP = 7
"""Largest bias exponent, 3 bits (nengo-loihi, ``builder/discretize.py``)."""
MIN_WEIGHT_EXP, MAX_WEIGHT_EXP = -7, 7
"""Range of the weight exponent at 8 bits. Loihi has -8 to 7 (nengo-loihi, brian2_loihi) on weights
that are even in mixed sign mode; ours are halves of those, so exponent ``e`` is ``e - 1`` there.
Narrower weights lie at the upper end of its 8 bits: see ``exponent_limits``."""
MAX_WEIGHT_BITS = 8
"""Widest weight, sign included (nengo-loihi, ``block.py:428``)."""
MAX_DELAY = 63
"""Longest delay in steps that the hardware gives a projection: 6 bits, and the step that every
synapse takes (lava 0.10.0, ``DelayDense``: 0 to 62 beyond the first step)."""
LONGEST_DELAY = 100_000
"""Longest delay of all in steps: relays (``relays.py``) make it of shorter ones, and of an input
whoever sends it. What is on its way is kept step by step, so there is an end to it."""


class FixedReset(StrEnum):
    """What a spike does to ``v``: the integer forms of ``network.Reset``."""

    NONE = "none"
    ZERO = "zero"
    ZERO_NEXT = "zero-next"
    SUBTRACT = "subtract"
    SUBTRACT_DELAYED = "subtract-delayed"
    SUBTRACT_RETEST = "subtract-retest"


class SignMode(StrEnum):
    """Which signs the weights of a projection may have (lava 0.10.0, ``weightutils.SignMode``).

    A sign takes one bit of each weight, unless it is the same for all of them.
    """

    MIXED = "mixed"
    EXCITATORY = "excitatory"
    INHIBITORY = "inhibitory"

    @property
    def sign_bits(self) -> int:
        """Bits of each weight that the sign takes."""
        return 1 if self is SignMode.MIXED else 0


def sign_mode_of(weights: npt.NDArray[np.generic]) -> SignMode:
    """Give the mode of ``weights``, real or integer; excitatory where all are 0, as Lava does."""
    if weights.size == 0 or weights.min() >= 0:
        return SignMode.EXCITATORY
    return SignMode.INHIBITORY if weights.max() <= 0 else SignMode.MIXED


def largest_weight(bits: int, mode: SignMode) -> int:
    """Give the largest magnitude that weights of either sign can have: 0 of 1 bit and mixed signs.

    Lava's weights are ``2**(8 - bits + sign_bits)`` times ours (``weightutils.py:204-295``).
    """
    return int(2 ** (bits - mode.sign_bits) - 1)


def weight_limits(bits: int, mode: SignMode) -> tuple[int, int]:
    """Give the smallest and the largest weight: two's complement where signs are mixed."""
    largest = largest_weight(bits, mode)
    match mode:
        case SignMode.MIXED:
            return -largest - 1, largest
        case SignMode.EXCITATORY:
            return 0, largest
        case SignMode.INHIBITORY:
            return -largest, 0


def bits_needed(weights: npt.NDArray[np.integer], mode: SignMode) -> int:
    """Give the smallest width, 1 at least, that ``weights`` of this mode fit."""
    low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
    largest = max(high, -low - mode.sign_bits)
    return max(1, largest.bit_length() + mode.sign_bits)


def exponent_limits(bits: int) -> tuple[int, int]:
    """Give the range of the weight exponent.

    Loihi keeps narrow weights at the upper end of 8 bits (nengo-loihi, ``block.py``; lava 0.10.0,
    ``weightutils.py:270``), so each bit less is a factor of two, which the exponent here has too.
    """
    spare = MAX_WEIGHT_BITS - bits
    return MIN_WEIGHT_EXP + spare, MAX_WEIGHT_EXP + spare


@dataclass(frozen=True)
class FixedInput:
    """A place where integers enter.

    Attributes:
        name: Unique among inputs and populations.
        shape: Shape of one sample at one step.
        step: Real value of the integer 1; 1 for spikes.
        max_abs: Largest magnitude of an integer that may enter; 1 for spikes.
    """

    name: str
    shape: tuple[int, ...]
    step: float = 1.0
    max_abs: int = 1

    @property
    def size(self) -> int:
        """Number of values a step."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPopulation(Frozen):
    """Neurons of one kind; every array has shape ``[n]``.

    Attributes:
        name: Unique among inputs and populations.
        origin: The modules of the user's model that it came from.
        shape: Shape of the population.
        du: Decay of ``u``, 0 to 4095; the factor is ``(4096 - (du + 1)) / 4096``.
        dv: Decay of ``v``, 0 to 4096; the factor is ``(4096 - dv) / 4096``.
        threshold: Mantissa, 0 to 131071; a neuron spikes where ``v > threshold * 64``.
        bias_mant: -4095 to 4095.
        bias_exp: 0 to 7; ``bias_mant * 2**bias_exp`` is added to ``v`` in every step.
        initial: ``v`` before the first step, 24 bits.
        reset: What a spike does to ``v``.
        refractory: Steps after a spike in which ``v`` is held and no spike is possible.
        spiking: False for a read-out: no threshold, and what it sends is ``v``.
        lag: Hardware steps by which its time runs behind the input's: its step ``t`` is
            hardware step ``t + lag``. Before its first step a population is silent and at rest.
        scale: Units of ``v`` per unit of the real potential (float64).
        offset: Real potential where ``v`` is 0 (float64): real = ``v / scale + offset``.
    """

    name: str
    origin: tuple[str, ...]
    shape: tuple[int, ...]
    du: Ints
    dv: Ints
    threshold: Ints
    bias_mant: Ints
    bias_exp: Ints
    initial: Ints
    reset: FixedReset
    refractory: int
    spiking: bool
    lag: int
    scale: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class FixedProjection:
    """``a = y * 2**weight_exp``, rounded down, with ``y`` what the operators make of ``x``.

    Attributes:
        name: Unique among projections.
        origin: The modules of the user's model that it came from.
        source: Name of an input, a population or a group of axons.
        target: Name of a population.
        operators: Exactly one has weights; pooling may stand before and behind it.
        weight_bits: Width of a weight, 1 to 8, its sign included where signs are mixed.
        sign_mode: Which signs weights have.
        weight_exp: -7 to 7 at 8 bits, one more for each bit less; applied to the sum, not to each
            weight.
        delay: Hardware steps from a spike to its effect. 0 only before retiming, and above 63
            only from inputs once there are relays.
    """

    name: str
    origin: tuple[str, ...]
    source: str
    target: str
    operators: tuple[FixedOperator, ...]
    weight_bits: int
    sign_mode: SignMode
    weight_exp: int
    delay: int


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedAxons(Frozen):
    """Values of several sources side by side, in the same step: the input axons of a core.

    Attributes:
        name: Unique among inputs, populations and axons.
        shape: As the projections that start here see it.
        sources: Names of inputs and populations.
        member: For each axon the index of its source in ``sources``; shape ``[n]``.
        element: For each axon the element of that source; no element stands twice. Shape ``[n]``.
    """

    name: str
    shape: tuple[int, ...]
    sources: tuple[str, ...]
    member: Ints
    element: Ints

    @property
    def size(self) -> int:
        """Number of axons."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedNetwork:
    """Inputs, populations, projections and outputs, in integers.

    Attributes:
        inputs: Where integers enter.
        populations: In an order of evaluation: a projection of delay 0 goes only forward.
        projections: In no order that matters: integer sums have none.
        outputs: Where spikes leave.
        dt: Length of one step in seconds.
        axons: Where populations are cut over cores; else there are none.
    """

    inputs: tuple[FixedInput, ...]
    populations: tuple[FixedPopulation, ...]
    projections: tuple[FixedProjection, ...]
    outputs: tuple[Output, ...]
    dt: float
    axons: tuple[FixedAxons, ...] = ()

    def incoming(self, name: str) -> Iterator[FixedProjection]:
        """Give the projections into the population ``name``."""
        return iter(self._into.get(name, ()))

    @cached_property
    def _into(self) -> dict[str, list[FixedProjection]]:
        """The projections into each population, which there may be thousands of."""
        found: dict[str, list[FixedProjection]] = {}
        for projection in self.projections:
            found.setdefault(projection.target, []).append(projection)
        return found

    def population(self, name: str) -> FixedPopulation:
        """Give the population of that name.

        Raises:
            KeyError: There is none.
        """
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, FixedPopulation]:
        return {p.name: p for p in reversed(self.populations)}

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input, population and group of axons by name."""
        nodes: tuple[FixedInput | FixedPopulation | FixedAxons, ...]
        nodes = (*self.inputs, *self.populations, *self.axons)
        return {node.name: node.shape for node in nodes}

    @property
    def latency(self) -> int:
        """Hardware steps by which the last population runs behind the input."""
        return max((p.lag for p in self.populations), default=0)


def largest_sent(
    node: FixedInput | FixedPopulation | FixedAxons, inputs: Mapping[str, FixedInput]
) -> npt.NDArray[np.float64]:
    """Give the largest magnitude of what each element of ``node`` sends, of its shape.

    Args:
        node: An input; a population, which sends 0 and 1; or axons of these.
        inputs: Those of the network, by name.
    """
    levels: int | npt.NDArray[np.int64] = 1
    if isinstance(node, FixedInput):
        levels = node.max_abs
    elif isinstance(node, FixedAxons):
        of = np.array([inputs[name].max_abs if name in inputs else 1 for name in node.sources])
        levels = of[node.member].reshape(node.shape) if (of > 1).any() else 1
    return np.broadcast_to(np.asarray(levels, np.float64), node.shape)
