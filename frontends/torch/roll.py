"""Roll a recorded run up into a model: what one step computes, and what leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.torch.arguments import Convention
from snnc.frontends.torch.calls import STATES_GO_ON
from snnc.frontends.torch.follow import Layout, Run
from snnc.frontends.torch.framework import Framework, layer_name
from snnc.frontends.torch.match import Matcher, described, parts_of, unreplaced_zeros
from snnc.frontends.torch.outputs import Port, ports_of
from snnc.frontends.torch.values import Chain, Spikes, State, Value, unknowns

if TYPE_CHECKING:
    from torch.nn import Module

INPUT = "input"
"""Name of the graph's input node."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """Neurons of one layer, with one set of states.

    Attributes:
        name: Name of its node.
        path: Path of the layer in the model.
        layer: The layer.
        use: Which use of the layer it is, from 0: a layer that is called twice a step is two.
        given: Shape of its input, without the batch.
        shape: Shape of its spikes, without the batch.
        source: What it is given at the last step.
        reads_out: Whether it sends its potential, and no spikes.
    """

    name: str
    path: str
    layer: Module
    use: int
    given: tuple[int, ...]
    shape: tuple[int, ...]
    source: Value
    reads_out: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """What one step of a model computes.

    Attributes:
        populations: In the order of their calls.
        ports: What leaves it.
        names: Of each chain the name of its population.
        matcher: Knows which step stands for all.
        layout: What ``forward`` takes.
        convention: How states are handed on.
        steps: How many steps a model with a loop of its own runs; None where the data say it.
        remarks: What a user should know of how the model is taken.
    """

    populations: tuple[Population, ...]
    ports: tuple[Port, ...]
    names: dict[Chain, str]
    matcher: Matcher
    layout: Layout
    convention: Convention
    steps: int | None
    remarks: tuple[str, ...]


def roll(run: Run, framework: Framework) -> Model:
    """Give the model that ``run`` is the unrolled form of.

    Args:
        run: What the model did.
        framework: Whose neurons it has.

    Raises:
        InputError: All that keeps it from being imported.
    """
    matcher = Matcher(run.steps - 1)
    problems = [*run.problems, *_unknown_sources(run)]
    if not problems:
        problems += [*_length_problems(run, framework), *_order_problems(run)]
    if not problems:
        problems += _step_problems(run, matcher)
    raise_all(dict.fromkeys(problems))
    ports = ports_of(run, matcher, framework)
    names = _names(run.chains)
    sources = [chain.calls[-1].source for chain in run.chains]
    values = [port.value for port in ports]
    raise_all(dict.fromkeys(_value_problems(run.chains, values, framework)))
    read_outs = {port.value.call.chain for port in ports if isinstance(port.value, State)}
    uses: dict[int, int] = {}
    populations: list[Population] = []
    for chain, source in zip(run.chains, sources, strict=True):
        use = uses.get(id(chain.layer), 0)
        uses[id(chain.layer)] = use + 1
        populations.append(
            Population(
                name=names[chain],
                path=chain.path,
                layer=chain.layer,
                use=use,
                given=chain.given,
                shape=chain.shape,
                source=source,
                reads_out=chain in read_outs,
            )
        )
    return Model(
        populations=tuple(populations),
        ports=ports,
        names=names,
        matcher=matcher,
        layout=run.layout,
        convention=run.convention,
        steps=run.steps if run.fixed else None,
        remarks=tuple(_remarks(run)),
    )


def _remarks(run: Run) -> Iterator[str]:
    if run.layout is Layout.CONSTANT:
        yield f"forward holds its input for {run.steps} steps: data have as many, all the same"
    elif run.fixed:
        yield f"forward takes {run.steps} steps from its input: data have as many"
    if run.in_training:
        yield f"in training mode, imported as in evaluation: {', '.join(run.in_training)}"


def _names(chains: tuple[Chain, ...]) -> dict[Chain, str]:
    names: dict[Chain, str] = {}
    for chain in chains:
        name = f"{chain.path}.layer" if chain.path in {INPUT, "output"} else chain.path
        count = sum(other.layer is chain.layer for other in names)
        names[chain] = f"{name}#{count + 1}" if count else name
    return names


def _unknown_sources(run: Run) -> Iterator[Diagnostic]:
    for chain in run.chains:
        for call in chain.calls:
            yield from unknowns(call.source)


def _length_problems(run: Run, framework: Framework) -> Iterator[Diagnostic]:
    for chain in run.chains:
        if len(chain.calls) != run.steps:
            yield Diagnostic(
                rule=rules.MODEL_TRACEABLE,
                node=chain.path,
                found=f"keeps its states for {len(chain.calls)} of {run.steps} steps",
                limit=STATES_GO_ON,
                remedy=framework.hand_on,
            )


def _order_problems(run: Run) -> Iterator[Diagnostic]:
    """Tell of a layer whose uses do not take turns: they could not be told apart in a run."""
    for layer in dict.fromkeys(chain.layer for chain in run.chains):
        uses = [chain for chain in run.chains if chain.layer is layer]
        calls = [call for call in run.order if call.chain.layer is layer]
        if any(call.chain is not uses[i % len(uses)] for i, call in enumerate(calls)):
            yield Diagnostic(
                rule=rules.MODEL_TRACEABLE,
                node=uses[0].path,
                found=f"its {len(uses)} populations do not take turns",
                limit="a layer with several states is called with each of them in every step",
                remedy="give each use a layer of its own",
            )


def _step_problems(run: Run, matcher: Matcher) -> Iterator[Diagnostic]:
    """Tell of the first step at which a population is given something else than at the last."""
    for chain in run.chains:
        model = chain.calls[-1].source
        for call in chain.calls:
            if not matcher.same(call.source, call.step, model):
                yield Diagnostic(
                    rule=rules.MODEL_TRACEABLE,
                    node=chain.path,
                    found=f"step {call.step} gives it {described(call.source)}, step "
                    f"{matcher.last} {described(model)}",
                    limit="every step computes the same from the same step before",
                    remedy="compute the same in every step, with zeros for what is not there yet",
                )
                break


def _value_problems(
    chains: tuple[Chain, ...], outputs: list[Value], framework: Framework
) -> Iterator[Diagnostic]:
    sources = {chain.path: chain.calls[-1].source for chain in chains}
    for path, source in sources.items():
        parts = list(parts_of(source))
        for part in parts:
            if isinstance(part, State):
                yield _state_sent(path, part, framework)
    for operation in unreplaced_zeros(*sources.values(), *outputs):
        yield Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=operation.origin.place,
            found=f"{described(operation)}, which are still there after all steps that were run",
            limit="zeros that forward makes are states before their first step",
            remedy="replace them by what the step before has left, or leave them out",
        )
    for value in (*sources.values(), *outputs):
        if not any(isinstance(part, Spikes | State) or _is_input(part) for part in parts_of(value)):
            yield Diagnostic(
                rule=rules.MODEL_TRACEABLE,
                node=next((p for p, s in sources.items() if s is value), "what forward returns"),
                found=described(value),
                limit="something that depends on the model's input",
                remedy="feed it from the input or from another layer",
            )


def _state_sent(path: str, state: State, framework: Framework) -> Diagnostic:
    """Tell of a state that another layer is fed with."""
    chain = state.call.chain
    if framework.can_read_out(chain.layer):
        return Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node=chain.path,
            found=f"{layer_name(chain.layer)}, whose {state.name} feeds {path}",
            limit="a read-out sends nothing within a model: its potential is an output",
            remedy="use neurons that spike in its place, or end the model with it",
        )
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"its input depends on {state.name} of {chain.path}",
        limit="neurons send spikes; their states leave a model, or stay",
        remedy="hand on the spikes, the first of what the layer returns",
    )


def _is_input(part: Value) -> bool:
    from snnc.frontends.torch.values import Input

    return isinstance(part, Input)
