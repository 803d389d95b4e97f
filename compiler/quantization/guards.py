"""What a user should know before trusting the integers: warnings, or errors where asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import MAX_WEIGHT_BITS, STATE_LIMIT
from snnc.compiler.quantization.account import Overflow, PopulationAccount
from snnc.compiler.quantization.observed import Observed

LOOSE_TIME_CONSTANT = 0.05
"""Relative error of a time constant from which a user is warned."""
FEW_COUNTS = 32
"""Threshold mantissa below which a user is warned: 2.7 % spike-count error at tau/dt = 500
(measured on 200 random neurons; 0.4 % at 8192 counts)."""
MOST_WEIGHTS = 0.5
"""Share of lost weights above which a user is warned."""
MOST_CHANGE = 0.2
"""Change of a population's spikes, as a share of them, above which a user is warned."""
MOST_ERROR = 0.5
"""Error of the spike counts of neurons, or of potentials, above which a user is warned."""
FEW_SPIKES = 50
"""Spikes below which a change of their number says little: its spread is a seventh of them."""
SATURATED = 0.95
"""Share of all possible spikes from which a population counts as saturated."""
WRAP, CLIP = "wrap", "clip"
OVERFLOWS = (WRAP, CLIP)
"""What a target does where ``u`` leaves its range, and where ``v`` does."""


def warnings_of(
    accounts: Iterable[PopulationAccount], allowed: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """Yield what a user should know, population by population.

    Args:
        accounts: Of all populations.
        allowed: What the user has accepted, of ``OVERFLOWS``.
    """
    accounts = tuple(accounts)
    yield from _silence(accounts)
    for a in accounts:
        yield from _time_constant(a)
        yield from _weights(a)
        yield from data_warnings((a,))
        if a.overflow is not Overflow.PROVEN and not _accepted(a, allowed):
            yield _unproven(a)


def data_warnings(accounts: Iterable[PopulationAccount]) -> Iterator[Diagnostic]:
    """Yield each population that does something else than it should on typical data."""
    for a in accounts:
        if a.observed is not None:
            yield from _signals(a, a.observed)


def overflow_problems(
    accounts: Iterable[PopulationAccount], allowed: Collection[str]
) -> Iterator[Diagnostic]:
    """Yield each population whose ``u`` or ``v`` left its range on typical data.

    Args:
        accounts: Of all populations.
        allowed: What the user has accepted, of ``OVERFLOWS``.
    """
    for a in accounts:
        if a.observed is None:
            continue
        for name, signal, share in (
            (WRAP, "u", a.observed.u_seen),
            (CLIP, "v", a.observed.v_seen),
        ):
            if share >= 1 and name not in allowed:
                yield Diagnostic(
                    rule=rules.RANGE_KEPT,
                    node=" + ".join(a.origin),
                    found=f"|{signal}| up to {share * STATE_LIMIT:,.0f}",
                    limit=f"{STATE_LIMIT - 1:,}, which 24 bits hold, on {a.observed.samples} "
                    "samples of the data",
                    remedy="give it a leak or a reset, or data of fewer steps, or accept what the "
                    f"target does then with --overflow {name}",
                )


def _silence(accounts: Sequence[PopulationAccount]) -> Iterator[Diagnostic]:
    """Yield that typical data make nothing spike, so that they show nothing."""
    seen = [(a, a.observed) for a in accounts if a.observed is not None and a.observed.possible]
    if seen and not any(o.reference or o.spikes for _, o in seen):
        first, observed = seen[0]
        yield Diagnostic(
            rule=rules.DATA_TYPICAL,
            node=" + ".join(first.origin),
            found="no spike here or behind it, in the float network and in the integers",
            limit=f"a spike of any population, on {observed.samples} samples of the data",
            remedy="give typical data with --calibrate, or none",
        )


def _time_constant(a: PopulationAccount) -> Iterator[Diagnostic]:
    error = a.time_constant_error
    if error is None or error > LOOSE_TIME_CONSTANT:
        yield Diagnostic(
            rule=rules.TIME_CONSTANT,
            node=" + ".join(a.origin),
            found="no decay at all" if error is None else f"{100 * error:.1f} % off",
            limit=f"{100 * LOOSE_TIME_CONSTANT:g} %; the decay is a fraction of 4096",
            remedy="use a longer step, or a shorter time constant",
        )


def _weights(a: PopulationAccount) -> Iterator[Diagnostic]:
    node = " + ".join(a.origin)
    remedy = f"{_wider(a)}train with more even ones"
    if 0 < a.threshold_min < FEW_COUNTS:
        yield Diagnostic(
            rule=rules.FEW_COUNTS,
            node=node,
            found=f"a threshold of {a.threshold_min} counts",
            limit=f"{FEW_COUNTS} counts",
            remedy="train with smaller weights against the threshold",
        )
    if a.weights_rounded_to_zero > MOST_WEIGHTS * a.weights:
        yield Diagnostic(
            rule=rules.WEIGHTS_KEPT,
            node=node,
            found=f"{a.weights_rounded_to_zero} of {a.weights} weights became zero",
            limit=f"{100 * MOST_WEIGHTS:g} %",
            remedy=remedy,
        )
    if a.dead_sources:
        yield Diagnostic(
            rule=rules.INPUTS_ACT,
            node=node,
            found=f"all weights of {a.dead_sources} of {a.sources} sources became zero",
            limit="one weight of each at least",
            remedy=remedy,
        )


def _signals(a: PopulationAccount, seen: Observed) -> Iterator[Diagnostic]:
    found = _rate(seen) or _error(seen)
    if found is not None:
        yield Diagnostic(
            rule=rules.RATES_KEPT,
            node=" + ".join(a.origin),
            found=f"{found}; {_by_itself(seen)} where it receives what the float network sends",
            limit=f"{100 * MOST_CHANGE:g} % more or fewer spikes, {100 * MOST_ERROR:g} % error, "
            f"on {seen.samples} samples of the data",
            remedy=f"its own rounding does it: {_wider(a)}train with more even ones"
            if _is_bad_by_itself(seen)
            else "it is right by itself: look at what drives it, populations before it or its own "
            "spikes",
        )


def _wider(a: PopulationAccount) -> str:
    """Give the first half of a remedy, where there are wider weights."""
    if a.width < MAX_WEIGHT_BITS:
        return "allow wider weights with --weight-bits, or "
    return f"weights have the {MAX_WEIGHT_BITS} bits that there are; "


def _rate(seen: Observed) -> str | None:
    wanted, spikes = seen.reference, seen.spikes
    if wanted and not spikes:
        return f"no spike, {wanted:,} in the float network"
    if spikes and spikes >= SATURATED * seen.possible > wanted:
        return f"{spikes:,} of {seen.possible:,} possible spikes, {wanted:,} in the float network"
    if max(wanted, spikes) >= FEW_SPIKES and abs(spikes - wanted) > MOST_CHANGE * wanted:
        return f"{spikes:,} spikes, {wanted:,} in the float network"
    return None


def _error(seen: Observed) -> str | None:
    enough = seen.possible == 0 or seen.reference >= FEW_SPIKES
    if seen.error is not None and seen.error > MOST_ERROR and enough:
        of = "spike counts of its neurons" if seen.possible else "its potentials"
        return f"{of} {100 * seen.error:.0f} % off"
    return None


def _by_itself(seen: Observed) -> str:
    error = "" if seen.error_local is None else f"{100 * seen.error_local:.0f} % error"
    spikes = f"{seen.spikes_local:,} spikes" if seen.possible else ""
    return " and ".join(filter(None, (spikes, error)))


def _is_bad_by_itself(seen: Observed) -> bool:
    change = abs(seen.spikes_local - seen.reference)
    return change > MOST_CHANGE * seen.reference or (seen.error_local or 0) > MOST_ERROR / 2


def _unproven(a: PopulationAccount) -> Diagnostic:
    seen = "" if a.observed is None else _seen(a.observed)
    return Diagnostic(
        rule=rules.NO_OVERFLOW,
        node=" + ".join(a.origin),
        found=f"|u| up to {_share(a.u_bound)}, |v| up to {_share(a.v_bound)} of the range{seen}",
        limit="less than the range of 24 bits, whatever the input",
        remedy="verify on typical data; u would wrap and v stick at its limit, as on Loihi: "
        f"--overflow {','.join(_open_ended(a)) or CLIP} accepts it",
    )


def _seen(seen: Observed) -> str:
    shares = f"{100 * seen.u_seen:.0f} % and {100 * seen.v_seen:.0f} %"
    return f"; {shares} on {seen.samples} samples of the data"


def _accepted(a: PopulationAccount, allowed: Collection[str]) -> bool:
    """Say whether the user has accepted what the target does where bounds do not hold."""
    return all(name in allowed for name in _open_ended(a))


def _open_ended(a: PopulationAccount) -> list[str]:
    """Give what the target may do, as no bound excludes it."""
    bounds = ((WRAP, a.u_bound), (CLIP, a.v_bound))
    return [name for name, bound in bounds if bound is None or bound >= 1]


def _share(bound: float | None) -> str:
    return "an unknown share" if bound is None else f"{100 * bound:.0f} %"
