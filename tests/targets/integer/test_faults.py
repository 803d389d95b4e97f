"""The directed cases see every fault of the arithmetic that is sown into the reference.

Each fault replaces a piece of the reference's source text, which must stand there exactly once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from snnc.compiler.fixed import FixedNetwork
from snnc.targets.integer import reference
from tests.targets.integer.directed import CASES, Inputs, Recorded, first_difference

SOURCE = Path(reference.__file__).read_text(encoding="utf-8")

SHIFT_FIRST = """\
    for operator in projection.operators:
        x = operated(operator, x)
        if not isinstance(operator, SumPooling | MaxPooling) and projection.weight_exp < 0:
            x = x >> -projection.weight_exp
    return x.reshape(x.shape[0], -1) << max(projection.weight_exp, 0)
    total"""
SHIFT_WEIGHTS = """\
    for operator in projection.operators:
        if isinstance(operator, FixedDense) and projection.weight_exp < 0:
            weight = operator.weight >> -projection.weight_exp
            return x.reshape(x.shape[0], -1) @ weight.T.astype(np.int64)
        x = operated(operator, x)
    total"""
OPERATORS = """\
    for operator in projection.operators:
        x = operated(operator, x)
    total"""

FAULTS = {
    "no +1 on du": ("decayed(u, p.du + 1)", "decayed(u, p.du)"),
    ">= in the spike test": ("    s = (v_new > theta)", "    s = (v_new >= theta)"),
    ">= in the reset": ("    r = (v > theta)", "    r = (v >= theta)"),
    "floor for truncation": (
        "np.sign(product) * (np.abs(product) >> DECAY_BITS)",
        "product >> DECAY_BITS",
    ),
    "clip for wrap": ("u = wrap(", "u = clip("),
    "wrap for clip": ("v_new = clip(v_sum)", "v_new = wrap(v_sum)"),
    "two's complement": ("np.where(u <= -STATE_LIMIT", "np.where(u < -STATE_LIMIT"),
    "a second wrap": (
        "np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)",
        "np.where(u > STATE_LIMIT, (u + STATE_LIMIT) % (2 * STATE_LIMIT) - STATE_LIMIT, u)",
    ),
    "clip one too high": ("STATE_LIMIT - 1)\n", "STATE_LIMIT)\n"),
    "clip one too low": ("np.clip(v, -(STATE_LIMIT - 1)", "np.clip(v, -STATE_LIMIT"),
    "a step more delay": (
        "sent_at(k - projection.delay,",
        "sent_at(k - projection.delay - 1,",
    ),
    "reset before the spike test": (
        "    s = (v_new > theta)",
        "    v_new = v_new * (v_new <= theta) if p.reset is FixedReset.ZERO else v_new\n"
        "    s = (v_new > theta)",
    ),
    "exponent of each weight": (OPERATORS, SHIFT_WEIGHTS),
    "exponent rounds toward zero": (
        "return total >> -projection.weight_exp",
        "return np.sign(total) * (np.abs(total) >> -projection.weight_exp)",
    ),
    "exponent before pooling": (OPERATORS, SHIFT_FIRST),
    "bias without exponent": (" << p.bias_exp", ""),
    "bias aligned": (" << p.bias_exp", " << p.bias_exp + ALIGN_BITS"),
    "r from the new v": ("    r = (v > theta)", "    r = (v_sum > theta)"),
    "decay after the input": (
        "v_sum = decayed(v, p.dv) + u + bias",
        "v_sum = decayed(v + u + bias, p.dv)",
    ),
    "zero-next keeps the input": (
        "v_new = v_new * (1 - r)",
        "v_new = v_new - r * decayed(v_new - u - bias, p.dv * 0)",
    ),
    "retest forgets r": ("v_new = v_new - (s - r) * theta", "v_new = v_new - s * theta"),
    "subtract does not": ("v_new = v_new - s * theta", "v_new = v_new * (1 - s)"),
    "starts a step early": ("if not p.lag <= k <", "if not p.lag - 1 <= k <"),
    "stops a step late": ("k < p.lag + steps", "k <= p.lag + steps"),
    "kernel flipped": ("kernel[(..., *element)]", "kernel[(..., *(-1 - e for e in element))]"),
    "groups ignored": (
        "np.split(x, groups, axis=1)",
        "[x[:, : x.shape[1] // groups]] * groups",
    ),
    "groups interleaved": (
        "np.split(x, groups, axis=1)",
        "[x[:, k::groups] for k in range(groups)]",
    ),
    "groups of kernels interleaved": (
        "np.split(weight, groups, axis=0)",
        "[weight[k::groups] for k in range(groups)]",
    ),
    "factors in another order": (
        "operator.weight.reshape(x.shape[1:])",
        "operator.weight.reshape(x.shape[:0:-1]).T",
    ),
    "stride ignored": ("+ stride * (n - 1) + 1, stride)", "+ n)"),
    "dilation ignored": ("e * dilation, e * dilation +", "e, e +"),
    "padding behind for before": (
        "*window.padding)",
        "*(pair[::-1] for pair in window.padding))",
    ),
    "padding counted in the largest": ("x, SMALLEST)", "x, 0)"),
    "the largest for the sum": (
        "return reduce(np.add, under(operator.window, x, 0))",
        "return reduce(np.maximum, under(operator.window, x, 0))",
    ),
    "the sum for the largest": (
        "return reduce(np.maximum, under(operator.window, x, SMALLEST))",
        "return reduce(np.add, under(operator.window, x, 0))",
    ),
    "products in float32": (
        "flat @ operator.weight.T.astype(np.float64)",
        "flat.astype(np.float32) @ operator.weight.T.astype(np.float32)",
    ),
    "elements in a row": ("[:, of.element[here]]", "[:, : here.sum()]"),
    "axons of one source": ("here = of.member == member", "here = of.member == 0"),
    "initial ignored": ("zero + p.initial", "zero"),
    "read-out with a threshold": ("if not p.spiking:", "if False:"),
    "read-out without limits": ("Step(u, clip(v_sum), rho", "Step(u, v_sum, rho"),
    "refractory a step too long": (" p.refractory,", " p.refractory + 1,"),
    "refractory a step too short": (" p.refractory,", " max(p.refractory - 1, 0),"),
    "refractory from rest": ("zero + p.initial, zero", "zero + p.initial, zero + p.refractory"),
    "v goes on": ("np.where(held, v, v_new)", "v_new"),
    "v at zero while held": ("np.where(held, v, v_new)", "np.where(held, 0, v_new)"),
    "spikes while held": ("np.where(held, 0, s)", "s"),
    "u is held": (
        "    u = wrap(u_sum)\n",
        "    u = np.where(rho > 0, u, wrap(u_sum))\n",
    ),
}


@pytest.fixture
def namespace() -> Iterator[ModuleType]:
    module = ModuleType("reference_with_a_fault")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def differences(module: ModuleType, source: str) -> list[str]:
    exec(compile(source, module.__name__, "exec"), module.__dict__)

    def execute(network: FixedNetwork, inputs: Inputs) -> Recorded:
        recording = module.execute(network, inputs)
        return {"spikes": recording.spikes, "u": recording.u, "v": recording.v}

    return [name for name, case in CASES.items() if first_difference(*case, execute)]


def test_without_a_fault(namespace: ModuleType) -> None:
    assert differences(namespace, SOURCE) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_seen(fault: str, namespace: ModuleType) -> None:
    old, new = FAULTS[fault]
    assert SOURCE.count(old) == 1
    assert differences(namespace, SOURCE.replace(old, new)) != []
