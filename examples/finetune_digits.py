"""Fine-tune a recurrent spiking network on the integers that it will be deployed as.

    python examples/finetune_digits.py   train, round to 4, 3 and 2 bits, fine-tune, compare

The network sees an image of a digit row by row and has to remember what it saw, so errors of
rounding add up over time. Each width is tried in three ways: rounded as it was trained; rounded
after as much further training in float; and trained further as a ``snnc.quantized_module``, which
computes with the integers.
"""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportReturnType=false

from __future__ import annotations

from collections.abc import Callable

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
from snnc.runtime.statistics import paired

ROW_STEPS = 3
"""Steps for which each of the eight rows of an image is shown."""
HIDDEN = 64
EPOCHS, FURTHER_EPOCHS = 15, 3
WIDTHS = (4, 3, 2)

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
    """Print the accuracy of each width in each of the three ways."""
    x_train, _, x_test, y_test = data()

    def predictions(model: nn.Sequential, bits: int | None = None) -> Labels:
        if bits is None:
            return snnc.compile(model, "float").run(x_test).predictions
        return snnc.compile(model, weight_bits=bits, calibration=x_train).run(x_test).predictions

    torch.manual_seed(0)
    model = untrained()
    train(model, in_float(model), EPOCHS, rate=1e-2)
    further = copied(model)
    train(further, in_float(further), FURTHER_EPOCHS, rate=2e-3)
    print(f"float: {np.mean(predictions(model) == y_test):.1%} of {len(y_test)} test images right")
    print(f"float, trained further: {np.mean(predictions(further) == y_test):.1%}")
    print("\nbits  rounded  float further, rounded  fine-tuned  gained  lost  p (McNemar)")
    for bits in WIDTHS:
        tuned = copied(model)
        quantized = snnc.quantized_module(tuned, weight_bits=bits, calibration=x_train)
        train(tuned, quantized, FURTHER_EPOCHS, rate=2e-3)
        before, after = predictions(model, bits), predictions(tuned, bits)
        control = np.mean(predictions(further, bits) == y_test)
        pairs = paired(y_test, reference=after, other=before)
        print(
            f"{bits:4d} {np.mean(before == y_test):8.1%} {control:23.1%} "
            f"{np.mean(after == y_test):11.1%} {pairs.only_reference:7d} {pairs.only_other:5d}  "
            f"{pairs.mcnemar_p:.2g}",
            flush=True,
        )


if __name__ == "__main__":
    main()
