"""What would make a network fit: each remedy is tried on the whole network before it is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.fixed import MAX_WEIGHT_BITS, FixedNetwork
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.partition import partition
from snnc.runtime.mapping import Asked, for_cores
from snnc.runtime.quantization import Quantizer, deployed
from snnc.runtime.text import count
from snnc.targets.hardware.load import hardware_names, load_hardware

HELPED = {rules.PART_FITS, rules.CORES_THERE, rules.PARTITION_FOUND, rules.HARDWARE_CAPABLE}
"""Rules of which one may be kept with other options or other hardware."""
WIDTHS = (6, 4, 3, 2)
"""Widths that are tried, the least loss first."""


@dataclass(frozen=True)
class Remedy:
    """What was tried, and fits.

    Attributes:
        option: What to add to the command.
        effect: What it leads to.
    """

    option: str
    effect: str


def with_remedies(error: InputError, made: Quantizer, asked: Asked, on: Hardware) -> InputError:
    """Give ``error`` with the remedies that work, ranked: less loss first, then other hardware.

    Args:
        error: Why the integers do not fit ``on``.
        made: What made them.
        asked: What the user says of them.
        on: The hardware that was named.
    """
    if not all(d.rule in HELPED for d in error.diagnostics):
        return error
    found = [*_narrower(made, asked.widths, on), *_elsewhere(made, asked, on)]
    first, *others = error.diagnostics
    return InputError([_with(first, found), *others])


def _with(problem: Diagnostic, found: list[Remedy]) -> Diagnostic:
    ranked = "; ".join(f"{k}. {r.option}: {r.effect}" for k, r in enumerate(found, 1))
    tried = f"tried on the whole network, and fits: {ranked}" if found else "nothing tried fits"
    return replace(problem, remedy=f"{problem.remedy} ({tried})")


def _narrower(made: Quantizer, widths: dict[str, int], on: Hardware) -> Iterator[Remedy]:
    """Try narrower weights, the widest that fit."""
    for bits in WIDTHS:
        if bits >= max(widths.values(), default=MAX_WEIGHT_BITS):
            continue
        try:
            fixed, account = deployed(made, {n: min(bits, w) for n, w in widths.items()})
        except InputError:
            return
        cores = _cores(fixed, on)
        if cores is not None:
            sqnr = [p["weight_sqnr_db"] for p in account["populations"]]
            worst = min((x for x in sqnr if x is not None), default=None)
            cost = "" if worst is None else f", weights of {worst:.1f} dB SQNR at worst"
            yield Remedy(f"--weight-bits {bits}", f"{count(cores, 'core')}{cost}")
            return


def _elsewhere(made: Quantizer, asked: Asked, on: Hardware) -> Iterator[Remedy]:
    """Try all other hardware that comes with snnc, that with the fewest cores first.

    The integers are made anew for each, as they are when it is named.
    """
    fitting: list[tuple[int, str]] = []
    for name in hardware_names():
        if name == on.name:
            continue
        other = load_hardware(name)
        options, _ = for_cores(asked.options, other)
        anew = Quantizer(made.network, made.typical, options, made.limits)
        try:
            fixed, _ = deployed(anew, asked.widths)
        except InputError:
            continue
        cores = _cores(fixed, other)
        fitting += [] if cores is None else [(cores, name)]
    for cores, name in sorted(fitting):
        yield Remedy(f"--hardware {name}", count(cores, "core"))


def _cores(fixed: FixedNetwork, on: Hardware) -> int | None:
    """Give the cores that a network takes, None where it does not fit."""
    try:
        return len(partition(fixed, on))
    except InputError:
        return None
