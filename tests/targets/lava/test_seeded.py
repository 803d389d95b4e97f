"""A fault in any line of the runner's arithmetic shows.

Those of the mixed form are seen through Lava, those of the fused form without it.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedConvolution, FixedScaling, MaxPooling, SumPooling, Window
from snnc.compiler.trace import SIGNALS
from snnc.targets.integer.reference import execute
from snnc.targets.lava.forms import Form
from tests.targets.lava.alone import run_whole, whole_of
from tests.targets.lava.networks import (
    Array,
    Signals,
    every_stock_process,
    expected,
    expected_outputs,
    population,
    projection,
    random_inputs,
    save_inputs,
    write_artifact,
)
from tests.targets.lava.standalone import copy_runner, results, start

pytestmark = pytest.mark.lava

Case = tuple[FixedNetwork, dict[str, Array], Signals]

FAULTS = {
    "no one added to du": ("neuron.py", "self.du + 1)", "self.du)"),
    "spike at the threshold": ("neuron.py", "spikes = v > theta", "spikes = v >= theta"),
    "floor for truncation": (
        "neuron.py",
        "np.multiply(np.sign(product), np.abs(product) >> DECAY_BITS, out=out)",
        "np.right_shift(product, DECAY_BITS, out=out)",
    ),
    "v wraps": (
        "neuron.py",
        "v.clip(-(STATE_LIMIT - 1), STATE_LIMIT - 1, out=v)",
        "v[...] = _wrapped(v)",
    ),
    "u saturates": (
        "neuron.py",
        "u = np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)",
        "u = np.clip(u, 1 - STATE_LIMIT, STATE_LIMIT)",
    ),
    "reset before the spike test": (
        "neuron.py",
        "        spikes = v > theta\n",
        "        spikes = v > theta\n        if self.reset == 'zero':\n"
        "            spikes = np.where(spikes, 0, v) > theta\n",
    ),
    "reset of before": (
        "neuron.py",
        "v -= theta * spikes\n",
        "v -= theta * getattr(self, 's', spikes)\n            self.s = spikes\n",
    ),
    "a step more delay": (
        "build.py",
        ".delay - 1\n    return DelayDense(",
        ".delay\n    return DelayDense(",
    ),
    "weights of half": ("matrix.py", "* 2**cleared", "* 2 ** (cleared - 1)"),
    "stock reset late": ("build.py", "record.lag + 1", "record.lag + 2"),
    "no rest between samples": ("processes.py", "if position[0] == 0:", "if False:"),
    "not silent between samples": (
        "processes.py",
        "        if position is None:\n"
        "            self.s_out.send(self.silence)\n"
        "            return\n"
        "        if position[0] == 0:\n",
        "        if position is not None and position[0] == 0:\n",
    ),
    "no bias exponent": ("neuron.py", ' << integers["bias_exp"]', ""),
    "retest forgets": ("neuron.py", "v += theta * over_before - theta", "v -= theta"),
}
"""Those of neurons that reset, and of Lava's own synapses."""

OPERATOR_FAULTS = {
    "shift toward zero": (
        "synapse.py",
        "np.floor(a, out=a)",
        "np.trunc(a, out=a)",
    ),
    "idle where the first is": ("synapse.py", "np.count_nonzero(x)", "np.count_nonzero(x[:1])"),
    "kernel flipped": (
        "synapse.py",
        "np.moveaxis(elements, (axes",
        "np.moveaxis(elements[::-1], (axes",
    ),
    "groups exchanged": ("synapse.py", "matrices = weight", "matrices = weight[::-1]"),
    "largest with zeros around": ("synapse.py", "(np.maximum, -np.inf)", "(np.maximum, 0)"),
    "largest for sum": ("synapse.py", "(np.add, 0)", "(np.maximum, 0)"),
    "padding exchanged": ("synapse.py", "for n, (before, _) in", "for n, (_, before) in"),
    "stride from the second": ("synapse.py", "(None, None, s)", "(s - 1, None, s)"),
    "a step less delay": ("processes.py", "(projection.delay,", "(max(projection.delay - 1, 1),"),
    "slot of the step before": ("processes.py", "self.ring[slot] = ", "self.ring[slot - 1] = "),
    "spikes of a read-out": ("processes.py", "signals[self.sends]", 'signals["spikes"]'),
    "read-out with a threshold": (
        "neuron.py",
        "np.full_like(theta, STATE_LIMIT)",
        "theta",
    ),
    "starts at zero": ("neuron.py", "= self.initial\n", "= 0 * self.initial\n"),
    "spikes while held": ("neuron.py", "spikes &= ~held", "pass"),
    "not held": ("neuron.py", "v = np.where(held, self.v, v)", "pass"),
    "held a step less": ("neuron.py", "self.pause > 0", "self.pause > 1"),
    "held into the next sample": (
        "neuron.py",
        "= np.zeros(shape, np.int64)  # steps that v is still held",
        "= getattr(self, 'pause', np.zeros(shape, np.int64))",
    ),
    "u is held": (
        "neuron.py",
        "        spikes &= ~held\n",
        "        spikes &= ~held\n        self.u = np.where(held, 0, self.u)\n",
    ),
    "no offset": ("arrays.py", " + population.offset", ""),
    "potential in single precision": (
        "arrays.py",
        "(array / population.scale",
        "(np.float32(array) / np.float32(population.scale)",
    ),
}
"""Those of operators, read-outs, and neurons with another start or a pause."""

FUSED_FAULTS = {
    "floor for truncation of floats": ("neuron.py", "np.trunc(np.multiply", "np.floor(np.multiply"),
    "one decay for both": (
        "neuron.py",
        "self.decay(u, self.kept_u, u)",
        "self.decay(u, self.kept_v, u)",
    ),
    "bias of the first": ("neuron.py", "v += self.bias\n", "v += np.ravel(self.bias)[0]\n"),
    "equal where two are": (
        "neuron.py",
        "(values == values[0]).all()",
        "(values == values[0]).any()",
    ),
    "never wraps": ("neuron.py", "not largest_u < STATE_LIMIT", "False"),
    "wraps above alone": ("neuron.py", " and u.min(initial=0) > -STATE_LIMIT", ""),
    "u not aligned": ("neuron.py", "np.multiply(a, 2**ALIGN_BITS, ", "np.multiply(a, 2, "),
    "u forgets": (
        "neuron.py",
        "if self.remembers:\n            u += drive",
        "if True:\n            u[...] = drive",
    ),
    "reset of all": ("neuron.py", "np.putmask(v, spikes, 0)", "v *= not spikes.any()"),
    "first arrival alone": ("whole.py", "reduce(np.add, arrived)", "arrived[0]"),
    "no rest between cuts": (
        "whole.py",
        "layer.neurons.rest(",
        "k_ = 0 or layer.neurons.u.ndim == 2 or layer.neurons.rest(",
    ),
    "one cut over the other": (
        "whole.py",
        "array[k, samples]",
        "array[k, : samples.stop - samples.start]",
    ),
    "the input of other samples": (
        "whole.py",
        "x[k, samples]",
        "x[k, : samples.stop - samples.start]",
    ),
    "begins at once": ("whole.py", "if layer.record.lag <= k", "if 0 <= k"),
    "ends with the input": (
        "whole.py",
        "k < layer.record.lag + self.input_steps",
        "k < self.input_steps",
    ),
    "input ends early": ("whole.py", "if k < self.input_steps:", "if k < self.input_steps - 1:"),
    "a step late": ("whole.py", "sent[source][-delay]", "[None, *sent[source]][-delay - 1]"),
    "what was sent stays": (
        "whole.py",
        "deque([None] * d, d)",
        "self.__dict__.setdefault(n, deque([None] * d, d))",
    ),
    "sign of an input": ("whole.py", " and x.min(initial=0) >= 0", ""),
    "samples exchanged": ("kernels.py", "sums[index] +=", "sums[-1 - index] +="),
    "last rows alone": ("kernels.py", "sums[index] +=", "sums[index] ="),
    "sums of 8 bits": (
        "kernels.py",
        "np.add.reduce(rows, 0, dtype=np.int16)",
        "np.add.reduce(rows, 0, dtype=np.int8)",
    ),
    "blocks overlap": (
        "kernels.py",
        "places[first : first + self.block]",
        "places[first : first + self.block + 1]",
    ),
    "all in single precision": (
        "kernels.py",
        "return np.float32 if largest <= FLOAT32_LIMIT else np.float64",
        "return np.float32",
    ),
}
"""Those of a fused network."""


STOCK_FAULTS = {
    "read-out with a threshold": ("build.py", "else LARGEST_THRESHOLD", "else 0"),
    "probes forgotten": (
        "build.py",
        "(job.recorders[process.id], *probes)",
        "(job.recorders[process.id],)",
    ),
    "spikes between samples": (
        "models.py",
        "if self.recorders[0].window.position(self.time_step) is None:",
        "if False:",
    ),
    "not filled anew": ("stock.py", "position[0] == 0", "position == (0, 0)"),
    "first sample again": ("stock.py", "self.values[:, position[1]]", "self.values[:, 0]"),
    "noise in the gap": ("stock.py", "data = np.zeros(", "data = np.ones("),
    "sink late": ("stock.py", "place = (self.time_step - 1)", "place = (self.time_step - 2)"),
    "graded spikes as spikes": (
        "stock.py",
        "if self.num_message_bits.item() == 0",
        "if self.num_message_bits.item() != 0",
    ),
    "shift toward zero": (
        "stock.py",
        "total >> -exponent",
        "np.fix(total / 2.0**-exponent).astype(np.int32)",
    ),
    "a delayed step too few": ("stock.py", "act[:, -1]", "act[:, -2]"),
    "a step more delay of few": ("build.py", "max_delay=delay,", "max_delay=delay + 1,"),
    "kernels not turned": ("conv.py", "[:, ::-1, ::-1].astype", ".astype"),
    "kernels of before": ("conv.py", "self.weight[:, ::-1, ::-1]", "self.weight"),
    "exponent ignored": ("conv.py", "weight << exponent", "weight << 0"),
    "channels first": ("conv.py", "s_in.transpose(2, 0, 1)", "s_in"),
    "signs forgotten": ("matrix.py", '+ (mode == "mixed")', ""),
    "factors of another": ("matrix.py", "places, places, (", "places, [places[0][::-1]], ("),
}
"""Those of Lava's own processes in the stock form."""


@pytest.fixture(scope="module")
def stock() -> Case:
    """Give a network, input and result in which every fault in ``STOCK_FAULTS`` shows."""
    fixed = every_stock_process()
    inputs = random_inputs(fixed, steps=8, batch=3)
    return fixed, inputs, expected(fixed, inputs)


@pytest.fixture(scope="module")
def resets() -> Case:
    """Give a network, input and result in which every fault in ``FAULTS`` shows."""
    rng = np.random.default_rng(1)

    def weight(low: int, high: int) -> Array:
        return rng.integers(low, high, (4, 4))

    usual = {"du": [0, 900, 2000, 4095], "dv": 300, "threshold": [60, 200, 100, 90]}
    bias = {"bias_mant": [20, -20, 60, 0], "bias_exp": [5, 4, 3, 0]}
    wide = {"du": 400, "dv": [3, 0, 50, 400], "threshold": 90000}
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (4,)),),
        populations=(
            population("stock", (4,), FixedReset.ZERO, 1, **usual, **bias),
            population("zero", (4,), FixedReset.ZERO, 2, initial=[1, 0, 0, 0], **usual, **bias),
            population("subtract", (4,), FixedReset.SUBTRACT, 1, threshold=[60, 30, 90, 40]),
            population("retest", (4,), FixedReset.SUBTRACT_RETEST, 1, **usual, **bias),
            population("wide", (4,), FixedReset.SUBTRACT, 1, **wide),
        ),
        projections=(
            projection("x", "stock", weight(-60, 128)),
            projection("stock", "zero", weight(-60, 128), exp=1),
            projection("zero", "zero", weight(-60, 60), delay=3),
            projection("x", "subtract", np.full((4, 4), 30)),
            projection("subtract", "retest", weight(0, 128), delay=1),
            projection("x", "wide", np.tile([[127], [-128], [100], [-90]], (1, 4)), exp=7),
        ),
        outputs=(Output("out", "zero"),),
        dt=1e-3,
    )
    inputs = {"x": (rng.random((14, 4, 4)) < 0.5).astype(np.int64)}
    return fixed, inputs, expected(fixed, inputs)


@pytest.fixture(scope="module")
def operators() -> Case:
    """Give a network, input and result in which every fault in ``OPERATOR_FAULTS`` shows."""
    rng = np.random.default_rng(1)

    def convolution(window: Window, *channels: int, groups: int) -> FixedConvolution:
        weight = rng.integers(-60, 128, (*channels, *window.kernel)).astype(np.int8)
        return FixedConvolution(weight=weight, window=window, groups=groups)

    shifted = Window((2, 3), (2, 1), ((1, 0), (0, 2)), (2, 1))  # [2, 7, 4] to [4, 3, 4]
    minus = FixedScaling(weight=np.full(48, -2, np.int8))
    around = MaxPooling(window=Window((2, 2), (2, 2), ((1, 1), (1, 2)), (1, 1)))  # to [4, 2, 3]
    total = SumPooling(window=Window((2, 2), (1, 1), ((1, 0), (2, 0)), (1, 2)))  # the same
    usual = {"du": 3000, "dv": 300}
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (2, 7, 4)),),
        populations=(
            population("held", (4, 3, 4), FixedReset.ZERO, 1, threshold=60, refractory=2, **usual),
            population(
                "late",
                (4, 3, 4),
                FixedReset.SUBTRACT_DELAYED,
                2,
                threshold=60,
                initial=rng.integers(-3000, 6000, 48),
                refractory=1,
                **usual,
            ),
            population("largest", (4, 2, 3), FixedReset.SUBTRACT, 3, bias_mant=1500, **usual),
            population(
                "read",
                (5,),
                FixedReset.NONE,
                4,
                threshold=0,
                refractory=2,  # after a spike, which there is none of
                spiking=False,
                scale=rng.uniform(1, 3, 5),
                offset=0.3,
                **usual,
            ),
        ),
        projections=(
            projection("x", "held", convolution(shifted, 4, 1, groups=2), delay=3),
            projection("held", "late", total, FixedScaling(weight=weights(rng, 48)), exp=-1),
            projection("late", "largest", minus, around, exp=3),
            projection("largest", "read", weights(rng, 5, 24)),
        ),
        outputs=(Output("real", "read"),),
        dt=1e-3,
    )
    inputs = {"x": (rng.random((14, 4, 2, 7, 4)) < 0.4).astype(np.int64)}
    return fixed, inputs, expected(fixed, inputs)


@pytest.fixture(scope="module")
def large() -> Case:
    """Give layers large enough for every kernel, an input with a sign, and one of large values."""
    rng = np.random.default_rng(2)
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (1500,)), FixedInput("y", (12,), max_abs=2**14)),
        populations=(
            population("rows", (120,), FixedReset.ZERO, 1, du=2000, dv=900, threshold=130000),
            population("sums", (7,), FixedReset.NONE, 1, threshold=131071),
        ),
        projections=(
            projection("x", "rows", rng.integers(90, 128, (120, 1500))),
            projection("y", "sums", rng.integers(110, 128, (7, 12))),
        ),
        outputs=(Output("out", "rows"),),
        dt=1e-3,
    )
    x = (rng.random((5, 4, 1500)) < 0.25).astype(np.int64)
    x[1] *= -1
    y = rng.integers(2**13, 2**14 + 1, (5, 4, 12))
    return fixed, {"x": x, "y": y}, {}


def weights(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(-70, 128, shape).astype(np.int8)


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_faults(tmp_path: Path, packages: Path, resets: Case, fault: str) -> None:
    check(tmp_path, packages, resets, FAULTS.get(fault))


@pytest.mark.parametrize("fault", ["none", *OPERATOR_FAULTS])
def test_operator_faults(tmp_path: Path, packages: Path, operators: Case, fault: str) -> None:
    check(tmp_path, packages, operators, OPERATOR_FAULTS.get(fault))


@pytest.mark.parametrize("fault", ["none", *FUSED_FAULTS])
def test_fused_faults(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    resets: Case,
    operators: Case,
    large: Case,
    fault: str,
) -> None:
    """Of four samples, two are side by side."""
    package = tmp_path.name
    copy_runner(tmp_path / package)
    if fault != "none":
        file, old, new = FUSED_FAULTS[fault]
        path = tmp_path / package / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
    cast("Any", monkeypatch).syspath_prepend(tmp_path)
    different = 0
    for fixed, inputs, _ in (resets, operators, large):
        one, _ = whole_of(fixed, inputs)
        monkeypatch.setattr(import_module(f"{package}.whole"), "MEMORY", 2 * one.sample_bytes)
        flat = {n: x.reshape(*x.shape[:2], -1).astype(np.int32) for n, x in inputs.items()}
        wanted, found = execute(fixed, flat), run_whole(fixed, inputs, package)
        different += sum(
            int((found[signal][name] != values).sum())
            for signal in SIGNALS
            for name, values in getattr(wanted, signal).items()
            if name in found[signal]
        )
    assert bool(different) == (fault != "none")


@pytest.mark.parametrize("fault", ["none", *STOCK_FAULTS])
def test_stock_faults(tmp_path: Path, packages: Path, stock: Case, fault: str) -> None:
    check(tmp_path, packages, stock, STOCK_FAULTS.get(fault), Form.STOCK)


def check(
    tmp_path: Path,
    packages: Path,
    case: Case,
    fault: tuple[str, str, str] | None,
    form: Form = Form.MIXED,
) -> None:
    """Run the network of ``case`` with a fault, which must change what comes out, or none."""
    fixed, inputs, wanted = case
    script = write_artifact(tmp_path, fixed, form)
    if fault is not None:
        file, old, new = fault
        path = tmp_path / "runner" / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
    save_inputs(tmp_path / "x.npz", inputs)
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    code, told = start(script, packages, *into, "--record", "spikes,u,v")
    assert code == 0
    outputs, signals = results(tmp_path / "out.npz", fixed)
    different = {
        kind: sum(int((signals[kind][n] != v).sum()) for n, v in wanted[kind].items())
        for kind in SIGNALS
    }
    real = expected_outputs(fixed, wanted)
    different["outputs"] = sum(int((outputs[n] != v).sum()) for n, v in real.items())
    if fault is None:
        assert told == ""
        assert different == {"spikes": 0, "u": 0, "v": 0, "outputs": 0}
    else:
        assert any(different.values())
