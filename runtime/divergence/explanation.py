"""What a report tells of a first divergence."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from snnc.runtime.compare import Divergence
from snnc.runtime.record import Record


class Cause(StrEnum):
    """Why two executions part."""

    LATENCY = "latency"
    """A whole population runs earlier or later by some steps."""
    WEIGHT_ROUNDING = "weight rounding"
    WEIGHT_CLIP = "weight clip"
    """A weight was limited to what its width holds."""
    BIAS_OR_THRESHOLD_ROUNDING = "bias or threshold rounding"
    DECAY_ROUNDING = "decay rounding"
    """A decay factor, or its product with a state, was rounded another way."""
    WRAP = "wrap"
    """A sum overflowed and came out at the other end of its range."""
    SATURATION = "saturation"
    """A sum was held at the end of its range."""
    INPUT_ROUNDING = "input rounding"
    """A real value of the input was rounded to an integer."""
    RESET = "reset mode or timing"
    DELAY = "delay"
    """A projection delivers earlier or later by some steps."""
    TIE = "tie at the threshold"
    """The potential is at the threshold, or within rounding of it."""
    FLOAT_ORDER = "float order"
    """The order of a float sum."""
    UNKNOWN = "unknown"
    """None of the hypotheses that were tried gives the other execution's values."""


class Operand(Record):
    """A synapse that took part in a sum.

    Attributes:
        source: Population or input that it comes from.
        neuron: Index there, one number for each of its axes.
        sent: What it sent: 1 for a spike, or its size.
        sent_other: What it sent in the other execution; None where it is the same.
        weight: Of the synapse, in the units of the reference (integers, exponent applied).
        weight_other: The same of the other execution, in these units; None where it is the same,
            or is not known.
        step: Step of the input in which it was sent.
    """

    source: str
    neuron: tuple[int, ...]
    sent: float
    sent_other: float | None
    weight: float
    weight_other: float | None = None
    step: int


class State(Record):
    """What one execution held of one neuron in one step.

    Attributes:
        a: Accumulator: what arrives at the synapses in this step; None where it was not recorded.
        u: Synaptic current; None where there is none.
        v: Membrane potential after the reset.
        u_before: The current of the step before.
        v_before: The potential of the step before.
        compared: What was held against the threshold: the potential before the reset.
        spike: What was sent.
    """

    a: float | None = None
    u: float | None = None
    v: float | None = None
    u_before: float | None = None
    v_before: float | None = None
    compared: float | None = None
    spike: float | None = None


class Candidate(Record):
    """A cause that was tried.

    Attributes:
        cause: Its class.
        what: What exactly was supposed, such as ``threshold 63 and not 64``.
        explains: Share of the difference that it explains, 0 to 1.
    """

    cause: Cause
    what: str
    explains: float


class Course(Record):
    """One signal of one neuron over some steps, in both executions.

    Attributes:
        population: Its name.
        neuron: Index, one number for each axis.
        signal: ``a``, ``u`` or ``v``.
        first_step: Step of the first value.
        reference: Its values.
        other: The other's.
        threshold: Where there is one, in the units of the values.
    """

    population: str
    neuron: tuple[int, ...]
    signal: str
    first_step: int
    reference: tuple[float, ...]
    other: tuple[float, ...]
    threshold: float | None = None


class Raster(Record):
    """Spikes of some neurons of a population over some steps, in both executions.

    Attributes:
        population: Its name.
        neurons: Index of each row, the diverging one among them.
        first_step: The first of the steps.
        steps: How many.
        reference: ``(step, row)`` of each spike: step of the input, index in ``neurons``.
        other: The same of the other execution.
    """

    population: str
    neurons: tuple[tuple[int, ...], ...]
    first_step: int
    steps: int
    reference: tuple[tuple[int, int], ...]
    other: tuple[tuple[int, int], ...]


class LocalError(Record):
    """What a population does wrong by itself: fed with what the reference sends, and so forced.

    Attributes:
        population: Its name.
        signal: ``spikes``, ``u`` or ``v``.
        values: Values compared.
        differing: Values that differ.
        samples: Samples on which it was measured.
        first: The first value that differs.
    """

    population: str
    signal: str
    values: int
    differing: int
    samples: int
    first: Divergence | None = None


class Explanation(Record):
    """A first divergence, and what made it.

    Attributes:
        reference: The execution that is right, as the link names it.
        other: The other.
        divergence: The value that differs first.
        layer: What the user calls the population: the name of the module, node or file.
        cause: The class.
        because: What shows it, in a sentence or two, with the numbers.
        candidates: What was tried, the best first.
        operands: Synapses over which something arrived, the strongest first.
        n_operands: How many there are.
        states: Of the reference and of the other.
        parameters: Of the neuron, by the names of its record: ``du``, ``dv``, ``vth``, ...
        threshold: What the potential is held against.
        threshold_other: The same of the other execution; None where it is the same, or not known.
        distance: Of the reference's potential from the threshold, in its units; None if unknown.
        courses: Signals of the neuron around the step.
        rasters: Of the population and those that feed it, around the step.
        local: What each population does wrong by itself; empty where it was not measured.
        remedy: What to do next.
    """

    reference: str
    other: str
    divergence: Divergence
    layer: str
    cause: Cause
    because: str
    candidates: tuple[Candidate, ...] = ()
    operands: tuple[Operand, ...] = ()
    n_operands: int = 0
    states: tuple[State, State] | None = None
    parameters: dict[str, float] = Field(default_factory=dict[str, float])
    threshold: float | None = None
    threshold_other: float | None = None
    distance: float | None = None
    courses: tuple[Course, ...] = ()
    rasters: tuple[Raster, ...] = ()
    local: tuple[LocalError, ...] = ()
    remedy: str = ""
