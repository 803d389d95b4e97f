"""What a model returns is held against its steps, in import and on data: whole texts."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.snntorch.frontend import from_snntorch, run_snntorch
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional
from tests.frontends.torch.models import data
from tests.frontends.torch.refused import UNTRACEABLE, Forward, model, refusal, text

torch, nn = optional("torch"), optional("torch.nn")

pytestmark = pytest.mark.torch

RETURNED = "what forward returns as output"
ONE_WAY = "made of the steps in one way, whatever data, steps, samples and calls there are"
ALL_STEPS = "return all steps, and choose among them in the code that calls the model"
SUITS = "error[SNN509]: input data suit the loop over time that a model has itself"
EVERY = "the model runs every step of its data, once"


def steps_of(self: Any, x: Any, most: int = 10**6) -> list[Any]:
    mem1, spikes = self.lif1.init_leaky(), []
    for step in range(min(len(x), most)):
        spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
        spikes.append(spk1)
    return spikes


def looping(decode: Forward, **layers: Any) -> Any:
    """A loop over the steps, and ``decode`` of all spikes."""
    torch.manual_seed(1)
    return model(lambda self, x: decode(steps_of(self, x)), **layers)


def failure(module: Any, steps: int, samples: int = 3) -> str:
    with pytest.raises(InputError) as caught:
        run_snntorch(module, data(steps, samples, 6))
    return str(caught.value)


def not_decoded(found: str) -> str:
    return text(UNTRACEABLE, RETURNED, found, ONE_WAY, ALL_STEPS)


@pytest.mark.parametrize(
    "decode",
    [
        lambda spikes: torch.stack(spikes[-6:]),
        lambda spikes: torch.stack(spikes[-6:]).sum(0),
    ],
)
def test_the_last_steps_alone_are_not_all(decode: Forward) -> None:
    assert refusal(looping(decode)) == text(
        UNTRACEABLE,
        "what forward returns",
        "6 values, the last of them spikes of lif1 at step 31",
        "one value of every step, in order, or their sum, mean or maximum",
        "append one value a step to a list, and return torch.stack(...) of it",
    )


def silent(spikes: list[Any], when: bool) -> Any:
    return torch.stack([spk * 0 for spk in spikes] if when else spikes)


def test_an_output_that_depends_on_the_number_of_samples() -> None:
    assert refusal(looping(lambda spikes: silent(spikes, len(spikes[0]) > 2))) == text(
        UNTRACEABLE,
        RETURNED,
        "all steps, the last of them spikes of lif1 at step 3, in a run of 4 steps of 2 samples; "
        "all steps, the last of them mul(spikes of lif1 at step 31), in one of 32 of 3",
        "every run computes the same, however many steps and samples it has",
        "let forward look neither at the number of steps nor at that of samples",
    )


@pytest.mark.parametrize(
    ("decode", "found"),
    [
        (
            lambda spikes: torch.stack(spikes[-50:]),
            "shape [50, 3, 5]; all 60 steps of lif1 have shape [60, 3, 5]",
        ),
        (lambda spikes: spikes[-50:], "not all 60 steps of lif1"),
        (
            lambda spikes: torch.stack(spikes).sum(0) * (1 + (len(spikes) > 50)),
            "9 of 15 values are not those of the sum of 60 steps of lif1",
        ),
        (
            lambda spikes: torch.stack(spikes).mean(0) * (1 + (len(spikes) > 50)),
            "9 of 15 values are not those of the mean of 60 steps of lif1",
        ),
        (
            lambda spikes: torch.stack(spikes).max(0).indices,
            "6 of 15 values are not those of the maximum of 60 steps of lif1",
        ),
        (
            lambda spikes: spikes[-1] if len(spikes) < 50 else spikes[-1] - 2,
            "15 of 15 values are not those of the last of 60 steps of lif1",
        ),
    ],
)
def test_outputs_that_are_not_decoded_from_the_steps_of_the_data(
    decode: Forward, found: str
) -> None:
    module = looping(decode)
    from_snntorch(module, (6,))  # which runs fewer steps
    assert failure(module, 60) == not_decoded(found)


def test_an_output_that_depends_on_more_samples() -> None:
    module = looping(lambda spikes: silent(spikes, len(spikes[0]) > 9))
    run_snntorch(module, data(4, 9, 6))
    spikes = int(run_snntorch(module, data(4, 9, 6)).outputs["output"].size)
    assert spikes == 4 * 9 * 5
    assert " of 240 values are not those of all 4 steps of lif1" in failure(module, 4, 12)


def counting(self: Any, x: Any, mem: Any) -> Any:
    self.calls = getattr(self, "calls", 0) + 1
    spk1, mem = self.lif1(self.fc1(x), mem)
    return (spk1 * 0 - 1 if self.calls > 5 else spk1), mem


def test_an_output_that_depends_on_the_number_of_calls() -> None:
    module = model(counting)
    run_snntorch(module, data(5, 3, 6))
    found = "15 of 90 values are not those of all 6 steps of lif1"
    assert failure(module, 6) == not_decoded(found)


def test_a_read_out_of_some_steps() -> None:
    fc2 = nn.Linear(5, 3)
    module = looping(lambda spikes: torch.stack([fc2(s) for s in spikes][-50:]), fc2=fc2)
    assert failure(module, 60) == not_decoded("50 steps, not all 60 steps of fc2")


def test_sums_and_means() -> None:
    for decode, decoding in (
        (lambda spikes: sum(spikes) * 0.25, "sum"),
        (lambda spikes: sum(spikes) / len(spikes), "mean"),
        (lambda spikes: torch.stack(spikes).sum(0) * torch.arange(5.0), "sum"),
        (lambda spikes: torch.stack(spikes).sum(0) / len(spikes), "mean"),
        (lambda spikes: -torch.stack(spikes).amax(0), "max"),
        (lambda spikes: {"spikes": spikes, "last": spikes[-1]}["spikes"], "steps"),
    ):
        module = looping(decode)
        noted = node_of(from_snntorch(module, (6,)), "output").metadata["snnc"]
        assert noted["decoding"] == decoding
        assert run_snntorch(module, data(16, 3, 6)).outputs["output"].shape == (16, 3, 5)


def test_data_of_more_steps_than_the_model_runs() -> None:
    for most, node, found, limit, remedy in (
        (
            5,
            "input",
            "6 steps",
            "5 steps, as many as the model's own loop runs",
            "give data of 5 steps, or set the number of steps in the model",
        ),
        (
            50,
            "lif1",
            "the model ran 50 of 51 steps",
            EVERY,
            "give data of 50 steps, or let the loop of the model run over all of them",
        ),
    ):
        module = model(lambda self, x, most=most: torch.stack(steps_of(self, x, most)))
        assert run_snntorch(module, data(most, 3, 6)).outputs["output"].shape == (most, 3, 5)
        assert failure(module, most + 1) == text(SUITS, node, found, limit, remedy)


def test_a_layer_that_runs_once_behind_the_loop() -> None:
    fc2 = nn.Linear(5, 3)
    module = looping(lambda spikes: fc2(spikes[-1]), fc2=fc2)
    assert failure(module, 8) == text(
        SUITS,
        "fc2",
        "the model ran 1 of 8 steps",
        EVERY,
        "call it once a step, and return torch.stack(...) of what it gives",
    )
