"""Train a spiking network on handwritten digits, deploy it to Lava, and prove that it is the same.

    python examples/digits.py            train, compile, run on Lava, verify, print the table

The commands that do the same one by one are printed as it goes. They use the two functions below:
``examples/digits.py:network`` is how snnc finds the trained module.
"""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportReturnType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import snntorch
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from snntorch.utils import reset
from torch import nn

import snnc
from snnc.runtime.summary import summary_table

STEPS = 24
HIDDEN = 96
BUILD = Path("build/digits")
SPEC = "examples/digits.py:network"

Spikes = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def spikes(images: npt.NDArray[np.float64], seed: int) -> Spikes:
    """Encode pixels 0 to 16 as spikes with that rate, shape ``[steps, batch, 64]``."""
    rng = np.random.default_rng(seed)
    drawn = rng.random((STEPS, *images.shape))
    return (drawn < images / 16).astype(np.float32)


def data() -> tuple[Spikes, Labels, Spikes, Labels]:
    """Give training spikes and labels, test spikes and labels: 1,257 and 540 images of 8x8."""
    digits = load_digits()
    train, test, train_labels, test_labels = train_test_split(
        digits.data, digits.target, test_size=0.3, stratify=digits.target, random_state=0
    )
    return spikes(train, 1), train_labels, spikes(test, 2), test_labels


def untrained() -> nn.Sequential:
    """Two layers of snnTorch's default neuron: reset by subtraction, one step late."""
    return nn.Sequential(
        nn.Linear(64, HIDDEN),
        snntorch.Leaky(beta=0.9, init_hidden=True),
        nn.Linear(HIDDEN, 10),
        snntorch.Leaky(beta=0.9, init_hidden=True, output=True),
    )


def train(epochs: int = 25) -> nn.Sequential:
    """Train by backpropagation through time on the rate of the output spikes."""
    torch.manual_seed(0)
    x, labels, _, _ = data()
    x_train, y_train = torch.from_numpy(x), torch.from_numpy(labels)
    model = untrained()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        losses: list[float] = []
        for batch in torch.randperm(len(y_train)).split(64):
            reset(model)
            rates = torch.stack([model(step)[0] for step in x_train[:, batch]]).mean(0)
            loss = nn.functional.cross_entropy(10 * rates, y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1:2d} of {epochs}, loss {np.mean(losses):.3f}", flush=True)
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
    """Deploy the trained network and show what it does, step by step."""
    announce("train, or load what was trained before")
    model = network()
    x_train, _, x_test, y_test = data()
    np.save(BUILD / "x_train.npy", x_train)
    np.save(BUILD / "x_test.npy", x_test)
    np.save(BUILD / "y_test.npy", y_test)

    announce("import", f"snnc import {SPEC} -o {BUILD}/digits.nir")
    graph = snnc.from_snntorch(model, input_shape=(64,))
    snnc.write_nir(graph, BUILD / "digits.nir")

    announce(
        "compile for Lava",
        f"snnc compile {BUILD}/digits.nir --target lava --calibrate {BUILD}/x_train.npy "
        f"-o {BUILD}/lava",
    )
    program = snnc.compile(graph, target="lava", calibration=x_train)
    program.save(BUILD / "lava")

    announce(
        f"run the {len(y_test)} test images on Lava",
        f"snnc run {BUILD}/lava --input {BUILD}/x_test.npy -o {BUILD}/out.npz",
    )
    trace = program.run(x_test)
    print(f"  {np.mean(trace.predictions == y_test):.2%} right, {trace.seconds:.1f} s")

    command = (
        f"snnc verify {SPEC} --input {BUILD}/x_test.npy --labels {BUILD}/y_test.npy "
        f"--calibrate {BUILD}/x_train.npy --report {BUILD}/report"
    )
    announce("verify: framework, float network, integers, Lava", command)
    report = snnc.verify(model, x_test, labels=y_test, calibration=x_train, command=command)
    report.save(BUILD / "report")
    print()
    print(summary_table(report))
    print(f"\nThe report is {BUILD}/report/report.html")
    report.assert_equivalent()


def announce(step: str, command: str = "") -> None:
    """Print what comes next, and the command that does the same."""
    print(f"\n== {step}" + (f"\n   $ {command}" if command else ""), flush=True)


if __name__ == "__main__":
    main()
