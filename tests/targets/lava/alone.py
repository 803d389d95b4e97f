"""The executor of fused networks, run in this process and without Lava."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import SIGNALS
from snnc.targets.lava.forms import Form
from snnc.targets.lava.groups import Groups, Runnable, plan_of
from snnc.targets.lava.target import write_run
from tests.targets.lava.networks import Array, Signals, expected

RUNNER = "snnc.targets.lava.runner"


def whole_of(
    program: Runnable, inputs: dict[str, Array], package: str = RUNNER
) -> tuple[Any, Signals]:
    """Give the executor of a program, and the arrays that it will record, in hardware time.

    Args:
        program: A network, whole or cut over cores.
        inputs: In real values, ``[steps, batch, *shape]``.
        package: Where the runner is imported from.
    """
    fixed = program.network if isinstance(program, Groups) else program
    plan = plan_of(program, Form.FUSED)
    network, program_, whole, window = (
        import_module(f"{package}.{name}") for name in ("network", "program", "whole", "window")
    )
    integers = {
        i.name: np.rint(inputs[i.name] / i.step)
        .astype(np.int32)
        .reshape(*inputs[i.name].shape[:2], -1)
        for i in fixed.inputs
    }
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder), program, plan, integers)
        read = program_.read_program(Path(folder))
    steps, batch = next(iter(integers.values())).shape[:2]
    of = window.Window(steps, batch, steps + read.gap)
    recorders = {p.id: r for p in read.processes for r in network._recorders(read, p, of, SIGNALS)}
    signals: Signals = {signal: {} for signal in SIGNALS}
    for process in read.processes:
        if process.role == "population":
            for signal, array in recorders[process.id].arrays.items():
                signals[signal][process.of] = array
    return whole.Whole(read, integers, recorders), signals


def run_whole(program: Runnable, inputs: dict[str, Array], package: str = RUNNER) -> Signals:
    """Give every signal of every population in hardware time, ``[steps + latency, batch, n]``."""
    executor, signals = whole_of(program, inputs, package)
    assert sum(1 for _ in executor.run()) == executor.steps
    return signals


def differing_values(fixed: FixedNetwork, inputs: dict[str, Array], package: str = RUNNER) -> int:
    """Count the values that are not the oracle's; states are compared in 32 bits."""
    found, wanted = run_whole(fixed, inputs, package), expected(fixed, inputs)
    steps, count = next(iter(inputs.values())).shape[0], 0
    for signal in SIGNALS:
        assert set(found[signal]) == set(wanted[signal])
        for p in fixed.populations:
            if p.name in found[signal]:
                values = found[signal][p.name]
                aligned = values[p.lag : p.lag + steps]
                other = wanted[signal][p.name].astype(values.dtype)
                count += int((aligned != other.reshape(aligned.shape)).sum())
                count += int(np.count_nonzero(values[: p.lag]))
                count += int(np.count_nonzero(values[p.lag + steps :]))
    return count
