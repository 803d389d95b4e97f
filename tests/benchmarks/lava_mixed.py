"""What makes the mixed form on Lava fast: ``python -m tests.benchmarks.lava_mixed [NEURONS ...]``.

Three layers of plain weights and Lava's own LIF, eight processes; one spike in ten inputs. The same
artifact runs on copies of the runner: the first does without all that ``docs/lava.md`` tells under
"Channels and bursts", each of the others has one thing more. What a longer run takes more than a
short one is free of Lava's start. All run by turns; the numbers are medians, of the time that
passed and of the work of all processes together.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.targets.lava import child
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests.targets.lava.networks import artifact, population, projection

SIZES = (64, 256, 1024, 4096)
SHORT = 50
REPEATS = 3
RATE = 0.1
SOURCE = Path(child.__file__).resolve().parent

Edit = tuple[str, str, str]
"""A file of the runner, what stands in it, and what stands in the copy."""
CHANNELS: Edit = (
    "guard.py",
    "        with without_threads():\n            _start(runtime, wait)\n",
    "        _start(runtime, wait)\n",
)
BURSTS: Edit = (
    "bursts.py",
    "if all(_only_steps(model) for model in steppers.values()):",
    "if False:",
)
ROWS: Edit = ("build.py", "(_dense, FastDense)", "(_dense, FastDense.__base__)")
FREEZE: Edit = ("guard.py", "    gc.freeze()", "    gc.isenabled()")
VARIANTS: dict[str, tuple[Edit, ...]] = {
    "Lava's own": (CHANNELS, BURSTS, ROWS, FREEZE),
    "+ frozen before it forks": (CHANNELS, BURSTS, ROWS),
    "+ channels": (BURSTS, ROWS),
    "+ bursts": (ROWS,),
    "+ rows: as it is": (),
}
"""What each copy does without."""


def network(n: int) -> FixedNetwork:
    """Give three layers of ``n`` neurons each, which spike now and then."""
    rng = np.random.default_rng(0)
    names = ("x", "first", "second", "third")
    return FixedNetwork(
        inputs=(FixedInput("x", (n,)),),
        populations=tuple(
            population(name, (n,), FixedReset.ZERO, lag, dv=400, threshold=int(60 * n**0.5))
            for lag, name in enumerate(names[1:], 1)
        ),
        projections=tuple(
            projection(source, target, rng.integers(-120, 128, (n, n)))
            for source, target in pairwise(names)
        ),
        outputs=(Output("out", "third"),),
        dt=1e-3,
    )


def copy_runner(folder: Path, edits: tuple[Edit, ...]) -> Path:
    """Copy the runner with ``edits``, and give its script."""
    shutil.copytree(SOURCE / "runner", folder / "runner")
    shutil.copy(SOURCE / "run.py", folder)
    for name, old, new in edits:
        path = folder / "runner" / name
        text = path.read_text()
        if text.count(old) != 1:
            raise SystemExit(f"{name} has changed: {old!r}")
        path.write_text(text.replace(old, new))
    return folder / "run.py"


def taken(fixed: FixedNetwork, steps: int) -> npt.NDArray[np.float64]:
    """Give the seconds that a run takes, and the work of all its processes; the output's mean."""
    x = (np.random.default_rng(1).random((steps, 1, fixed.inputs[0].size)) < RATE).astype(np.uint8)
    used, begin = work(), time.perf_counter()
    trace = LavaTarget().run(artifact(fixed), {"x": x}, RunOptions(timeout=900))
    seconds = time.perf_counter() - begin
    return np.array([seconds, work() - used, trace.outputs["out"].mean()])


def work() -> float:
    """Give the processor time of all processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(n: int, scripts: dict[str, Path]) -> None:
    """Print a table for layers of ``n`` neurons."""
    fixed, steps = network(n), 1000 if n < 1000 else 800_000 // n
    a_step: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in scripts}
    start: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in scripts}
    rates: set[float] = set()
    for _ in range(REPEATS):
        for name, script in scripts.items():
            child.RUNNER = script
            short, long = taken(fixed, SHORT), taken(fixed, SHORT + steps)
            a_step[name].append((long - short)[:2] / steps * 1e3)
            start[name].append(short[:2])
            rates.add(float(long[2]))
    if len(rates) != 1:
        raise SystemExit(f"they do not compute the same: {rates}")
    print(f"\n{n} neurons a layer, {rates.pop():.0%} of the last spike in a step")
    print(f"{'':26} ms a step    work, ms      ratio of work   start, s   its work, s")
    first = statistics.median(work for _, work in a_step["Lava's own"])
    for name in scripts:
        wall, work = (statistics.median(v[i] for v in a_step[name]) for i in (0, 1))
        begin, begin_work = (statistics.median(v[i] for v in start[name]) for i in (0, 1))
        ratio = first / work
        print(
            f"{name:26}{wall:9.3f}{work:13.3f}{ratio:15.1f}{begin:16.2f}{begin_work:13.2f}",
            flush=True,
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        copies = {
            name: copy_runner(Path(scratch) / str(index), edits)
            for index, (name, edits) in enumerate(VARIANTS.items())
        }
        for size in map(int, sys.argv[1:] or SIZES):
            measure(size, copies)
