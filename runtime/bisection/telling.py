"""A bisection in words, for the terminal and for the page of a reproducer."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.runtime.bisection.found import Bisection, Held, Synapse
from snnc.runtime.bisection.held import index
from snnc.runtime.text import count, shown, table

LISTED = 10
"""Synapses and numbers that are listed; all are in the JSON."""


def text_of(b: Bisection) -> str:
    """Give what was found; the difference itself and where it is come last."""
    if b.divergence is None:
        samples = count(b.samples, "sample")
        return shown(f"no difference: {b.other} gives what {b.reference} does, in {samples}")
    lines: list[str] = []
    if b.cuts:
        lines += [cuts_table(b), ""]
    if b.synapses:
        lines += [synapses_table(b), ""]
    lines += [shown(line) for line in (*local_lines(b), *held_lines(b), *cause_lines(b))]
    lines += [shown(line) for line in (*unresolved_lines(b), *part_lines(b), *first_lines(b))]
    return "\n".join(lines)


def first_lines(b: Bisection) -> Iterator[str]:
    """Say which value differs first."""
    yield f"first difference, {b.reference} against {b.other}:"
    yield f"{b.divergence}"


def cuts_table(b: Bisection) -> str:
    """Give how far everything was narrowed."""
    rows = [(cut.what, f"{cut.before:,}", f"{cut.after:,}") for cut in b.cuts]
    return table(("narrowed", "from", "to"), rows)


def synapses_table(b: Bisection) -> str:
    """Give the synapses that take part."""
    header = ("projection", "from", "neuron", "sends", "weight", "of the other", "delay")
    rows = [_row(s) for s in b.synapses[:LISTED]]
    more = len(b.synapses) - LISTED
    lines = [table(header, rows)]
    return "\n".join([*lines, f"and {count(more, 'synapse')} more"] if more > 0 else lines)


def _row(s: Synapse) -> tuple[str, ...]:
    first = ", ".join(_sent(*one) for one in s.sent[:3])
    more = f" and {len(s.sent) - 3} more" if len(s.sent) > 3 else ""
    delay = str(s.delay) if s.delay == s.delay_other else f"{s.delay} against {s.delay_other}"
    weights = str(s.weight), str(s.weight_other)
    return s.projection, s.source, index(s.neuron), f"in step {first}{more}", *weights, delay


def _sent(step: int, value: int) -> str:
    return str(step) if value == 1 else f"{step}: {value}"


def part_lines(b: Bisection) -> Iterator[str]:
    """Say which part shows the difference."""
    d = b.divergence
    if d is None:
        return
    name = d.population if b.layer in ("", d.population) else f"{d.population} ({b.layer})"
    if not b.alone:
        yield (
            f"sample {d.sample} by itself shows nothing: the difference takes the samples of its "
            "batch together, so something is carried from one to another"
        )
    elif not b.narrowed and b.unresolved:
        yield "no part of the network that both could run shows it by itself"
    elif not b.narrowed:
        yield (
            "no part of the network shows it by itself: the difference takes the whole of it, as "
            "it was compiled"
        )
    elif b.isolated is None:
        yield (
            f"whether {name} shows it by itself, fed with what {b.reference} sends, is not known; "
            f"{_listed(b.populations)} together show it"
        )
    elif not b.isolated:
        yield (
            f"{name} by itself, fed with what {b.reference} sends, shows nothing: the difference "
            f"takes {_listed(b.populations)} together"
        )
    else:
        neurons = "; ".join(map(index, b.neurons))
        noun = "neuron" if len(b.neurons) == 1 else "neurons"
        yield f"{name} shows it by itself, fed with what {b.reference} sends: {noun} {neurons}"


def unresolved_lines(b: Bisection) -> Iterator[str]:
    """Say what an execution could not run."""
    for u in b.unresolved:
        yield (
            f"{u.stage}: {u.execution} could not run {u.unresolved:,} of {u.tried:,} tries, so "
            f"what they show is not known ({u.rule}: {u.found})"
        )


def held_lines(b: Bisection) -> Iterator[str]:
    """Say what the two artifacts hold otherwise."""
    if b.divergence is None:
        return
    if b.one_artifact:
        yield (
            f"both hold the same numbers, of one artifact: {b.reference} and {b.other} compute "
            "them differently"
        )
        return
    yield from (_held(h) for h in b.held[:LISTED])
    if b.narrowed and not b.held:
        yield "in this part the artifacts hold the same numbers: they are computed differently"
    for o in b.otherwise[:LISTED]:
        yield f"{o.what} of {o.where}: {o.differing:,} of {o.numbers:,} differ in all"
    if not b.otherwise:
        yield "the two artifacts hold the same numbers"


def _held(h: Held) -> str:
    return f"{h.what} of {h.where}: {h.reference} against {h.other}"


def cause_lines(b: Bisection) -> Iterator[str]:
    """Say what explains the difference best."""
    for best in b.causes[:1]:
        yield f"cause: {best.cause}: {best.what}"


def local_lines(b: Bisection) -> Iterator[str]:
    """Name the other populations that are wrong by themselves."""
    d = b.divergence
    others: dict[str, int] = {}
    for error in b.local:
        if d is not None and error.differing and error.population != d.population:
            others[error.population] = others.get(error.population, 0) + error.differing
    for name, differing in others.items():
        yield (
            f"{name} differs by itself too, in {count(differing, 'value')} of this sample: there "
            "is more than one fault"
        )


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
