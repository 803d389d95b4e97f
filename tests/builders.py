"""Small networks of each stage for tests, with defaults for all that is not named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    SignMode,
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
    Weights,
    Window,
)
from snnc.compiler.quantization.observed import Observed

Numbers = npt.ArrayLike
Edge = tuple[str, str]


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
    return FixedDense(weight=np.atleast_2d(integers(weight)))


def fixed_convolution(weight: Numbers, *, groups: int = 1, **options: Any) -> FixedConvolution:
    """Make a convolution of a weight ``[c_out, c_in / groups, *kernel]`` in integers."""
    kernels = integers(weight)
    return FixedConvolution(
        weight=kernels, window=window(*kernels.shape[2:], **options), groups=groups
    )


def fixed_projection(
    source: str,
    target: str,
    weight: Numbers | None = None,
    *operators: FixedOperator,
    weight_exp: int = 0,
    weight_bits: int = 8,
    sign_mode: SignMode = SignMode.MIXED,
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
        weight_bits: Width of a weight.
        sign_mode: Which signs weights have.
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
        weight_bits=weight_bits,
        sign_mode=sign_mode,
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


def integers(weight: Numbers) -> Weights:
    """Give weights in the smaller of the two types that holds them."""
    values = np.asarray(weight)
    small = bool(((values >= -128) & (values < 128)).all())
    made: Weights = values.astype(np.int8 if small else np.int16)
    return made


def one_fixed(weight: Numbers = 10, *, max_abs: int = 1, **fields: Any) -> FixedNetwork:
    """Make a fixed network of one population ``lif`` fed by ``x`` one step later."""
    matrix = np.atleast_2d(integers(weight))
    own = ("weight_exp", "weight_bits", "sign_mode", "delay")
    of_weights = {name: fields.pop(name) for name in own if name in fields}
    q = fixed_projection("x", "lif", matrix, name="fc", **of_weights)
    lif = fixed_population(n=matrix.shape[0], **fields)
    return fixed_network([lif], [q], inputs=[FixedInput("x", (matrix.shape[1],), 1.0, max_abs)])


SEEN = Observed(
    samples=4,
    possible=1000,
    reference=100,
    spikes=100,
    spikes_local=100,
    error=0.0,
    error_local=0.0,
    u_seen=0.25,
    v_seen=0.5,
)
"""A population that does on typical data what it should."""


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
