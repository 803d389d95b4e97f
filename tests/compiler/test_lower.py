"""What is lowered computes the same: one layer of weights a path, around a reset of 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler import compose as compose_module
from snnc.compiler.diagnostics import InputError
from snnc.compiler.linear import Weighted, apply
from snnc.compiler.lower import Lowered, lower
from snnc.compiler.network import Integration, Network, Reset
from tests import real_oracle
from tests.builders import networks

Doubles = npt.NDArray[np.float64]


def step(n: Lowered, u: Doubles, v: Doubles, rho: Doubles, a: Doubles) -> tuple[Doubles, ...]:
    """Give ``u``, ``v'``, refractory steps and spikes of one step of the lowered equations."""
    p = n.population
    beta = 1 - p.decay.astype(float) if p.integration.is_euler else p.decay.astype(float)
    alpha = np.zeros(p.size)
    if p.integration is Integration.CURRENT_DECAY:
        alpha = p.current_decay.astype(float)
    if p.integration is Integration.CURRENT_EULER:
        alpha = 1 - p.current_decay.astype(float)
    theta = n.threshold if p.spiking else np.full(p.size, np.inf)
    r = v > theta
    u = alpha * u + a
    new = beta * v + u + n.bias
    if n.reset in ("subtract-delayed", "subtract-retest"):
        new = np.where(r, new - n.threshold, new)
    if n.reset == "zero-next":
        new = np.where(r, 0, new)
    s = new > theta
    if n.reset == "zero":
        new = np.where(s, 0, new)
    if n.reset == "subtract":
        new = np.where(s, new - n.threshold, new)
    if n.reset == "subtract-retest":
        new = new - (s.astype(float) - r) * n.threshold
    held = rho > 0
    new, s = np.where(held, v, new), np.where(held, False, s)
    return u, new, np.where(s, p.refractory, np.maximum(rho - 1, 0)), s.astype(float)


def run(lowered: tuple[Lowered, ...], x: Doubles) -> tuple[dict[str, Doubles], dict[str, Doubles]]:
    """Give spikes and ``v`` of every population, ``[steps, n]``."""
    steps = x.shape[0]
    sent = {"x": x}
    states: dict[str, tuple[Doubles, ...]] = {}
    potentials: dict[str, Doubles] = {}
    for n in lowered:
        size = n.population.size
        sent[n.population.name] = np.zeros((steps, size))
        potentials[n.population.name] = np.zeros((steps, size))
        states[n.population.name] = np.zeros(size), n.initial, np.zeros(size)
    for t in range(steps):
        for n in lowered:
            name = n.population.name
            a = np.zeros(n.population.size)
            for path in n.paths:
                assert sum(isinstance(s, Weighted) for s in path.steps) == 1
                if t >= path.delay:
                    value = sent[path.source][t - path.delay].reshape(1, *path.shape)
                    for s in path.steps:
                        value = apply(s, value)
                    a += value.ravel()
            for path in n.constants:
                if t >= path.delay:
                    a += apply(path.steps[0], np.ones((1, 1))).ravel()
            *state, spikes = step(n, *states[name], a)
            states[name] = tuple(state)
            sent[name][t] = spikes
            potentials[name][t] = n.unit * state[1] + n.offset
    return sent, potentials


@given(networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_the_same_network(net: Network, seed: int) -> None:
    x = np.random.default_rng(seed).normal(0, 2, (10, net.inputs[0].size))
    spikes, v = run(lower(net), x)
    wanted = real_oracle.run(net, {"x": x})
    for p in net.populations:
        assert (spikes[p.name] == wanted.spikes[p.name]).all()
        seen = np.array(wanted.v[p.name])
        if p.reset is Reset.ZERO_DELAYED and p.spiking:
            seen = np.where(seen > p.threshold, 0, seen)  # seen before its reset, not after
        assert np.allclose(v[p.name], seen, rtol=1e-9, atol=1e-9)
