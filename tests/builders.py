"""Small networks for tests: builders with defaults, and hypothesis strategies for each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.linear import as_steps, magnitude
from snnc.compiler.network import (
    Input,
    Integration,
    Junction,
    Network,
    Output,
    Population,
    Projection,
    Reset,
)
from snnc.compiler.operators import (
    Convolution,
    Dense,
    FixedConvolution,
    FixedDense,
    FixedOperator,
    Operator,
    Window,
    result_shape,
)
from tests.drawn_operators import (
    dense_onto,
    drawn_shapes,
    drawn_weights,
    fixed_operators,
    real_operators,
)

Numbers = npt.ArrayLike
Edge = tuple[str, str]

LARGEST_CURRENT = 2**24
"""Of random fixed networks: ``|a << 6|``, so that one wrap always brings ``u`` back."""


# --- stage 1 -----------------------------------------------------------------------------------


def population(name: str = "lif", n: int = 1, **fields: Any) -> Population:
    """Make ``n`` neurons: ``v = 0.5 v + I``, threshold 1, reset to zero, unless told otherwise."""
    integration = Integration(fields.get("integration", Integration.DECAY))
    reals = {
        "decay": 0.1 if integration.is_euler else 0.5,
        "current_decay": 0.25 if integration.has_current else 0.0,
        "gain": 1.0,
        "leak": 0.0,
        "initial": 0.0,
        "threshold": 1.0,
        "reset_value": 0.0,
        "spike": 1.0,
    }
    return Population(
        name=name,
        origin=fields.get("origin", (name,)),
        shape=fields.get("shape", (n,)),
        integration=integration,
        reset=fields.get("reset", Reset.ZERO),
        refractory=fields.get("refractory", 0),
        spiking=fields.get("spiking", True),
        inclusive=fields.get("inclusive", False),
        **{f: _vector(fields.get(f, default), n, np.float32) for f, default in reals.items()},
    )


def dense(weight: Numbers, bias: Numbers = 0.0) -> Dense:
    """Make ``W x + b``."""
    matrix = np.atleast_2d(np.asarray(weight, np.float32))
    return Dense(weight=matrix, bias=_vector(bias, matrix.shape[0], np.float32))


def window(
    *kernel: int, stride: int = 1, padding: int | tuple[int, int] = 0, dilation: int = 1
) -> Window:
    """Make a window with the same stride, padding and dilation on every axis."""
    n = len(kernel)
    pair = (padding, padding) if isinstance(padding, int) else padding
    return Window(kernel, (stride,) * n, (pair,) * n, (dilation,) * n)


def convolution(
    weight: Numbers, bias: Numbers = 0.0, *, groups: int = 1, **options: Any
) -> Convolution:
    """Make a convolution of a weight ``[c_out, c_in / groups, *kernel]``."""
    kernels = np.asarray(weight, np.float32)
    return Convolution(
        weight=kernels,
        bias=_vector(bias, kernels.shape[0], np.float32),
        window=window(*kernels.shape[2:], **options),
        groups=groups,
    )


def projection(
    source: str,
    target: str,
    weight: Numbers | None = None,
    *operators: Operator,
    bias: Numbers = 0.0,
    delay: int = 0,
    name: str = "",
) -> Projection:
    """Make a projection named ``source->target`` unless told otherwise.

    Args:
        source: Name of an input, a junction or a population.
        target: Name of a junction or a population.
        weight: Of a dense operator, which comes first; None where there is none.
        operators: Others.
        bias: Of the dense operator.
        delay: In steps.
        name: Of the projection.
    """
    first = () if weight is None else (dense(weight, bias),)
    return Projection(
        name=name or f"{source}->{target}",
        origin=(name or f"{source}->{target}",),
        source=source,
        target=target,
        operators=(*first, *operators),
        delay=delay,
    )


def network(
    populations: Sequence[Population],
    projections: Sequence[Projection],
    *,
    inputs: Mapping[str, int | tuple[int, ...]] | None = None,
    outputs: Sequence[str] = (),
    junctions: Sequence[Junction] = (),
) -> Network:
    """Make a network; its input is ``x``, as wide as its weights say, and its last population out.

    Args:
        populations: In an order of evaluation.
        projections: In the order of summation.
        inputs: Name and size, or shape, of each input.
        outputs: Names of populations.
        junctions: In an order of evaluation.
    """
    widths = {
        q.source: q.operators[0].weight.shape[1]
        for q in projections
        if q.operators and isinstance(q.operators[0], Dense)
    }
    sizes = inputs if inputs is not None else {"x": widths.get("x", 1)}
    sources = outputs or (populations[-1].name,)
    shapes = {name: (n,) if isinstance(n, int) else n for name, n in sizes.items()}
    return Network(
        inputs=tuple(Input(name, shape) for name, shape in shapes.items()),
        junctions=tuple(junctions),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=tuple(Output(f"out_{s}" if outputs else "out", s) for s in sources),
        dt=1e-3,
    )


def one_neuron(weight: Numbers = 1.0, *, bias: Numbers = 0.0, **fields: Any) -> Network:
    """Make a network of one population ``lif`` fed by the input ``x``."""
    matrix = np.atleast_2d(np.asarray(weight, np.float32))
    lif = population(n=matrix.shape[0], **fields)
    return network([lif], [projection("x", "lif", matrix, bias=bias, name="fc")])


# --- stage 2 -----------------------------------------------------------------------------------


def fixed_population(name: str = "lif", n: int = 1, **fields: Any) -> FixedPopulation:
    """Make ``n`` neurons without memory of ``u``: half of ``v`` a step, threshold 10, to zero."""
    integers = {"du": 4095, "dv": 2048, "threshold": 10, "bias_mant": 0, "bias_exp": 0}
    integers["initial"] = 0
    return FixedPopulation(
        name=name,
        origin=fields.get("origin", (name,)),
        shape=fields.get("shape", (n,)),
        reset=FixedReset(fields.get("reset", "zero")),
        refractory=fields.get("refractory", 0),
        spiking=fields.get("spiking", True),
        lag=fields.get("lag", 0),
        scale=_vector(fields.get("scale", 64.0), n, np.float64),
        offset=_vector(fields.get("offset", 0.0), n, np.float64),
        **{f: _vector(fields.get(f, default), n, np.int32) for f, default in integers.items()},
    )


def fixed_dense(weight: Numbers) -> FixedDense:
    """Make ``W x`` in integers."""
    return FixedDense(weight=np.atleast_2d(np.asarray(weight, np.int8)))


def fixed_convolution(weight: Numbers, *, groups: int = 1, **options: Any) -> FixedConvolution:
    """Make a convolution of a weight ``[c_out, c_in / groups, *kernel]`` in integers."""
    kernels = np.asarray(weight, np.int8)
    return FixedConvolution(
        weight=kernels, window=window(*kernels.shape[2:], **options), groups=groups
    )


def fixed_projection(
    source: str,
    target: str,
    weight: Numbers | None = None,
    *operators: FixedOperator,
    weight_exp: int = 0,
    delay: int = 1,
    name: str = "",
) -> FixedProjection:
    """Make a projection named ``source->target`` unless told otherwise.

    Args:
        source: Name of an input or a population.
        target: Name of a population.
        weight: Of a dense operator, which comes first; None where there is none.
        operators: Others.
        weight_exp: Exponent of the sum.
        delay: In hardware steps.
        name: Of the projection.
    """
    first = () if weight is None else (fixed_dense(weight),)
    return FixedProjection(
        name=name or f"{source}->{target}",
        origin=(name or f"{source}->{target}",),
        source=source,
        target=target,
        operators=(*first, *operators),
        weight_exp=weight_exp,
        delay=delay,
    )


def fixed_network(
    populations: Sequence[FixedPopulation],
    projections: Sequence[FixedProjection],
    *,
    inputs: Sequence[FixedInput] = (),
) -> FixedNetwork:
    """Make a fixed network; its input is ``x`` for spikes unless told, its last population out."""
    widths = {
        q.source: q.operators[0].weight.shape[1]
        for q in projections
        if q.operators and isinstance(q.operators[0], FixedDense)
    }
    return FixedNetwork(
        inputs=tuple(inputs) or (FixedInput("x", (widths.get("x", 1),)),),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=(Output("out", populations[-1].name),),
        dt=1e-3,
    )


def one_fixed(weight: Numbers = 10, *, max_abs: int = 1, **fields: Any) -> FixedNetwork:
    """Make a fixed network of one population ``lif`` fed by ``x`` one step later."""
    matrix = np.atleast_2d(np.asarray(weight, np.int8))
    exponent, delay = fields.pop("weight_exp", 0), fields.pop("delay", 1)
    q = fixed_projection("x", "lif", matrix, weight_exp=exponent, delay=delay, name="fc")
    lif = fixed_population(n=matrix.shape[0], **fields)
    return fixed_network([lif], [q], inputs=[FixedInput("x", (matrix.shape[1],), 1.0, max_abs)])


# --- NIR ---------------------------------------------------------------------------------------


def lif(n: int = 1, **fields: Any) -> nir.LIF:
    """Make a NIR neuron node of ``n`` neurons: tau 10 ms, r 1, threshold 1, float32."""
    defaults = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    values = {f: fields.get(f, default) for f, default in defaults.items()}
    vectors = {f: _vector(v, n, np.float32) if np.ndim(v) < 1 else v for f, v in values.items()}
    return nir.LIF(**vectors, metadata=fields.get("metadata", {}))


def linear(weight: Numbers, metadata: Mapping[str, Any] | None = None) -> nir.Linear:
    """Make weights without bias."""
    matrix = np.atleast_2d(np.asarray(weight, np.float32))
    return nir.Linear(weight=matrix, metadata=dict(metadata or {}))


def affine(weight: Numbers, bias: Numbers = 0.0) -> nir.Affine:
    """Make weights with a bias."""
    matrix = np.atleast_2d(np.asarray(weight, np.float32))
    return nir.Affine(weight=matrix, bias=_vector(bias, matrix.shape[0], np.float32))


def graph(
    nodes: Mapping[str, nir.NIRNode],
    edges: Sequence[Edge],
    *,
    metadata: Mapping[str, Any] | None = None,
) -> nir.NIRGraph:
    """Make a NIR graph, right or wrong: nothing is checked."""
    return nir.NIRGraph(
        nodes=dict(nodes), edges=list(edges), metadata=dict(metadata or {}), type_check=False
    )


def source(n: int = 1) -> nir.Input:
    """Make an input node of ``n`` values."""
    return nir.Input(input_type={"input": np.array([n])})


def sink(n: int | None = None) -> nir.Output:
    """Make an output node of ``n`` values, or of as many as arrive."""
    shape: Any = None if n is None else np.array([n])
    return nir.Output(output_type={"output": shape})


def chain(
    *layers: nir.NIRNode, n: int = 1, metadata: Mapping[str, Any] | None = None
) -> nir.NIRGraph:
    """Make the graph ``input -> 0 -> 1 -> ... -> output``."""
    nodes = {"input": source(n), **{str(i): node for i, node in enumerate(layers)}}
    names = [*nodes, "output"]
    edges = list(pairwise(names))
    return graph({**nodes, "output": sink()}, edges, metadata=metadata)


# --- strategies --------------------------------------------------------------------------------


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    resets: Sequence[Reset] = tuple(Reset),
    integrations: Sequence[Integration] = tuple(Integration),
    recurrent: bool = True,
    plain: bool = False,
) -> Network:
    """Draw a network of one to three populations with chains, skips and loops of one step.

    The structure is drawn, so that it shrinks; weights come from a drawn seed.

    Args:
        draw: Given by hypothesis.
        resets: To draw from.
        integrations: To draw from.
        recurrent: Have loops.
        plain: Weights between flat populations that start at 0 and spike; nothing else.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = {"x": (draw(st.integers(1, 4)),) if plain else draw(drawn_shapes())}
    names = [f"p{i}" for i in range(draw(st.integers(1, 3)))]
    read_out = names[-1] if not plain and draw(st.integers(0, 4)) == 0 else ""
    junctions: list[Junction] = []
    projections: list[Projection] = []
    populations: list[Population] = []
    for source, name in pairwise(["x", *names]):
        first: tuple[Operator, ...] = (
            (dense_onto(rng, shapes[source], draw(st.integers(1, 4))),)
            if plain
            else draw(real_operators(rng, shapes[source]))
        )
        shapes[name] = shape = result_shape(first, shapes[source])
        populations.append(
            _random_population(draw, rng, name, shape, resets, integrations)
            if plain
            else _odd_population(draw, rng, name, shape, resets, integrations, name != read_out)
        )
        if not plain and draw(st.integers(0, 3)) == 0:
            place = f"sum_{name}"
            junctions.append(Junction(name=place, origin=(place,), shape=shape))
            projections.append(projection(source, place, None, *first))
            other = draw(st.sampled_from([n for n in shapes if n != name]))
            projections.append(_crossing(rng, other, place, shapes, shape, name="aside " + name))
            projections.append(projection(place, name, delay=draw(st.sampled_from((0, 0, 2)))))
        else:
            projections.append(projection(source, name, None, *first))
    projections += _crossings(draw, rng, shapes, names, read_out, recurrent)
    return network(populations, projections, inputs={"x": shapes["x"]}, junctions=junctions)


def _crossings(
    draw: st.DrawFn,
    rng: np.random.Generator,
    shapes: Mapping[str, tuple[int, ...]],
    names: list[str],
    read_out: str,
    recurrent: bool,
) -> list[Projection]:
    """Draw skips of no delay, and loops of a step more than there are populations."""
    forward = [(a, b) for j, b in enumerate(names) for a in ["x", *names[: j - 1]][:j]]
    backward = [(a, b) for j, b in enumerate(names) for a in names[j:] if a != read_out]
    routes: list[tuple[str, str, int]] = []
    if forward:
        chosen = draw(st.lists(st.sampled_from(forward), unique=True))
        routes += [(a, b, 0) for a, b in chosen if (a, b) != ("x", names[0])]
    if recurrent and backward:
        chosen = draw(st.lists(st.sampled_from(backward), unique=True, max_size=2))
        routes += [(a, b, 1 + len(names)) for a, b in chosen]
    return [
        _crossing(rng, a, b, shapes, shapes[b], delay=delay, name=f"{a}->>{b}")
        for a, b, delay in routes
    ]


def _crossing(
    rng: np.random.Generator,
    source: str,
    target: str,
    shapes: Mapping[str, tuple[int, ...]],
    shape: tuple[int, ...],
    *,
    name: str,
    delay: int = 0,
) -> Projection:
    weights = dense_onto(rng, shapes[source], int(np.prod(shape)))
    return projection(source, target, None, weights, delay=delay, name=name)


def _random_population(
    draw: st.DrawFn,
    rng: np.random.Generator,
    name: str,
    shape: tuple[int, ...],
    resets: Sequence[Reset],
    integrations: Sequence[Integration],
    **more: Any,
) -> Population:
    integration = draw(st.sampled_from(integrations))
    reset = draw(st.sampled_from(resets))
    euler, n = integration.is_euler, int(np.prod(shape))
    fields = {
        "decay": rng.uniform(0.05, 0.5, n) if euler else rng.uniform(0.3, 0.95, n),
        "current_decay": rng.uniform(0.1, 0.9, n) if integration.has_current else 0.0,
        "gain": rng.uniform(2, 10, n) if euler else 1.0,
        "leak": rng.normal(0, 0.1, n) if euler else 0.0,
        "threshold": rng.uniform(0.3, 2, n),
        "reset_value": rng.uniform(-0.5, 0.2, n) if reset is Reset.VALUE else 0.0,
    }
    return population(
        name, n, shape=shape, integration=integration, **({"reset": reset} | fields | more)
    )


def _odd_population(
    draw: st.DrawFn,
    rng: np.random.Generator,
    name: str,
    shape: tuple[int, ...],
    resets: Sequence[Reset],
    integrations: Sequence[Integration],
    spiking: bool,
) -> Population:
    """Draw a population with an initial potential, graded spikes, refractory steps."""
    channels = np.repeat(rng.uniform(0.5, 2, shape[0]), int(np.prod(shape[1:])))
    more = {
        "initial": rng.normal(0, 0.3, int(np.prod(shape))) * draw(st.integers(0, 1)),
        "spike": draw(st.sampled_from((1.0, 1.0, 1.5))) if spiking else 1.0,
        "refractory": draw(st.sampled_from((0, 0, 1, 3))) if spiking else 0,
        "spiking": spiking,
    }
    if spiking and draw(st.integers(0, 4)) == 0:
        more["spike"] = channels
    if not spiking:
        more |= {"reset": Reset.NONE, "threshold": 0.0}
    return _random_population(draw, rng, name, shape, resets, integrations, **more)


@st.composite
def fixed_networks(draw: st.DrawFn, *, retimed: bool = True, plain: bool = False) -> FixedNetwork:
    """Draw a fixed network with registers at and near their limits.

    Synaptic input is kept so small that one wrap brings ``u`` back, and large enough to wrap.

    Args:
        draw: Given by hypothesis.
        retimed: Delays of 1 or more and lags; else delays of 0 too, forward only, and no lags.
        plain: Dense weights between flat populations that start at 0 and spike; nothing else.
    """
    max_abs = draw(st.sampled_from((1, 1, 127, 255)))
    shapes = {"x": (draw(st.integers(1, 3)),) if plain else draw(drawn_shapes())}
    names = [f"p{i}" for i in range(draw(st.integers(1, 3)))]
    routes: list[tuple[str, str, tuple[FixedOperator, ...]]] = []
    for name in names:
        source = draw(st.sampled_from(list(shapes))) if routes else "x"
        operators = draw(_fixed_layer(shapes[source], None, plain))
        shapes[name] = result_shape(operators, shapes[source])
        routes.append((source, name, operators))
    ends = st.tuples(st.sampled_from(["x", *names]), st.sampled_from(names))
    for a, b in draw(st.lists(ends, unique=True, max_size=3)):
        routes.append((a, b, draw(_fixed_layer(shapes[a], int(np.prod(shapes[b])), plain))))
    read_outs = () if plain else [n for n in names[-1:] if draw(st.integers(0, 4)) == 0]
    routes = [(a, b, operators) for a, b, operators in routes if a not in read_outs]
    populations = [
        _extreme_population(
            draw, name, shapes[name], draw(st.integers(0, 3)) if retimed else 0, plain, read_outs
        )
        for name in names
    ]
    ranks = {name: i for i, name in enumerate(["x", *names])}
    targets = [b for _, b, _ in routes]
    projections = [
        fixed_projection(
            a,
            b,
            None,
            *operators,
            weight_exp=draw(
                _exponents(operators, shapes[a], targets.count(b) * (max_abs if a == "x" else 1))
            ),
            delay=draw(st.integers(0 if not retimed and ranks[a] < ranks[b] else 1, 5)),
            name=f"q{i}",
        )
        for i, (a, b, operators) in enumerate(routes)
    ]
    return fixed_network(
        populations, projections, inputs=[FixedInput("x", shapes["x"], 1.0, max_abs)]
    )


@st.composite
def _fixed_layer(
    draw: st.DrawFn, shape: tuple[int, ...], n: int | None, plain: bool
) -> tuple[FixedOperator, ...]:
    if not plain:
        return draw(fixed_operators(shape, n))
    return (FixedDense(weight=draw(drawn_weights(n or draw(st.integers(1, 3)), shape[0]))),)


def _exponents(
    operators: tuple[FixedOperator, ...], shape: tuple[int, ...], levels: int
) -> st.SearchStrategy[int]:
    """Give exponents that keep the synaptic input small enough, the largest most often."""
    largest = np.ones((1, *shape))
    for step in as_steps(operators, shape):
        largest = magnitude(step, largest)
    share = LARGEST_CURRENT / (64 * levels * max(1.0, float(largest.max())))
    highest = max(-7, min(7, int(np.floor(np.log2(share)))))
    return st.sampled_from((highest, highest, -7)) | st.integers(-7, highest)


def _extreme_population(
    draw: st.DrawFn,
    name: str,
    shape: tuple[int, ...],
    lag: int,
    plain: bool,
    read_outs: Sequence[str],
) -> FixedPopulation:
    n = int(np.prod(shape))

    def vector(*values: int, low: int, high: int) -> npt.NDArray[np.int64]:
        element = st.sampled_from(values) | st.integers(low, high)
        few = draw(st.lists(element, min_size=min(n, 3), max_size=min(n, 3)))
        return np.resize(np.array(few), n)

    more: dict[str, Any] = {"reset": draw(st.sampled_from(tuple(FixedReset)))}
    if not plain:
        more["initial"] = vector(0, 0, 2**23 - 1, 1 - 2**23, low=-5000, high=5000)
        more["refractory"] = draw(st.sampled_from((0, 0, 1, 3)))
    if name in read_outs:
        more |= {"spiking": False, "reset": "none", "refractory": 0}
    return fixed_population(
        name,
        n,
        shape=shape,
        du=vector(0, 1, 4094, 4095, low=0, high=4095),
        dv=vector(0, 1, 4095, 4096, low=0, high=4096),
        threshold=vector(0, 1, 131071, low=0, high=200),
        bias_mant=vector(0, 0, 4095, -4095, low=-4095, high=4095),
        bias_exp=vector(0, 7, low=0, high=7),
        lag=lag,
        **more,
    )


@st.composite
def graphs(draw: st.DrawFn) -> nir.NIRGraph:
    """Draw a NIR graph of norse's kind (r = 1), with chains, skips and self-recurrence.

    Nodes and edges stand in a drawn order; names are not in the order of evaluation.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    names = draw(st.permutations(["a", "b", "c"]))[: len(sizes)]
    width = draw(st.integers(1, 4))
    nodes: dict[str, nir.NIRNode] = {"in": source(width), "out": sink(sizes[-1])}
    edges: list[Edge] = [(names[-1], "out")]
    previous, columns = "in", width
    for name, n in zip(names, sizes, strict=True):
        nodes[name] = lif(n, tau=rng.uniform(0.002, 0.05, n), v_threshold=rng.uniform(0.01, 0.1, n))
        nodes[f"w_{name}"] = affine(rng.normal(0, 1, (n, columns)), rng.normal(0, 0.1, n))
        edges += [(previous, f"w_{name}"), (f"w_{name}", name)]
        if draw(st.booleans()):
            nodes[f"r_{name}"] = linear(rng.normal(0, 1, (n, n)))
            edges += [(name, f"r_{name}"), (f"r_{name}", name)]
        previous, columns = name, n
    order = draw(st.permutations(sorted(nodes)))
    return graph({name: nodes[name] for name in order}, draw(st.permutations(edges)))


# --- data --------------------------------------------------------------------------------------


def spikes(shape: tuple[int, ...], *, seed: int = 0, rate: float = 0.3) -> npt.NDArray[np.float32]:
    """Give random spikes, 0 or 1."""
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.float32)


def integers_for(
    network: FixedNetwork, *, steps: int, batch: int = 1, seed: int = 0
) -> dict[str, npt.NDArray[np.int32]]:
    """Give random integers of each input's range, with both extremes and zero among them."""
    rng = np.random.default_rng(seed)
    data: dict[str, npt.NDArray[np.int32]] = {}
    for i in network.inputs:
        values = rng.integers(-i.max_abs, i.max_abs + 1, (steps, batch, i.size))
        extremes = rng.choice([-i.max_abs, 0, i.max_abs], values.shape)
        data[i.name] = np.where(rng.random(values.shape) < 0.5, extremes, values).astype(np.int32)
    return data


def _vector(values: Numbers, n: int, dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.broadcast_to(np.asarray(values, dtype), (n,)).copy()
