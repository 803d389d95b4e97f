"""How speed grows or falls with neurons, synapses, activity, batch and threads."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.peers.environments import NotAvailable, interpreter
from tests.benchmarks.peers.networks import network
from tests.benchmarks.peers.rounds import Row, Settings, measure
from tests.benchmarks.peers.simulators import ENGINE, REFERENCE
from tests.benchmarks.peers.workers.engine import EngineRun

UPDATES = 20_000_000
"""Neurons times steps of one run, about."""


@dataclass(frozen=True)
class Point:
    """A speed.

    Attributes:
        what: What is varied.
        x: Its value.
        simulator: Key of ``SIMULATORS``.
        steps_s: Steps of one sample a second, of processor time; of time passed for threads.
        rate: Spikes a neuron and step.
    """

    what: str
    x: float
    simulator: str
    steps_s: float
    rate: float


def spec(neurons: int, fan: int = 100, threshold: int = 1000) -> str:
    """Give the spec of a random network with a run of a sensible length."""
    steps = max(50, min(1000, UPDATES // neurons))
    return f"random:neurons={neurons},fan={fan},threshold={threshold},steps={steps}"


def plan(quick: bool) -> Iterator[tuple[str, float | None, str, int, list[str]]]:
    """Yield what is varied, its value (None: the rate), a spec, a batch size and peers."""
    part = 2 if quick else 1
    for neurons in (1000, 3000, 10_000, 30_000, 100_000)[::part]:
        yield "neurons", neurons, spec(neurons), 1, ["brian2", "genn"]
    for fan in (10, 30, 100, 300, 1000)[::part]:
        yield "synapses a neuron", fan, spec(10_000, fan), 1, []
    for threshold in (250, 500, 1000, 2000, 3500)[::part]:
        yield "activity, %", None, spec(10_000, threshold=threshold), 1, []
    for batch in (1, 4, 16, 64)[::part]:
        yield "batch", batch, "mlp", batch, ["spikingjelly"]


def grown(settings: Settings, peers: list[str], quick: bool) -> list[Point]:
    """Measure every point of the plan.

    Args:
        settings: How.
        peers: Simulators that may be run beside the engine and the reference.
        quick: Take every second value.
    """
    points: list[Point] = []
    for what, value, network_spec, batch, beside in plan(quick):
        settings.say(f"{what}: {network_spec}, batch {batch}")
        names = [ENGINE, REFERENCE, *(name for name in beside if name in peers)]
        rows = measure(network_spec, batch, names, settings)
        points += [_point(what, value, row) for row in rows if row.samples]
    settings.say("threads")
    return points + list(threaded(settings))


def _point(what: str, value: float | None, row: Row) -> Point:
    rate = row.rates.get("neurons", row.rates.get("layer1", 0.0))
    x = 100 * rate if value is None else value
    return Point(what, x, row.simulator, (row.steps_s or 0.0) * row.batch, rate)


def threaded(settings: Settings) -> Iterator[Point]:
    """Yield the speed of one thread and of two, in turns, by the time that passes."""
    for name, batch in (("mlp", 64), ("cnn", 64), ("sparse-100k", 1)):
        net = network(name)
        runs = {threads: EngineRun(net, batch, threads) for threads in (1, 2)}
        taken: dict[int, list[float]] = {threads: [] for threads in runs}
        rates = {threads: run.first()["rates"] for threads, run in runs.items()}
        for _ in range(settings.rounds):
            for threads, run in runs.items():
                begin, count = time.perf_counter(), 0
                while (passed := time.perf_counter() - begin) < settings.seconds:
                    run.run()
                    count += 1
                taken[threads].append(count * net.steps * batch / passed)
        for threads, speeds in taken.items():
            rate = rates[threads].get("neurons", rates[threads].get("layer1", 0.0))
            what = f"threads, {name}"
            yield Point(what, threads, ENGINE, median(speeds), rate)


def draw(points: list[Point], path: Path, settings: Settings) -> None:
    """Draw the points as SVG; matplotlib lives in an environment of its own.

    Raises:
        NotAvailable: There is no matplotlib.
    """
    python = interpreter("plots", settings.environments, None, settings.say)
    script = Path(__file__).with_name("plot.py")
    done = subprocess.run(
        [str(python), str(script), str(path)],
        input=json.dumps([asdict(point) for point in points]),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotAvailable((done.stderr.strip().splitlines() or ["no word"])[-1])
