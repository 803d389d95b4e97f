"""The form of a description of hardware; ``docs/hardware.md`` tells it to users."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from snnc.compiler.fixed import MAX_DELAY, MAX_WEIGHT_BITS, FixedReset
from snnc.compiler.mapping.encodings import width_for
from snnc.compiler.mapping.hardware import (
    Certainty,
    Coefficient,
    Encoding,
    Hardware,
    Layout,
    Limit,
    Mesh,
)

MOST = 2**31 - 1
"""Largest whole number: what is counted are products of two of them, in 64 bits."""
MOST_PLACES = 2**20
"""Cores of a chip: placement holds every one of them in memory."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Many = Annotated[int, Field(ge=1, le=MOST)]
Some = Annotated[int, Field(ge=0, le=MOST)]
Width = Annotated[int, Field(ge=0, le=32)]
Cost = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

EVENTS = (
    "axon.out",
    "barrier",
    "hop.chip",
    "hop.x",
    "hop.y",
    "neuron.access",
    "neuron.update",
    "spike",
    "synapse.dense",
    "synapse.shared",
    "synapse.sparse",
)
"""What costs can be given for."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Sourced(_Strict):
    source: Text
    certainty: Annotated[Certainty, Field(strict=False)]


class SomeOf(_Sourced):
    """A limit of 0 or more."""

    value: Some

    def record(self) -> Limit:
        """Give it as the compiler's record."""
        return Limit(self.value, self.source, self.certainty)


class ManyOf(SomeOf):
    """A limit of 1 or more."""

    value: Many


class Delays(SomeOf):
    """The longest delay of a synapse, in steps."""

    value: Annotated[int, Field(ge=1, le=MAX_DELAY)]


class Chips(ManyOf):
    """How many chips there are, and how they stand."""

    columns: Many


class Compartments(_Sourced):
    """Compartments of a neuron."""

    value: Many


class Widths(_Sourced):
    """Bits of weights, ascending."""

    value: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MAX_WEIGHT_BITS)], ...],
        Field(min_length=1, strict=False),
    ]

    @field_validator("value")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return ascending(value)


Ladder = Annotated[tuple[Width, ...], Field(strict=False)]


class EncodingForm(_Sourced):
    """One way to keep synapses."""

    name: Text
    layout: Annotated[Layout, Field(strict=False)]
    word_bits: Many
    entry_synapses: Many | None
    header_bits: Some
    index_bits: Ladder
    skip_bits: Ladder
    delay_bits: Annotated[tuple[Width, ...], Field(strict=False, min_length=1)]
    align: Annotated[str, Field(pattern="^(axon|entry)$")]
    spare_bits: Some

    @field_validator("index_bits", "skip_bits", "delay_bits")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return ascending(value)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.layout is Layout.RUN_LENGTH and not self.skip_bits:
            raise ValueError("skip_bits of a run-length encoding|one width or more")
        if self.layout is Layout.SPARSE and not self.index_bits:
            raise ValueError("index_bits of a sparse encoding|one width or more")
        return self

    def record(self) -> Encoding:
        """Give it as the compiler's record."""
        fields = self.model_dump(exclude={"source", "certainty"})
        return Encoding(**fields)


class MeshForm(_Sourced):
    """A grid of routers."""

    columns: Many
    rows: Many
    cores_per_router: Many

    @model_validator(mode="after")
    def _held(self) -> Self:
        cores = self.columns * self.rows * self.cores_per_router
        if cores > MOST_PLACES:
            raise ValueError(f"{cores:,} cores of a chip|{MOST_PLACES:,}")
        return self

    def record(self) -> Mesh:
        """Give it as the compiler's record."""
        return Mesh(self.columns, self.rows, self.cores_per_router)


class CostForm(_Sourced):
    """What one event costs, in J and s."""

    joules: Cost | None
    seconds: Cost | None

    def record(self) -> Coefficient:
        """Give it as the compiler's record."""
        return Coefficient(self.joules, self.seconds, self.source, self.certainty)


class Description(_Strict):
    """A whole description; every key has to be there, and ``null`` says that there is no limit."""

    name: Text
    family: Text
    summary: Text
    neurons: ManyOf
    synapse_memory: ManyOf
    words_per_axon: ManyOf | None
    input_axons: ManyOf | None
    output_axons: ManyOf | None
    parameter_sets: ManyOf | None
    thresholds: ManyOf | None
    synapse_formats: ManyOf | None
    populations: ManyOf | None
    fan_in: ManyOf | None
    fan_out: ManyOf | None
    destinations: ManyOf | None
    max_delay: Delays
    weight_bits: Widths
    spike_bits: SomeOf
    resets: Annotated[
        dict[Annotated[FixedReset, Field(strict=False)], Compartments], Field(min_length=1)
    ]
    encodings: Annotated[tuple[EncodingForm, ...], Field(strict=False, min_length=1)]
    mesh: MeshForm
    chips: Chips
    costs: dict[str, CostForm]

    @field_validator("encodings")
    @classmethod
    def _usable(cls, value: tuple[EncodingForm, ...]) -> tuple[EncodingForm, ...]:
        names = [e.name for e in value]
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)}|a name of its own for each encoding")
        return value

    @field_validator("costs")
    @classmethod
    def _known(cls, value: dict[str, CostForm]) -> dict[str, CostForm]:
        unknown = sorted(set(value) - set(EVENTS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}|{', '.join(EVENTS)}")
        return value

    @model_validator(mode="after")
    def _reaches(self) -> Self:
        """Hold that any synapses of a core can be stored."""
        last, delay = self.neurons.value - 1, self.max_delay.value
        reach = [
            e
            for e in self.encodings
            if e.layout is not Layout.SHARED
            and (not e.index_bits or width_for(e.index_bits, last) is not None)
        ]
        if not reach:
            raise ValueError(f"no encoding for neuron {last}|one that is not shared and reaches it")
        if all(width_for(e.delay_bits, delay - 1) is None for e in reach):
            raise ValueError(
                f"no delay_bits for {delay} steps, max_delay|an encoding that has them"
            )
        return self

    def record(self) -> Hardware:
        """Give it as the compiler's record."""
        limits: dict[str, Any] = {
            name: None if limit is None else limit.record()
            for name in _LIMITS
            for limit in [getattr(self, name)]
        }
        return Hardware(
            name=self.name,
            family=self.family,
            summary=self.summary,
            **limits,
            weight_bits=self.weight_bits.value,
            resets={reset: c.value for reset, c in self.resets.items()},
            encodings=tuple(e.record() for e in self.encodings),
            mesh=self.mesh.record(),
            chip_columns=self.chips.columns,
            costs={event: c.record() for event, c in self.costs.items()},
        )


_LIMITS = (
    "neurons",
    "synapse_memory",
    "words_per_axon",
    "input_axons",
    "output_axons",
    "parameter_sets",
    "thresholds",
    "synapse_formats",
    "populations",
    "fan_in",
    "fan_out",
    "destinations",
    "max_delay",
    "spike_bits",
    "chips",
)


def ascending(value: tuple[int, ...]) -> tuple[int, ...]:
    """Give ``value`` back.

    Raises:
        ValueError: It does not ascend.
    """
    if any(b <= a for a, b in pairwise(value)):
        raise ValueError(f"{list(value)}|widths that ascend")
    return value
