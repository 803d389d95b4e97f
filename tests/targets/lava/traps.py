"""Lava's own traps, on Lava as it is: ``python -m tests.targets.lava.traps NAME``.

``measured`` runs one network of Lava's own processes and prints what they gave, as JSON. The others
are scripts of a few lines that should end, and do not.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.targets.lava.runner import compat
from snnc.targets.lava.runner.orphans import name_shared_memory

LENGTH, STEPS = 10, 14
"""Steps of the source's data, and of the run: the source begins again."""
BIG = (2**17, 2**17 + 1, 2**19)
"""Synaptic inputs: 2**23 when shifted, one more, and so much that one wrap is too little."""


def source_data() -> npt.NDArray[np.int32]:
    """Give what seven elements send in each step, the first three one after the other."""
    data = np.zeros((7, LENGTH), np.int32)
    data[0, 2], data[1, 3], data[2, 4] = 5, 1, 1
    data[3, 3:5] = 1  # the last step of a sample of four steps, and the first of the next
    data[4:, (STEPS - 1) % LENGTH] = BIG
    return data


def measured() -> dict[str, Any]:
    """Run everything that ends, in one start."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.conv.process import Conv
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIF, LIFReset

    x, sinks = Source(data=source_data()), {}

    def sink(name: str, port: Any) -> None:
        sinks[name] = Sink(shape=port.shape, buffer=STEPS)
        port.connect(sinks[name].a_in)

    def dense(weights: list[float], **options: Any) -> Any:
        made = Dense(weights=np.array([weights + [0] * (7 - len(weights))]), **options)
        x.s_out.connect(made.s_in)
        return made

    sink("mixed", dense([3, -3, 300], num_message_bits=24).a_out)
    sink("low", dense([3, -3, -300], num_message_bits=24).a_out)
    sink("float", dense([0.9, 1.9, 2.0], num_message_bits=24).a_out)
    sink("binary", dense([2, 2, 2]).a_out)

    kernel = np.array([1, 2, 300]).reshape(1, 3, 1, 1)
    conv = Conv(
        weight=kernel,
        weight_exp=2,
        num_weight_bits=4,
        input_shape=(7, 1, 1),
        padding=(1, 0),
        num_message_bits=24,
    )
    x.s_out.reshape((7, 1, 1)).connect(conv.s_in)
    sink("conv", conv.a_out)

    for offset in (1, 2):
        synapse = dense([0, 0, 0, 100])
        neuron = LIFReset(shape=(1,), vth=150, du=4095, reset_interval=4, reset_offset=offset)
        synapse.a_out.connect(neuron.a_in)
        sink(f"offset {offset}", neuron.s_out)

    lif = LIF(shape=(7,), du=4095, vth=131071, bias_mant=np.full(7, 70000))
    deaf = LIF(shape=(7,), vth=200000, bias_mant=4095, bias_exp=7)
    for neuron in (lif, deaf):
        x.s_out.connect(neuron.a_in)
    sink("deaf", deaf.s_out)

    x.run(RunSteps(num_steps=STEPS), Loihi2SimCfg(select_tag="fixed_pt"))
    found = {name: made.data.get().reshape(-1, STEPS).astype(int) for name, made in sinks.items()}
    results: dict[str, Any] = {name: values.tolist() for name, values in found.items()}
    results["u"] = lif.u.get().astype(int).tolist()
    results["bias_mant"] = lif.bias_mant.get().astype(int).tolist()
    results["deaf v"] = deaf.v.get().astype(int).tolist()
    x.stop()
    return results | refused()


def refused() -> dict[str, str]:
    """Give the exceptions of what Lava has, and cannot run."""
    from lava.proc.lif.process import LIFRefractory
    from lava.proc.monitor.process import Monitor
    from lava.proc.sparse.process import Sparse
    from scipy.sparse import csr_array

    def exception(act: Any) -> str:
        try:
            act()
        except (AssertionError, AttributeError, NotImplementedError, RuntimeError) as error:
            return type(error).__name__
        return "none"

    def probe_twice() -> None:
        monitor, lif = Monitor(), a_lif()
        monitor.probe(lif.u, 3)
        monitor.probe(lif.v, 3)
        run(lif)

    def monitor_too_long() -> None:
        monitor, lif = Monitor(), a_lif()
        monitor.probe(lif.v, 3)
        run(lif, steps=5)

    def newer_sparse_matrix() -> None:
        weights: Any = csr_array(np.eye(2, dtype=int))
        lif, sparse = a_lif(), Sparse(weights=weights)
        lif.s_out.connect(sparse.s_in)
        run(lif)

    def concatenate() -> None:
        first, second, third = a_lif(), a_lif(), a_lif(4)
        first.s_out.concat_with([second.s_out], axis=0).connect(third.a_in)
        run(first)

    return {
        "refractory": exception(lambda: run(LIFRefractory(shape=(2,), refractory_period=2))),
        "two probes": exception(probe_twice),
        "concatenation": exception(concatenate),
        "long monitor": exception(monitor_too_long),
        "sparse array": exception(newer_sparse_matrix),
    }


def a_lif(n: int = 2, **parameters: Any) -> Any:
    """Give a neuron of Lava's that spikes by itself."""
    from lava.proc.lif.process import LIF

    return LIF(shape=(n,), bias_mant=100, **parameters)


def run(process: Any, steps: int = 5) -> None:
    """Run as Lava's tutorials do."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    process.run(RunSteps(num_steps=steps), Loihi2SimCfg(select_tag="fixed_pt"))


def nothing_wrong() -> None:
    """End: what all others are compared with."""
    run_and_stop(a_lif())


def fraction_for_du() -> None:
    """Give a decay as the float model takes it; alone, the neuron would end with an exception."""
    lif, other = a_lif(du=0.1), a_lif()
    lif.s_out.connect(other.a_in)
    run_and_stop(lif)


def bias_beyond_16_bits() -> None:
    """Give a bias as a number."""
    from lava.proc.lif.process import LIF

    run_and_stop(LIF(shape=(2,), bias_mant=70000))


def loop_without_synapse() -> None:
    """Connect neurons in a circle."""
    first, second = a_lif(), a_lif()
    first.s_out.connect(second.a_in)
    second.s_out.connect(first.a_in)
    run_and_stop(first)


def forgotten_stop() -> None:
    """Come to the end of the script without ``stop``."""
    run(a_lif())


def run_and_stop(process: Any) -> None:
    """Run, and end as Lava wants it."""
    run(process)
    process.stop()


HANGS = {
    "fraction_for_du": fraction_for_du,
    "bias_beyond_16_bits": bias_beyond_16_bits,
    "loop_without_synapse": loop_without_synapse,
    "forgotten_stop": forgotten_stop,
}


def main(name: str) -> None:
    """Run what is named."""
    compat.install()
    compat.install_libraries()
    name_shared_memory(f"/snnc-test{os.environ['SNNC_TRAPS']}-")
    if name == "measured":
        sys.stdout.write("\n" + json.dumps(measured()) + "\n")
        return
    (HANGS | {"nothing_wrong": nothing_wrong})[name]()


if __name__ == "__main__":
    main(sys.argv[1])
