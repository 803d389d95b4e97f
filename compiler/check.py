"""What holds for every network of a stage: checked after each pass and on loading."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from math import prod
from typing import cast

import numpy as np
import numpy.typing as npt

from snnc.compiler.diagnostics import Diagnostic, InternalError
from snnc.compiler.fixed import (
    ALIGN_BITS,
    LONGEST_DELAY,
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_DU,
    MAX_DV,
    MAX_THRESHOLD,
    MAX_WEIGHT_BITS,
    STATE_LIMIT,
    FixedAxons,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    exponent_limits,
    largest_sent,
    weight_limits,
)
from snnc.compiler.linear import Doubles, Lists, Weighted, apply, as_steps, magnitude
from snnc.compiler.network import Network, Population, Projection, Reset
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    FixedWeighted,
    MaxPooling,
    Reals,
    Shape,
    ShapeError,
    SumPooling,
    result_shape,
)
from snnc.compiler.problems import edge, has_shape, in_range, misfit, number

Source = FixedInput | FixedPopulation | FixedAxons
_OF_AXONS = ("member", "element")
MAX_POTENTIAL = STATE_LIMIT - 1
"""Largest ``|v|``, as the clip leaves it."""
MAX_SYNAPTIC_INPUT = 2**31 - 1
"""Largest sum that a port carries: 32 bits (lava 0.10.0, ``PyInPort.VEC_DENSE, np.int32``)."""


def ensure(diagnostics: Iterable[Diagnostic], after: str) -> None:
    """Raise when a pass of ours has made a network that breaks the rules of its stage.

    Raises:
        InternalError: There is a diagnostic; the text names the pass.
    """
    found = tuple(diagnostics)
    if found:
        raise InternalError(f"after {after}:\n" + "\n\n".join(map(str, found)))


def check_network(network: Network) -> Iterator[Diagnostic]:
    """Yield every way in which ``network`` is not well formed."""
    yield from _check_names(network)
    for population in network.populations:
        yield from _check_population(population)
    yield from _check_network_order(network)
    shapes = network.shapes
    for projection in network.projections:
        yield from _check_real_projection(projection, shapes)


def check_fixed(network: FixedNetwork) -> Iterator[Diagnostic]:
    """Yield every way in which ``network`` is not well formed or leaves the integers' ranges."""
    yield from _check_names(network)
    for declared in network.inputs:
        yield from _check_fixed_input(declared)
    for population in network.populations:
        yield from _check_fixed_population(population)
    nodes: dict[str, Source] = {i.name: i for i in network.inputs}
    nodes.update((p.name, p) for p in network.populations)
    sources = dict(nodes)
    for axons in network.axons:
        problems = tuple(_check_axons(axons, nodes))
        yield from problems
        if not problems:
            sources.setdefault(axons.name, axons)
    yield from _check_order(network)
    sound: dict[str, list[FixedProjection]] = {p.name: [] for p in network.populations}
    for projection in network.projections:
        problems = tuple(_check_fixed_projection(projection, sources))
        yield from problems
        if not problems:
            sound[projection.target].append(projection)
    inputs = {i.name: i for i in network.inputs}
    sent = {name: largest_sent(node, inputs) for name, node in sources.items()}
    for population in network.populations:
        yield from _check_synaptic_input(population, sound[population.name], sent)


def _check_names(network: Network | FixedNetwork) -> Iterator[Diagnostic]:
    sums = network.junctions if isinstance(network, Network) else ()
    axons = network.axons if isinstance(network, FixedNetwork) else ()
    sources = [n.name for n in (*network.inputs, *sums, *network.populations, *axons)]
    for group in (
        sources,
        [p.name for p in network.projections],
        [o.name for o in network.outputs],
    ):
        for name in sorted(n for n, count in Counter(group).items() if count > 1):
            yield edge(name, "a name that stands twice", "unique names")
    if not network.outputs:
        yield edge("network", "no output", "at least one")
    populations = {p.name for p in network.populations}
    for output in network.outputs:
        if output.source not in populations:
            yield edge(output.name, f"no population {output.source!r}", "a population")


def _check_order(network: FixedNetwork) -> Iterator[Diagnostic]:
    names = [p.name for p in network.populations]
    ranks = {name: i for i, name in enumerate(names)}
    for axons in network.axons:
        ranks[axons.name] = max((ranks.get(name, -1) for name in axons.sources), default=-1)
    for projection in network.projections:
        backward = ranks.get(projection.source, -1) >= ranks.get(projection.target, len(ranks))
        if projection.delay == 0 and backward:
            ends = f"{projection.source} to {projection.target}"
            yield edge(
                projection.name, f"no delay from {ends}", "a step, or a population further on"
            )


def _check_network_order(network: Network) -> Iterator[Diagnostic]:
    """Yield what does not go forward: undelayed projections, and those between junctions.

    Junctions stand between populations: ``latest`` says of each the last population that it waits
    for within the step.
    """
    into: dict[str, list[Projection]] = defaultdict(list)
    for q in network.projections:
        into[q.target].append(q)
    places = {p.name: i for i, p in enumerate(network.populations)}
    latest = {i.name: -1 for i in network.inputs} | places
    below = {j.name for j in network.junctions}
    for junction in network.junctions:
        if not into[junction.name]:
            yield edge(junction.name, "a sum of nothing", "one projection at least")
        for q in into[junction.name]:
            if q.source in below:
                yield _backward(q, "a sum further on")
        waits = [q.source for q in into[junction.name] if q.delay == 0]
        latest[junction.name] = max((latest.get(name, -1) for name in waits), default=-1)
        below.remove(junction.name)
    for q in network.projections:
        if q.delay == 0 and latest.get(q.source, -1) >= places.get(q.target, len(places)):
            yield _backward(q, "a step, or a population further on")


def _backward(q: Projection, limit: str) -> Diagnostic:
    found = f"{'a' if q.delay else 'no'} delay from {q.source} to {q.target}"
    return edge(q.name, found, limit)


def _check_real_projection(q: Projection, shapes: dict[str, Shape]) -> Iterator[Diagnostic]:
    missing = [n for n in (q.source, q.target) if n not in shapes]
    if missing:
        yield edge(q.name, f"no population {missing[0]!r}", "inputs and populations")
        return
    try:
        shape = result_shape(q.operators, shapes[q.source])
    except ShapeError as refused:
        yield misfit(q, str(refused), f"what {q.source} sends, {list(shapes[q.source])}")
        return
    if prod(shape) != prod(shapes[q.target]):
        yield misfit(q, f"values of shape {list(shape)}", f"{q.target}, {list(shapes[q.target])}")
    yield from in_range(q, "delay", np.array([q.delay]), 0, LONGEST_DELAY)
    for operator in q.operators:
        for field, values in vars(operator).items():
            if isinstance(values, np.ndarray) and not np.isfinite(cast("Reals", values)).all():
                yield number(q, field, "a value that is not finite", "finite numbers")


def _check_population(population: Population) -> Iterator[Diagnostic]:
    for field in (f.name for f in fields(population) if f.type == "Reals"):
        values: npt.NDArray[np.float32] = getattr(population, field)
        yield from has_shape(population, field, values, (population.size,))
        if not np.isfinite(values).all():
            yield number(population, field, "a value that is not finite", "finite numbers")
    yield from in_range(population, "decay", population.decay, 0, 1)
    yield from in_range(population, "current_decay", population.current_decay, 0, 1)
    if population.refractory < 0:
        yield number(population, "refractory", str(population.refractory), "0 or more")
    if population.spiking:
        yield from _check_threshold(population)


def _check_threshold(population: Population) -> Iterator[Diagnostic]:
    base = population.reset_value if population.reset is Reset.VALUE else 0.0
    if (population.threshold <= base).any():
        limit = "above the reset value" if population.reset is Reset.VALUE else "above 0"
        yield number(population, "threshold", f"{population.threshold.min():g}", limit)


def _check_fixed_input(declared: FixedInput) -> Iterator[Diagnostic]:
    if not (np.isfinite(declared.step) and declared.step > 0):
        yield number(declared, "step", f"{declared.step:g}", "above 0")
    if declared.max_abs < 1:
        yield number(declared, "max_abs", str(declared.max_abs), "1 or more")


def _check_fixed_population(population: FixedPopulation) -> Iterator[Diagnostic]:
    ranges = {
        "du": (0, MAX_DU),
        "dv": (0, MAX_DV),
        "threshold": (0, MAX_THRESHOLD),
        "bias_mant": (-MAX_BIAS_MANT, MAX_BIAS_MANT),
        "bias_exp": (0, MAX_BIAS_EXP),
        "initial": (-MAX_POTENTIAL, MAX_POTENTIAL),
    }
    for field, (low, high) in ranges.items():
        values: npt.NDArray[np.int32] = getattr(population, field)
        yield from has_shape(population, field, values, (population.size,))
        yield from in_range(population, field, values, low, high)
    for field in ("scale", "offset"):
        numbers: npt.NDArray[np.float64] = getattr(population, field)
        yield from has_shape(population, field, numbers, (population.size,))
        if not np.isfinite(numbers).all():
            yield number(population, field, "a value that is not finite", "finite numbers")
    if (population.scale <= 0).any():
        yield number(population, "scale", f"{population.scale.min():g}", "above 0")
    for field in ("lag", "refractory"):
        steps: int = getattr(population, field)
        if steps < 0:
            yield number(population, field, str(steps), "0 or more")
    if not population.spiking and population.reset is not FixedReset.NONE:
        yield number(population, "reset", population.reset, "none: a read-out has no spikes")


def _check_fixed_projection(
    q: FixedProjection, sources: Mapping[str, Source]
) -> Iterator[Diagnostic]:
    missing = [n for n in (q.source, q.target) if n not in sources]
    if missing:
        yield edge(q.name, f"no population {missing[0]!r}", "inputs and populations")
        return
    source, target = sources[q.source], sources[q.target]
    if not isinstance(target, FixedPopulation):
        kind = "input" if isinstance(target, FixedInput) else "axons"
        yield edge(q.name, f"weights into the {kind} {q.target!r}", "a population")
    if isinstance(source, FixedPopulation) and not source.spiking:
        yield edge(q.name, f"weights from {q.source!r}, a read-out", "an input or spikes")
    yield from _check_fixed_operators(q, source.shape, target)
    yield from in_range(q, "delay", np.array([q.delay]), 0, LONGEST_DELAY)
    yield from _check_weights(q)


def _check_weights(q: FixedProjection) -> Iterator[Diagnostic]:
    bits = np.array([q.weight_bits])
    wrong = tuple(in_range(q, "weight_bits", bits, 1 + q.sign_mode.sign_bits, MAX_WEIGHT_BITS))
    yield from wrong
    if wrong:
        return
    yield from in_range(q, "weight_exp", np.array([q.weight_exp]), *exponent_limits(q.weight_bits))
    for operator in q.operators:
        if isinstance(operator, FixedWeighted):
            extremes = [operator.weight.min(initial=0), operator.weight.max(initial=0)]
            limits = weight_limits(q.weight_bits, q.sign_mode)
            yield from in_range(q, "weight", np.array(extremes, np.int32), *limits)


def _check_fixed_operators(
    q: FixedProjection, shape: Shape, target: Source
) -> Iterator[Diagnostic]:
    pools, sent = (SumPooling, MaxPooling), list(shape)
    weighted = sum(not isinstance(operator, pools) for operator in q.operators)
    if weighted != 1:
        yield misfit(q, f"{weighted} operators with weights", "exactly one")
    for operator in q.operators:
        problem = _window_problem(operator)
        if problem is not None:
            yield number(q, *problem)
            return
        try:
            after = operator.result_shape(shape)
        except ShapeError as refused:
            limit = f"what {q.source} sends, {sent}, through the operators"
            yield misfit(q, str(refused), limit)
            return
        if isinstance(operator, MaxPooling) and _sees_padding_alone(operator, shape):
            yield number(q, "padding", "a window of nothing else", "an element")
            return
        shape = after
    if prod(shape) != target.size:
        yield misfit(q, f"values of shape {list(shape)}", f"{q.target}, {list(target.shape)}")


def _sees_padding_alone(operator: MaxPooling, shape: Shape) -> bool:
    return bool(np.isinf(apply(operator, np.zeros((1, 1, *shape[1:])))).any())


def _window_problem(operator: FixedOperator) -> tuple[str, str, str] | None:
    """Give field, what was found and limit where a window or its groups make no sense."""
    if isinstance(operator, FixedDense | FixedSparse | FixedScaling):
        return None
    if isinstance(operator, FixedConvolution) and operator.groups < 1:
        return "groups", str(operator.groups), "1 or more"
    w = operator.window
    axes = {len(values) for values in (w.kernel, w.stride, w.padding, w.dilation)}
    if len(axes) != 1:
        found = f"of {' or '.join(map(str, sorted(axes)))} axes"
        return "window", found, "one entry for each axis"
    if any(len(pair) != 2 for pair in w.padding):
        return "padding", str([list(pair) for pair in w.padding]), "before and after each axis"
    for field, values, least in (
        ("kernel", w.kernel, 1),
        ("stride", w.stride, 1),
        ("dilation", w.dilation, 1),
        ("padding", tuple(n for pair in w.padding for n in pair), 0),
    ):
        if min(values, default=0) < least:
            return field, str(list(values)), f"{least} or more"
    return None


def _check_synaptic_input(
    population: FixedPopulation,
    arriving: Iterable[FixedProjection],
    sent: Mapping[str, Doubles],
) -> Iterator[Diagnostic]:
    """Yield whether a sum of (1), pooled or not, or its alignment in (3) can leave 32 bits.

    Reference: ``docs/arithmetic.md``.
    """
    largest = sum(_largest_sum(q, sent[q.source]) for q in arriving)
    if largest > MAX_SYNAPTIC_INPUT:
        yield number(
            population,
            "synaptic input",
            f"up to {largest:.3g}",
            f"{MAX_SYNAPTIC_INPUT}: Lava's ports are 32 bits wide",
        )


def _largest_sum(q: FixedProjection, sent: Doubles) -> float:
    x = sent[np.newaxis]
    largest, weighted = 0.0, False
    for step in as_steps(q.operators, sent.shape):
        x = magnitude(step, x)
        weighted = weighted or isinstance(step, Weighted | Lists)
        if weighted:
            largest = max(largest, float(x.max(initial=0)))
    in_lava = MAX_WEIGHT_BITS - q.weight_bits + q.sign_mode.sign_bits  # its Dense has W << this
    return largest * 2.0 ** max(in_lava, q.weight_exp + ALIGN_BITS)


def _check_axons(axons: FixedAxons, nodes: Mapping[str, Source]) -> Iterator[Diagnostic]:
    for name in axons.sources:
        source = nodes.get(name)
        if source is None:
            yield edge(axons.name, f"no population {name!r}", "inputs and populations")
        elif isinstance(source, FixedPopulation) and not source.spiking:
            yield edge(axons.name, f"axons of {name!r}, a read-out", "an input or spikes")
    for name in sorted(n for n, count in Counter(axons.sources).items() if count > 1):
        yield edge(axons.name, f"the source {name!r} twice", "each source once")
    yield from in_range(axons, "member", axons.member, 0, len(axons.sources) - 1)
    shapes = [tuple(has_shape(axons, f, getattr(axons, f), (axons.size,))) for f in _OF_AXONS]
    yield from (problem for problems in shapes for problem in problems)
    if not any(shapes):
        yield from _check_elements(axons, nodes)


def _check_elements(axons: FixedAxons, nodes: Mapping[str, Source]) -> Iterator[Diagnostic]:
    for k, name in enumerate(axons.sources):
        elements = axons.element[axons.member == k]
        if name in nodes:
            yield from in_range(axons, "element", elements, 0, nodes[name].size - 1)
        if np.unique(elements).size < elements.size:
            yield number(axons, "element", f"one of {name!r} twice", "each element once")
