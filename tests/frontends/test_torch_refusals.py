"""Every computation that cannot be followed is refused: the whole text is compared."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.snntorch import from_snntorch, run_snntorch
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F = optional("torch.nn.functional")

pytestmark = pytest.mark.torch

UNSUPPORTED = "error[SNN112]: every layer of the model is one that snnc can import"
UNTRACEABLE = (
    "error[SNN113]: what a model computes can be followed from its input to its outputs, the same "
    "in every step"
)
LAYERS = (
    "nn.Linear, nn.Conv1d/2d, nn.MaxPool1d/2d, nn.AvgPool1d/2d, nn.AdaptiveAvg/MaxPool1d/2d, "
    "nn.BatchNorm1d/2d, nn.Flatten, nn.Identity, nn.Dropout, snn.Leaky, snn.RLeaky, "
    "snn.Synaptic, snn.RSynaptic, snn.Lapicque"
)
LISTED = "the layers and functions that docs/frontends.md lists"
REPLACE = "replace it by one of these"
GOES_ON = "every neuron starts from its first state and goes on from the state that it left"
HAND_ON = "hand every state on unchanged, and reset states before the first step, if at all"
STEPS = 5

Forward = Callable[..., Any]


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def refusal(module: Any, shape: tuple[int, ...] = (6,)) -> str:
    with pytest.raises(InputError) as caught:
        from_snntorch(module, shape)
    return str(caught.value)


def line(forward: Forward, ahead: int = 1) -> str:
    """Give the place of the line ``ahead`` lines after the head of ``forward``."""
    return f"{Path(__file__).name}:{inspect.getsourcelines(forward)[1] + ahead}"


def leaky(**options: Any) -> Any:
    return snn.Leaky(**{"beta": 0.5, "init_hidden": True, **options})


def model(forward: Forward, **layers: Any) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Net", (nn.Module,), {"forward": forward})()
    own = {"fc1": nn.Linear(6, 5), "lif1": snn.Leaky(beta=0.9)}
    own |= {"fc2": nn.Linear(5, 3), "lif2": snn.Leaky(beta=0.5)}
    for name, layer in (own | layers).items():
        setattr(module, name, layer)
    return module


@pytest.mark.parametrize(
    ("make", "shape", "found", "remedy"),
    [
        (
            lambda: nn.ReLU(inplace=True),
            (6,),
            "torch: ReLU",
            "a ReLU network is converted, not imported: export it to ONNX",
        ),
        (
            nn.Tanh,
            (6,),
            "torch: Tanh",
            "replace the layer; docs/frontends.md lists what is supported",
        ),
        (
            lambda: nn.LayerNorm(6),
            (6,),
            "torch: LayerNorm",
            "use nn.BatchNorm, whose numbers are fixed in evaluation",
        ),
        (
            lambda: nn.Upsample(scale_factor=2),
            (1, 4, 4),
            "torch: Upsample",
            "use a convolution with a stride, or pooling, to change sizes",
        ),
        (
            lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"),
            (1, 4, 4),
            "torch: Conv2d with padding_mode='circular'",
            "use the padding of a convolution or pooling layer, with zeros",
        ),
    ],
)
def test_layers_of_torch(
    make: Callable[[], Any], shape: tuple[int, ...], found: str, remedy: str
) -> None:
    module = nn.Sequential(make(), leaky())
    assert refusal(module, shape) == text(UNSUPPORTED, "0", found, LAYERS, remedy)


@pytest.mark.parametrize(
    ("make", "shape", "found", "remedy"),
    [
        (
            lambda: nn.BatchNorm1d(6, track_running_stats=False),
            (6,),
            "batch_norm takes mean and variance from the batch",
            "make the layer with track_running_stats=True and call model.eval()",
        ),
        (
            lambda: nn.AdaptiveAvgPool2d(3),
            (1, 4, 4),
            "adaptive_avg_pool2d from [4, 4] to [3, 3], which do not divide",
            "choose a size that divides the size of its input",
        ),
        (
            lambda: nn.Conv1d(2, 3, 2),
            (3,),
            "conv1d on values of shape [3]",
            "give it channels and as many axes as its window has",
        ),
        (
            lambda: nn.Flatten(0),
            (6,),
            "flatten makes [12] of [2, 6] and moves the batch",
            "keep the batch as the first axis: x.flatten(1), not x.flatten()",
        ),
    ],
)
def test_options_of_layers(
    make: Callable[[], Any], shape: tuple[int, ...], found: str, remedy: str
) -> None:
    module = nn.Sequential(make(), leaky())
    wanted = text(UNTRACEABLE, "0", found, LISTED, remedy)
    assert wanted in refusal(module, shape).split("\n\n")


def product(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] * self.fc1(x)))


def permutation(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0][:, [1, 0, 2, 3, 4]]))


def comparison(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2((self.lif1(self.fc1(x))[1] > 0.5).float()))


def spike_function(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1.spike_grad(self.fc1(x) - 1)))


def noise(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x) + torch.randn(len(x), 5))[0]))


def dropout(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(F.dropout(self.lif1(self.fc1(x))[0], 0.5)))


def third(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] / 3))


def first_of_the_batch(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] + self.fc1(x)[0]))


def softmax(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x))[0].softmax(1)


def detached_data(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0].data))


def each_sample(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x) * torch.arange(len(x)).unsqueeze(1))


@pytest.mark.parametrize(
    ("forward", "found", "remedy"),
    [
        (
            product,
            "mul of two tensors that both depend on the input",
            "send spikes through weights",
        ),
        (
            permutation,
            "__getitem__ takes elements out of a tensor",
            "use layers that take all elements",
        ),
        (comparison, "gt", REPLACE),
        (spike_function, "gt", REPLACE),
        (noise, "randn draws random numbers", REPLACE),
        (
            dropout,
            "dropout draws random numbers",
            "give it the mode of the model: training=self.training",
        ),
        (
            third,
            "div by numbers that are no power of two",
            "multiply by the inverse, and train with that",
        ),
        (
            first_of_the_batch,
            "__getitem__ takes samples out of the batch",
            "compute the same for every sample",
        ),
        (softmax, "softmax", "leave it to the code that calls the model"),
        (detached_data, "data", REPLACE),
        (each_sample, "mul with other numbers for each sample or step", REPLACE),
    ],
)
def test_functions(forward: Forward, found: str, remedy: str) -> None:
    place = f"Net.forward ({line(forward)})"
    assert refusal(model(forward)) == text(UNTRACEABLE, place, found, LISTED, remedy)


def branches(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    if spk1.sum() > 0:
        spk1 = spk1 * 2
    return self.lif2(self.fc2(spk1))


def test_branches_on_values() -> None:
    assert refusal(model(branches)) == text(
        UNTRACEABLE,
        f"Net.forward ({line(branches, 2)})",
        "__bool__ reads the values of tensors",
        LISTED,
        "compute the same whatever the values are",
    )


def foreign(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] @ FOREIGN))


FOREIGN = torch.ones(5, 5) if torch else None


def through_a_view(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    spk1.view(-1).mul_(2)
    return self.lif2(self.fc2(spk1))


@pytest.mark.parametrize(
    ("forward", "place", "found"),
    [
        (foreign, "Net.forward", "a tensor that is no parameter or buffer of the model"),
        (through_a_view, "fc2", "a tensor that was changed in place through another one"),
    ],
)
def test_tensors_of_unknown_origin(forward: Forward, place: str, found: str) -> None:
    ahead = 1 if forward is foreign else 3
    assert refusal(model(forward)) == text(
        UNTRACEABLE,
        f"{place} ({line(forward, ahead)})",
        found,
        "parameters, buffers, and what functions of torch give",
        "make it a parameter or a buffer, and change no view of a tensor in place",
    )


def test_a_hook_that_computes_is_followed() -> None:
    module = nn.Sequential(nn.Linear(6, 3), leaky())
    module[0].register_forward_hook(lambda *call: call[-1] * 2)
    assert ("0", "mul") in from_snntorch(module, (6,)).edges
    module[0].register_forward_hook(lambda *call: call[-1].tanh())
    assert "found: tanh\n" in refusal(module)


def test_a_dense_layer_on_more_than_one_axis() -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), leaky()), (4, 6)) == text(
        UNSUPPORTED,
        "0",
        "nn.Linear on values of shape [4, 6]",
        "one axis beside the batch",
        "put nn.Flatten() before it",
    )


def viewed(self: Any, x: Any) -> Any:
    return self.lif1(x.view(-1, 2, 3))


def test_reshapes() -> None:
    limit = "the same shape, or all in one axis as nn.Flatten gives it"
    remedy = "change the model; of an input the shape can be given with --input-shape"
    wanted = text(UNTRACEABLE, f"view ({line(viewed)})", "makes [2, 3] of [6]", limit, remedy)
    assert refusal(model(viewed)) == wanted
    module = nn.Sequential(nn.Unflatten(1, (2, 3)), leaky())
    assert refusal(module) == text(UNTRACEABLE, "0", "makes [2, 3] of [6]", limit, remedy)


def test_a_shift_within_a_channel() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif1(x + self.shift)

    module = model(forward, shift=nn.Parameter(torch.arange(6.0).view(2, 3)))
    assert refusal(module, (2, 3)) == text(
        UNTRACEABLE,
        f"add ({line(forward)})",
        "adds other numbers within a channel of [2, 3]",
        "one number for each channel",
        "change the model; of an input the shape can be given with --input-shape",
    )


def test_double_precision() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif2(self.fc2(self.lif1(self.fc1(x))[0].double()))

    assert refusal(model(forward, fc2=nn.Linear(5, 3).double())).split("\n\n") == [
        text(
            UNSUPPORTED,
            "lif2",
            "its input is torch.float64",
            "models compute in torch.float32",
            "convert the model: module.float()",
        ),
        text(UNTRACEABLE, f"Net.forward ({line(forward)})", "double", LISTED, REPLACE),
    ]


def test_a_wrong_input_shape() -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), leaky()), (7,)) == text(
        UNTRACEABLE,
        "Sequential.forward",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x7 and 6x3)",
        "forward runs on a tensor of shape [2, 7], [batch, *shape]",
        "check --input-shape; states that forward takes must be tensors, one argument each",
    )


# States.


def resets(self: Any, x: Any) -> Any:
    self.lif1.reset_mem()
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0]))


def starts_again(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x), torch.zeros(len(x), 5))
    return self.lif2(self.fc2(spk1))


def starts_high(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x), torch.ones(len(x), 5))
    return self.lif2(self.fc2(spk1))


def changes_in_place(self: Any, x: Any) -> Any:
    spk1, mem1 = self.lif1(self.fc1(x))
    mem1.mul_(0.5)
    return self.lif2(self.fc2(spk1))


KEEPS = "keeps its states for 1 of 4 steps"
WRONG = "mem does not go on from the step before"


@pytest.mark.parametrize(
    ("forward", "found"),
    [(resets, KEEPS), (starts_again, KEEPS), (starts_high, WRONG), (changes_in_place, WRONG)],
)
def test_states_that_do_not_go_on(forward: Forward, found: str) -> None:
    assert refusal(model(forward)) == text(UNTRACEABLE, "lif1", found, GOES_ON, HAND_ON)


def test_states_of_two_neurons_in_one_argument() -> None:
    def forward(self: Any, x: Any, mem: Any) -> Any:
        spk1, _ = self.lif1(self.fc1(x), mem)
        return self.lif2(self.fc2(spk1), mem)

    assert refusal(model(forward)) == text(UNTRACEABLE, "lif2", KEEPS, GOES_ON, HAND_ON)


def test_an_argument_that_is_no_state() -> None:
    def forward(self: Any, x: Any, scale: Any) -> Any:
        return self.lif1(self.fc1(x) * scale)[0]

    assert text(
        UNTRACEABLE,
        "Net.forward",
        "RuntimeError: The size of tensor a (5) must match the size of tensor b (0) at "
        "non-singleton dimension 1",
        "forward runs on a tensor of shape [2, 6], [batch, *shape]",
        "check --input-shape; states that forward takes must be tensors, one argument each",
    ) in refusal(model(forward))

    def ignoring(self: Any, x: Any, mask: Any) -> Any:
        del mask
        return self.lif1(self.fc1(x))[0]

    assert refusal(model(ignoring)) == text(
        UNTRACEABLE,
        "forward(..., mask)",
        "no neuron takes the argument mask as its state",
        "forward takes the input of one step and the states of neurons",
        "leave mask out, or give it a default other than None",
    )


def test_a_potential_that_is_read() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif2(self.fc2(self.lif1(self.fc1(x))[1]))

    assert refusal(model(forward)) == text(
        UNTRACEABLE,
        "lif2",
        "its input depends on mem of lif1",
        "neurons send spikes; their states leave a model, or stay",
        "hand on the spikes, the first of what the layer returns",
    )


# Steps.


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
