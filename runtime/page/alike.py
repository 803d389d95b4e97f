"""How alike the populations are in the two executions of a link, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.runtime.findings import Link
from snnc.runtime.page.table import NONE, UNIT, Cell, Table, made, real, share, whole, words


def differences_table(link: Link) -> Table | None:
    """Give how many values of each signal differ; None where nothing was compared."""
    if not link.differences:
        return None
    return made(
        "Values that differ",
        ("population", words("signal"), "values", "differ", "share"),
        (
            (
                d.population,
                d.signal,
                whole(d.values),
                Cell(whole(d.differing), d.differing > 0),
                share(d.differing / d.values if d.values else None),
            )
            for d in link.differences
        ),
    )


def measure_tables(link: Link) -> Iterator[Table]:
    """Give the measures of each population: spikes, their times, their rates and states."""
    if link.layers:
        yield _spikes(link)
        yield _times(link)
        yield _rates(link)


def _spikes(link: Link) -> Table:
    return made(
        "Spikes",
        (
            "population",
            "neurons",
            f"spikes, {link.reference}",
            f"spikes, {link.other}",
            "samples alike",
            "only in one",
            "spike-count error",
            "rate error",
        ),
        (
            (
                m.population,
                whole(m.neurons),
                whole(m.spikes_reference),
                whole(m.spikes_other),
                f"{whole(m.same)} of {whole(m.samples)}" if m.samples else NONE,
                Cell(whole(m.hamming), m.hamming > 0),
                share(m.count_error),
                share(m.rate_error, sign="+"),
            )
            for m in link.layers
        ),
    )


def _times(link: Link) -> Table:
    trains = max(m.trains for m in link.layers)
    of = f", distances of at most {whole(trains)} trains each" if trains else ""
    return made(
        f"Times of spikes{of}",
        (
            "population",
            "precision",
            "recall",
            "coincidence",
            "van Rossum",
            "Victor-Purpura",
            "SPIKE-distance",
            "trains",
        ),
        (
            (
                m.population,
                share(m.precision),
                share(m.recall),
                real(m.coincidence),
                real(m.van_rossum),
                real(m.victor_purpura),
                real(m.spike_distance),
                whole(m.trains) if m.trains else NONE,
            )
            for m in link.layers
        ),
    )


def _rates(link: Link) -> Table:
    return made(
        f"Rates and potentials; of neurons first {link.reference}, then {link.other}",
        (
            "population",
            "cosine of rates",
            "cosine of spikes",
            "earth mover's distance",
            "never spike",
            "always spike",
            "SQNR of v",
        ),
        (
            (
                m.population,
                real(m.rate_cosine, 5),
                real(m.spike_cosine, 5),
                real(m.emd_rates),
                _both(m.dead_reference, m.dead_other),
                _both(m.saturated_reference, m.saturated_other),
                NONE if m.sqnr_db is None else f"{m.sqnr_db:.1f}{UNIT}dB",
            )
            for m in link.layers
        ),
    )


def _both(reference: int, other: int) -> Cell:
    return Cell(f"{whole(reference)}, {whole(other)}", reference != other)
