"""Use a compiled network as one process among your own in a program for Lava.

    python examples/join_lava.py

A network of snnTorch is compiled for Lava. Then it stands between processes of Lava itself: spikes
from a RingBuffer go in, two neurons behind it compete, and two RingBuffers listen.
"""
# torch and Lava have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingImports=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import snntorch
import torch
from torch import nn

import snnc

STEPS = 50
DIRECTORY = Path("build/join_lava/lava")

Spikes = npt.NDArray[np.int32]


def compiled(x: Spikes) -> snnc.Artifact:
    """Give a network of two outputs, compiled on its input and saved."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(6, 12),
        snntorch.Leaky(beta=0.9, threshold=0.3, init_hidden=True),
        nn.Linear(12, 2),
        snntorch.Leaky(beta=0.8, threshold=0.3, init_hidden=True, output=True),
    )
    graph = snnc.from_snntorch(model, input_shape=(6,))
    program = snnc.compile(graph, target="lava", calibration=x.astype(np.float32))
    program.save(DIRECTORY)
    return program


def joined(x: Spikes) -> tuple[Spikes, Spikes, int]:
    """Run it in a program of Lava; give its spikes, those behind it, and its latency.

    Args:
        x: Input spikes, shape ``[steps, 6]``.
    """
    process = snnc.load_process(DIRECTORY)  # repairs Lava, so it comes before Lava is imported

    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIF

    source = Source(data=x.T)
    compete = Dense(weights=np.array([[60, -60], [-60, 60]]))
    winner = LIF(shape=(2,), du=4095, dv=400, vth=100)
    sinks = [Sink(shape=(2,), buffer=STEPS) for _ in range(2)]
    source.s_out.connect(process.inputs["input"])
    process.outputs["output"].connect([compete.s_in, sinks[0].a_in])
    compete.a_out.connect(winner.a_in)
    winner.s_out.connect(sinks[1].a_in)
    try:
        process.run(RunSteps(STEPS), Loihi2SimCfg(select_tag="fixed_pt"))
        network, behind = (sink.data.get().T.astype(np.int32) for sink in sinks)
    finally:
        process.stop()  # without it the program would never end
    return network, behind, process.gives["output"].latency


def main() -> None:
    """Compile, join, and compare with the artifact on its own."""
    x = (np.random.default_rng(0).random((STEPS, 6)) < 0.4).astype(np.int32)
    program = compiled(x[:, None])
    network, behind, latency = joined(x)
    alone = program.run(x[:, None]).outputs["output"][:, 0]
    differing = np.count_nonzero(network[latency:] != alone[: STEPS - latency])
    print(f"the network is {latency} steps late")
    print(f"spikes of the network     {network.sum(0)}")
    print(f"spikes of what is behind  {behind.sum(0)}")
    print(f"differing from the artifact on its own: {differing}")


if __name__ == "__main__":
    main()
