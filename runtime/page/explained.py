"""A first divergence as tables: what arrived, what the neuron made of it, what was tried."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.explanation import Explanation, LocalError, Operand, State
from snnc.runtime.page.table import NONE, Cell, Table, indices, made, real, share, whole, words

STATES = {
    "a": "arrives at its synapses, a",
    "u_before": "current u, the step before",
    "u": "current u",
    "v_before": "potential v, the step before",
    "compared": "held against the threshold",
    "spike": "sent",
    "v": "potential v, after the reset",
}
"""What is told of a state, in the order in which a step computes it."""


SIGNALS = {"u": "another current, u", "v": "another potential, v", "classes": "another class"}


def told(d: Divergence) -> str:
    """Say what differs, so that ``neuron 3`` and this make a sentence."""
    if d.signal == "spikes" and 0 in {d.reference, d.other}:
        return "sends nothing, and should" if d.reference else "sends a spike, and should not"
    if d.signal == "spikes":
        return "sends a spike of another size"
    return f"has {SIGNALS.get(d.signal, f'another {d.signal}')}"


def nearness(e: Explanation) -> str:
    """Say how far from the threshold the potential of the reference is."""
    if e.distance is None or e.threshold is None:
        return ""
    limit, away = real(e.threshold, 9), real(abs(e.distance), 9)
    where = f"{away} {'above' if e.distance > 0 else 'below'}" if e.distance else "exactly at"
    return f"In {e.reference} the potential is {where} the threshold of {limit}."


def states_table(e: Explanation) -> Table | None:
    """Give what both executions held of the neuron; None where it was not recorded."""
    if e.states is None:
        return None
    return made(
        f"The neuron in step {e.divergence.step}",
        ("", e.reference, e.other),
        _state_rows(e, *e.states),
    )


def _state_rows(e: Explanation, reference: State, other: State) -> Iterator[tuple[Cell | str, ...]]:
    for field, name in STATES.items():
        a, b = getattr(reference, field), getattr(other, field)
        if a is not None or b is not None:
            differs = a != b and None not in {a, b}
            yield name, Cell(real(a, 9), differs), Cell(real(b, 9), differs)
        if field == "compared" and e.threshold is not None:
            there = e.threshold if e.threshold_other is None else e.threshold_other
            differs = there != e.threshold
            yield "threshold", Cell(real(e.threshold, 9), differs), Cell(real(there, 9), differs)


def operands_table(e: Explanation) -> Table | None:
    """Give the synapses over which something arrived; None where none is known."""
    if not e.operands:
        return None
    few = len(e.operands) < e.n_operands
    both = any(o.weight_other is not None for o in e.operands)
    caption = f"Synapses over which something arrived: {whole(e.n_operands or len(e.operands))}"
    return made(
        f"{caption}, the strongest {len(e.operands)} of them" if few else caption,
        (
            "from",
            "neuron",
            "sent in step",
            f"sent, {e.reference}",
            f"sent, {e.other}",
            *((f"weight, {e.reference}", f"weight, {e.other}") if both else ("weight",)),
            f"product, {e.reference}" if both else "product",
        ),
        (
            (
                o.source,
                indices(o.neuron),
                whole(o.step),
                Cell(real(o.sent, 9), _differs(o)),
                Cell(real(o.sent if o.sent_other is None else o.sent_other, 9), _differs(o)),
                real(o.weight, 9),
                *((real(o.weight if o.weight_other is None else o.weight_other, 9),) * both),
                real(o.sent * o.weight, 9),
            )
            for o in e.operands
        ),
    )


def _differs(o: Operand) -> bool:
    return o.sent_other is not None and o.sent_other != o.sent


def candidates_table(e: Explanation) -> Table | None:
    """Give what was tried as a cause; None where nothing was."""
    if not e.candidates:
        return None
    return made(
        "Causes that were tried, the best first",
        ("cause", words("what was supposed"), "explains"),
        ((str(c.cause), c.what, share(c.explains, 1)) for c in e.candidates),
    )


def local_table(local: tuple[LocalError, ...]) -> Table | None:
    """Give what each population does wrong by itself; None where it was not measured."""
    if not local:
        return None
    return made(
        "Each population by itself, fed with what the reference sends",
        ("population", words("signal"), "samples", "values", "differ", "share", words("first")),
        (
            (
                error.population,
                error.signal,
                whole(error.samples),
                whole(error.values),
                Cell(whole(error.differing), error.differing > 0),
                share(error.differing / error.values if error.values else None),
                _first(error),
            )
            for error in local
        ),
    )


def _first(error: LocalError) -> str:
    d = error.first
    if d is None:
        return NONE
    return (
        f"step {d.step}, sample {d.sample}, neuron {indices(d.neuron)}: "
        f"{real(d.reference, 9)} against {real(d.other, 9)}"
    )
