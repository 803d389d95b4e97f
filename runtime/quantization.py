"""How real numbers become integers: what a user may say of it, and the stages that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.check import check_fixed, ensure
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import MAX_WEIGHT_BITS, FixedNetwork
from snnc.compiler.names import nearest
from snnc.compiler.network import Network
from snnc.compiler.quantization.account import PopulationAccount, account_for
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.quantization.guards import OVERFLOWS, overflow_problems, warnings_of
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.widths import WeightBits, as_json, width_problems, widths_of
from snnc.compiler.retime import retime
from snnc.runtime.observe import Reference, observe_on, refer

Typical = Mapping[str, npt.NDArray[np.float32]]
"""Typical data of each input, ``[steps, batch, n]``."""


class QuantizationOptions(TypedDict, total=False):
    """The options of ``Quantization``, as keyword arguments of what compiles a model."""

    weight_bits: WeightBits
    max_thresholds: int | None
    decays: str
    overflow: str | Collection[str]
    strict: bool


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """What a user may say of the integers.

    Attributes:
        weight_bits: Width of a weight with its sign, 1 to 8; or widths by name, ``{"fc2": 8, "*":
            4}``: of the weights into a population, named by it or by a layer of weights on the way
            to it. ``*`` stands for all others, which else have 8.
        max_thresholds: Different thresholds that a population may have; as many as it takes
            unless said.
        decays: What is kept of a decay that is rounded: ``nearest``, its time constant; ``gain``,
            the potential that a steady input leads to.
        overflow: What is accepted where ``u`` or ``v`` leaves its range: ``wrap``, ``clip``.
        strict: Refuse what the compiler else warns of.
    """

    weight_bits: WeightBits = MAX_WEIGHT_BITS
    max_thresholds: int | None = None
    decays: str = Decays.NEAREST.value
    overflow: str | Collection[str] = ()
    strict: bool = False

    @property
    def accepted(self) -> tuple[str, ...]:
        """What is accepted where a state leaves its range, by name."""
        return (self.overflow,) if isinstance(self.overflow, str) else tuple(self.overflow)

    def as_json(self) -> dict[str, Any]:
        """Give the options as JSON values."""
        return {
            "weight_bits": as_json(self.weight_bits),
            "max_thresholds": self.max_thresholds,
            "decays": str(self.decays),
            "overflow": list(self.accepted),
            "strict": self.strict,
        }

    def problems(self) -> Iterator[Diagnostic]:
        """Yield every option that is wrong by itself."""
        yield from width_problems(self.weight_bits)
        if self.max_thresholds is not None and self.max_thresholds < 1:
            yield _invalid(
                "--max-thresholds",
                str(self.max_thresholds),
                "1 or more (Loihi: 16 in each core)",
                "--max-thresholds 16",
            )
        if self.decays not in set(Decays):
            like = nearest(self.decays, Decays) or Decays.NEAREST
            yield _invalid("--decays", self.decays, ", ".join(Decays), f"--decays {like}")
        unknown = [name for name in self.accepted if name not in OVERFLOWS]
        if unknown:
            yield _invalid(
                "--overflow",
                ", ".join(unknown),
                ", ".join(OVERFLOWS),
                "wrap accepts that u wraps around, clip that v sticks at its limit",
            )


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """A network in integers.

    Attributes:
        fixed: The integers, not retimed.
        reference: What the float network did on typical data; None without any.
        ungrouped: The integers if thresholds could all be different; None where they can.
    """

    fixed: FixedNetwork
    reference: Reference | None = None
    ungrouped: FixedNetwork | None = None


def fix(network: Network, typical: Typical | None, options: Quantization) -> Quantized:
    """Give the integers of ``network``: all that any command makes of real numbers.

    Args:
        network: The float network.
        typical: Data, or None.
        options: What the user says.

    Raises:
        InputError: What keeps the network from becoming integers.
    """
    widths = widths_of(network, options.weight_bits)

    def quantized(max_thresholds: int | None) -> FixedNetwork:
        return quantize(
            network,
            weight_bits=widths,
            calibration=typical,
            max_thresholds=max_thresholds,
            decays=Decays(options.decays),
        )

    fixed = quantized(options.max_thresholds)
    ensure(check_fixed(fixed), after="quantize")
    return Quantized(
        fixed=fixed,
        reference=None if typical is None else refer(network, typical),
        ungrouped=None if options.max_thresholds is None else quantized(None),
    )


def deployed(
    network: Network, made: Quantized, options: Quantization
) -> tuple[FixedNetwork, dict[str, Any]]:
    """Retime the integers, judge them, and give them with their account.

    Args:
        network: The float network.
        made: Its integers.
        options: What the user says.

    Raises:
        InputError: A loop has too little delay, a delay is too long, typical data show an
            overflow, or, where that is asked for, there is anything to warn of.
    """
    seen = {} if made.reference is None else observe_on(network, made.fixed, made.reference)
    timed = retime(made.fixed)
    ensure(check_fixed(timed), after="retime")
    accounts = account_for(
        network, timed, seen, decays=Decays(options.decays), ungrouped=made.ungrouped
    )
    problems = [*overflow_problems(accounts, options.accepted)]
    warnings = [*warnings_of(accounts, options.accepted)]
    raise_all([*problems, *warnings] if options.strict else problems)
    return timed, _account(network, timed, accounts, warnings)


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


def _invalid(option: str, found: str, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(rule=rules.OPTION_VALID, node=option, found=found, limit=limit, remedy=remedy)
