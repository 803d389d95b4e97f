"""Equations of neurons as snnTorch and norse compute them: their own modules."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.semantics.equations import euler_decay
from tests.compiler.semantics.loops import Array, F, N, Random, compared, run
from tests.compiler.semantics.noted import STEP
from tests.frontends.optional import optional

torch, snntorch, norse = optional("torch"), optional("snntorch"), optional("norse.torch")
SNNTORCH = [
    (reset, delay, "zero-at-once" if reset == "zero" and not delay else reset)
    for reset in ("subtract", "zero")
    for delay in (True, False)
]


@pytest.mark.torch
@pytest.mark.parametrize(("reset", "delay", "name"), SNNTORCH)
def test_snntorch_leaky(reset: str, delay: bool, name: str) -> None:
    name = "subtract-retest" if reset == "subtract" and not delay else name
    random = Random(0)
    betas = random.random.integers(660, 1000, N).astype(F) / F(1000)  # these come back exactly
    thresholds, x = random.between(0.5, 2), random.inputs(0.7)
    module = snntorch.Leaky(
        beta=torch.from_numpy(betas),
        threshold=torch.from_numpy(thresholds),
        reset_mechanism=reset,
        reset_delay=delay,
    )
    v, spikes, potentials = module.init_leaky(), [], []
    for current in torch.from_numpy(x):
        s, v = module(current, v)
        spikes.append(s.numpy())
        potentials.append(v.numpy())
    tau = F(1e-4) / (F(1) - betas)
    node = nir.LIF(
        tau=tau,
        r=tau / F(1e-4),
        v_leak=np.zeros(N, F),
        v_threshold=thresholds,
        v_reset=np.zeros(N, F),
    )
    given = run(node, x, dialect="snntorch", reset=name)
    compared(given, (np.array(spikes), np.array(potentials)), exact=True)


@pytest.mark.torch
@pytest.mark.parametrize(("reset", "name"), [("subtract", "subtract"), ("zero", "zero")])
def test_snntorch_synaptic(reset: str, name: str) -> None:
    random = Random(1)
    alphas, betas = random.random.integers(660, 1000, (2, N)).astype(F) / F(1000)
    thresholds, x = random.between(0.5, 2), random.inputs(0.3)
    module = snntorch.Synaptic(
        alpha=torch.from_numpy(alphas),
        beta=torch.from_numpy(betas),
        threshold=torch.from_numpy(thresholds),
        reset_mechanism=reset,
    )
    i, v = module.init_synaptic()
    spikes, potentials = [], []
    for current in torch.from_numpy(x):
        s, i, v = module(current, i, v)
        spikes.append(s.numpy())
        potentials.append(v.numpy())
    tau_syn, tau_mem = (F(1e-4) / (F(1) - a) for a in (alphas, betas))
    node = nir.CubaLIF(
        tau_syn=tau_syn,
        tau_mem=tau_mem,
        r=tau_mem / F(1e-4),
        w_in=tau_syn / F(1e-4),
        v_leak=np.zeros(N, F),
        v_threshold=thresholds,
        v_reset=np.zeros(N, F),
    )
    given = run(node, x, dialect="snntorch", reset=name)
    compared(given, (np.array(spikes), np.array(potentials)), exact=True)


def test_snntorch_beta_comes_back() -> None:
    """Exported as snnTorch 1.0.0 does: ``tau = dt / (1 - beta)``."""
    betas = (np.arange(1000) / 1000).astype(np.float32)
    tau = np.float32(1e-4) / (np.float32(1) - betas)
    assert tau.dtype == np.float32
    assert (euler_decay(tau, 1e-4)[660:] == betas[660:]).all()
    assert np.abs(euler_decay(tau, 1e-4) - betas).max() < 1e-7
    assert (euler_decay(1e-4 / (1 - betas.astype(np.float64)), 1e-4) == betas).all()


def cell(module: Any, x: Array) -> tuple[Array, Array]:
    state, spikes, potentials = None, [], []
    with torch.no_grad():
        for current in torch.from_numpy(x):
            s, state = module(current, state)
            spikes.append(s.numpy())
            potentials.append(state.v.numpy())
    return np.array(spikes), np.array(potentials)


@pytest.mark.torch
@pytest.mark.norse
def test_norse() -> None:
    """Time constants are powers of two, so that ``1 / (1 / tau)`` is ``tau``."""
    random = Random(2)
    mem, syn = (2 ** random.random.integers(5, 10, (2, N))).astype(F)
    thresholds, leak, x = random.between(0.4, 1), random.between(-0.1, 0.3), random.inputs(2)
    common = {"v_th": torch.from_numpy(thresholds), "v_leak": torch.from_numpy(leak)}
    inverse = {"tau_mem_inv": torch.from_numpy(mem)}
    fields: dict[str, Any] = {"v_leak": leak, "v_threshold": thresholds, "v_reset": np.zeros(N, F)}
    ones = np.ones(N, F)
    box = norse.LIFBoxCell(norse.LIFBoxParameters(**inverse, **common), dt=STEP)
    node: nir.NIRNode = nir.LIF(tau=1 / mem, r=ones, **fields)
    compared(run(node, x, dialect="norse", dt=STEP), cell(box, x), exact=True)
    inverse["tau_syn_inv"] = torch.from_numpy(syn)
    both = norse.LIFCell(norse.LIFParameters(**inverse, **common), dt=STEP)
    for w_in in (ones, 1 / syn / F(STEP)):  # as norse writes it, and as it should
        node = nir.CubaLIF(tau_syn=1 / syn, tau_mem=1 / mem, r=ones, w_in=w_in, **fields)
        compared(run(node, x, dialect="norse", dt=STEP), cell(both, x), exact=True)
    iaf = norse.IAFCell(norse.IAFParameters(v_th=common["v_th"]), dt=STEP)
    node = nir.IF(r=ones, v_threshold=thresholds)
    compared(run(node, x, dialect="norse", dt=STEP), cell(iaf, x), exact=True)
