"""How real numbers become integers: what a user may say of it, and the stages that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, TypedDict, cast

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.check import check_fixed, ensure
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.compiler.fixed import MAX_WEIGHT_BITS, FixedNetwork
from snnc.compiler.names import nearest, written
from snnc.compiler.network import Network
from snnc.compiler.quantization.account import PopulationAccount, account_for
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.quantization.guards import OVERFLOWS, overflow_problems, warnings_of
from snnc.compiler.quantization.limits import NO_LIMITS, Limits
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.widths import (
    WeightBits,
    as_json,
    width_problems,
    widths_of,
)
from snnc.compiler.relays import insert_relays, relayed
from snnc.compiler.retime import retime
from snnc.runtime.observe import Reference, observe_on, recalibrate_on, refer
from snnc.runtime.rounding import Rounding, rounding_problems

Typical = Mapping[str, npt.NDArray[np.float32]]
"""Typical data of each input, ``[steps, batch, n]``."""


class QuantizationOptions(TypedDict, total=False):
    """The options of ``Quantization``, as keyword arguments of what compiles a model."""

    weight_bits: WeightBits | None
    rounding: str | None
    max_thresholds: int | None
    decays: str | None
    overflow: str | Collection[str] | None
    strict: bool | None
    split_fan_in: int | None


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """What a user may say of the integers; None says nothing.

    Attributes:
        weight_bits: Width of a weight with its sign, 1 to 8; or widths by name, ``{"fc2": 8, "*":
            4}``: of the weights into a population, named by it or by a layer of weights on the way
            to it. ``*`` stands for all others, which else have 8. With a budget the narrowest
            that is considered, and the others have 2.
        rounding: ``nearest``; ``feedback``: weights make up for each other's rounding on
            calibration data; ``recalibrated``: and thresholds for what is left. Where nothing is
            said the last with such data, and else the first; with ``max_thresholds`` the second.
        max_thresholds: Different thresholds that a population may have; as many as it takes
            unless said.
        decays: What is kept of a decay that is rounded: ``nearest``, its time constant; ``gain``,
            the potential that a steady input leads to.
        overflow: What is accepted where ``u`` or ``v`` leaves its range: ``wrap``, ``clip``, or
            both, also as ``"wrap,clip"``.
        strict: Refuse what the compiler else warns of.
        split_fan_in: Synapses that a neuron may have: sums of more are divided over relay neurons,
            and stay the same (``docs/mapping.md``).
    """

    weight_bits: WeightBits | None = None
    rounding: str | None = None
    max_thresholds: int | None = None
    decays: str | None = None
    overflow: str | Collection[str] | None = None
    strict: bool | None = None
    split_fan_in: int | None = None

    def widths(self, network: Network, unsaid: int = MAX_WEIGHT_BITS) -> dict[str, int]:
        """Give the width of the weights into each population.

        Args:
            network: Whose populations.
            unsaid: The width of those of which the user says nothing.

        Raises:
            InputError: SNN004, a name that there is not, or two widths for one population.
        """
        return widths_of(network, {} if self.weight_bits is None else self.weight_bits, unsaid)

    @property
    def accepted(self) -> tuple[str, ...]:
        """What is accepted where a state leaves its range, by name."""
        return tuple(map(str, _named(self.overflow)))

    @property
    def kept(self) -> Decays:
        """What is kept of a decay that is rounded."""
        return Decays.NEAREST if self.decays is None else Decays(self.decays)

    def way(self, *, calibrated: bool) -> Rounding:
        """Give how weights are rounded, with calibration data or without."""
        if self.rounding is not None:
            return Rounding(self.rounding)
        if not calibrated:
            return Rounding.NEAREST
        return Rounding.RECALIBRATED if self.max_thresholds is None else Rounding.FEEDBACK

    def as_json(self, *, calibrated: bool) -> dict[str, Any]:
        """Give the options as JSON values, with calibration data or without."""
        return {
            "weight_bits": as_json(self.weight_bits or MAX_WEIGHT_BITS),
            "rounding": str(self.way(calibrated=calibrated)),
            "max_thresholds": None if self.max_thresholds is None else int(self.max_thresholds),
            "decays": str(self.kept),
            "overflow": list(self.accepted),
            "strict": bool(self.strict),
            **({} if self.split_fan_in is None else {"split_fan_in": int(self.split_fan_in)}),
        }

    def unused(self, target: str) -> Iterator[Diagnostic]:
        """Yield every option that is given, where ``target`` executes no integers.

        ``strict`` is none of them: there is nothing to warn of.
        """
        for option in fields(self):
            value = getattr(self, option.name)
            if value is not None and option.name != "strict":
                flag = f"--{option.name.replace('_', '-')}"
                yield _invalid(
                    flag,
                    f"{_shown(value)}, and target {target}, for which nothing is rounded",
                    "a target of integers",
                    f"--target integer, or leave {flag} out",
                )

    def problems(self, *, calibrated: bool) -> Iterator[Diagnostic]:
        """Yield every option that is wrong, with calibration data or without."""
        if self.weight_bits is not None:
            yield from width_problems(self.weight_bits)
        yield from rounding_problems(self.rounding, calibrated=calibrated)
        yield from _threshold_problems(self.max_thresholds, self.rounding)
        if self.decays is not None and self.decays not in list(Decays):
            like = nearest(self.decays, Decays) or Decays.NEAREST
            yield _invalid("--decays", written(self.decays), ", ".join(Decays), f"--decays {like}")
        unknown = [name for name in _named(self.overflow) if name not in OVERFLOWS]
        if unknown:
            yield _invalid(
                "--overflow",
                ", ".join(map(written, unknown)),
                ", ".join(OVERFLOWS),
                "wrap accepts that u wraps around, clip that v sticks at its limit",
            )
        if not _is_flag(self.strict):
            yield _invalid("--strict", written(self.strict), "True or False", "strict=True")
        if self.split_fan_in is not None and not _is_count(self.split_fan_in):
            flag, shown = "--split-fan-in", written(self.split_fan_in)
            yield _invalid(flag, shown, "1 or more synapses of a neuron", f"{flag} 4096")


@dataclass(eq=False)
class Quantizer:
    """Makes integers of one network: all that any command makes of real numbers.

    Attributes:
        network: The float network.
        typical: Data, or None.
        options: What the user says.
        limits: Of the target.
    """

    network: Network
    typical: Typical | None
    options: Quantization
    limits: Limits = NO_LIMITS
    _even: dict[int, FixedNetwork] = field(default_factory=dict[int, FixedNetwork], init=False)

    @cached_property
    def reference(self) -> Reference | None:
        """What the float network does on typical data; None without any."""
        return None if self.typical is None else refer(self.network, self.typical)

    def integers(self, widths: Mapping[str, int], *, grouped: bool = True) -> FixedNetwork:
        """Give the integers, not retimed.

        Args:
            widths: Of the weights into each population.
            grouped: Whether thresholds are shared where the options ask for it.

        Raises:
            InputError: What keeps the network from becoming integers.
        """
        way = self.options.way(calibrated=self.typical is not None)
        reference = None if way is Rounding.NEAREST else self.reference
        fixed = quantize(
            self.network,
            weight_bits=widths,
            calibration=self.typical,
            sent=None if reference is None else reference.sent,
            max_thresholds=self.options.max_thresholds if grouped else None,
            decays=self.options.kept,
            limits=self.limits,
        )
        ensure(check_fixed(fixed), after="quantize")
        if reference is None or way is not Rounding.RECALIBRATED:
            return fixed
        fixed = recalibrate_on(self.network, fixed, reference)
        ensure(check_fixed(fixed), after="recalibrate")
        return fixed

    def mixed(self, widths: Mapping[str, int]) -> FixedNetwork:
        """Give the same integers, put together of those with one width for all.

        The integers of a population depend on no other's width. Where one does not fit at some
        width, nothing is put together.
        """
        try:
            made = {name: self._of_width(bits) for name, bits in widths.items()}
        except InputError:
            return self.integers(widths)
        first = next(iter(made.values()))
        carriers = {q.source: q.target for q in first.projections if q.source not in made}
        return replace(
            first,
            populations=tuple(
                made[carriers.get(p.name, p.name)].population(p.name) for p in first.populations
            ),
            projections=tuple(
                made[q.target].projections[k] for k, q in enumerate(first.projections)
            ),
        )

    def _of_width(self, bits: int) -> FixedNetwork:
        if bits not in self._even:
            widths = {p.name: bits for p in self.network.populations}
            self._even[bits] = self.integers(widths)
        return self._even[bits]


def deployed(made: Quantizer, widths: Mapping[str, int]) -> tuple[FixedNetwork, dict[str, Any]]:
    """Make the integers, time them, judge them, and give them with their account.

    Args:
        made: What makes them.
        widths: Of the weights into each population.

    Raises:
        InputError: A loop has too little delay, a delay is too long or takes too many relays,
            typical data show an overflow, or, where that is asked for, there is anything to warn
            of.
    """
    network, options = made.network, made.options
    fixed = made.integers(widths)
    seen = {} if made.reference is None else observe_on(network, fixed, made.reference)
    timed, carried = _timed(fixed)
    free = None if options.max_thresholds is None else made.integers(widths, grouped=False)
    accounts = account_for(network, carried, seen, decays=options.kept, ungrouped=free)
    problems = [*overflow_problems(accounts, options.accepted)]
    warnings = [*warnings_of(accounts, options.accepted)]
    raise_all([*problems, *warnings] if options.strict else problems)
    divided: list[Mapping[str, Any]] = []
    if options.split_fan_in is not None:
        from snnc.compiler.mapping.divide import split_fan_in

        fixed, divisions = split_fan_in(fixed, options.split_fan_in)
        divided = [d.as_json() for d in divisions]
        timed, carried = _timed(fixed)
    account = _account(network, carried, accounts, warnings)
    account["relays"] = [r.as_json() for r in relayed(timed, carried)]
    return carried, account | ({"divided": divided} if divided else {})


def _timed(fixed: FixedNetwork) -> tuple[FixedNetwork, FixedNetwork]:
    """Give the integers retimed, without relays and with them."""
    timed = retime(fixed)
    ensure(check_fixed(timed), after="retime")
    carried = insert_relays(timed)
    ensure(check_fixed(carried), after="insert_relays")
    return timed, carried


def _account(
    network: Network,
    fixed: FixedNetwork,
    accounts: tuple[PopulationAccount, ...],
    warnings: list[Diagnostic],
) -> dict[str, Any]:
    return {
        "choices": list(network.choices),
        "populations": [a.as_json() for a in accounts],
        "warnings": [w.text("warning") for w in warnings],
        "lags": {p.name: p.lag for p in fixed.populations},
        "latency_steps": fixed.latency,
    }


def _named(overflow: object) -> tuple[object, ...]:
    """Give what stands in a text such as ``wrap,clip``, or in a collection; nothing of None."""
    if isinstance(overflow, str):
        return tuple(name.strip() for name in overflow.split(",") if name.strip())
    if overflow is None:
        return ()
    return (*cast("Iterable[object]", overflow),) if isinstance(overflow, Iterable) else (overflow,)


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(str, cast("Iterable[object]", value)))
    return written(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool | np.bool_ | None)


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return int(cast("int", value)) >= 1


def _threshold_problems(most: object, rounding: object) -> Iterator[Diagnostic]:
    """Yield that there cannot be so few different thresholds, or not with such a rounding."""
    if most is None:
        return
    if rounding == Rounding.RECALIBRATED:
        yield _invalid(
            "--max-thresholds",
            f"{most}, and --rounding {rounding}",
            "one of the two: recalibration moves each threshold by itself",
            "--rounding feedback",
        )
    if not _is_count(most):
        yield _invalid(
            "--max-thresholds",
            written(most),
            "1 or more (Loihi: 16 in each core)",
            "--max-thresholds 16",
        )


def _invalid(option: str, found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(rule=rules.OPTION_VALID, node=option, found=found, limit=limit, remedy=remedy)
