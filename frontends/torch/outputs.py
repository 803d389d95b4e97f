"""What leaves a model: spikes and potentials, of one step, of all, or made one over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.torch.follow import Layout, Run
from snnc.frontends.torch.framework import Framework, Path
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
MADE = {
    "steps": "all",
    "last": "the last of",
    "sum": "the sum of",
    "mean": "the mean of",
    "max": "the maximum of",
}
"""What ``forward`` makes of the steps, for messages."""


@dataclass(frozen=True, eq=False)
class Port:
    """One output.

    Attributes:
        name: Name of its node.
        value: What it is at the last step: spikes, the potential of a read-out, or an operation.
        decoding: What ``forward`` makes of the steps: ``steps`` as they are, ``last``, ``sum``,
            ``mean`` or ``max``.
        paths: Where it lies in what ``forward`` returns; of a list with one tensor a step, where
            each of them does.
        axis: Of the steps in that tensor, where ``decoding`` is ``steps``.
        factor: What the decoded steps are multiplied with.
    """

    name: str
    value: Value
    decoding: str
    paths: tuple[Path, ...]
    axis: int = 0
    factor: npt.NDArray[Any] | float = 1.0

    def path_at(self, step: int) -> Path:
        """Give where the tensor of ``step`` lies, in a list of however many steps."""
        first, second = self.paths[0], self.paths[min(1, len(self.paths) - 1)]
        return tuple(
            a + step * (b - a) if isinstance(a, int) and isinstance(b, int) else a
            for a, b in zip(first, second, strict=True)
        )


def ports_of(run: Run, matcher: Matcher, framework: Framework) -> tuple[Port, ...]:
    """Give the outputs of a model whose steps all compute the same.

    Raises:
        InputError: SNN113, what is returned is none that can be followed.
    """
    found: list[Port] = []
    problems: list[Diagnostic] = []
    for paths, value in _gathered(run):
        reasons = list(unknowns(value))
        if isinstance(value, Constant):
            continue
        port = None if reasons else _port(run, matcher, paths, value)
        if port is None:
            problems += reasons or [_not_followed(value)]
        else:
            found.append(port)
    raise_all(dict.fromkeys(problems))
    chosen = _chosen(run, found, framework)
    raise_all(_problems(run, found, chosen, framework))
    names = [OUTPUT] if len(chosen) == 1 else [f"{OUTPUT}.{i}" for i in range(len(chosen))]
    return tuple(replace(port, name=name) for name, port in zip(names, chosen, strict=True))


def _gathered(run: Run) -> Iterator[tuple[tuple[Path, ...], Value]]:
    """Give what was returned and where, a list with one value of every step as their sequence."""
    returned = run.returned[-1]
    steps: dict[tuple[int, str], dict[Path, Spikes | State]] = {}
    for path, value in returned.items():
        if isinstance(value, Spikes | State) and run.layout is not Layout.STEP:
            steps.setdefault(_signal(value), {})[path] = value
    for path, value in returned.items():
        alike = steps.get(_signal(value), {}) if isinstance(value, Spikes | State) else {}
        if len(alike) != run.steps or run.steps == 1:
            yield (path,), value
        elif path == next(iter(alike)):
            yield tuple(alike), Sequence(tuple(alike.values()), 0)


def _signal(value: Spikes | State) -> tuple[int, str]:
    return id(value.call.chain), value.name if isinstance(value, State) else ""


def _port(run: Run, matcher: Matcher, paths: tuple[Path, ...], value: Value) -> Port | None:
    """Give what is returned as an output, or None where its steps differ."""
    decoding, axis, factor = "last", 0, value.factor if isinstance(value, Reduced) else 1.0
    if isinstance(value, Sequence):
        decoding, steps, axis = "steps", value.steps, value.axis
    elif isinstance(value, Reduced):
        decoding, steps = value.how, value.steps
    elif run.layout is Layout.STEP:
        decoding, steps = (
            "steps",
            tuple(returned[paths[0]] for returned in run.returned if paths[0] in returned),
        )
    elif (terms := _terms(value)) and len(terms) == run.steps > 1:
        decoding, steps, factor = "sum", terms, _factor(value)
    else:
        return Port("", value, decoding, paths) if _is_of_last(matcher, value) else None
    if len(steps) != run.steps or not _is_of_last(matcher, steps[-1]):
        return None
    if decoding == "sum" and np.allclose(factor * np.float32(run.steps), 1, rtol=1e-6, atol=0):
        decoding, factor = "mean", 1.0
    if all(matcher.same(step, t, steps[-1]) for t, step in enumerate(steps)):
        return Port("", steps[-1], decoding, paths, axis, factor)
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


def _factor(value: Value) -> npt.NDArray[Any] | float:
    """Give what a sum was multiplied with."""
    factor: npt.NDArray[Any] | float = 1.0
    while isinstance(value, Operation) and isinstance(value.operator, Multiply):
        factor = factor * value.operator.factor.tensor.numpy(force=True)
        (value,) = value.sources
    return factor


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
    places = list(run.returned[-1])
    for port in sorted(signals, key=lambda p: places.index(p.paths[0])):
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
