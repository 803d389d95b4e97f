"""A recurrent spiking network that reads handwritten digits line by line, and its training."""
# torch and scikit-learn have few types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.frontends.optional import optional

torch, snntorch, utils = optional("torch"), optional("snntorch"), optional("snntorch.utils")
datasets, selection = optional("sklearn.datasets"), optional("sklearn.model_selection")

REPEATS = 4
"""Steps for which each of the 8 rows is shown, and each of the 8 columns beside it."""
HIDDEN = 128
WEIGHTS = Path("build/recurrent/weights.pt")

Array = npt.NDArray[Any]


def spikes(images: Array, seed: int) -> Array:
    """Encode pixels 0 to 16 of a row and a column as spikes with that rate, ``[32, batch, 16]``."""
    square = images.reshape(-1, 8, 8)
    lines = np.concatenate([square.transpose(1, 0, 2), square.transpose(2, 0, 1)], axis=2)
    shown = np.repeat(lines, REPEATS, axis=0)
    drawn = np.random.default_rng(seed).random(shown.shape)
    return (drawn < shown / 16).astype(np.float32)


def data() -> tuple[Array, Array, Array, Array]:
    """Give training spikes and labels, test spikes and labels: 1,257 and 540 images of 8x8."""
    digits = datasets.load_digits()
    train, test, train_labels, test_labels = selection.train_test_split(
        digits.data, digits.target, test_size=0.3, stratify=digits.target, random_state=0
    )
    return spikes(train, 1), train_labels, spikes(test, 2), test_labels


def untrained() -> Any:
    """A hidden layer in which every neuron drives every other, and a layer of 10 neurons."""
    spike = snntorch.surrogate.fast_sigmoid(slope=5)
    hidden = snntorch.RLeaky(beta=0.95, linear_features=HIDDEN, init_hidden=True, spike_grad=spike)
    return torch.nn.Sequential(
        torch.nn.Linear(16, HIDDEN),
        hidden,
        torch.nn.Linear(HIDDEN, 10),
        snntorch.Leaky(beta=0.95, init_hidden=True, output=True, spike_grad=spike),
    )


def train(epochs: int = 30) -> Any:
    """Train by backpropagation through time on the rate of the output spikes."""
    torch.manual_seed(0)
    x, labels, _, _ = data()
    x_train, y_train = torch.from_numpy(x), torch.from_numpy(labels)
    model = untrained()
    with torch.no_grad():
        model[1].recurrent.weight.mul_(0.3)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(y_train)).split(64):
            utils.reset(model)
            rates = torch.stack([model(step)[0] for step in x_train[:, batch]]).mean(0)
            loss = torch.nn.functional.cross_entropy(20 * rates, y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return model


def network() -> Any:
    """Give the trained network; trains it the first time and keeps its weights in ``build/``."""
    model = untrained()
    if not WEIGHTS.is_file():
        trained = train()
        WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
        torch.save(trained.state_dict(), WEIGHTS)
    model.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    return model
