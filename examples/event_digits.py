"""Recordings of an event camera: train a network on them, deploy it, and prove that it is the same.

    python examples/event_digits.py

The camera looks at handwritten digits that move, as the one of N-MNIST did, and each recording is a
file as N-MNIST has them: 5 bytes an event, in a folder for each class.
"""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import snntorch
import torch
from sklearn.datasets import load_digits
from snntorch.utils import reset
from torch import nn

import snnc
from snnc.runtime.data.read import read_labels
from snnc.runtime.data.source import given_inputs
from snnc.runtime.summary import summary_table

BUILD = Path("build/event_digits")
SPEC = "examples/event_digits.py:network"
SENSOR = 12
"""Rows and columns of the camera; a digit has 8 of each."""
FRAME = 1_000
"""Microseconds for which the picture stands still, and the length of a step."""
PATH = [(2, 2), (1, 2), (0, 2), (1, 3), (2, 4), (3, 3), (4, 2), (3, 2), (2, 2)] * 2
"""Where the upper left corner of the digit is, frame after frame."""
TRAIN, TEST = 900, 200


def events(image: npt.NDArray[np.float64], random: np.random.Generator) -> bytes:
    """Give the recording of one digit: an event where a pixel becomes brighter or darker."""
    seen, recorded = np.zeros((SENSOR, SENSOR)), b""
    for frame, (top, left) in enumerate(PATH):
        now = np.zeros_like(seen)
        now[top : top + 8, left : left + 8] = image / 16
        change, seen = now - seen, now
        y, x = np.nonzero(np.abs(change) > 0.3)
        t = FRAME * frame + np.sort(random.integers(0, FRAME, x.size))
        on = change[y, x] > 0
        fields = [x, y, on << 7 | t >> 16, t >> 8 & 255, t & 255]
        recorded += np.stack(fields, axis=1).astype(np.uint8).tobytes()
    return recorded


def record() -> None:
    """Write a recording of each digit, as ``train/7/0012.bin``."""
    digits, random = load_digits(), np.random.default_rng(0)
    for number, (image, label) in enumerate(
        zip(digits.images[: TRAIN + TEST], digits.target, strict=False)
    ):
        folder = BUILD / ("train" if number < TRAIN else "test") / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:04}.bin").write_bytes(events(image, random))


def untrained() -> nn.Sequential:
    """Two layers behind the polarities of all pixels."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(2 * SENSOR * SENSOR, 64),
        snntorch.Leaky(beta=0.9, init_hidden=True),
        nn.Linear(64, 10),
        snntorch.Leaky(beta=0.9, init_hidden=True, output=True),
    )


def train(x: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> nn.Sequential:
    """Train on ``x``, ``[steps, recordings, 2, 12, 12]``, by the rate of the output spikes."""
    torch.manual_seed(0)
    inputs, wanted = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(labels)
    model = untrained()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(12):
        for batch in torch.randperm(len(wanted)).split(50):
            reset(model)
            rate = torch.stack([model(step)[0] for step in inputs[:, batch]]).mean(0)
            loss = nn.functional.cross_entropy(10 * rate, wanted[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def network() -> nn.Sequential:
    """Give the trained network; this is what ``snnc verify`` calls."""
    model = untrained()
    model.load_state_dict(torch.load(BUILD / "trained.pt", weights_only=True))
    return model.eval()


def main() -> None:
    """Record, train, compile and verify."""
    announce("record moving digits")
    record()

    announce("train")
    shape = (2, SENSOR, SENSOR)
    step = FRAME * 1e-6
    graph = snnc.from_snntorch(untrained(), input_shape=shape, dt=step)
    of_network = snnc.compile(graph, "float").network
    x = given_inputs(of_network, snnc.read_data(BUILD / "train"))["input"]
    torch.save(train(x, read_labels(BUILD / "train")).state_dict(), BUILD / "trained.pt")

    announce("import", f"snnc import {SPEC} --input-shape 2,12,12 --dt {step} -o {BUILD}/model.nir")
    graph = snnc.from_snntorch(network(), input_shape=shape, dt=step)
    snnc.write_nir(graph, BUILD / "model.nir")

    announce(
        "compile, with the recordings as typical data",
        f"snnc compile {BUILD}/model.nir --target cpu --calibrate {BUILD}/train -o {BUILD}/cpu",
    )
    typical = snnc.read_data(BUILD / "train")
    snnc.compile(graph, "cpu", calibration=typical).save(BUILD / "cpu")

    announce(
        "run one recording",
        f"snnc run {BUILD}/cpu --input {min((BUILD / 'test/7').iterdir())} -o {BUILD}/out.npz",
    )
    command = (
        f"snnc verify {SPEC} --input-shape 2,12,12 --dt {step} --input {BUILD}/test "
        f"--labels {BUILD}/test --calibrate {BUILD}/train --targets cpu --report {BUILD}/report"
    )
    announce("verify on recordings that it has not seen", command)
    report = snnc.verify(
        network(),
        snnc.read_data(BUILD / "test"),
        labels=read_labels(BUILD / "test"),
        calibration=typical,
        input_shape=shape,
        dt=step,
        targets=("cpu",),
        command=command,
    )
    report.save(BUILD / "report")
    print(summary_table(report))
    report.assert_equivalent()


def announce(what: str, command: str = "") -> None:
    """Print what comes next, and the command that does the same."""
    print(f"\n== {what}" + (f"\n   $ {command}" if command else ""), flush=True)


if __name__ == "__main__":
    main()
