"""Models as people write them, one of each kind, with data for them."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.frontends.optional import optional

torch, nn, F = optional("torch"), optional("torch.nn"), optional("torch.nn.functional")
snn, norse = optional("snntorch"), optional("norse.torch")
surrogate = optional("snntorch.surrogate")

Module = nn.Module if nn else object
Array = npt.NDArray[np.float32]
STEPS = 12


@dataclass(frozen=True)
class Subject:
    """A model, and typical data ``[steps, batch, *shape]``."""

    make: Callable[[], Any]
    data: Callable[[], Array]


def spikes(*shape: int, rate: float = 0.4) -> Callable[[], Array]:
    """Draw spikes, others in each step."""
    return lambda: (np.random.default_rng(1).random((STEPS, *shape)) < rate).astype(np.float32)


def images(*shape: int) -> Callable[[], Array]:
    """Draw images, which are held for all steps."""
    return lambda: np.repeat(
        np.random.default_rng(2).random((1, *shape)).astype(np.float32), STEPS, axis=0
    )


def leaky(**options: Any) -> Any:
    return snn.Leaky(**{"beta": 0.5, "init_hidden": True, **options})


def seed_cnn() -> Any:
    """Two convolutions with pooling and a dense layer, with weights as they are drawn."""
    spike = surrogate.fast_sigmoid(slope=25)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.MaxPool2d(2),
        leaky(spike_grad=spike, threshold=0.2),
        nn.Conv2d(8, 16, 5),
        nn.MaxPool2d(2),
        leaky(spike_grad=spike, threshold=0.2),
        nn.Flatten(),
        nn.Linear(256, 10),
        leaky(spike_grad=spike, threshold=0.2, output=True),
    )


class Tutorial(Module):  # type: ignore[misc, valid-type]
    """A loop over time, states handed on by hand, pooling and flattening as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.lif1 = nn.Conv2d(1, 6, 3), snn.Leaky(beta=0.9, threshold=0.5)
        self.fc1, self.lif2 = nn.Linear(6 * 5 * 5, 20), snn.Leaky(beta=0.9, threshold=0.3)
        self.fc2, self.lif3 = nn.Linear(20, 10), snn.Leaky(beta=0.9, threshold=0.3)

    def forward(self, x: Any) -> Any:
        mem1, mem2, mem3 = (lif.init_leaky() for lif in (self.lif1, self.lif2, self.lif3))
        recorded: list[Any] = []
        for _ in range(STEPS):
            spk1, mem1 = self.lif1(F.max_pool2d(self.conv1(x), 2), mem1)
            spk2, mem2 = self.lif2(self.fc1(spk1.view(x.size(0), -1)), mem2)
            spk3, mem3 = self.lif3(self.fc2(spk2), mem3)
            recorded.append(spk3)
        return torch.stack(recorded, dim=0)


class Block(Module):  # type: ignore[misc, valid-type]
    """A residual block: batch norms, and a connection around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, channels, 3, padding=1), norm(channels)
        self.conv2, self.norm2 = nn.Conv2d(channels, channels, 3, padding=1), norm(channels)
        self.lif1, self.lif2 = leaky(), leaky()

    def forward(self, x: Any) -> Any:
        out = self.norm2(self.conv2(self.lif1(self.norm1(self.conv1(x)))))
        return self.lif2(out + x)


def norm(channels: int) -> Any:
    """A batch norm with numbers as training leaves them."""
    made = nn.BatchNorm2d(channels)
    with torch.no_grad():
        made.running_mean.normal_(0, 0.1)
        made.running_var.uniform_(0.05, 0.2)
        made.bias.normal_(0.3, 0.2)
    return made


def residual() -> Any:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        leaky(threshold=0.3),
        Block(4),
        Block(4),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
        leaky(threshold=0.3, output=True),
    ).eval()


def recurrent() -> Any:
    return nn.Sequential(
        nn.Linear(20, 30),
        snn.RLeaky(beta=0.9, linear_features=30, init_hidden=True, threshold=0.5),
        nn.Linear(30, 10),
        snn.RSynaptic(
            alpha=0.6, beta=0.8, all_to_all=False, V=0.3, init_hidden=True, reset_mechanism="zero"
        ),
    )


def parameters(kind: str = "LIFParameters", **options: float) -> Any:
    """Parameters of norse's neurons that are faster than its own, with potentials."""
    given = {"tau_mem_inv": 300.0, "v_th": 0.12, "v_leak": 0.03, "v_reset": -0.05, **options}
    return getattr(norse, kind)(**{n: torch.tensor(v) for n, v in given.items()})


def of_norse() -> Any:
    """Convolution, a recurrent layer, a refractory time and a read-out."""
    rest = norse.LIFRefracParameters(parameters(tau_syn_inv=400.0), torch.tensor(2.0))
    return norse.SequentialState(
        nn.Conv2d(1, 4, 3),
        norse.LIFBoxCell(parameters("LIFBoxParameters", v_th=0.06)),
        nn.MaxPool2d(2),
        nn.Flatten(),
        norse.LIFRecurrentCell(64, 20, parameters(tau_syn_inv=400.0)),
        nn.Linear(20, 16),
        norse.LIFRefracCell(rest),
        nn.Linear(16, 5),
        norse.LICell(),
    )


class ReadOuts(Module):  # type: ignore[misc, valid-type]
    """Three outputs: spikes, a potential, and what a layer of weights gives."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(20, 30), snn.Leaky(beta=0.9, threshold=0.4)
        self.fc2, self.lif2 = nn.Linear(30, 8), snn.Synaptic(alpha=0.5, beta=0.5, threshold=0.4)
        self.fc3, self.out = nn.Linear(30, 6), snn.Leaky(beta=0.75, reset_mechanism="none")
        self.fc4 = nn.Linear(30, 3)

    def forward(self, x: Any, mem1: Any, syn2: Any, mem2: Any, mem3: Any) -> Any:
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
        _, mem3 = self.out(self.fc3(spk1), mem3)
        return {"spikes": spk2, "potential": mem3, "weights": self.fc4(spk1)}, mem1, syn2, mem2


MODELS = {
    "convolutions": Subject(seed_cnn, images(4, 1, 28, 28)),
    "a loop over time": Subject(Tutorial, images(6, 1, 12, 12)),
    "residual": Subject(residual, spikes(6, 2, 8, 8)),
    "recurrent": Subject(recurrent, spikes(10, 20)),
    "read-outs": Subject(ReadOuts, spikes(10, 20)),
    "norse": Subject(of_norse, images(6, 1, 10, 10)),
}


def made(name: str) -> tuple[Any, Array]:
    """Give a model with weights that are the same in each run, and its data."""
    torch.manual_seed(7)
    return MODELS[name].make(), MODELS[name].data()
