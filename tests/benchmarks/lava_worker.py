"""One way to run a network on Lava, in a process of its own, told what to do by ``lava.py``.

``python lava_worker.py WAY DIR`` reads ``steps N`` and ``read`` from standard input, and answers
each with a line of JSON. It imports what an artifact of that way would, and nothing else.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false
# mypy: ignore-errors

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

CYCLE = 100
"""Steps after which the input repeats; of the last so many, the spikes are read."""
Advance = Callable[[int], None]
Read = Callable[[], np.ndarray]


@contextmanager
def plain(folder: Path) -> Generator[tuple[Advance, Read]]:
    """Run as Lava's documentation shows it: Lava's processes, models, source and sink."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io import sink, source
    from lava.proc.lif.process import LIF

    with np.load(folder / "plain.npz") as arrays:
        x, weights, neuron = arrays["x"], arrays["weights"], arrays["neuron"]
    end = source.RingBuffer(data=x.T.astype(int)).s_out
    for weight, (du, dv, vth) in zip(weights, neuron.tolist(), strict=True):
        dense = Dense(weights=weight.astype(int), num_message_bits=0)
        lif = LIF(shape=weight.shape[:1], du=du, dv=dv, vth=vth)
        end.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        end = lif.s_out
    last = sink.RingBuffer(shape=weights.shape[1:2], buffer=CYCLE)
    end.connect(last.a_in)
    config = Loihi2SimCfg(select_tag="fixed_pt")

    def advance(steps: int) -> None:
        last.run(condition=RunSteps(num_steps=steps), run_cfg=config)

    yield advance, lambda: last.data.get().T
    last.stop()


@contextmanager
def ours(folder: Path) -> Generator[tuple[Advance, Read]]:
    """Run the program in ``folder`` as the runner does, one sample of very many steps."""
    from runner import build, fused, network, whole
    from runner.guard import running
    from runner.program import Process, read_program
    from runner.window import Window

    program = read_program(folder)
    inputs = {
        p.of: np.load(folder / f"{p.id}.npy", mmap_mode="r")
        for p in program.processes
        if p.role == "input"
    }
    steps, batch = next(iter(inputs.values())).shape[:2]
    window = Window(steps, batch, steps + program.gap)
    recorders = {
        p.id: r for p in program.processes for r in network._recorders(program, p, window, ())
    }
    if program.form == network.FUSED:
        process = fused.Fused("network", whole.Whole(program, inputs, recorders))
        models = {process: fused.FusedModel}
        rows = (Process("network", "network", "Fused", "all"),)
    else:
        rows = program.processes
        models = build.build(build.Job(program, inputs, window, recorders), rows)
    (sink,) = (recorders[p.id] for p in program.processes if p.role == "output")
    done = 0

    def read() -> np.ndarray:
        """Give the spikes as snnc gets them, through a file."""
        path = folder / f"{program.form}.out.npy"
        np.save(path, sink.arrays["spikes"][done - CYCLE : done, 0])
        return np.load(path)

    with running(models, rows, lambda: None) as advance:

        def counted(n: int) -> None:
            nonlocal done
            advance(n)
            done += n

        yield counted, read


def main(way: str, folder: Path) -> None:
    """Do what is asked until standard input ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever Lava prints is no answer

    def answer(**found: Any) -> None:
        os.write(answers, json.dumps(found).encode() + b"\n")

    from runner import compat

    compat.install()
    with (plain if way == "plain" else ours)(folder) as (advance, read):
        for line in sys.stdin:
            begin = time.perf_counter()
            if line.startswith("steps"):
                advance(int(line.split()[1]))
                answer(seconds=time.perf_counter() - begin)
            else:
                spikes = read()
                answer(seconds=time.perf_counter() - begin)
                np.save(folder / f"{way}.spikes.npy", spikes.astype(np.uint8))
                answer()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
