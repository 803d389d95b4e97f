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

SHIFTED_WEIGHTS = """\
    shift = projection.weight_exp
    weight = projection.weight.astype(np.int64)
    return x @ (weight << shift if shift >= 0 else weight >> -shift).T
"""

FAULTS = {
    "no +1 on du": ("decayed(u, p.du + 1)", "decayed(u, p.du)"),
    ">= in the spike test": ("    s = (v > theta)", "    s = (v >= theta)"),
    ">= in the reset": ("    r = (v > theta)", "    r = (v >= theta)"),
    "floor for truncation": (
        "np.sign(product) * (np.abs(product) >> DECAY_BITS)",
        "product >> DECAY_BITS",
    ),
    "clip for wrap": ("u = wrap(", "u = clip("),
    "wrap for clip": ("v = clip(v)", "v = wrap(v)"),
    "two's complement": ("np.where(u <= -STATE_LIMIT", "np.where(u < -STATE_LIMIT"),
    "a second wrap": (
        "np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)",
        "np.where(u > STATE_LIMIT, (u + STATE_LIMIT) % (2 * STATE_LIMIT) - STATE_LIMIT, u)",
    ),
    "clip one too high": ("STATE_LIMIT - 1)\n", "STATE_LIMIT)\n"),
    "clip one too low": ("np.clip(v, -(STATE_LIMIT - 1)", "np.clip(v, -STATE_LIMIT"),
    "a step more delay": (
        "[k - projection.delay]",
        "[k - projection.delay - 1]",
    ),
    "reset before the spike test": (
        "    s = (v > theta)",
        "    v = v * (v <= theta) if p.reset is FixedReset.ZERO else v\n    s = (v > theta)",
    ),
    "exponent before the sum": (
        "    total = x @ projection.weight.T.astype(np.int64)\n",
        SHIFTED_WEIGHTS,
    ),
    "exponent rounds toward zero": (
        "return total >> -projection.weight_exp",
        "return np.sign(total) * (np.abs(total) >> -projection.weight_exp)",
    ),
    "bias without exponent": (" << p.bias_exp", ""),
    "bias aligned": (" << p.bias_exp", " << p.bias_exp + ALIGN_BITS"),
    "r from the new v": (
        "    v = decayed(v, p.dv) + u + bias\n",
        "    v = decayed(v, p.dv) + u + bias\n    r = (v > theta).astype(np.int64)\n",
    ),
    "decay after the input": (
        "v = decayed(v, p.dv) + u + bias",
        "v = decayed(v + u + bias, p.dv)",
    ),
    "zero-next keeps the input": ("v = v * (1 - r)", "v = v - r * decayed(v - u - bias, p.dv * 0)"),
    "retest forgets r": ("v = v - (s - r) * theta", "v = v - s * theta"),
    "subtract does not": ("v = v - s * theta", "v = v * (1 - s)"),
    "starts a step early": ("if not p.lag <= k <", "if not p.lag - 1 <= k <"),
    "stops a step late": ("k < p.lag + steps", "k <= p.lag + steps"),
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
