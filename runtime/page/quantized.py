"""What quantization cost, population by population, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from snnc.runtime.page.table import NONE, UNIT, Table, made, real, share, span, whole, words

Account = Mapping[str, Any]
"""A population of ``Report.populations``: ``PopulationAccount.as_json()``."""


def quantization_tables(populations: Sequence[Account], lags: Mapping[str, int]) -> Iterator[Table]:
    """Give what the integers are, what rounding them lost, and what that does on the data."""
    if not populations:
        return
    yield _integers(populations)
    yield _rounding(populations)
    yield _seen(populations, lags)


def _integers(populations: Sequence[Account]) -> Table:
    return made(
        "The integers",
        (
            "population",
            "neurons",
            "scale, counts a unit",
            "threshold, counts",
            "width, bits",
            "bits used",
            words("signs"),
            "exponent",
            "memory",
        ),
        (
            (
                p["name"],
                whole(p["neurons"]),
                span(p["scale_min"], p["scale_max"]),
                span(p["threshold_min"], p["threshold_max"], 9),
                str(p["width"]),
                str(p["weight_bits"]),
                ", ".join(map(str, p["sign_mode"])),
                ", ".join(map(str, p["weight_exp"])),
                f"{whole((p['memory_bits'] + 7) // 8)}{UNIT}B",
            )
            for p in populations
        ),
    )


def _rounding(populations: Sequence[Account]) -> Table:
    def decibel(value: float | None) -> str:
        return "exact" if value is None else f"{value:.1f}{UNIT}dB"

    def time_constant(value: float | None) -> str:
        return "infinite" if value is None else share(value)

    return made(
        "What rounding lost",
        (
            "population",
            "weights to zero",
            "weights clipped",
            "SQNR of weights",
            "time constant error",
            words("overflow"),
            "headroom",
        ),
        (
            (
                p["name"],
                whole(p["weights_rounded_to_zero"]),
                whole(p["weights_clipped"]),
                decibel(p["weight_sqnr_db"]),
                time_constant(p["time_constant_error"]),
                str(p["overflow"]),
                share(p["headroom"]),
            )
            for p in populations
        ),
    )


def _seen(populations: Sequence[Account], lags: Mapping[str, int]) -> Table:
    samples = next((p["observed"]["samples"] for p in populations if p["observed"]), 0)
    return made(
        f"What it does on the first {whole(samples)} samples" if samples else "Lags",
        (
            "population",
            "spikes, float",
            "rate error by itself",
            "error by itself",
            "rate error",
            "error",
            "lag, steps",
        ),
        ((p["name"], *_observed(p["observed"]), real(lags.get(p["name"]))) for p in populations),
    )


def _observed(o: Account | None) -> tuple[str, ...]:
    if o is None:
        return (NONE,) * 5
    errors = ("rate_error_local", "error_local", "rate_error", "error")
    spikes = whole(o["reference"]) if o["possible"] else NONE
    return (spikes, *(share(o[name]) for name in errors))
