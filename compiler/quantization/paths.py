"""Paths from what sends to what receives: junctions are dissolved, constants set apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.linear import (
    Doubles,
    Factors,
    Kernels,
    Matrix,
    Reshape,
    Step,
    apply,
    magnitude,
)
from snnc.compiler.network import Input, Junction, Network, Population, Projection
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    Shape,
    SumPooling,
)
from snnc.compiler.quantization.compose import ONE_LAYER, Steps

MAX_PATHS = 4096
"""Most paths into one junction; there are as many as products of the branches before it."""
_EQUAL = 1e-9
"""Relative difference below which two constants, sums in float64, are the same."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Path:
    """What an input or a population sends, on its way to neurons.

    Attributes:
        name: Unique among paths.
        origin: The modules of the user's model that it came from.
        source: Name of an input or a population.
        shape: Shape of what the source sends.
        steps: What becomes of it.
        delay: Steps of time from a spike to its effect.
    """

    name: str
    origin: tuple[str, ...]
    source: str
    shape: Shape
    steps: Steps
    delay: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Constant:
    """What arrives in every step, whatever is sent: the biases on the way.

    Attributes:
        origin: The modules of the user's model that it came from.
        values: In the shape of what receives it.
    """

    origin: tuple[str, ...]
    values: Doubles


@dataclass(frozen=True, eq=False, kw_only=True)
class Arrivals:
    """All that is summed in one place.

    Attributes:
        paths: In the order of projections.
        constants: The same.
    """

    paths: tuple[Path, ...]
    constants: tuple[Constant, ...]


def arrivals(network: Network) -> dict[str, Arrivals]:
    """Give what arrives at every population of ``network``.

    A path runs from an input or a population through junctions to the place; delays on the way
    add up. The operators of each projection give a constant of their own, which goes on through the
    projections behind. Delays do not keep it: sums send their biases before anything else arrives.

    Raises:
        InputError: SNN120, a read-out sends to others; SNN122, a max pooling of a sum or of a
            constant that differs under its window, a loop without neurons, too many paths.
    """
    raise_all(_sending_read_outs(network))
    raise_all(_loops(network))
    shapes = network.shapes
    into: dict[str, list[Projection]] = {}
    for q in network.projections:
        into.setdefault(q.target, []).append(q)
    problems: list[Diagnostic] = []
    sent = {i.name: _sent(i) for i in network.inputs}
    sent |= {p.name: _sent(p) for p in network.populations}

    def arriving(place: Junction | Population) -> Arrivals:
        parts = [
            _through(q, sent[q.source], shapes[q.source], place, problems)
            for q in into.get(place.name, [])
        ]
        return Arrivals(
            paths=tuple(path for part in parts for path in part.paths),
            constants=tuple(c for part in parts for c in part.constants if c.values.any()),
        )

    for junction in _in_order(network):
        sent[junction.name] = _limited(junction, arriving(junction), problems)
    received = {p.name: arriving(p) for p in network.populations}
    raise_all(problems)
    return received


def _sent(sender: Input | Population) -> Arrivals:
    steps: Steps = ()
    if isinstance(sender, Population) and (sender.spike != 1).any():
        steps = (Factors(sender.spike.astype(np.float64).reshape(sender.shape)),)
    path = Path(name="", origin=(), source=sender.name, shape=sender.shape, steps=steps, delay=0)
    return Arrivals(paths=(path,), constants=())


def _through(
    q: Projection,
    sent: Arrivals,
    shape: Shape,
    place: Junction | Population,
    problems: list[Diagnostic],
) -> Arrivals:
    """Give what of ``sent``, of ``shape``, arrives at ``place`` through ``q``."""
    parts = _steps(q.operators, shape)
    steps = (*(step for part in parts for step in part), Reshape(place.shape))
    problems.extend(_pooled_sums(q, sent, steps))
    paths = tuple(
        replace(
            path,
            name=f"{path.name} + {q.name}" if path.name else q.name,
            origin=(*path.origin, *q.origin),
            steps=(*path.steps, *steps),
            delay=path.delay + q.delay,
        )
        for path in sent.paths
    )
    own = np.zeros((1, *shape))
    for operator, part in zip(q.operators, parts, strict=True):
        for step in part:
            own = _carried(q, step, own, problems)
        own = own + _bias(operator)
    own = own.reshape(1, *place.shape)
    constants: list[Constant] = []
    for c in sent.constants:
        values = c.values[None]
        for step in steps:
            values = _carried(q, step, values, problems)
        constants.append(Constant(origin=(*c.origin, *q.origin), values=values[0]))
    constants.append(Constant(origin=q.origin, values=own[0]))
    return Arrivals(paths=paths, constants=tuple(constants))


def _carried(q: Projection, step: Step, values: Doubles, problems: list[Diagnostic]) -> Doubles:
    """Give what ``step`` adds to its result where ``values`` are added to what it takes.

    That is the same for a max pooling where they are one number under each position of its window.
    """
    if not values.any():
        return np.zeros((1, *step.result_shape(values.shape[1:])))
    result = apply(step, values)
    if isinstance(step, MaxPooling):
        spread = (result + apply(step, -values)).max()
        if spread > _EQUAL * np.abs(values).max():
            problems.append(_problem(q.origin, "biases that differ under a max pooling", ONE_LAYER))
    return result


def _pooled_sums(q: Projection, sent: Arrivals, steps: Steps) -> Iterator[Diagnostic]:
    """Yield a max pooling of several paths, unless each has channels of its own."""
    places = [k for k, step in enumerate(steps) if isinstance(step, MaxPooling)]
    for k in places if len(sent.paths) > 1 else ():
        used = [_channels_used((*path.steps, *steps[:k]), path.shape) for path in sent.paths]
        if (np.sum(used, axis=0) > 1).any():
            yield _problem(
                q.origin,
                f"a max pooling of the sum of {len(used)} paths without a neuron",
                ONE_LAYER,
            )
            return


def _channels_used(steps: Steps, shape: Shape) -> npt.NDArray[np.bool_]:
    values = np.ones((1, *shape))
    for step in steps:
        values = magnitude(step, values)
    return np.asarray(values[0].reshape(values.shape[1], -1).any(axis=1))


# --- operators ---------------------------------------------------------------------------------


def _steps(operators: tuple[Operator, ...], shape: Shape) -> tuple[Steps, ...]:
    """Give the linear part of each of ``operators``, and their pooling."""
    parts: list[Steps] = []
    for operator in operators:
        after = operator.result_shape(shape)
        parts.append(_steps_of(operator, after))
        shape = after
    return tuple(parts)


def _steps_of(operator: Operator, after: Shape) -> Steps:
    match operator:
        case Dense():
            return (Matrix(operator.weight),)
        case Convolution():
            weight = operator.weight.astype(np.float64)
            return (Kernels(weight, operator.window, operator.groups),)
        case Scaling():
            return (_factors(operator.factor.astype(np.float64), after),)
        case AveragePooling():
            divisors = operator.divisors.astype(np.float64)
            factors = _factors(1 / divisors.prod(axis=0), after)
            return SumPooling(window=operator.window), factors
        case SumPooling() | MaxPooling():
            return (operator,)


def _factors(values: Doubles, shape: Shape) -> Factors:
    return Factors(np.broadcast_to(values, shape))


def _bias(operator: Operator) -> Doubles:
    """Give what ``operator`` adds, in a shape that broadcasts to its result."""
    match operator:
        case Dense():
            return operator.bias.astype(np.float64)
        case Convolution():
            axes = (1 for _ in operator.window.kernel)
            return operator.bias.astype(np.float64).reshape(-1, *axes)
        case Scaling():
            return operator.shift.astype(np.float64)
        case _:
            return np.zeros(())


# --- junctions ---------------------------------------------------------------------------------


def _in_order(network: Network) -> list[Junction]:
    junctions = {j.name: j for j in network.junctions}
    return [junctions[name] for name in nx.topological_sort(_between_junctions(network))]


def _between_junctions(network: Network) -> nx.DiGraph[str]:
    names = {j.name for j in network.junctions}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(names))
    graph.add_edges_from(
        (q.source, q.target) for q in network.projections if {q.source, q.target} <= names
    )
    return graph


def _loops(network: Network) -> Iterator[Diagnostic]:
    graph = _between_junctions(network)
    if not nx.is_directed_acyclic_graph(graph):
        names = next(iter(nx.simple_cycles(graph)))
        origins = [" + ".join(j.origin) for n in names for j in network.junctions if j.name == n]
        found = f"a loop without a neuron: {' -> '.join([*origins, origins[0]])}"
        yield _problem((origins[0],), found, "a neuron in every loop")


def _limited(junction: Junction, all_of_it: Arrivals, problems: list[Diagnostic]) -> Arrivals:
    n = len(all_of_it.paths)
    if n <= MAX_PATHS:
        return all_of_it
    problems.append(_problem(junction.origin, f"{n} paths from neurons to here", f"{MAX_PATHS}"))
    return replace(all_of_it, paths=all_of_it.paths[:1])


def _sending_read_outs(network: Network) -> Iterator[Diagnostic]:
    read_outs = {p.name: p for p in network.populations if not p.spiking}
    for q in network.projections:
        if q.source in read_outs:
            yield Diagnostic(
                rule=rules.TOPOLOGY,
                node=" + ".join(q.origin) or q.name,
                found=f"weights from {' + '.join(read_outs[q.source].origin)}, which has no spikes",
                limit="an input or a spiking population",
                remedy="let a spiking layer send, or take the potential as an output",
            )


def _problem(origin: tuple[str, ...], found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.ONE_LAYER,
        node=" + ".join(origin),
        found=found,
        limit=limit,
        remedy="put a spiking layer between them, or pool before the weights",
    )
