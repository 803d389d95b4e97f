"""Models of norse as people write them: every population is bit for bit that of norse."""
# torch and norse are Any here, and so is what lambdas make of them:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnc
from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.norse.frontend import from_norse, run_norse
from snnc.targets.float.executor import execute
from tests.frontends.cases import Case, over
from tests.frontends.optional import optional
from tests.frontends.torch.models import Array, assert_exact, data, dyadic

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")
F = optional("torch.nn.functional")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

INPUTS = 12
IMAGE = (1, 10, 10)


def lif(**options: float) -> Any:
    """Parameters of fast neurons with potentials of their own."""
    given = {"tau_mem_inv": 300.0, "tau_syn_inv": 400.0, "v_th": 0.6, "v_leak": 0.05}
    given |= {"v_reset": -0.1, **options}
    return norse.LIFParameters(**{name: torch.tensor(value) for name, value in given.items()})


def refractory() -> Any:
    return norse.LIFRefracParameters(lif(), torch.tensor(2.0))


def box() -> Any:
    return norse.LIFBoxParameters(v_th=torch.tensor(0.4), tau_mem_inv=torch.tensor(300.0))


def convolutional(pool: Any) -> Any:
    return norse.SequentialState(
        nn.Conv2d(1, 6, 3),
        norse.LIFCell(lif()),
        pool,
        nn.Conv2d(6, 8, 3, padding=1),
        norse.LIFBoxCell(box()),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
        norse.LICell(),
    )


def in_time() -> Any:
    """Sequences ``[T, B, ...]``: layers of torch lifted, neurons that run all steps."""
    return norse.SequentialState(
        norse.Lift(nn.Conv2d(1, 4, 3, stride=2)),
        norse.LIF(lif()),
        norse.Lift(nn.AvgPool2d(2)),
        nn.Flatten(2),
        norse.LIFRecurrent(16, 12, lif()),
        nn.Linear(12, 10),
        norse.LIFRefracRecurrent(10, 8, refractory()),
        norse.Lift(nn.Linear(8, 5)),
        norse.LI(),
    )


def lifted_cells() -> Any:
    return norse.Lift(
        norse.SequentialState(
            nn.Linear(INPUTS, 20), norse.LIFCell(lif()), nn.Linear(20, 10), norse.IAFCell()
        )
    )


def refractory_cells() -> Any:
    return norse.SequentialState(
        nn.Linear(INPUTS, 20),
        norse.LIFRefracCell(refractory()),
        norse.LIFRefracRecurrentCell(20, 16, refractory()),
        norse.LIFRecurrentCell(16, 12, lif()),
        norse.LILinearCell(12, 10),
    )


def fed_back() -> Any:
    """What leaves the second cell is added to the input of the step after."""
    return norse.SequentialState(
        nn.Linear(INPUTS, 16),
        norse.RecurrentSequential(
            norse.LIFCell(lif()), nn.Linear(16, 16), norse.LIFCell(lif()), output_modules=2
        ),
        nn.Linear(16, 5),
        norse.LIBoxCell(),
    )


def fed_back_in_time() -> Any:
    return norse.Lift(norse.RecurrentSequential(nn.Linear(16, 16), norse.LIFCell(lif())))


class Model(nn.Module if nn else object):  # type: ignore[misc]
    """Two layers and a read-out, called by the ``forward`` that is given."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(INPUTS, 20), norse.LIFCell(lif())
        self.fc2, self.lif2 = nn.Linear(20, 16), norse.LIFBoxCell(box())
        self.fc3, self.out = nn.Linear(16, 5), norse.LICell()
        self.skip = nn.Linear(INPUTS, 16)
        self.kept: Any = (None, None, None)
        self.forward = partial(forward, self)


def of_a_step(self: Any, x: Any, s1: Any = None, s2: Any = None, so: Any = None) -> Any:
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), state=s2)
    v, so = self.out(self.fc3(z), so)
    return v, s1, s2, so


def of_a_step_in_a_tuple(self: Any, x: Any, state: Any = None) -> Any:
    s1, s2, so = (None, None, None) if state is None else state
    v, *states = of_a_step(self, x, s1, s2, so)
    return v, tuple(states)


def of_a_step_in_a_dict(self: Any, x: Any, state: Any = None) -> Any:
    v, s1, s2, so = of_a_step(self, x, **(state or {}))
    return v, {"s1": s1, "s2": s2, "so": so}


def kept_in_the_model(self: Any, x: Any) -> Any:
    v, *self.kept = of_a_step(self, x, *self.kept)
    return v


def over_time(self: Any, x: Any) -> Any:
    states: Any = (None, None, None)
    voltages: list[Any] = []
    for step in range(x.shape[0]):
        v, *states = of_a_step(self, x[step], *states)
        voltages.append(v)
    return torch.stack(voltages)


def over_time_into_a_tensor(self: Any, x: Any) -> Any:
    states: Any = (None, None, None)
    voltages = torch.zeros(x.shape[0], x.shape[1], 5, device=x.device)
    for step in range(x.shape[0]):
        voltages[step, :, :], *states = of_a_step(self, x[step, :], *states)
    return voltages


def over_time_batch_first(self: Any, x: Any) -> Any:
    return over_time(self, x.transpose(0, 1)).transpose(0, 1)


def largest_over_time(self: Any, x: Any) -> Any:
    return torch.max(over_time(self, x), 0)[0]


def from_zeros(self: Any, x: Any) -> Any:
    """First states by hand, equal to those of norse: ``v_leak`` and no current."""
    like = torch.zeros(x.shape[1], 20, device=x.device)
    s1 = norse.LIFFeedForwardState(v=torch.full_like(like, 0.05), i=like)
    spikes: list[Any] = []
    for value in x:
        z, s1 = self.lif1(self.fc1(value), s1)
        spikes.append(z)
    return torch.stack(spikes)


def in_pieces(self: Any, x: Any) -> Any:
    """The state of a module that runs all steps goes from one piece of time to the next."""
    spikes, state, size = list[Any](), None, len(x) // 2
    for piece in (x[:size], x[size:]):
        z, state = self.in_time(self.fc1(piece), state)
        spikes.append(z)
    return torch.cat(spikes)


def around(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    """A connection around a layer: the sum of two currents."""
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z) + self.skip(x), s2)
    return z, s1, s2


def with_in_time(forward: Callable[..., Any]) -> Any:
    model = Model(forward)
    model.in_time = norse.LIF(lif())
    return model


MODELS: dict[str, tuple[str, Callable[[], Any], tuple[int, ...]]] = {
    "max-pool": (
        "`SequentialState` of cells, convolutions and max pooling",
        lambda: convolutional(nn.MaxPool2d(2)),
        IMAGE,
    ),
    "average-pool": (
        "the same with average pooling",
        lambda: convolutional(nn.AvgPool2d(2)),
        IMAGE,
    ),
    "in-time": ("`SequentialState` of modules that run all steps, and `Lift`", in_time, IMAGE),
    "lifted-cells": ("`Lift` of cells", lifted_cells, (INPUTS,)),
    "refractory-cells": ("refractory and recurrent cells", refractory_cells, (INPUTS,)),
    "fed-back": ("`RecurrentSequential` in a model", fed_back, (INPUTS,)),
    "fed-back-in-time": ("`Lift` of a `RecurrentSequential`", fed_back_in_time, (16,)),
    "step": ("`forward` of a step, states one by one", lambda: Model(of_a_step), (INPUTS,)),
    "step-tuple": ("states in a tuple", lambda: Model(of_a_step_in_a_tuple), (INPUTS,)),
    "step-dict": ("states in a dict", lambda: Model(of_a_step_in_a_dict), (INPUTS,)),
    "kept": ("states kept in the model", lambda: Model(kept_in_the_model), (INPUTS,)),
    "loop": ("a loop over time, outputs in a list", lambda: Model(over_time), (INPUTS,)),
    "loop-tensor": (
        "a loop over time, outputs in a tensor",
        lambda: Model(over_time_into_a_tensor),
        (INPUTS,),
    ),
    "loop-batch-first": (
        "a loop over time behind the batch",
        lambda: Model(over_time_batch_first),
        (INPUTS,),
    ),
    "loop-max": ("the largest over time", lambda: Model(largest_over_time), (INPUTS,)),
    "from-zeros": ("first states by hand", lambda: Model(from_zeros), (INPUTS,)),
    "pieces": (
        "states from one call to the next",
        lambda: with_in_time(in_pieces),
        (INPUTS,),
    ),
    "around": ("a connection around a layer", lambda: Model(around), (INPUTS,)),
}


def made(name: str) -> Any:
    _, make, _ = MODELS[name]
    module = make()
    small = dyadic(module, size=0.25, parts=64)
    for part in small.modules():
        if hasattr(part, "recurrent_weights"):
            part.recurrent_weights.data.fill_diagonal_(0)
    return small


@over([Case(form, name, "", partial(made, name)) for name, (form, *_) in MODELS.items()])
def test_models(case: Case) -> None:
    *_, shape = MODELS[case.option]
    steps, samples = (50, 250) if shape == IMAGE else (100, 700)
    assert_exact(case.make(), data(steps, samples, *shape))


def test_the_network_of_the_tutorial() -> None:
    """Norse's own ConvNet: relu on spikes, a factor, a view, potentials put into a tensor."""
    module = norse.ConvNet()
    for values in module.parameters():
        values.data = torch.round(values.data * 512) / 256
    graph = assert_exact(module, data(12, 4, 1, 28, 28), bits=100_000)
    assert [type(graph.nodes[n]).__name__ for n in ("lif0", "out.input", "out")] == [
        "CubaLIF",
        "Linear",
        "CubaLI",
    ]


def test_files_keep_all_of_it(tmp_path: Path) -> None:
    module, x = made("refractory-cells"), data(40, 50, INPUTS)
    snnc.write_nir(from_norse(module, (INPUTS,)), tmp_path / "model.nir")
    here = execute(discretize(snnc.read_nir(tmp_path / "model.nir")), {"input": x})
    there = run_norse(module, x)
    assert set(here.spikes) == set(there.spikes) == {"1", "2", "3"}
    assert all(np.array_equal(here.spikes[name], there.spikes[name]) for name in here.spikes)
    assert all(np.array_equal(here.v[name], there.v[name]) for name in here.v)


def outputs_of(module: Any, x: Array) -> dict[str, tuple[int, ...]]:
    return {name: values.shape for name, values in run_norse(module, x).outputs.items()}


def test_outputs_stand_before_the_states() -> None:
    """States of recurrent cells hold spikes too; they are no outputs."""
    x = data(10, 2, 6)
    chain = norse.RecurrentSequential(
        norse.LIFRecurrentCell(6, 6),
        nn.Linear(6, 5),
        norse.LIFRecurrentCell(5, 4),
        output_modules=0,
    )
    assert outputs_of(chain, x) == {"output": (10, 2, 6)}
    hidden = norse.SequentialState(
        norse.LIFRecurrentCell(6, 5), nn.Linear(5, 4), norse.LICell(), return_hidden=True
    )
    assert outputs_of(hidden, x) == {
        "output.0": (10, 2, 5),
        "output.1": (10, 2, 4),
        "output.2": (10, 2, 4),
    }
