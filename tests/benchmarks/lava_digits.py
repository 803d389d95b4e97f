"""The digits on Lava, plainly and by snnc: ``python -m tests.benchmarks.lava_digits [SAMPLES]``.

A network that Lava's own processes can express (reset to zero, one threshold a layer) classifies
the 540 test images. The plain way (``tests/targets/lava/plain.py``) starts Lava for each; it takes
the first SAMPLES of them, 12 if not said, and what it would take for all is extrapolated. snnc runs
all of them in one start. Both record the same, and every number of the samples that both ran is
compared. Memory is what the processes of a run hold together at most (PSS: pages that several
share count once).
"""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import os
import statistics
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import snntorch
from torch import nn

import snnc
from snnc.compiler.trace import SIGNALS, Trace
from snnc.targets.artifact import Artifact
from tests.benchmarks.accuracy import CALIBRATION, example
from tests.targets.lava.plain import PlainRun, run_plain

SAMPLES = 12
REPEATS = 3
LOOK_SECONDS = 0.02

Array = npt.NDArray[Any]


def untrained() -> nn.Sequential:
    """Give the example's network with the one reset that Lava's neuron has."""
    options: dict[str, Any] = {
        "beta": 0.9,
        "init_hidden": True,
        "reset_mechanism": "zero",
        "reset_delay": False,
    }
    return nn.Sequential(
        nn.Linear(64, 96),
        snntorch.Leaky(**options),
        nn.Linear(96, 10),
        snntorch.Leaky(output=True, **options),
    )


def compiled() -> tuple[Artifact, Array, Array]:
    """Train, or load what was trained before; give the artifact, test spikes and labels."""
    made: Any = example("digits")
    made.untrained = untrained
    made.BUILD = Path("build/lava_digits")
    x_train, _, x_test, y_test = made.data()
    graph = snnc.from_snntorch(made.network(), input_shape=(64,))
    artifact = snnc.compile(
        graph, target="lava", calibration=x_train[:, :CALIBRATION], max_thresholds=1
    )
    return artifact, x_test, y_test


def pss(ours: int) -> int:
    """Sum the memory of all living descendants of process ``ours``, KiB."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    while new := {n for n, parent in parents.items() if parent in {ours, *found}} - found:
        found |= new
    total = 0
    for number in found:
        with suppress(OSError, IndexError):  # it has ended
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
            total += int(text.partition("Pss:")[2].split()[0])
    return total


def peak_mib(run: Callable[[], object]) -> float:
    """Give the most memory that the processes of ``run`` hold together, MiB."""
    done, seen = threading.Event(), [0]

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            seen.append(pss(os.getpid()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        run()
    finally:
        done.set()
        watcher.join()
    return max(seen) / 1024


def differing(plain: PlainRun, trace: Trace) -> tuple[int, int]:
    """Count the numbers that differ, and all, of those samples that both ran."""
    count, total = 0, 0
    for signal, by_name in plain.signals.items():
        for name, values in by_name.items():
            recorded = trace.signal(signal)[name][:, : values.shape[1]]
            count += int((recorded != values).sum())
            total += values.size
    return count, total


def main(samples: int) -> None:
    """Measure and print."""
    artifact, x, labels = compiled()
    steps, batch = x.shape[:2]
    inputs = {artifact.required_fixed.inputs[0].name: x[:, :samples].astype(np.int32)}
    one = {name: values[:, :1] for name, values in inputs.items()}
    print(f"{batch} images, {steps} steps each; the plain way measured on {samples} of them")
    last = artifact.required_fixed.outputs[0].source
    cases: list[tuple[str, tuple[str, ...], dict[str, tuple[str, ...]] | None]] = [
        ("spikes, u and v of all recorded", SIGNALS, None),
        ("spikes of the output recorded", ("spikes",), {"spikes": (last,)}),
    ]
    for title, record, populations in cases:
        ours = [artifact.run(x, record=record)]
        plain = run_plain(artifact.required_fixed, inputs, populations)
        ours += [artifact.run(x, record=record) for _ in range(REPEATS - 1)]
        seconds = statistics.median(trace.seconds for trace in ours)
        a_sample = statistics.median(plain.seconds)
        count, total = differing(plain, ours[-1])
        print(f"\n{title}")
        print(f"  plain  {a_sample:.2f} s a sample, extrapolated to all: {a_sample * batch:.0f} s")
        print(f"  snnc   {seconds:.2f} s for all, one start ({1e3 * seconds / batch:.1f} ms each)")
        print(f"  ratio  {a_sample * batch / seconds:.0f}, extrapolated")
        print(f"  {count} of {total} numbers differ; {(ours[-1].predictions == labels).mean():.1%}")
        memory = peak_mib(partial(run_plain, artifact.required_fixed, one, populations))
        whole = peak_mib(partial(artifact.run, x, record=record))
        print(f"  memory {memory:.0f} MiB plain, one sample; {whole:.0f} MiB snnc, all samples")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
