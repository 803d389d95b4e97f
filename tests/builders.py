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
    return Network(
        inputs=tuple(Input(name, n if isinstance(n, tuple) else (n,)) for name, n in sizes.items()),
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


def sink(n: int = 1) -> nir.Output:
    """Make an output node of ``n`` values."""
    return nir.Output(output_type={"output": np.array([n])})


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
) -> Network:
    """Draw a network of one to three populations with chains, skips and loops of one step.

    The structure is drawn, so that it shrinks; weights come from a drawn seed.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    width = draw(st.integers(1, 4))
    names = [f"p{i}" for i in range(len(sizes))]
    populations = [
        _random_population(draw, rng, name, n, resets, integrations)
        for name, n in zip(names, sizes, strict=True)
    ]
    before = ["x", *names[:-1]]
    routes = list(zip(before, names, [0] * len(names), strict=True))
    forward = [(a, b) for j, b in enumerate(names) for a in before[:j]]
    if forward:
        routes += [(a, b, 0) for a, b in draw(st.lists(st.sampled_from(forward), unique=True))]
    if recurrent:
        backward = [(a, b) for j, b in enumerate(names) for a in names[j:]]
        chosen = draw(st.lists(st.sampled_from(backward), unique=True, max_size=2))
        routes += [(a, b, 1 + len(names)) for a, b in chosen]
    widths = dict(zip(names, sizes, strict=True)) | {"x": width}
    projections = [
        projection(
            a,
            b,
            rng.normal(0, 1 / np.sqrt(widths[a]), (widths[b], widths[a])),
            bias=rng.normal(0, 0.1, widths[b]) * (rng.random() < 0.5),
            delay=delay,
        )
        for a, b, delay in routes
    ]
    return network(populations, projections, inputs={"x": width})


def _random_population(
    draw: st.DrawFn,
    rng: np.random.Generator,
    name: str,
    n: int,
    resets: Sequence[Reset],
    integrations: Sequence[Integration],
) -> Population:
    integration = draw(st.sampled_from(integrations))
    euler = integration.is_euler
    return population(
        name,
        n,
        integration=integration,
        reset=draw(st.sampled_from(resets)),
        decay=rng.uniform(0.05, 0.5, n) if euler else rng.uniform(0.3, 0.95, n),
        current_decay=rng.uniform(0.1, 0.9, n) if integration.has_current else 0.0,
        gain=rng.uniform(2, 10, n) if euler else 1.0,
        leak=rng.normal(0, 0.1, n) if euler else 0.0,
        threshold=rng.uniform(0.3, 2, n),
    )


@st.composite
def fixed_networks(draw: st.DrawFn, *, retimed: bool = True) -> FixedNetwork:
    """Draw a fixed network with registers at and near their limits.

    Synaptic input is kept so small that one wrap brings ``u`` back, and large enough to wrap.

    Args:
        draw: Given by hypothesis.
        retimed: Delays of 1 or more and lags; else delays of 0 too, forward only, and no lags.
    """
    width, max_abs = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 127, 255)))
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    names = [f"p{i}" for i in range(len(sizes))]
    widths = dict(zip(names, sizes, strict=True)) | {"x": width}
    lags = [draw(st.integers(0, 3)) if retimed else 0 for _ in names]
    populations = [
        _extreme_population(draw, name, widths[name], lag)
        for name, lag in zip(names, lags, strict=True)
    ]
    ranks = {name: i for i, name in enumerate(["x", *names])}
    ends = st.tuples(st.sampled_from(["x", *names]), st.sampled_from(names))
    routes = [("x", names[0]), *draw(st.lists(ends, unique=True, max_size=4))]
    targets = [b for _, b in routes]
    projections: list[FixedProjection] = []
    for i, (a, b) in enumerate(routes):
        weight = draw(_weights(widths[b], widths[a]))
        largest = max(1, int(np.abs(weight.astype(int)).sum(axis=1).max()))
        largest *= max_abs if a == "x" else 1
        share = LARGEST_CURRENT // (64 * targets.count(b) * largest)
        highest = max(-7, min(7, share.bit_length() - 1))
        projections.append(
            fixed_projection(
                a,
                b,
                weight,
                weight_exp=draw(st.sampled_from((highest, highest, -7)) | st.integers(-7, highest)),
                delay=draw(st.integers(0 if not retimed and ranks[a] < ranks[b] else 1, 5)),
                name=f"q{i}",
            )
        )
    return fixed_network(populations, projections, inputs=[FixedInput("x", (width,), 1.0, max_abs)])


def _extreme_population(draw: st.DrawFn, name: str, n: int, lag: int) -> FixedPopulation:
    def vector(*values: int, low: int, high: int) -> list[int]:
        element = st.sampled_from(values) | st.integers(low, high)
        return draw(st.lists(element, min_size=n, max_size=n))

    return fixed_population(
        name,
        n,
        du=vector(0, 1, 4094, 4095, low=0, high=4095),
        dv=vector(0, 1, 4095, 4096, low=0, high=4096),
        threshold=vector(0, 1, 131071, low=0, high=200),
        bias_mant=vector(0, 0, 4095, -4095, low=-4095, high=4095),
        bias_exp=vector(0, 7, low=0, high=7),
        reset=draw(st.sampled_from(tuple(FixedReset))),
        lag=lag,
    )


@st.composite
def _weights(draw: st.DrawFn, rows: int, columns: int) -> npt.NDArray[np.int8]:
    element = st.sampled_from((-128, -1, 0, 1, 127)) | st.integers(-128, 127)
    flat = draw(st.lists(element, min_size=rows * columns, max_size=rows * columns))
    return np.array(flat, np.int8).reshape(rows, columns)


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
