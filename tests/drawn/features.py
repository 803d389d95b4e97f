"""What a network of integers holds, and what happened in it: which cases a search has seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    MAX_DELAY,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    SignMode,
)
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedScaling,
    MaxPooling,
    SumPooling,
    Window,
)

Array = npt.NDArray[Any]
PARAMETERS = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")


def features(network: FixedNetwork) -> set[str]:
    """Name all that ``network`` holds."""
    found = set(_shape_of_graph(network))
    for declared in network.inputs:
        found |= set(_of_input(declared))
    for p in network.populations:
        found |= set(_of_population(p))
    lags = {p.name: p.lag for p in network.populations}
    for q in network.projections:
        own = q.delay - lags[q.target] + lags.get(q.source, 0)
        found |= {*_of_projection(q), *_of_operators(q), *_of_delay(q.delay, own)}
    return found


def _shape_of_graph(network: FixedNetwork) -> Iterator[str]:
    ends = {(q.source, q.target) for q in network.projections}
    before: dict[str, set[str]] = {p.name: set() for p in network.populations}
    for _ in before:
        for a, b in ends:
            before[b] |= {a} | before.get(a, set())
    counts = {"inputs": len(network.inputs), "outputs": len(network.outputs)}
    yield from (f"several {what}" for what, n in counts.items() if n > 1)
    for name, sources in before.items():
        into = [a for a, b in ends if b == name]
        if not into:
            yield "driven by its bias alone"
        if (name, name) in ends:
            yield "loop"
        if any(name in before.get(a, ()) for a in sources - {name}):
            yield "loop across populations"
        if any(a in before.get(b, ()) for a in into for b in into if a != b):
            yield "skip connection"
        if len(into) > 1:
            yield "several sources"
    parts = {frozenset({name, *sources}) for name, sources in before.items()}
    if any(not a & b for a in parts for b in parts):
        yield "parts without connection"
    if {i.name for i in network.inputs} - {a for a, _ in ends}:
        yield "input without use"


def _of_input(declared: FixedInput) -> Iterator[str]:
    yield "spikes enter" if declared.max_abs == 1 else "integers enter"
    if declared.step != 1:
        yield "reals enter"


def _of_population(p: FixedPopulation) -> Iterator[str]:
    yield f"reset {p.reset}" if p.spiking else "read-out"
    if p.size == 1:
        yield "one neuron"
    if p.refractory:
        yield f"refractory {p.refractory}"
    for name in PARAMETERS:
        values: Array = getattr(p, name)
        yield from (f"{name} of each" for _ in (0,) if len(set(values.tolist())) > 1)
        yield from (f"{name} {v}" for v in _limits(p, name) if (values == v).any())


def _limits(p: FixedPopulation, name: str) -> tuple[int, ...]:
    del p
    limit = STATE_LIMIT - 1
    return {
        "du": (0, 4095),
        "dv": (0, 4096),
        "threshold": (0, 131071),
        "bias_mant": (-4095, 4095),
        "bias_exp": (7,),
        "initial": (-limit, limit),
    }[name]


def _of_projection(q: FixedProjection) -> Iterator[str]:
    yield f"{q.weight_bits} bits, {q.sign_mode}"
    if q.weight_exp < 0:
        yield "sum rounded down" if q.sign_mode is not SignMode.EXCITATORY else "sum shifted right"
    kinds = [type(operator) for operator in q.operators]
    names = {SumPooling: "sum pooling", MaxPooling: "max pooling"}
    for kind, name in names.items():
        yield from (f"{name} before weights" for _ in (0,) if kinds[0] is kind)
        yield from (f"{name} behind weights" for _ in (0,) if kinds[-1] is kind)


def _of_operators(q: FixedProjection) -> Iterator[str]:
    for operator in q.operators:
        match operator:
            case FixedDense(weight=weight):
                yield "sparse" if (weight == 0).mean() > 0.5 and weight.size > 3 else "dense"
            case FixedScaling():
                yield "scaling"
            case FixedConvolution(window=window, groups=groups):
                yield f"convolution {len(window.kernel)}-D"
                yield from (f"convolution, {what}" for what in _of_window(window))
                if groups > 1:
                    yield "convolution, groups"
            case SumPooling(window=window) | MaxPooling(window=window):
                yield from (f"pooling, {what}" for what in _of_window(window))


def _of_window(w: Window) -> Iterator[str]:
    told = {
        "stride": max(w.stride) > 1,
        "dilation": any(d > 1 and k > 1 for d, k in zip(w.dilation, w.kernel, strict=True)),
        "padding": any(before or behind for before, behind in w.padding),
        "uneven padding": any(before != behind for before, behind in w.padding),
        "not square": len(set(w.kernel)) > 1 and prod(w.kernel) > 1,
    }
    yield from (what for what, true in told.items() if true)


def _of_delay(delay: int, own: int) -> Iterator[str]:
    if delay == MAX_DELAY:
        yield f"delay {MAX_DELAY}"
    if own:
        yield "delay of its own" if own > 0 else "shorter than the lags"


def happenings(network: FixedNetwork, signals: Mapping[str, Mapping[str, Array]]) -> Iterator[str]:
    """Name what happened in a run.

    Args:
        network: What was run.
        signals: ``spikes``, ``u`` and ``v`` of each population, ``[steps, batch, *shape]``.
    """
    if _any((s.any() for s in signals["spikes"].values())):
        yield "spikes"
    if _any(0.02 < s.mean() < 0.9 for s in signals["spikes"].values()):
        yield "spikes now and then"
    if _any((abs(np.diff(u, axis=0)) > STATE_LIMIT).any() for u in signals["u"].values()):
        yield "u wraps"
    if _any((abs(u) > STATE_LIMIT).any() for u in signals["u"].values()):
        yield "u out of 24 bits"
    if _any((abs(v) == STATE_LIMIT - 1).any() for v in signals["v"].values()):
        yield "v sticks at its limit"
    thetas = {p.name: 64 * p.threshold.reshape(p.shape) for p in network.populations if p.spiking}
    if _any((signals["v"][name] == theta).any() for name, theta in thetas.items()):
        yield "v equals the threshold"


def _any(found: Iterable[Any]) -> bool:
    return any(bool(one) for one in found)
