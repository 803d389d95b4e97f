"""What a network of integers holds, and what happened in it: which cases a search has seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_DELAY,
    MAX_DU,
    MAX_DV,
    MAX_THRESHOLD,
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
    FixedSparse,
    MaxPooling,
    SumPooling,
    Window,
)

Array = npt.NDArray[Any]
LIMITS = {
    "du": (0, MAX_DU),
    "dv": (0, MAX_DV),
    "threshold": (0, MAX_THRESHOLD),
    "bias_mant": (-MAX_BIAS_MANT, MAX_BIAS_MANT),
    "bias_exp": (0, MAX_BIAS_EXP),
    "initial": (1 - STATE_LIMIT, STATE_LIMIT - 1),
}
"""The least and the largest of each register."""
POOLING = {SumPooling: "sum pooling", MaxPooling: "max pooling"}


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
    for _ in before:  # after as many rounds all that leads to a population is known
        for a, b in ends:
            before[b] |= {a} | before.get(a, set())
    sources = {name: {a for a, b in ends if b == name} for name in before}
    parts = [{name, *behind} for name, behind in before.items()]
    told = {
        "several inputs": len(network.inputs) > 1,
        "several outputs": len(network.outputs) > 1,
        "input without use": {i.name for i in network.inputs} - {a for a, _ in ends},
        "parts without connection": any(not a & b for a in parts for b in parts),
        "driven by its bias alone": not all(sources.values()),
        "several sources": max(map(len, sources.values())) > 1,
        "loop": any(name in sources[name] for name in before),
        "loop across populations": any(
            name in before.get(a, ()) for name, into in sources.items() for a in into - {name}
        ),
        "skip connection": any(
            a in before.get(b, ()) for into in sources.values() for a in into for b in into - {a}
        ),
    }
    yield from (what for what, true in told.items() if true)


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
    for name, limits in LIMITS.items():
        values: Array = getattr(p, name)
        if (values != values[0]).any():
            yield f"{name} of each"
        yield from (f"{name} {limit}" for limit in limits if (values == limit).any())


def _of_projection(q: FixedProjection) -> Iterator[str]:
    yield f"{q.weight_bits} bits, {q.sign_mode}"
    if q.weight_exp < 0:
        yield "sum rounded down" if q.sign_mode is not SignMode.EXCITATORY else "sum shifted right"
    for at, place in ((0, "before"), (-1, "behind")):
        kind = type(q.operators[at])
        if kind in POOLING:
            yield f"{POOLING[kind]} {place} weights"


def _of_operators(q: FixedProjection) -> Iterator[str]:
    for operator in q.operators:
        match operator:
            case FixedDense(weight=weight):
                yield "sparse" if (weight == 0).mean() > 0.5 and weight.size > 3 else "dense"
            case FixedSparse():
                yield "lists"
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
    if _any(s.any() for s in signals["spikes"].values()):
        yield "spikes"
    if _any(0.02 < s.mean() < 0.9 for s in signals["spikes"].values()):
        yield "spikes now and then"
    if _any((abs(np.diff(u, axis=0)) > STATE_LIMIT).any() for u in signals["u"].values()):
        yield "u wraps"
    if _any((abs(u) > STATE_LIMIT).any() for u in signals["u"].values()):
        yield "u out of 24 bits"
    if _any((abs(v) == STATE_LIMIT - 1).any() for v in signals["v"].values()):
        yield "v sticks at its limit"
    thetas = {p.name: 64 * p.threshold for p in network.populations if p.spiking}
    v = {name: signals["v"][name].reshape(-1, theta.size) for name, theta in thetas.items()}
    if _any((v[name] == theta).any() for name, theta in thetas.items()):
        yield "v equals the threshold"


def _any(found: Iterable[Any]) -> bool:
    return any(bool(one) for one in found)
