"""Fine-tune a recurrent spiking network on the integers that it will be deployed as.

    python examples/finetune_digits.py   train, round to 4 and 3 bits, fine-tune, compare

The network sees an image of a digit row by row and has to remember what it saw, so errors of
rounding add up over time; and with 16 neurons there are few weights to make up for each other.
Each width is tried in four ways: every weight rounded by itself; rounded as well as snnc can; the
same after further training in float; and trained as far as a ``snnc.quantized_module``, which
computes with the integers. All of it with two networks, which differ by how they began.
"""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportReturnType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import snntorch
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from snntorch.surrogate import fast_sigmoid
from snntorch.utils import reset
from torch import Tensor, nn

import snnc
from snnc.runtime.statistics import mcnemar_p

ROW_STEPS = 3
"""Steps for which each of the eight rows of an image is shown."""
HIDDEN = 16
EPOCHS, FURTHER_EPOCHS = 40, 8
RATE, FURTHER_RATE = 1e-2, 3e-3
WIDTHS = (4, 3)
SEEDS = (0, 1)
CALIBRATION = 64
"""Training images that rounding follows."""
TRAINED_ON = "feedback"
"""How weights are rounded in each step of fine-tuning, and at the end: to the nearest would begin
far below, and thresholds that move in every step are a target that never rests."""

Reals = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Run = Callable[[Tensor], Tensor]
"""Gives of data ``[steps, batch, 8]`` the output spikes ``[steps, batch, 10]``."""


def rows(images: npt.NDArray[np.float64]) -> Reals:
    """Show images of 8x8 pixels row by row, shape ``[steps, batch, 8]``, 0 to 1."""
    shown = np.repeat(images.reshape(-1, 8, 8), ROW_STEPS, axis=1) / 16
    return shown.transpose(1, 0, 2).astype(np.float32)


def data() -> tuple[Reals, Labels, Reals, Labels]:
    """Give training images and labels, test images and labels: 1,257 and 540."""
    digits = load_digits()
    train, test, train_labels, test_labels = train_test_split(
        digits.data, digits.target, test_size=0.3, stratify=digits.target, random_state=0
    )
    return rows(train), train_labels, rows(test), test_labels


def untrained() -> nn.Sequential:
    """A recurrent layer, and a neuron for each digit."""
    options = {"init_hidden": True, "threshold": 0.5, "spike_grad": fast_sigmoid(slope=5)}
    return nn.Sequential(
        nn.Linear(8, HIDDEN),
        snntorch.RLeaky(beta=0.95, linear_features=HIDDEN, **options),
        nn.Linear(HIDDEN, 10),
        snntorch.Leaky(beta=0.9, **options),
    )


def copied(model: nn.Sequential) -> nn.Sequential:
    """Give another network with the same weights."""
    other = untrained()
    other.load_state_dict(model.state_dict())
    return other


def in_float(model: nn.Sequential) -> Run:
    """Run ``model`` as snnTorch does."""

    def run(x: Tensor) -> Tensor:
        reset(model)
        return torch.stack([model(step) for step in x])

    return run


def train(model: nn.Sequential, run: Run, epochs: int, rate: float) -> None:
    """Train the weights of ``model`` on the spikes that ``run`` gives.

    Args:
        model: Whose weights they are.
        run: The model itself, or the integers that are made of it.
        epochs: Passes over the training images.
        rate: Largest learning rate.
    """
    x, labels, _, _ = data()
    x_train, y_train = torch.from_numpy(x), torch.from_numpy(labels)
    random = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=20 * epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(y_train), generator=random).split(64):
            rates = run(x_train[:, batch]).mean(0)
            loss = nn.functional.cross_entropy(10 * rates, y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    """Print the accuracy of each width in each of the four ways."""
    x_train, _, x_test, y_test = data()

    def right(model: nn.Sequential, **options: Any) -> npt.NDArray[np.bool_]:
        """Say of each test image whether the integers of ``model`` get it right."""
        program = snnc.compile(model, calibration=x_train[:, :CALIBRATION], **options)
        return np.asarray(program.run(x_test).predictions == y_test)

    won = {bits: [0, 0] for bits in WIDTHS}
    print(f"{len(y_test)} test images; right answers in percent")
    print("network  bits  float  nearest  rounded  float further, rounded  fine-tuned  won  lost")
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = untrained()
        train(model, in_float(model), EPOCHS, RATE)
        further = copied(model)
        train(further, in_float(further), FURTHER_EPOCHS, FURTHER_RATE)
        for bits in WIDTHS:
            tuned = copied(model)
            quantized = snnc.quantized_module(
                tuned,
                weight_bits=bits,
                rounding=TRAINED_ON,
                calibration=x_train[:, :CALIBRATION],
            )
            train(tuned, quantized, FURTHER_EPOCHS, FURTHER_RATE)
            before = right(model, weight_bits=bits)
            after = right(tuned, weight_bits=bits, rounding=TRAINED_ON)
            ways = (
                right(model, target="float"),
                right(model, weight_bits=bits, rounding="nearest"),
                before,
                right(further, weight_bits=bits),
                after,
            )
            pair = int((after & ~before).sum()), int((before & ~after).sum())
            won[bits] = [a + b for a, b in zip(won[bits], pair, strict=True)]
            shares = " ".join(
                f"{100 * np.mean(way):{width}.1f}"
                for way, width in zip(ways, (6, 8, 8, 23, 11), strict=True)
            )
            print(f"{seed:7d} {bits:5d} {shares} {pair[0]:4d} {pair[1]:5d}", flush=True)
    for bits, (gained, lost) in won.items():
        print(
            f"fine-tuned against rounded, {bits} bits: {gained} won, {lost} lost, "
            f"p {mcnemar_p(gained, lost):.2g} (McNemar)"
        )


if __name__ == "__main__":
    main()
