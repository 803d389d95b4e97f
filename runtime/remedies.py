"""What would make a network fit: each remedy is tried on the whole network before it is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.partition import partition
from snnc.runtime.mapping import Asked, for_cores
from snnc.runtime.quantization import Quantization, Quantizer, deployed
from snnc.runtime.rounding import Rounding
from snnc.runtime.text import count
from snnc.targets.hardware.load import hardware_names, load_hardware

HELPED = {rules.PART_FITS, rules.CORES_THERE, rules.PARTITION_FOUND, rules.HARDWARE_CAPABLE}
"""Rules of which one may be kept with other options or other hardware."""
NARROWEST = 2
"""Width below which none is tried: weights of both signs need two bits."""
WIDTH = "--weight-bits"
PARTS = (2, 4, 8)
"""Parts that the largest sum may be cut into."""


@dataclass(frozen=True)
class Remedy:
    """What was tried, and fits.

    Attributes:
        option: What to add to the command, in place of the same option where it is there.
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
    tries = _Tries(made, asked, on)
    named = _named_widths(error, asked.widths)
    alone = any(d.rule is rules.PART_FITS for d in error.diagnostics)
    divided = tries.fan_in() if alone else ()
    found = [*divided, *tries.widths(named), *tries.thresholds(), *tries.elsewhere()]
    first, *others = error.diagnostics
    return InputError([_with(first, found), *others])


def _with(problem: Diagnostic, found: list[Remedy]) -> Diagnostic:
    if not found:
        return replace(problem, remedy=f"{problem.remedy} (nothing tried fits)")
    ranked = "; ".join(f"{k}. {r.option}: {r.effect}" for k, r in enumerate(found, 1))
    other = "" if problem.remedy.startswith("--") else f"; else {problem.remedy}"
    return replace(problem, remedy=f"{ranked} (tried on the whole network, and fits){other}")


def _named_widths(error: InputError, asked: dict[str, int]) -> dict[str, int]:
    """Give ``asked`` with the narrower widths that the messages name for single populations."""
    named = dict(asked)
    for problem in error.diagnostics:
        name, _, bits = problem.remedy.removeprefix(f"{WIDTH} ").rpartition("=")
        if problem.remedy.startswith(WIDTH) and name in named:
            named[name] = min(int(bits), named[name])
    return named


@dataclass(frozen=True)
class _Tries:
    """Makes the integers anew with other options, and lays them out.

    Attributes:
        made: What made those that do not fit.
        asked: What the user says of them.
        on: The hardware that was named.
    """

    made: Quantizer
    asked: Asked
    on: Hardware

    def fan_in(self) -> Iterator[Remedy]:
        """Try to divide sums over relays: nothing is lost by that, but time and cores."""
        from snnc.compiler.mapping.divide import largest_fan_in

        if self.made.options.split_fan_in is not None:
            return
        largest = largest_fan_in(self.made.integers(self.asked.widths))
        limits = {x.value for x in (self.on.fan_in, self.on.input_axons) if x is not None}
        for most in sorted(limits | {largest // part for part in PARTS}, reverse=True):
            if not 0 < most < largest:
                continue
            anew = self._anew(replace(self.made.options, split_fan_in=most))
            found = self._deployed(anew, self.asked.widths, self.on)
            if found is not None:
                cores, account = found
                steps = count(account["latency_steps"], "step")
                yield Remedy(
                    f"--split-fan-in {most}", f"{count(cores, 'core')}, latency of {steps}"
                )
                return

    def widths(self, named: dict[str, int]) -> Iterator[Remedy]:
        """Try other widths: first those that messages name, then one that all have at most.

        Args:
            named: Width of the weights into each population.
        """
        before = self.asked.widths
        if not before:
            return
        widest = max(before.values())
        narrower = [b for b in reversed(self.on.weight_bits) if NARROWEST <= b < widest]
        at_most = [{n: min(b, width) for n, width in before.items()} for b in narrower]
        for widths in (named, dict.fromkeys(before, widest), *at_most):
            effect = None if widths == before else self._effect(self.made, widths, self.on)
            if effect is not None:
                yield Remedy(_option(widths), effect[1])
                return

    def thresholds(self) -> Iterator[Remedy]:
        """Try fewer different thresholds: as many as a core has, then one a population."""
        options, limit = self.made.options, self.on.thresholds
        if limit is None or options.rounding == Rounding.RECALIBRATED:
            return
        for most in sorted({limit.value, 1}, reverse=True):
            if options.max_thresholds is not None and options.max_thresholds <= most:
                continue
            anew = self._anew(replace(options, max_thresholds=most))
            effect = self._effect(anew, self.asked.widths, self.on)
            if effect is not None:
                yield Remedy(f"--max-thresholds {most}", effect[1])
                return

    def elsewhere(self) -> Iterator[Remedy]:
        """Try all other hardware that comes with snnc, that with the fewest cores first.

        The integers are made anew for each, as they are when it is named.
        """
        fitting: list[tuple[int, str]] = []
        for name in hardware_names():
            other = load_hardware(name)
            if other == self.on:
                continue
            options, _ = for_cores(self.asked.options, other)
            effect = self._effect(self._anew(options), self.asked.widths, other)
            fitting += [] if effect is None else [(effect[0], name)]
        for cores, name in sorted(fitting):
            yield Remedy(f"--hardware {name}", count(cores, "core"))

    def _anew(self, options: Quantization) -> Quantizer:
        return Quantizer(self.made.network, self.made.typical, options, self.made.limits)

    def _effect(
        self, made: Quantizer, widths: dict[str, int], on: Hardware
    ) -> tuple[int, str] | None:
        """Give the cores that it takes, and that with what it costs; None where it does not fit."""
        found = self._deployed(made, widths, on)
        if found is None:
            return None
        cores, account = found
        sqnr = [p["weight_sqnr_db"] for p in account["populations"]]
        worst = min((x for x in sqnr if x is not None), default=None)
        cost = "" if worst is None else f", weights of {worst:.1f} dB SQNR at worst"
        return cores, f"{count(cores, 'core')}{cost}"

    def _deployed(
        self, made: Quantizer, widths: dict[str, int], on: Hardware
    ) -> tuple[int, dict[str, Any]] | None:
        """Give the cores, and the account of the integers; None where they do not fit."""
        try:
            fixed, account = deployed(made, widths)
            return len(partition(fixed, on, way=self.asked.way)), account
        except InputError:
            return None


def _option(widths: dict[str, int]) -> str:
    """Write widths as a user does: one for all, or the one of each population."""
    different = set(widths.values())
    if len(different) == 1:
        return f"{WIDTH} {different.pop()}"
    return f"{WIDTH} {','.join(f'{name}={bits}' for name, bits in widths.items())}"
