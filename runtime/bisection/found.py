"""What a bisection tells: a record that is its own JSON schema."""

from __future__ import annotations

from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.explanation import Candidate, LocalError
from snnc.runtime.record import Record

FORMAT = 1
"""Version of the record; raised when an older reader could not read it."""


class Cut(Record):
    """How far something was narrowed.

    Attributes:
        what: ``samples``, ``steps``, ``populations``, ``neurons``, ``synapses`` or ``values``,
            those that are sent and not 0.
        before: How many there are in the whole.
        after: How many the difference takes.
    """

    what: str
    before: int
    after: int


class Synapse(Record):
    """A synapse that the difference takes, or all from one element to one neuron.

    Attributes:
        projection: Its name.
        source: Population or input that it comes from.
        neuron: Index there, one number for each axis.
        target: Population that it goes to.
        weight: In the reference: the integer, before the exponent.
        weight_other: In the other.
        delay: Steps, as the model has it.
        delay_other: In the other.
        sent: ``(step, value)`` of what is sent and not 0.
    """

    projection: str
    source: str
    neuron: tuple[int, ...]
    target: str
    weight: int
    weight_other: int
    delay: int
    delay_other: int
    sent: tuple[tuple[int, int], ...]


class Held(Record):
    """A number that the two artifacts hold otherwise.

    Attributes:
        where: Population or projection, and which neuron or synapse of it.
        what: The number, such as ``threshold``.
        reference: In the reference.
        other: In the other.
    """

    where: str
    what: str
    reference: int | str
    other: int | str


class Otherwise(Record):
    """How many numbers of one kind differ in all between two artifacts.

    Attributes:
        where: Population or projection.
        what: The numbers, such as ``threshold``.
        numbers: How many there are.
        differing: How many differ.
    """

    where: str
    what: str
    numbers: int
    differing: int


class Unresolved(Record):
    """Tries that an execution could not run: whether they show the difference is not known.

    Attributes:
        stage: In which stage of the search.
        execution: Which of the two could not.
        tried: Tries of that stage.
        unresolved: How many of them it could not run.
        rule: Code of the first reason.
        found: What it says.
    """

    stage: str
    execution: str
    tried: int
    unresolved: int
    rule: str
    found: str


class Bisection(Record):
    """Two executions of a network, narrowed to the smallest part that differs.

    Attributes:
        format: Version of this record.
        snnc: Version of snnc.
        reference: The first execution.
        other: The second.
        samples: Samples that were compared.
        divergence: The first value that differs; None where none does, and nothing below is told.
        layer: What the user calls its population.
        one_artifact: Both execute the same integers.
        causes: What explains it, the best first: changes to the arithmetic or to numbers of the
            reference that give what the other execution gives.
        alone: The sample shows it when it is run by itself, up to that step.
        isolated: The population shows it by itself, fed with what the reference sends; None where
            an execution could not run it.
        narrowed: A part of the network shows it, which is told below.
        populations: Of the smallest part.
        neurons: Indices of its neurons in the population of the divergence.
        first_step: First step that the part takes.
        cuts: How far everything was narrowed.
        synapses: From the inputs of the part, those that send anything.
        held: Numbers of the part that the two artifacts hold otherwise.
        otherwise: Numbers that they hold otherwise in all.
        local: What each population does wrong by itself, in all steps of this sample.
        tried: Parts that were tried, and inputs of them.
        unresolved: Of these, what an execution could not run: not equal, and not different.
    """

    format: int = FORMAT
    snnc: str
    reference: str
    other: str
    samples: int
    divergence: Divergence | None = None
    layer: str = ""
    one_artifact: bool = False
    causes: tuple[Candidate, ...] = ()
    alone: bool = False
    isolated: bool | None = False
    narrowed: bool = False
    populations: tuple[str, ...] = ()
    neurons: tuple[tuple[int, ...], ...] = ()
    first_step: int = 0
    cuts: tuple[Cut, ...] = ()
    synapses: tuple[Synapse, ...] = ()
    held: tuple[Held, ...] = ()
    otherwise: tuple[Otherwise, ...] = ()
    local: tuple[LocalError, ...] = ()
    tried: int = 0
    unresolved: tuple[Unresolved, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return self.divergence is not None

    @property
    def exit_code(self) -> int:
        """0 where both give the same, 1 where they do not."""
        return int(self.differs)
