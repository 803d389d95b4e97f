"""What Lava costs, and what of it the forms of a network save: ``python -m tests.benchmarks.lava``.

Three layers of all-to-all weights and LIF neurons run in three ways, which take turns: plain, as
Lava's documentation shows it, with nothing of ours; mixed; and fused. All must spike alike. Then a
convolutional network, and how much of its step is arithmetic.

``--size N`` measures one size of layer only.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.targets.lava import target
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.target import write_run
from tests.benchmarks import lava_convolution
from tests.benchmarks.lava_worker import CYCLE
from tests.targets.lava.networks import Array, population, projection

WORKER = Path(__file__).with_name("lava_worker.py")
WAYS = ("plain", *(str(form) for form in (Form.MIXED, Form.FUSED)))
LAYERS = 3
RATE = 0.1
"""Share of the inputs that spike in a step."""
DU, DV = 1000, 200
THRESHOLD = 800
"""Times the root of the spikes that arrive in a step: about 4 % of the neurons spike."""
SIZES = {64: 1000, 256: 1000, 1024: 400, 4096: 100}
"""Neurons of a layer, and steps of a turn."""
TURNS = 7
PATIENCE = 600.0
"""Seconds until a worker that does not answer is given up."""
END_LIMIT = 10.0
"""Seconds that a worker may take to end once it has nothing left to do."""


@dataclass(frozen=True)
class Measured:
    """One way of running one size.

    Attributes:
        step: Milliseconds of a step, the median of all turns.
        least: The same of the turn that others disturbed least.
        busy: Milliseconds of a step that processors spend on it, whoever else uses them.
        read: Milliseconds until the spikes of 100 steps are at hand.
        memory: Megabytes of all processes together, shared pages counted once.
        spikes: Those of the last 100 steps, shape ``[100, n]``.
    """

    step: float
    least: float
    busy: float
    read: float
    memory: float
    spikes: Array


class Worker:
    """A process that runs a network in one way."""

    def __init__(self, way: str, folder: Path) -> None:
        self.way, self.folder = way, folder
        runner = Path(target.__file__).resolve().parent
        environment = os.environ | {"PYTHONPATH": str(runner), "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), way, str(folder)],  # -P: this file is not Lava
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what select sees is all there is
            env=environment,
            start_new_session=True,
        )

    def ask(self, what: str) -> float:
        """Give the milliseconds that it took."""
        pipe = cast("IO[bytes]", self.process.stdin)
        pipe.write(what.encode() + b"\n")
        pipe.flush()
        return 1e3 * float(self._answer()["seconds"])

    def _answer(self) -> dict[str, Any]:
        pipe = cast("IO[bytes]", self.process.stdout)
        line = pipe.readline() if select.select([pipe], [], [], PATIENCE)[0] else b""
        if not line:
            raise SystemExit(
                f"{self.way}: no answer; plain Lava hangs where one of its parts fails"
            )
        return cast("dict[str, Any]", json.loads(line))

    def read(self) -> tuple[float, Array]:
        """Give the milliseconds that it took to get the spikes, and the spikes."""
        taken = self.ask("read")
        self._answer()
        return taken, np.load(self.folder / f"{self.way}.spikes.npy")

    def memory(self) -> float:
        """Give the proportional set size of all its processes, in megabytes."""
        lines = [x for text in self._told("smaps_rollup") for x in text.splitlines()]
        return sum(int(x.split()[1]) for x in lines if x.startswith("Pss:")) / 1e3

    def busy(self) -> float:
        """Give the milliseconds that processors have spent on all its processes."""
        fields = [text.rpartition(")")[2].split() for text in self._told("stat")]
        ticks = sum(int(user) + int(system) for *_, user, system in (f[:13] for f in fields))
        return 1e3 * ticks / os.sysconf("SC_CLK_TCK")

    def _told(self, file: str) -> Iterator[str]:
        """Yield what Linux tells of each of its processes, see ``proc(5)``."""
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.getsid(int(path.name)) == self.process.pid:
                    yield (path / file).read_text()


def network(n: int) -> FixedNetwork:
    """Give the layers, each of ``n`` neurons, with weights of 7 bits and a sign."""
    rng = np.random.default_rng(0)
    names = ["x", *(f"layer{index}" for index in range(1, LAYERS + 1))]
    rates = [RATE] + LAYERS * [0.04]
    return FixedNetwork(
        inputs=(FixedInput("x", (n,)),),
        populations=tuple(
            population(
                name,
                (n,),
                FixedReset.ZERO,
                lag,
                du=DU,
                dv=DV,
                threshold=int(THRESHOLD * sqrt(n * rates[lag - 1])),
            )
            for lag, name in enumerate(names[1:], 1)
        ),
        projections=tuple(
            projection(a, b, rng.integers(-63, 64, (n, n)), exp=1) for a, b in pairwise(names)
        ),
        outputs=(Output("out", names[-1]),),
        dt=1e-3,
    )


def write(folder: Path, n: int, steps: int) -> dict[str, Path]:
    """Write what each way of running needs; the input repeats for so many ``steps``."""
    fixed = network(n)
    cycle = (np.random.default_rng(1).random((CYCLE, n)) < RATE).astype(np.int32)
    weights = np.stack(
        [cast("Any", p.operators[0]).weight.astype(np.int32) for p in fixed.projections]
    )
    folders = {way: folder / way for way in WAYS}
    for path in folders.values():
        path.mkdir()
    neuron = np.array([(DU, DV, p.threshold[0]) for p in fixed.populations])
    np.savez(folders["plain"] / "plain.npz", x=cycle, weights=weights * 2, neuron=neuron)
    x = np.tile(cycle, (steps // CYCLE, 1))[:, None]
    for form in (Form.MIXED, Form.FUSED):
        write_run(folders[form], fixed, make_plan(fixed, form), {"x": x})
    return folders


@contextmanager
def worker(way: str, folder: Path) -> Generator[Worker]:
    """Start a process that runs a network in one way, and end it and all that it made."""
    made = Worker(way, folder)
    try:
        yield made
    finally:
        with suppress(subprocess.TimeoutExpired):  # it removes its shared memory, unless it hangs
            made.process.communicate(timeout=END_LIMIT)
        with suppress(ProcessLookupError):
            os.killpg(made.process.pid, signal.SIGKILL)
        made.process.wait()


def measure(n: int, turns: int) -> dict[str, Measured]:
    """Let the ways of running take turns, after one to warm up."""
    steps = SIZES[n]
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folders = write(Path(scratch), n, (turns + 1) * steps)
        workers = [stack.enter_context(worker(way, folders[way])) for way in WAYS]
        for each in workers:
            each.ask(f"steps {steps}")
        before = [each.busy() for each in workers]
        times = [[each.ask(f"steps {steps}") / steps for each in workers] for _ in range(turns)]
        busy = [each.busy() - b for each, b in zip(workers, before, strict=True)]
        memory = [each.memory() for each in workers]
        reads = [each.read() for each in workers]
    return {
        each.way: Measured(median(taken), min(taken), b / turns / steps, read, megabytes, spikes)
        for each, taken, b, (read, spikes), megabytes in zip(
            workers, zip(*times, strict=True), busy, reads, memory, strict=True
        )
    }


def show(n: int, found: dict[str, Measured]) -> None:
    """Print a size, once all have spiked alike."""
    first = found["plain"]
    rate = first.spikes.mean()
    if not first.spikes.any() or any(
        not np.array_equal(first.spikes, other.spikes) for other in found.values()
    ):
        raise SystemExit(f"{n} neurons: the spikes differ, or there are none")
    print(f"\n{LAYERS} x {n} neurons, {100 * rate:.1f} % of the last layer spike in a step")
    columns = ("step", "least", "busy", "read", "memory")
    titles = ("ms a step", "the least", "of processors", f"to read {CYCLE}, ms", "MB")
    print(f"{'':8}" + "".join(f"{title:>16}{'':8}" for title in titles))
    for way, measured in found.items():
        line = f"{way:8}"
        for column in columns:
            value = getattr(measured, column)
            line += f"{value:16.3f}{f'{getattr(first, column) / value:.1f} x':>8}"
        print(line, flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, choices=SIZES, action="append", help="of a layer")
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    for n in arguments.size or SIZES:
        show(n, measure(n, arguments.turns))
    if arguments.size is None:
        print("\nconvolutions and pooling, 28 x 28 pixels")
        lava_convolution.main()


if __name__ == "__main__":
    main()
