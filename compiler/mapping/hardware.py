"""What cores, chips and meshes of one kind of hardware hold, each number with its source.

Descriptions are YAML files (``targets/hardware/``, or a user's own); these are the records that
the reader makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snnc.compiler.fixed import FixedReset


class Certainty(StrEnum):
    """How sure a number is."""

    PUBLISHED = "published"
    """Read in a paper, a manual or the source of a tool."""
    DERIVED = "derived"
    """Arithmetic on published figures."""
    RECALLED = "recalled"
    """From memory or from a third party: to be checked before money is spent."""
    CHOSEN = "chosen"
    """Not of the hardware: what the author of the description decided."""


@dataclass(frozen=True)
class Limit:
    """Largest value, both ends included.

    Attributes:
        value: 0 or more.
        source: Where the number comes from.
        certainty: How sure it is.
    """

    value: int
    source: str
    certainty: Certainty


@dataclass(frozen=True)
class Coefficient:
    """What one event costs.

    Attributes:
        joules: Energy of one, in J; None where unknown.
        seconds: Time of one, in s; None where unknown.
        source: Where the numbers come from.
        certainty: How sure they are.
    """

    joules: float | None
    seconds: float | None
    source: str
    certainty: Certainty


class Layout(StrEnum):
    """How the synapses of an axon lie in memory (``encodings.py`` holds the arithmetic)."""

    DENSE = "dense"
    """A run of neurons, zeros in between stored."""
    SPARSE = "sparse"
    """An index with each weight."""
    RUN_LENGTH = "run-length"
    """A skip with each weight."""
    SHARED = "shared"
    """A kernel of a convolution, once for the axons of all pixels of a group that it serves."""


@dataclass(frozen=True)
class Encoding:
    """One way to keep synapses, and what it costs; see ``encodings.py``.

    Attributes:
        name: Unique in a description.
        layout: Its kind.
        word_bits: Bits of a word of synapse memory.
        entry_synapses: Most synapses of one entry; None where an axon is one entry.
        header_bits: Of an entry.
        index_bits: Of a synapse, those that may be chosen, ascending; empty where there is none.
        skip_bits: Of a synapse of a run-length entry, those that may be chosen, ascending; 0 where
            only the next neuron can follow.
        delay_bits: Of a synapse, those that may be chosen, ascending: 0 where all take one step.
        align: ``axon``: an axon's entries are packed and fill whole words; ``entry``: each does.
        spare_bits: Free bits that an axon needs behind its last entry (one more word otherwise).
    """

    name: str
    layout: Layout
    word_bits: int
    entry_synapses: int | None
    header_bits: int
    index_bits: tuple[int, ...]
    skip_bits: tuple[int, ...]
    delay_bits: tuple[int, ...]
    align: str
    spare_bits: int


@dataclass(frozen=True)
class Mesh:
    """A grid of routers, each with some cores; messages go along x, then along y.

    Attributes:
        columns: Routers in x.
        rows: Routers in y.
        cores_per_router: Cores that share one router.
    """

    columns: int
    rows: int
    cores_per_router: int


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One kind of hardware.

    A limit that is None does not exist there.

    Attributes:
        name: Of the description.
        family: ``loihi``, ``spinnaker``, ...: of use to the reader alone.
        summary: A line on what it is and whose limits these are.
        neurons: Neurons (compartments) of a core.
        synapse_memory: Words of synapse memory of a core.
        words_per_axon: Words of one input axon.
        input_axons: Of a core.
        output_axons: Of a core.
        parameter_sets: Distinct (du, dv, reset, refractory, spiking) of a core.
        thresholds: Distinct thresholds of a core.
        synapse_formats: Distinct (weight bits, exponent, signs, encoding) of a core.
        populations: Parts of populations on a core.
        fan_in: Synapses into a neuron.
        fan_out: Synapses of one neuron.
        destinations: Cores that one neuron sends to.
        max_delay: Steps of a projection.
        weight_bits: Widths that there are, ascending, sign included.
        spike_bits: Bits of a graded spike; 0 where spikes are 0 or 1.
        resets: Compartments of a neuron by its kind of reset; a kind that is not there cannot be
            done.
        encodings: How synapses may be kept.
        mesh: Of a chip.
        chip_columns: Chips side by side in x.
        chips: Chips of the largest system.
        costs: By event: ``synapse.dense``, ``synapse.sparse``, ``synapse.shared``,
            ``neuron.access``, ``neuron.update``, ``spike``, ``axon.out``, ``hop.x``, ``hop.y``,
            ``hop.chip``, ``barrier``.
    """

    name: str
    family: str
    summary: str
    neurons: Limit
    synapse_memory: Limit
    words_per_axon: Limit | None
    input_axons: Limit | None
    output_axons: Limit | None
    parameter_sets: Limit | None
    thresholds: Limit | None
    synapse_formats: Limit | None
    populations: Limit | None
    fan_in: Limit | None
    fan_out: Limit | None
    destinations: Limit | None
    max_delay: Limit
    weight_bits: tuple[int, ...]
    spike_bits: Limit
    resets: dict[FixedReset, int]
    encodings: tuple[Encoding, ...]
    mesh: Mesh
    chip_columns: int
    chips: Limit
    costs: dict[str, Coefficient]

    @property
    def cores_per_chip(self) -> int:
        """Cores of a chip."""
        return self.mesh.columns * self.mesh.rows * self.mesh.cores_per_router

    @property
    def cores(self) -> int:
        """Cores of the largest system."""
        return self.cores_per_chip * self.chips.value
