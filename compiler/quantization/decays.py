"""Decays in fractions of 4096: what rounding does to time constants, and what can be kept instead.

The nearest decay keeps time constants best. It changes what a steady input leads to: the potential
of a neuron that loses ``d`` of it in a step comes to rest at ``input / d``, and a current likewise.
``matched`` lets the input of each neuron make up for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import DECAY_BITS, MAX_DU, FixedPopulation
from snnc.compiler.linear import Doubles
from snnc.compiler.network import Network, Population
from snnc.compiler.quantization.lower import Lowered, lower

Ints = npt.NDArray[np.int32]

ONE = 2**DECAY_BITS


class Decays(StrEnum):
    """What is kept of a decay that is rounded."""

    NEAREST = "nearest"
    """Its time constant, as near as it can be: for the timing of spikes."""
    GAIN = "gain"
    """What a steady input leads to: for potentials of read-outs, and rates of slow neurons."""


@dataclass(frozen=True, kw_only=True)
class TimeConstants:
    """Errors of the time constants of a population, relative.

    Attributes:
        worst: The largest of all neurons; None where one became infinite.
        typical: The middle one.
    """

    worst: float | None
    typical: float | None


def decay_of(lowered: Lowered) -> Ints:
    """Give ``dv``, shape ``[n]``."""
    return np.asarray(np.rint(ONE * lost_of_potential(lowered.population)), np.int32)


def current_decay_of(lowered: Lowered) -> Ints:
    """Give ``du``: one is added to it, so a current always decays by a 4096th at least."""
    p = lowered.population
    if not p.integration.has_current:
        return np.full(p.size, MAX_DU, np.int32)
    return np.asarray(np.maximum(np.rint(ONE * lost_of_current(p)) - 1, 0), np.int32)


def lost_of_potential(p: Population) -> Doubles:
    """Give the part of ``v`` that is lost in a step, shape ``[n]``."""
    decay = p.decay.astype(np.float64)
    return decay if p.integration.is_euler else 1 - decay


def lost_of_current(p: Population) -> Doubles:
    """Give the part of the current that is lost in a step: all of it where there is none."""
    if not p.integration.has_current:
        return np.ones(p.size)
    decay = p.current_decay.astype(np.float64)
    return decay if p.integration.is_euler else 1 - decay


def lowered_for(network: Network, decays: Decays) -> tuple[Lowered, ...]:
    """Lower ``network`` with what ``decays`` keeps."""
    lowered = lower(network)
    return tuple(map(matched, lowered)) if decays == Decays.GAIN else lowered


def matched(n: Lowered) -> Lowered:
    """Let the input of each neuron make up for what rounding does to its decays.

    A steady ``r`` at weights ``w`` and a bias ``b`` lead to ``(w r / lost_u + b) / lost_v``. With
    ``g = rounded / exact`` of either part that is lost, weights of ``g_u g_v w`` and a bias of
    ``g_v b`` keep it. The potential is counted in units of ``g_u g_v`` instead, so weights stay as
    they are, also those that neurons of different decays share, and the bias is ``b / g_u``.
    What never decays, or not any more, has no such potential, and is left alone.
    """
    g_u = _change(lost_of_current(n.population), (current_decay_of(n) + 1) / ONE)
    g_v = _change(lost_of_potential(n.population), decay_of(n) / ONE)
    g = g_u * g_v
    return replace(
        n,
        unit=n.unit * g,
        threshold=n.threshold / g,
        initial=n.initial / g,
        bias=n.bias / g_u,
    )


def _change(exact: Doubles, rounded: Doubles) -> Doubles:
    keeps = (exact > 0) & (rounded > 0)
    return np.divide(rounded, exact, out=np.ones_like(exact), where=keeps)


def errors_of_v(p: Population, integers: FixedPopulation) -> TimeConstants:
    """Compare the time constants of the potential."""
    return _errors(1 - lost_of_potential(p), 1 - integers.dv / float(ONE))


def errors_of_u(p: Population, integers: FixedPopulation) -> TimeConstants | None:
    """Compare those of the current; None where it has none."""
    if not p.integration.has_current:
        return None
    return _errors(1 - lost_of_current(p), 1 - (integers.du + 1) / float(ONE))


def _errors(wanted: Doubles, got: Doubles) -> TimeConstants:
    """Compare the times in which a state falls to 1/e, by its factor a step.

    0 where both keep or lose all, and 1 where only ``got`` decays.
    """
    changed = (wanted > 0) & (wanted < 1)
    errors = np.where((wanted == 1) & (got < 1), 1.0, 0.0)
    with np.errstate(divide="ignore"):
        steps_wanted, steps_got = -1 / np.log(wanted[changed]), -1 / np.log(got[changed])
    errors[changed] = np.abs(steps_got - steps_wanted) / steps_wanted
    worst, typical = float(errors.max(initial=0)), float(np.median(errors)) if errors.size else 0.0
    return TimeConstants(
        worst=worst if np.isfinite(worst) else None,
        typical=typical if np.isfinite(typical) else None,
    )
