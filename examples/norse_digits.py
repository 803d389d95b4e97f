"""Train a network of norse on handwritten digits, deploy it to Lava, and prove that it is the same.

    python examples/norse_digits.py      train, compile, run on Lava, verify, print the table

A hidden layer of ``LIFCell`` and a read-out of ``LICell``, which never spikes: its potential says
the digit. The commands that do the same one by one are printed as it goes.
"""
# torch, norse and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportReturnType=false, reportMissingTypeStubs=false

from __future__ import annotations

from pathlib import Path

import norse.torch as norse
import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import snnc
from snnc.runtime.summary import summary_table

STEPS = 24
HIDDEN = 80
TESTED_ON_LAVA = 120
"""Images that are run on Lava as well, one after the other; the first test images."""
BUILD = Path("build/norse_digits")
SPEC = "examples/norse_digits.py:network"

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


def untrained() -> norse.SequentialState:
    """Two layers with synaptic currents; those of the hidden layer rest and reset below 0."""
    hidden = norse.LIFParameters(
        tau_syn_inv=torch.tensor(300.0),
        tau_mem_inv=torch.tensor(150.0),
        v_leak=torch.tensor(-0.05),
        v_th=torch.tensor(0.4),
        v_reset=torch.tensor(-0.1),
    )
    return norse.SequentialState(
        nn.Linear(64, HIDDEN),
        norse.LIFCell(hidden),
        nn.Linear(HIDDEN, 10),
        norse.LICell(),
    )


def potentials(model: norse.SequentialState, x: torch.Tensor) -> torch.Tensor:
    """Run all steps; give the potential of the read-out, shape ``[steps, batch, 10]``."""
    state, given = None, list[torch.Tensor]()
    for step in x:
        v, state = model(step, state)
        given.append(v)
    return torch.stack(given)


def train(epochs: int = 15) -> norse.SequentialState:
    """Train by backpropagation through time on the mean potential of the read-out."""
    torch.manual_seed(0)
    x, labels, _, _ = data()
    x_train, y_train = torch.from_numpy(x), torch.from_numpy(labels)
    model = untrained()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(epochs):
        losses: list[float] = []
        for batch in torch.randperm(len(y_train)).split(64):
            mean = potentials(model, x_train[:, batch]).mean(0)
            loss = nn.functional.cross_entropy(mean, y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1:2d} of {epochs}, loss {np.mean(losses):.3f}", flush=True)
    return model


def network() -> norse.SequentialState:
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
    np.save(BUILD / "x.npy", x_test[:, :TESTED_ON_LAVA])
    np.save(BUILD / "y.npy", y_test[:TESTED_ON_LAVA])

    announce("import", f"snnc import {SPEC} -o {BUILD}/digits.nir")
    graph = snnc.from_norse(model, input_shape=(64,))
    snnc.write_nir(graph, BUILD / "digits.nir")

    announce(
        "compile for Lava",
        f"snnc compile {BUILD}/digits.nir --target lava --calibrate {BUILD}/x_train.npy "
        f"-o {BUILD}/lava",
    )
    program = snnc.compile(graph, target="lava", calibration=x_train)
    program.save(BUILD / "lava")

    announce(
        f"run {TESTED_ON_LAVA} test images on Lava",
        f"snnc run {BUILD}/lava --input {BUILD}/x.npy -o {BUILD}/out.npz",
    )
    x, y = x_test[:, :TESTED_ON_LAVA], y_test[:TESTED_ON_LAVA]
    trace = program.run(x)
    print(f"  {np.mean(trace.predictions == y):.2%} right, {trace.seconds:.1f} s")

    announce(f"verify on {len(y_test)} images: framework, float network, integers")
    report = snnc.verify(program, x_test, labels=y_test, targets="integer", framework=model)
    report.save(BUILD / "report_integer")
    print(summary_table(report))
    report.assert_equivalent()

    command = (
        f"snnc verify {SPEC} --input {BUILD}/x.npy --labels {BUILD}/y.npy "
        f"--calibrate {BUILD}/x_train.npy --max-drop 3 --report {BUILD}/report"
    )
    announce(f"verify on {TESTED_ON_LAVA} of them, Lava too", command)
    report = snnc.verify(program, x, labels=y, framework=model, max_drop=3, command=command)
    report.save(BUILD / "report")
    print(summary_table(report))
    print(f"\nThe report is {BUILD}/report/report.html")
    report.assert_equivalent()


def announce(step: str, command: str = "") -> None:
    """Print what comes next, and the command that does the same."""
    print(f"\n== {step}" + (f"\n   $ {command}" if command else ""), flush=True)


if __name__ == "__main__":
    main()
