"""Steps that differ, outputs and data that cannot be: the whole text is compared."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.snntorch.frontend import run_snntorch
from tests.frontends.optional import optional
from tests.frontends.torch.refused import (
    GOES_ON,
    HAND_ON,
    STEPS,
    UNTRACEABLE,
    WRONG,
    Forward,
    line,
    model,
    refusal,
    text,
)

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F = optional("torch.nn.functional")

pytestmark = pytest.mark.torch


def looping(step: Forward) -> Any:
    """A loop that gives ``step`` the model, the input, the number of the step, and a state."""

    def forward(self: Any, x: Any) -> Any:
        mem1, recorded = self.lif1.reset_mem(), []
        for number in range(STEPS):
            spk1, mem1 = self.lif1(step(self, x, number), mem1)
            recorded.append(spk1)
        return torch.stack(recorded)

    return model(forward, norms=nn.ModuleList(nn.BatchNorm1d(5, eps=i + 1) for i in range(STEPS)))


@pytest.mark.parametrize(
    ("step", "found"),
    [
        (
            lambda self, x, n: self.fc1(x) * (2 if n == 3 else 1),
            "step 3 gives it mul(fc1(the input)), step 4 mul(fc1(the input))",
        ),
        (
            lambda self, x, n: self.norms[n](self.fc1(x)),
            "step 0 gives it norms.0(fc1(the input)), step 4 norms.4(fc1(the input))",
        ),
        (
            lambda self, x, n: self.fc1(x) if n else self.fc1(x) + self.fc1(x),
            "step 0 gives it add(fc1(the input), fc1(the input)), step 4 fc1(the input)",
        ),
    ],
)
def test_steps_that_differ(step: Forward, found: str) -> None:
    assert refusal(looping(step)) == text(
        UNTRACEABLE,
        "lif1",
        found,
        "every step computes the same from the same step before",
        "compute the same in every step, with zeros for what is not there yet",
    )


def left_out(self: Any, x: Any) -> Any:
    mem1, mem2, recorded = self.lif1.reset_mem(), self.lif2.reset_mem(), []
    for step in range(STEPS):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        if step > 1:
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            recorded.append(spk2)
    return torch.stack(recorded)


def test_a_layer_that_is_left_out_at_first() -> None:
    found = "keeps its states for 3 of 5 steps"
    assert refusal(model(left_out)) == text(UNTRACEABLE, "lif2", found, GOES_ON, HAND_ON)


def one_after_the_other(self: Any, x: Any) -> Any:
    mem1, first = self.lif1.reset_mem(), []
    for _ in range(STEPS):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        first.append(spk1)
    mem1, second = self.lif1.reset_mem(), []
    for spk1 in first:
        spk2, mem1 = self.lif1(self.fc3(spk1), mem1)
        second.append(spk2)
    return torch.stack(second)


def test_uses_that_do_not_take_turns() -> None:
    assert refusal(model(one_after_the_other, fc3=nn.Linear(5, 5))) == text(
        UNTRACEABLE,
        "lif1",
        "its 2 populations do not take turns",
        "a layer with several states is called with each of them in every step",
        "give each use a layer of its own",
    )


def zeros(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x) + torch.zeros(len(x), 5))


def test_zeros_that_may_be_a_state() -> None:
    assert refusal(model(zeros)) == text(
        UNTRACEABLE,
        f"add ({line(zeros)})",
        "add(fc1(the input at step 3), zeros), which are still there after all steps that were run",
        "zeros that forward makes are states before their first step",
        "replace them by what the step before has left, or leave them out",
    )


def test_an_input_of_nothing() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif1(self.fc1(torch.ones_like(x)))

    assert refusal(model(forward)).startswith(
        text(
            UNTRACEABLE,
            f"fc1 ({line(forward)})",
            "fc1(constants), which are still there after all steps that were run",
            "zeros that forward makes are states before their first step",
            "replace them by what the step before has left, or leave them out",
        )
    )


# Outputs.


def test_outputs_that_cannot_be_followed() -> None:
    place, back = "what forward returns", "return the spikes of the last layer"
    assert refusal(model(lambda *given: torch.zeros(len(given)))) == text(
        UNTRACEABLE,
        place,
        "no tensor of a layer",
        "spikes of neurons, or what a layer makes of them",
        back,
    )
    assert refusal(model(lambda *given: given[1])) == text(
        UNTRACEABLE,
        place,
        "the model's input",
        "one value of every step, in order, or their sum, mean or maximum",
        "append one value a step to a list, and return torch.stack(...) of it",
    )
    assert refusal(model(lambda self, x: self.lif1(self.fc1(x))[1])) == text(
        UNTRACEABLE,
        "lif1",
        "mem is returned, and its spikes go nowhere",
        "an output gives spikes, or the potential of neurons that never reset",
        "return the spikes too, or make the layer with reset_mechanism='none'",
    )


def every_other_step(self: Any, x: Any) -> Any:
    mem1, recorded = self.lif1.reset_mem(), []
    for step in range(STEPS):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        if step % 2:
            recorded.append(spk1)
    return torch.stack(recorded)


def test_an_output_of_some_steps() -> None:
    assert refusal(model(every_other_step)) == text(
        UNTRACEABLE,
        "what forward returns",
        "2 values, the last of them spikes of lif1 at step 3",
        "one value of every step, in order, or their sum, mean or maximum",
        "append one value a step to a list, and return torch.stack(...) of it",
    )


def summed_function(self: Any, x: Any) -> Any:
    mem1, recorded = self.lif1.reset_mem(), []
    for _ in range(STEPS):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        recorded.append(F.linear(spk1, self.fc2.weight))
    return torch.stack(recorded).sum(0)


def test_a_function_that_is_made_one_over_time() -> None:
    assert refusal(model(summed_function)) == text(
        UNTRACEABLE,
        f"linear ({line(summed_function, 4)})",
        "linear(spikes of lif1 at step 4) is returned as the sum of all steps",
        "such an output is what a layer of torch.nn gives, or comes with all steps",
        "return torch.stack(...) of all steps",
    )


# Data.

SUITS = "error[SNN509]: input data suit the loop over time that a model has itself"


def recorded(self: Any, x: Any) -> Any:
    mem1, kept = self.lif1.reset_mem(), []
    for _ in range(STEPS):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        kept.append(spk1)
    return torch.stack(kept)


def test_data_that_do_not_suit_the_loop() -> None:
    x = np.zeros((STEPS + 1, 3, 6), np.float32)
    x[2:] = 1
    with pytest.raises(InputError) as caught:
        run_snntorch(model(recorded), x)
    steps = text(
        SUITS,
        "input",
        "6 steps",
        "5 steps, as many as the model's own loop runs",
        "give data of 5 steps, or set the number of steps in the model",
    )
    values = text(
        SUITS,
        "input",
        "values of step 2 that are not those of step 0",
        "the same values in every step: the model holds its input for all steps",
        "repeat one step: np.repeat(x[:1], steps, axis=0)",
    )
    assert str(caught.value) == f"{steps}\n\n{values}"


def test_a_state_that_the_model_has_kept_from_before() -> None:
    def forward(self: Any, x: Any) -> Any:
        spk1, self.mem1 = self.lif1(self.fc1(x), getattr(self, "mem1", None))
        return self.lif2(self.fc2(spk1))

    module, x = model(forward), torch.ones(2, 6)
    before = run_snntorch(module, np.ones((3, 2, 6), np.float32))
    assert not hasattr(module, "mem1")
    run_snntorch(module, np.ones((3, 2, 6), np.float32))
    module(x)
    assert refusal(module) == text(UNTRACEABLE, "lif1", WRONG, GOES_ON, HAND_ON)
    del module.mem1
    after = run_snntorch(module, np.ones((3, 2, 6), np.float32))
    np.testing.assert_array_equal(before.v["lif2"], after.v["lif2"])


def test_a_state_that_goes_another_way_on_data() -> None:
    """What the model does on zeros is held against what it does on the data."""

    class Sometimes(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.lif1, self.calls = nn.Linear(6, 5), snn.Leaky(beta=0.9), 0

        def forward(self, x: Any, mem: Any) -> Any:
            self.calls += 1
            if self.calls > 4:
                mem = torch.zeros_like(mem)
            return self.lif1(self.fc1(x), mem)

    with pytest.raises(InputError) as caught:
        run_snntorch(Sometimes(), np.ones((8, 2, 6), np.float32))
    assert str(caught.value) == text(UNTRACEABLE, "lif1", WRONG, GOES_ON, HAND_ON)


def test_a_loop_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnc.frontends.torch.calls.MOST_STEPS", 50)

    def forward(self: Any, x: Any) -> Any:
        mem1, recorded = self.lif1.reset_mem(), []
        for _ in range(10**9):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            recorded.append(spk1)
        return torch.stack(recorded)

    assert refusal(model(forward)) == text(
        UNTRACEABLE,
        "lif1",
        "more than 50 steps",
        "a loop of 50 steps at most",
        "let the input say how many: for step in range(len(x))",
    )
