"""What a verification found: records of links, of executions and of data."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from snnc.runtime.compare import Difference, Divergence
from snnc.runtime.divergence.explanation import Explanation, LocalError
from snnc.runtime.measures.records import Claim, Confusion, Interval, LayerMeasures
from snnc.runtime.record import Record
from snnc.targets.float.replay import Mismatch

FORMAT = 2
"""Version of ``report.json``; raised when an older reader could not read it."""


class Verdict(StrEnum):
    """What the verification says in all."""

    EQUIVALENT = "equivalent"
    """Every link that was judged keeps its promise, and every link asked for was run."""
    NOT_EQUIVALENT = "not equivalent"
    """A link breaks its promise."""
    INCOMPLETE = "incomplete"
    """No promise is broken, but a link asked for could not be run, or none could be judged."""


class Status(StrEnum):
    """What became of one link."""

    HELD = "held"
    BROKEN = "broken"
    MEASURED = "measured"
    """Run and measured; there was no promise to judge it by."""
    NOT_RUN = "not run"


class Statistics(Record):
    """Two executions as classifiers of the same samples.

    Attributes:
        n: Samples.
        accuracy_reference: Share of right answers, 0 to 1.
        accuracy_other: Share of right answers, 0 to 1.
        only_reference: Samples that only the reference gets right.
        only_other: Samples that only the other gets right.
        drop_points: Accuracy lost, in points of percent.
        drop_bound_points: Upper end of its one-sided 95 % interval (Tango 1998).
        mcnemar_p: Two-sided p of the exact McNemar test.
        interval_reference: Of the reference's accuracy.
        interval_other: Of the other's.
        claim: Whether it is shown that accuracy falls by at most ``max_drop`` points.
        enough: Whether so many samples decide that, or should, where the true drop is none.
        needed: Samples that should; None where no number does.
    """

    n: int
    accuracy_reference: float
    accuracy_other: float
    only_reference: int
    only_other: int
    drop_points: float
    drop_bound_points: float
    mcnemar_p: float
    interval_reference: Interval | None = None
    interval_other: Interval | None = None
    claim: Claim | None = None
    enough: bool | None = None
    needed: int | None = None


class Disagreement(Record):
    """Where in time the spikes of a population differ.

    Attributes:
        population: Its name.
        width: Steps of a cell; the last may have fewer.
        shares: Share of the values of each cell that differ, 0 to 1.
    """

    population: str
    width: int
    shares: tuple[float, ...]


class Link(Record):
    """One step of the chain from the trained network to the target.

    Attributes:
        reference: The execution that is right.
        other: The execution that is compared with it.
        promise: What must hold, in words.
        status: Whether it does.
        reason: Why it has this status.
        asked: Whether the verdict needs it.
        signals: What was compared: of ``spikes``, ``u`` and ``v``; or ``classes``.
        values: Values compared in all.
        differing: Values that differ.
        differences: The same for each population and signal.
        uncompared: ``population.signal`` that only one of the two recorded.
        first_divergence: Where the two part.
        count_error: ``sum |n_i - m_i| / sum n_i`` over spike counts; None where none spikes.
        agreement: Share of samples for which both give the same class.
        statistics: Where labels were given.
        ties: The first hundred spikes that the order of a float32 sum decides.
        n_ties: How many there are.
        layers: How alike each population is.
        disagreement: Where in time each population differs; empty where nothing does.
        confusion: Classes of the samples that get another, most frequent first.
        local: What each population does wrong by itself, fed with what the reference sends.
        explanation: What made the first divergence.
    """

    reference: str
    other: str
    promise: str
    status: Status
    reason: str
    asked: bool = True
    signals: tuple[str, ...] = ()
    values: int = 0
    differing: int = 0
    differences: tuple[Difference, ...] = ()
    uncompared: tuple[str, ...] = ()
    first_divergence: Divergence | None = None
    count_error: float | None = None
    agreement: float | None = None
    statistics: Statistics | None = None
    ties: tuple[Mismatch, ...] = ()
    n_ties: int = 0
    layers: tuple[LayerMeasures, ...] = ()
    disagreement: tuple[Disagreement, ...] = ()
    confusion: tuple[Confusion, ...] = ()
    local: tuple[LocalError, ...] = ()
    explanation: Explanation | None = None

    @property
    def name(self) -> str:
        """``reference -> other``."""
        return f"{self.reference} -> {self.other}"

    @property
    def parts_at(self) -> Divergence | None:
        """Where the two part; of potentials that are off beyond rounding the explanation knows."""
        if self.first_divergence is None and self.explanation is not None:
            return self.explanation.divergence
        return self.first_divergence

    @property
    def told(self) -> tuple[str, ...]:
        """Where the two part, in what layer of the user's, and why, a line each."""
        lines = [] if self.parts_at is None else [f"first divergence: {self.parts_at}"]
        e = self.explanation
        if e is not None:
            named = e.layer not in {"", e.divergence.population}
            lines += [f"layer: {e.layer}"] if named else []
            lines.append(f"cause: {e.cause}: {e.because}")
        return tuple(lines)


class Execution(Record):
    """One run of the network.

    Attributes:
        name: ``framework`` or the name of a target.
        executor: Who ran it, such as ``snntorch``.
        accuracy: Share of right answers, where labels were given.
        correct: Number of right answers, where labels were given.
        accuracy_by_step: Accuracy after 1 step, 2 steps, ..., where labels were given.
        output_spikes: Spikes of all outputs that spike; None where all are read-outs.
        latency_steps: Steps by which the last population runs behind the input.
        seconds: Wall time, for the terminal; no part of ``report.json``, which is the same whenever
            and wherever it was made.
    """

    name: str
    executor: str
    accuracy: float | None
    correct: int | None
    accuracy_by_step: tuple[float, ...] = ()
    output_spikes: int | None
    latency_steps: int
    seconds: SkipJsonSchema[float | None] = Field(default=None, exclude=True)


class Data(Record):
    """An array that the user gave.

    Attributes:
        name: ``input NAME`` or ``labels``.
        shape: Of an input ``[steps, samples, ...]``.
        dtype: Of its values, by NumPy's name.
        sha256: Of its bytes in C order.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str


class Findings(Record):
    """What was compared, what came out, and how to repeat it.

    Attributes:
        format: Version of this record.
        snnc: Version of snnc.
        verdict: See ``Verdict``.
        headline: The verdict in a sentence or two.
        exit_code: What ``snnc verify`` ends with: 0 equivalent, 1 not equivalent, 3 incomplete,
            124 where a run was ended at its time limit.
        model: What was verified, as it was named.
        command: What repeats the verification.
        dt: Length of a step in seconds.
        max_drop: Accuracy in points of percent that the integers may lose.
        links: The chain, in order.
        first_divergence: Of the first link that breaks its promise.
        outputs: Names of the network's outputs; classes, and so accuracy, are those of the first.
        executions: Each run that was done.
        silent: No neuron of any output spiked in any of them, so that little was compared.
        choices: What had to be chosen because the model does not say it.
        warnings: What the compiler warned of.
        lags: Steps by which each population runs behind the input.
        populations: What quantization cost, population by population.
        relays: Neurons that pass spikes on where a delay is longer than the hardware's.
        divided: Sums that are divided over relay neurons, since no neuron has so many synapses.
        budget: How widths were found for a budget, and what they cost; None where there was none.
        mapping: What lies on which core; None where nothing was laid out over cores.
        problems: Diagnostics of the links that could not be run.
        data: The arrays that were used.
        program_sha256: SHA-256 of the manifest of the artifact under test.
        environment: Versions of what took part.
    """

    format: int = FORMAT
    snnc: str
    verdict: Verdict
    headline: str
    exit_code: int
    model: str
    command: str
    dt: float
    max_drop: float
    links: tuple[Link, ...]
    first_divergence: Divergence | None
    outputs: tuple[str, ...]
    executions: tuple[Execution, ...]
    silent: bool
    choices: tuple[str, ...]
    warnings: tuple[str, ...]
    lags: dict[str, int]
    populations: tuple[dict[str, Any], ...]
    relays: tuple[dict[str, Any], ...]
    divided: tuple[dict[str, Any], ...]
    budget: dict[str, Any] | None
    mapping: dict[str, Any] | None
    problems: tuple[str, ...]
    data: tuple[Data, ...]
    program_sha256: str
    environment: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether the verdict is ``equivalent``."""
        return self.verdict is Verdict.EQUIVALENT

    @property
    def first_broken(self) -> Link | None:
        """The first link that breaks its promise; its divergence is that of the report."""
        return next((link for link in self.links if link.status is Status.BROKEN), None)

    @property
    def accuracy_of(self) -> str:
        """``accuracy``, and of which output where there are several."""
        return "accuracy" if len(self.outputs) == 1 else f"accuracy of {self.outputs[0]}"

    @property
    def shown_steps(self) -> tuple[int, ...]:
        """1, 2, 4, ... and the last: the steps of which tables tell the accuracy so far."""
        last = max((len(e.accuracy_by_step) for e in self.executions), default=0)
        return (*(2**k for k in range((last - 1).bit_length())), last) if last else ()
