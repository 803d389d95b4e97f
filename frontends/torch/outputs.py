"""What leaves a model: spikes and potentials, of one step, of all, or made one over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.torch.follow import Layout, Run
from snnc.frontends.torch.framework import Framework
from snnc.frontends.torch.match import Matcher, described, parts_of
from snnc.frontends.torch.values import (
    Add,
    Chain,
    Constant,
    Input,
    Multiply,
    Operation,
    Reduced,
    Sequence,
    Spikes,
    State,
    Value,
    unknowns,
)

OUTPUT = "output"


@dataclass(frozen=True, eq=False)
class Port:
    """One output.

    Attributes:
        name: Name of its node.
        value: What it is at the last step: spikes, the potential of a read-out, or an operation.
        decoding: What ``forward`` makes of the steps: ``steps`` as they are, ``last``, ``sum``,
            ``mean`` or ``max``.
        place: Which of the tensors that ``forward`` returns it is.
        axis: Of the steps in that tensor, where ``decoding`` is ``steps``.
    """

    name: str
    value: Value
    decoding: str
    place: int
    axis: int = 0


def ports_of(run: Run, matcher: Matcher, framework: Framework) -> tuple[Port, ...]:
    """Give the outputs of a model whose steps all compute the same.

    Raises:
        InputError: SNN113, what is returned is none that can be followed.
    """
    found: list[Port] = []
    problems: list[Diagnostic] = []
    for place, value in enumerate(_gathered(run)):
        reasons = list(unknowns(value))
        if isinstance(value, Constant):
            continue
        port = None if reasons else _port(run, matcher, place, value)
        if port is None:
            problems += reasons or [_not_followed(value)]
        else:
            found.append(port)
    raise_all(dict.fromkeys(problems))
    chosen = _chosen(run, found, framework)
    raise_all(_problems(run, found, chosen, framework))
    names = [OUTPUT] if len(chosen) == 1 else [f"{OUTPUT}.{i}" for i in range(len(chosen))]
    return tuple(
        Port(name, p.value, p.decoding, p.place, p.axis)
        for name, p in zip(names, chosen, strict=True)
    )


def _gathered(run: Run) -> tuple[Value, ...]:
    """Give what was returned, a list with one value of every step as their sequence."""
    returned = run.returned[-1]
    if run.layout is Layout.STEP:
        return returned
    steps: dict[tuple[int, str], list[Spikes | State]] = {}
    for value in returned:
        if isinstance(value, Spikes | State):
            steps.setdefault(_signal(value), []).append(value)
    return tuple(
        Sequence(tuple(steps[_signal(value)]), 0)
        if isinstance(value, Spikes | State) and len(steps[_signal(value)]) == run.steps > 1
        else value
        for value in returned
    )


def _signal(value: Spikes | State) -> tuple[int, str]:
    return id(value.call.chain), value.name if isinstance(value, State) else ""


def _port(run: Run, matcher: Matcher, place: int, value: Value) -> Port | None:
    """Give what is returned as an output, or None where its steps differ."""
    decoding, axis = "last", 0
    if isinstance(value, Sequence):
        decoding, steps, axis = "steps", value.steps, value.axis
    elif isinstance(value, Reduced):
        decoding, steps = value.how, value.steps
    elif run.layout is Layout.STEP:
        decoding, steps = "steps", tuple(returned[place] for returned in run.returned)
    elif (terms := _terms(value)) and len(terms) == run.steps > 1:
        decoding, steps = "sum", terms
    else:
        return Port("", value, decoding, place) if _is_of_last(matcher, value) else None
    if len(steps) != run.steps or not _is_of_last(matcher, steps[-1]):
        return None
    if all(matcher.same(step, t, steps[-1]) for t, step in enumerate(steps)):
        return Port("", steps[-1], decoding, place, axis)
    return None


def _is_of_last(matcher: Matcher, value: Value) -> bool:
    """Tell whether a value is one of the last step, and no sequence."""
    if isinstance(value, Spikes | State):
        return matcher.delay(value) == 0
    return isinstance(value, Operation)


def _terms(value: Value) -> tuple[Value, ...]:
    """Give what was added up one after the other, such as ``total = total + spikes``."""
    while isinstance(value, Operation) and isinstance(value.operator, Multiply):
        (value,) = value.sources
    terms: list[Value] = []
    while isinstance(value, Operation) and isinstance(value.operator, Add):
        value, term = value.sources
        if isinstance(term, Operation) and isinstance(term.operator, Add):
            value, term = term, value
        terms.append(term)
    terms.append(value)
    return tuple(t for t in reversed(terms) if not (isinstance(t, Constant) and t.zero))


def _chosen(run: Run, found: list[Port], framework: Framework) -> list[Port]:
    """Give what is an output, and no state that is returned beside."""
    read = _read(run, found)
    signals = [p for p in found if not isinstance(p.value, State)]
    if run.layout is Layout.STEP:
        signals = [p for p in signals if id(_key(p.value)) not in read] or signals
    sent = {id(_key(p.value)) for p in signals}
    for port in found:
        if isinstance(port.value, State) and port.value.name == framework.read_out_state:
            chain = port.value.call.chain
            silent = id(chain) not in sent | read
            if silent and framework.can_read_out(chain.layer):
                signals.append(port)
    unique: dict[int, Port] = {}
    for port in sorted(signals, key=lambda p: p.place):
        unique.setdefault(id(_key(port.value)), port)
    return list(unique.values())


def _key(value: Value) -> Value | Chain:
    return value.call.chain if isinstance(value, Spikes | State) else value


def _read(run: Run, found: list[Port]) -> set[int]:
    """Give what populations and outputs are computed from."""
    sources = [chain.calls[-1].source for chain in run.chains]
    inner = [s for p in found if isinstance(p.value, Operation) for s in p.value.sources]
    return {id(_key(part)) for part in parts_of(*sources, *inner)}


def _problems(
    run: Run, found: list[Port], chosen: list[Port], framework: Framework
) -> Iterator[Diagnostic]:
    read = _read(run, found)
    keys = {id(_key(p.value)) for p in chosen}
    for port in found:
        value = port.value
        if isinstance(value, State) and value.name == framework.read_out_state:
            chain = value.call.chain
            if id(chain) not in read | keys:
                yield Diagnostic(
                    rule=rules.MODEL_TRACEABLE,
                    node=chain.path,
                    found=f"{value.name} is returned, and its spikes go nowhere",
                    limit="an output gives spikes, or the potential of neurons that never reset",
                    remedy=framework.read_out_remedy,
                )
                keys.add(id(chain))
    for port in chosen:
        value = port.value
        if isinstance(value, Operation) and port.decoding != "steps" and not value.origin.packaged:
            yield Diagnostic(
                rule=rules.MODEL_TRACEABLE,
                node=value.origin.place,
                found=f"{described(value)} is returned as the {port.decoding} of all steps",
                limit="such an output is what a layer of torch.nn gives, or comes with all steps",
                remedy="return torch.stack(...) of all steps",
            )
    if not chosen and not keys:
        yield Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node="what forward returns",
            found=", ".join(described(p.value) for p in found) or "no tensor of a layer",
            limit="spikes of neurons, or what a layer makes of them",
            remedy="return the spikes of the last layer",
        )


def _not_followed(value: Value) -> Diagnostic:
    found = described(value)
    if isinstance(value, Sequence | Reduced):
        found = f"{len(value.steps)} values, the last of them {described(value.steps[-1])}"
    if isinstance(value, Input):
        found = "the model's input"
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node="what forward returns",
        found=found,
        limit="one value of every step, in order, or their sum, mean or maximum",
        remedy="append one value a step to a list, and return torch.stack(...) of it",
    )
