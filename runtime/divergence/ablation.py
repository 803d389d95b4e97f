"""Which rounding made the integers part from the real numbers: each put back by itself.

Up to the first spike that differs the neuron received the same spikes in both forms. So whatever
its potential differs by is its own rounding, and with one item put back (ablation), the rest of the
difference says how much that item explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isclose
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import ALIGN_BITS
from snnc.compiler.linear import Doubles
from snnc.runtime.divergence.carriers import Carrier
from snnc.runtime.divergence.explanation import Candidate, Cause
from snnc.runtime.divergence.one_neuron import Neuron, Tested
from snnc.runtime.divergence.twins import ONE, Twins
from snnc.runtime.text import count, percent
from snnc.targets.float.replay import TIE_ULP

Spikes = npt.NDArray[np.integer]
Arriving = Callable[..., Doubles]
TOLD, LEAST = 3, 0.01
"""Items of a class that are told in a sentence, and the share of the difference that they explain
at least."""
MORE = 1.005
"""Times the difference from which on an item is said to make more than it."""
STRANGE = 8
"""Integers by which a weight has to be off to be no rounding of the real one any more."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Item:
    """Something that was rounded, and can be put back.

    Attributes:
        cause: Its class.
        what: In words.
        neuron: Fields of the neuron that take the real values.
        carrier: Of which what arrives changes, if any.
        options: Of ``Carrier.arriving``.
    """

    cause: Cause
    what: str
    neuron: tuple[str, ...] = ()
    carrier: Carrier | None = None
    options: dict[str, bool] = field(default_factory=dict[str, bool])


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """What came of it.

    Attributes:
        real: What the real numbers hold against their threshold, in float64; counts.
        rounded: The same of the integers.
        cause: The class that explains most.
        because: What shows it.
        candidates: Every item and how much it explains, the best first.
    """

    real: Tested
    rounded: Tested
    cause: Cause
    because: str
    candidates: tuple[Candidate, ...]


def ablate(pair: Twins, spikes: Spikes, *, reference: int, other: int) -> Ablation:
    """Put back what was rounded, item by item and class by class.

    Args:
        pair: The neuron in both forms.
        spikes: What it sent up to the step before, shape ``[steps + 1]``; the last is ignored.
        reference: Its spike in the float network in the last step, 0 or 1.
        other: Its spike in the integers.
    """
    steps = len(spikes)
    items = list(_items(pair, steps))
    plain = _arriving(pair, (), steps)
    real = pair.real.tested(_arriving(pair, items, steps), spikes)
    rounded = pair.rounded.tested(plain, spikes)
    items += _overflows(rounded)
    shares = {k: _share(_put_back(pair, [i], spikes), real, rounded) for k, i in enumerate(items)}
    order = sorted(shares, key=lambda k: (-shares[k], k))
    candidates = tuple(
        Candidate(cause=items[k].cause, what=items[k].what, explains=shares[k]) for k in order
    )
    by_class = {
        cause: _share(
            _put_back(pair, [i for i in items if i.cause is cause], spikes), real, rounded
        )
        for cause in dict.fromkeys(item.cause for item in items)
    }
    cause, because = _judged(
        pair, real, rounded, items, by_class, candidates, spikes, reference, other
    )
    return Ablation(real=real, rounded=rounded, cause=cause, because=because, candidates=candidates)


def _judged(
    pair: Twins,
    real: Tested,
    rounded: Tested,
    items: Sequence[Item],
    by_class: dict[Cause, float],
    candidates: Sequence[Candidate],
    spikes: Spikes,
    reference: int,
    other: int,
) -> tuple[Cause, str]:
    """Give the class, and what shows it."""
    places = (
        f"The potential is {_place(real, pair)} in real numbers and {_place(rounded, pair)} in "
        "integers"
    )
    if pair.unmatched:
        names = ", ".join(pair.unmatched)
        return Cause.UNKNOWN, f"Only one of the two forms has the projections {names}."
    if int(rounded.spikes) != other:
        return Cause.UNKNOWN, (
            f"{places}: the integers of the artifact do not give the spike that was recorded, so "
            "what ran is not what the artifact holds."
        )
    ulp = float(np.spacing(np.float32(pair.real.threshold)))
    if abs(real.distance) <= TIE_ULP * ulp:
        return Cause.TIE, (
            f"{places}. In real numbers it is within {TIE_ULP} ulp of the threshold, where any "
            "rounding decides."
        )
    if int(real.spikes) != reference:
        return Cause.TIE, (
            f"{places}. Rounding to float32 alone put it on the other side of the threshold."
        )
    if not by_class:
        return Cause.UNKNOWN, f"{places}, and nothing of the neuron was rounded."
    cause = max(by_class, key=lambda c: by_class[c])
    told = [c for c in candidates if c.cause is cause]
    acting = [c.what for c in told[:TOLD] if c.explains >= LEAST] or [told[0].what]
    moved = _part_gone(
        _put_back(pair, [i for i in items if i.cause is cause], spikes), real, rounded
    )
    worth = f"That explains {percent(by_class[cause])} of the difference."
    if moved > MORE:
        worth = f"That alone makes {moved:.3g} times the difference; the rest acts against it."
    return cause, f"{places}. {_sentence('; '.join(acting))} {worth}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _place(of: Tested, pair: Twins) -> str:
    """Say how far from the threshold a potential is, in units of the model."""
    distance = of.distance / pair.count
    if not distance:
        return "at the threshold"
    return f"{abs(distance):.4g} {'above' if distance > 0 else 'below'} the threshold"


def _part_gone(put_back: Tested, real: Tested, rounded: Tested) -> float:
    """Give the part of the difference that is gone; above 1 where other items act against these."""
    whole = real.distance - rounded.distance
    return float((put_back.distance - rounded.distance) / whole) if whole else 0.0


def _share(put_back: Tested, real: Tested, rounded: Tested) -> float:
    """Give how much of the difference is explained, 0 to 1: less, too, by what overshoots it."""
    moved = _part_gone(put_back, real, rounded)
    return 1 / moved if moved > 1 else max(0.0, moved)


def _put_back(pair: Twins, items: Sequence[Item], spikes: Spikes) -> Tested:
    fields: dict[str, Any] = {
        name: getattr(pair.real, name) for item in items for name in item.neuron
    }
    return replace(pair.rounded, **fields).tested(_arriving(pair, items, len(spikes)), spikes)


def _arriving(pair: Twins, items: Sequence[Item], steps: int) -> Doubles:
    """Give what arrives in each step, with what ``items`` put back."""
    total = np.zeros(steps)
    for carrier in pair.carriers:
        options: dict[str, bool] = {}
        for item in items:
            options |= item.options if item.carrier is carrier else {}
        total += carrier.arriving(**options)[:steps]
    return total


# --- what there is to put back -----------------------------------------------------------------


def _items(pair: Twins, steps: int) -> Iterator[Item]:
    for carrier in pair.carriers:
        yield from _of_carrier(carrier, steps)
    real, rounded = pair.real, pair.rounded
    yield from _of_constants(real, rounded)
    yield from _of_decays(real, rounded)
    if (real.reset, real.refractory) != (rounded.reset, rounded.refractory):
        yield Item(
            cause=Cause.RESET,
            what=f"the reset is {_reset(rounded)} in place of {_reset(real)}",
            neuron=("reset", "refractory"),
        )
    if real.inclusive:
        what = "integers spike above the threshold, and the model at the threshold, too"
        yield Item(cause=Cause.TIE, what=what, neuron=("inclusive",))


def _of_decays(real: Neuron, rounded: Neuron) -> Iterator[Item]:
    """Yield the decays: both as one where the input makes up for their rounding."""
    told: dict[str, tuple[str, ...]] = {}
    for name, kept, truncated in (
        ("current", "keeps_u", "truncates_u"),
        ("potential", "keeps_v", "truncates_v"),
    ):
        wanted, got = 1 - getattr(real, kept), 1 - getattr(rounded, kept)
        if (wanted, got) not in {(0.0, 0.0), (1.0, 1.0)}:  # what never or at once decays is exact
            text = (
                f"the {name} loses {got * ONE:.0f}/{ONE} in a step, rounded toward zero, in place "
                f"of {wanted:.6g}"
            )
            told[text] = (kept, truncated)
    if (real.takes, real.bias_takes) != (1.0, 1.0):
        fields = ("takes", "bias_takes", *(name for names in told.values() for name in names))
        told = {f"{'; '.join(told)}, and the input makes up for it": fields}
    for text, fields in told.items():
        yield Item(cause=Cause.DECAY_ROUNDING, what=text, neuron=fields)


def _reset(n: Neuron) -> str:
    return f"{n.reset} with {n.refractory} refractory steps" if n.refractory else str(n.reset)


def _of_constants(real: Neuron, rounded: Neuron) -> Iterator[Item]:
    """Yield threshold, bias and initial potential, where they are not the same."""
    names = {"threshold": "threshold", "bias": "bias", "initial": "potential before the first step"}
    for name, told in names.items():
        wanted, got = getattr(real, name) / 2**ALIGN_BITS, getattr(rounded, name) / 2**ALIGN_BITS
        if not isclose(wanted, got):  # but for rounding of float64
            yield Item(
                cause=Cause.BIAS_OR_THRESHOLD_ROUNDING,
                what=f"the {told} is {got:.8g} in place of {wanted:.8g} counts",
                neuron=(name,),
            )


def _of_carrier(c: Carrier, steps: int) -> Iterator[Item]:
    """Yield what there is to put back of one projection."""
    name = c.q.name
    sent = c.arriving()[:steps]
    if c.clipped.any():
        worst = float(np.abs(c.real - c.rounded)[c.clipped].max())
        yield Item(
            cause=Cause.WEIGHT_CLIP,
            what=f"{count(int(c.clipped.sum()), 'weight')} of {name} clipped, by up to {worst:.4g} "
            "integers",
            carrier=c,
            options={"unclipped": True},
        )
    if not np.array_equal(c.arriving(real=True)[:steps], sent):
        worst = _moved(c)
        told = "are not those of the network, but off" if worst > STRANGE else "are rounded,"
        unit = "integers" if worst > 1 else "of an integer"
        yield Item(
            cause=Cause.UNKNOWN if worst > STRANGE else Cause.WEIGHT_ROUNDING,
            what=f"the weights of {name} {told} by up to {worst:.3g} {unit}",
            carrier=c,
            options={"real": True},
        )
    if c.floors and not np.array_equal(c.arriving(exact_sum=True)[:steps], sent):
        yield Item(
            cause=Cause.WEIGHT_ROUNDING,
            what=f"the exponent {c.q.weight_exp} of {name} rounds its sums down",
            carrier=c,
            options={"exact_sum": True},
        )
    if c.step != 1:
        yield Item(
            cause=Cause.INPUT_ROUNDING,
            what=f"the input {c.path.source} is rounded to multiples of {c.step:.4g}",
            carrier=c,
            options={"exact_input": True},
        )
    if c.q.delay != c.path.delay:
        yield Item(
            cause=Cause.DELAY,
            what=f"{name} delivers after {c.q.delay} steps in place of {c.path.delay}",
            carrier=c,
            options={"own_delay": True},
        )


def _moved(c: Carrier) -> float:
    """Give the largest difference of an integer from its real weight, of those not clipped.

    Of a way with a max pooling nothing is known but that it is rounded.
    """
    return float(np.abs(c.real - c.rounded)[~c.clipped].max(initial=0)) if c.linear else 0.5


def _overflows(rounded: Tested) -> Iterator[Item]:
    if rounded.wrapped:
        what = "the current left 24 bits and wrapped around"
        yield Item(cause=Cause.WRAP, what=what, neuron=("wraps",))
    if rounded.clipped:
        what = "the potential was held at the limit of 24 bits"
        yield Item(cause=Cause.SATURATION, what=what, neuron=("saturates",))
