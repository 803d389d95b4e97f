"""What a report tells of how alike two executions are."""

from __future__ import annotations

from enum import StrEnum

from snnc.runtime.record import Record


class Claim(StrEnum):
    """What samples say of the claim that accuracy falls by no more than is allowed."""

    SHOWN = "shown"
    """With 95 % confidence it does not: the upper bound of the drop is within what is allowed."""
    REFUTED = "refuted"
    """With 95 % confidence it does: the lower bound of the drop is beyond it."""
    OPEN = "open"
    """Neither can be said from these samples."""


class LayerMeasures(Record):
    """How alike one population is in two executions.

    Attributes:
        population: Its name.
        neurons: How many.
        samples: How many.
        values: Spikes that there could be: steps x samples x neurons; 0 of a read-out.
        same: Samples in which every spike is the same.
        hamming: Spikes that only one of the two has.
        spikes_reference: Spikes of the reference.
        spikes_other: Spikes of the other.
        count_error: ``sum |n_i - m_i| / sum n_i`` over neurons and samples; None without spikes.
        rate_error: ``(sum m - sum n) / sum n``; None without spikes.
        precision: Share of the other's spikes that the reference has in the same step.
        recall: Share of the reference's spikes that the other has in the same step.
        coincidence: Coincidence factor, 1 for the same trains, about 0 for independent ones.
        van_rossum: Mean distance of a train.
        victor_purpura: Mean distance of a train.
        spike_distance: Mean SPIKE-distance of a train.
        emd_rates: Earth mover's distance of the two distributions of rates, in spikes a step.
        rate_cosine: Cosine of the rates of all neurons.
        spike_cosine: Cosine of the spikes, as vectors.
        dead_reference: Neurons that never spike.
        dead_other: The same of the other.
        saturated_reference: Neurons that spike in every step.
        saturated_other: The same of the other.
        sqnr_db: Power of the reference's potential over that of the difference, in dB; None where
            it was not measured or nothing differs.
        trains: Spike trains of which the three distances were computed.
    """

    population: str
    neurons: int
    samples: int = 0
    values: int = 0
    same: int = 0
    hamming: int = 0
    spikes_reference: int = 0
    spikes_other: int = 0
    count_error: float | None = None
    rate_error: float | None = None
    precision: float | None = None
    recall: float | None = None
    coincidence: float | None = None
    van_rossum: float | None = None
    victor_purpura: float | None = None
    spike_distance: float | None = None
    emd_rates: float | None = None
    rate_cosine: float | None = None
    spike_cosine: float | None = None
    dead_reference: int = 0
    dead_other: int = 0
    saturated_reference: int = 0
    saturated_other: int = 0
    sqnr_db: float | None = None
    trains: int = 0


class Confusion(Record):
    """Samples of one class for the reference and of another for the other.

    Attributes:
        reference: Class that the reference gives.
        other: Class that the other gives.
        samples: How many.
    """

    reference: int
    other: int
    samples: int


class Interval(Record):
    """A share, and between what it lies with 95 % confidence (Clopper and Pearson 1934).

    Attributes:
        share: 0 to 1.
        low: Lower end.
        high: Upper end.
    """

    share: float
    low: float
    high: float
