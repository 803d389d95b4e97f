"""Every model that cannot be imported exactly is refused: the whole text is compared."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.snntorch import from_snntorch, run_snntorch
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(1)


UNSUPPORTED = "error[SNN112]: every layer of the model is one that snnc can import"
UNTRACEABLE = (
    "error[SNN113]: every layer's input comes from the model's input or from another layer, "
    "once a step"
)
UNUSABLE = (
    "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
)
INCOMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
LAYERS = (
    "nn.Linear, nn.Flatten, nn.Identity, nn.Dropout, snn.Leaky, snn.RLeaky, snn.Synaptic, "
    "snn.RSynaptic"
)
EXACT = "docs/frontends.md lists the options that are exact"


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def refusal(module: Any, shape: tuple[int, ...] = (6,), **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        from_snntorch(module, shape, **options)
    return str(caught.value)


def after_linear(layer: Any) -> Any:
    return nn.Sequential(nn.Linear(6, 3), layer)


def leaky(**options: Any) -> Any:
    return snn.Leaky(**{"beta": 0.5, "init_hidden": True, **options})


def rleaky(**options: Any) -> Any:
    return snn.RLeaky(**{"beta": 0.5, "init_hidden": True, "linear_features": 3, **options})


def functional(forward: Callable[..., Any]) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Functional", (nn.Module,), {"forward": forward})()
    module.fc1, module.lif1 = nn.Linear(6, 5), snn.Leaky(beta=0.9)
    module.fc2, module.lif2 = nn.Linear(5, 3), snn.Leaky(beta=0.5)
    return module


def changed(layer: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


def with_parameter(layer: Any, name: str, value: float) -> Any:
    with torch.no_grad():
        getattr(layer, name).view(-1)[0] = value
    return layer


@pytest.mark.parametrize(
    ("make", "found", "limit", "remedy"),
    [
        pytest.param(
            lambda: nn.ReLU(inplace=True),
            "torch: ReLU",
            LAYERS,
            "replace the layer; docs/frontends.md lists what is supported",
            id="torch",
        ),
        pytest.param(
            lambda: snn.Alpha(alpha=0.9, beta=0.5, init_hidden=True),
            "snntorch: Alpha",
            LAYERS,
            "replace the layer; docs/frontends.md lists what is supported",
            id="snntorch",
        ),
        pytest.param(
            lambda: type("Mine", (snn.Leaky,), {})(beta=0.5, init_hidden=True),
            "tests: Mine",
            LAYERS,
            "replace the layer; docs/frontends.md lists what is supported",
            id="subclass",
        ),
        pytest.param(
            lambda: changed(leaky(), inhibition=True),
            "inhibition=True",
            EXACT,
            "train without inhibition",
            id="inhibition",
        ),
        pytest.param(
            lambda: leaky(state_quant=lambda x: x),
            "state_quant is set",
            EXACT,
            "train without state_quant",
            id="state_quant",
        ),
        pytest.param(
            lambda: leaky(graded_spikes_factor=2.5),
            "graded_spikes_factor = 2.5",
            "spikes of size 1",
            "fold the factor into the weights after it",
            id="graded",
        ),
        pytest.param(
            lambda: leaky(spike_grad=lambda x: (x >= 0).float()),
            "spike_grad is not 1 where x > 0, else 0",
            EXACT,
            "use a surrogate of snntorch.surrogate",
            id="spike_grad",
        ),
        pytest.param(
            lambda: changed(leaky(), reset_mechanism="zero"),
            "made with another reset_mechanism than it has now, 'zero'",
            "snnTorch then mixes the two",
            "make the layer with reset_mechanism='zero' before loading weights",
            id="reset_mechanism",
        ),
    ],
)
def test_a_layer_is_refused(make: Callable[[], Any], found: str, limit: str, remedy: str) -> None:
    assert refusal(after_linear(make())) == text(UNSUPPORTED, "1", found, limit, remedy)


def test_a_surrogate_of_snntorch_is_taken() -> None:
    surrogates = snn.surrogate
    for spike_grad in (
        surrogates.fast_sigmoid(),
        surrogates.atan(),
        surrogates.straight_through_estimator(),
    ):
        from_snntorch(after_linear(leaky(spike_grad=spike_grad)), (6,))
    from_snntorch(after_linear(leaky(surrogate_disable=True)), (6,))


def test_recurrence_by_convolution_is_refused() -> None:
    layer = snn.RLeaky(beta=0.5, conv2d_channels=2, kernel_size=3, init_hidden=True)
    assert refusal(layer, (2, 5, 5)) == text(
        UNSUPPORTED,
        "rleaky.recurrent",
        "Conv2d",
        "nn.Linear (linear_features=n) or elementwise V (all_to_all=False)",
        "use one of the two",
    )


@pytest.mark.parametrize("mechanism", ["subtract", "zero", "none"])
def test_rsynaptic_without_delay_of_its_reset_is_refused(mechanism: str) -> None:
    """It raises where its states are its own."""
    layer = rsynaptic(mechanism, init_hidden=True)
    reset = text(
        UNSUPPORTED,
        "1",
        "reset_delay=False",
        "reset_delay=True: snntorch 1.0 applies the other to states that it then discards",
        "train with reset_delay=True",
    )
    raised = text(
        UNTRACEABLE,
        "Sequential.forward",
        "TypeError: unsupported operand type(s) for /: 'NoneType' and 'Tensor'",
        "forward runs one step on a tensor of shape [2, 6]",
        "check --input-shape; states that forward takes must be tensors, one argument each",
    )
    assert refusal(after_linear(layer)) == f"{reset}\n\n{raised}"


@pytest.mark.parametrize("mechanism", ["subtract", "zero", "none"])
def test_rsynaptic_discards_a_reset_without_delay(mechanism: str) -> None:
    """What the refusal says of snnTorch: states given by hand are reset with delay all the same."""
    at_once, delayed = rsynaptic(mechanism), rsynaptic(mechanism, reset_delay=True)
    delayed.load_state_dict(at_once.state_dict())
    states, others = list(torch.zeros(3, 4, 3)), list(torch.zeros(3, 4, 3))
    for x in 2 * torch.rand(30, 4, 3):
        states, others = at_once(x, *states), delayed(x, *others)
        assert all(torch.equal(a, b) for a, b in zip(states, others, strict=True))
    assert states[0].any()


def rsynaptic(mechanism: str, **options: Any) -> Any:
    fields = {"alpha": 0.5, "beta": 0.5, "linear_features": 3, "reset_delay": False}
    return snn.RSynaptic(**(fields | options), reset_mechanism=mechanism)


def test_alpha_is_checked_as_beta_is() -> None:
    layer = snn.Synaptic(alpha=torch.tensor([0.5, 0.5]), beta=0.5, init_hidden=True)
    assert text(
        INCOMPLETE,
        "1.alpha",
        "shape [2]",
        "one value, or one for each neuron: [3]",
        "make the layer with as many values as it has neurons",
    ) in refusal(after_linear(layer))
    layer = snn.Synaptic(alpha=float("nan"), beta=0.5, init_hidden=True)
    assert refusal(after_linear(layer)) == text(
        UNUSABLE,
        "1.alpha",
        "1 of 1 are not finite (nan)",
        "finite numbers",
        "correct the parameter, or train again",
    )


def test_a_dense_layer_on_more_than_one_axis_is_refused() -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), leaky()), (4, 6)) == text(
        UNSUPPORTED,
        "0",
        "nn.Linear on values of shape [4, 6]",
        "one axis beside the batch",
        "put nn.Flatten() before it",
    )
    assert refusal(snn.RLeaky(beta=0.5, linear_features=6), (4, 6)) == text(
        UNSUPPORTED,
        "rleaky.recurrent",
        "nn.Linear on values of shape [4, 6]",
        "one axis beside the batch",
        "put nn.Flatten() before it",
    )


@pytest.mark.parametrize(
    ("make", "node", "found", "limit"),
    [
        pytest.param(
            lambda: after_linear(leaky(threshold=-0.5)),
            "1.threshold",
            "-0.5",
            "above 0",
            id="theta",
        ),
        pytest.param(
            lambda: after_linear(leaky(beta=torch.tensor([0.5, float("nan"), 1]))),
            "1.beta",
            "1 of 3 are not finite (nan)",
            "finite numbers",
            id="beta",
        ),
        pytest.param(
            lambda: (
                after_linear(leaky())
                .append(with_parameter(nn.Linear(3, 3), "weight", np.inf))
                .append(leaky())
            ),
            "2.weight",
            "1 of 9 are not finite (inf)",
            "finite numbers",
            id="weight",
        ),
        pytest.param(
            lambda: after_linear(
                changed(rleaky(), recurrent=with_parameter(nn.Linear(3, 3), "bias", -np.inf))
            ),
            "1.recurrent.bias",
            "1 of 3 are not finite (-inf)",
            "finite numbers",
            id="recurrent",
        ),
        pytest.param(
            lambda: after_linear(rleaky(linear_features=None, all_to_all=False, V=float("nan"))),
            "1.V",
            "1 of 1 are not finite (nan)",
            "finite numbers",
            id="V",
        ),
    ],
)
def test_a_number_is_refused(make: Callable[[], Any], node: str, found: str, limit: str) -> None:
    remedy = "correct the parameter, or train again"
    assert refusal(make()) == text(UNUSABLE, node, found, limit, remedy)


def test_a_parameter_of_another_shape_is_refused() -> None:
    module = nn.Sequential(nn.Linear(6, 1), leaky(beta=torch.rand(3)))
    assert refusal(module) == text(
        INCOMPLETE,
        "1.beta",
        "shape [3]",
        "one value, or one for each neuron: [1]",
        "make the layer with as many values as it has neurons",
    )


def loop(self: Any, x: Any) -> Any:
    mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
    recorded: list[Any] = []
    for _ in range(25):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
        recorded.append(spk2)
    return torch.stack(recorded)


def test_a_loop_over_time_is_refused_layer_by_layer() -> None:
    limit = "forward computes one step and calls each layer once"
    remedy = "leave the loop over time out of forward, and give each use a layer of its own"
    assert refusal(functional(loop)) == "\n\n".join(
        text(UNTRACEABLE, path, "called 25 times", limit, remedy)
        for path in ("fc1", "lif1", "fc2", "lif2")
    )


def residual(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    return self.lif2(self.fc2(spk1 + 1))


def in_place(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    return self.lif2(self.fc2(spk1.mul_(2)))


def hidden_function(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    return self.lif2(self.fc2(spk1[:, [1, 0, 2, 3, 4]]))


@pytest.mark.parametrize("forward", [residual, in_place, hidden_function])
def test_computation_between_layers_is_refused(forward: Callable[..., Any]) -> None:
    assert refusal(functional(forward)) == text(
        UNTRACEABLE,
        "fc2",
        "its input is a tensor that no layer returned",
        "the model's input, or what one other layer returns, unchanged",
        "replace the computation before it by layers that snnc knows, such as nn.Flatten; see "
        "docs/frontends.md",
    )


def test_a_hook_that_changes_what_a_layer_returns_is_refused() -> None:
    module = after_linear(leaky())
    module[0].register_forward_hook(lambda *call: call[-1] * 2)
    assert "its input is a tensor that no layer returned" in refusal(module)


def reads_potential(self: Any, x: Any) -> Any:
    _, mem1 = self.lif1(self.fc1(x))
    return self.lif2(self.fc2(mem1))


def test_a_layer_that_reads_a_potential_is_refused() -> None:
    assert refusal(functional(reads_potential)) == text(
        UNTRACEABLE,
        "fc2",
        "its input is tensor 1 that lif1 returns",
        "the model's input, or what one other layer returns, unchanged",
        "replace the computation before it by layers that snnc knows, such as nn.Flatten; see "
        "docs/frontends.md",
    )


def test_a_lost_batch_axis_is_refused() -> None:
    module = nn.Sequential(nn.Flatten(0), nn.Linear(12, 3), leaky())
    first = text(
        UNTRACEABLE,
        "1",
        "its input has shape [12] for a batch of 2",
        "the first axis is the sample, and no layer changes it",
        "keep the batch axis: nn.Flatten() or x.flatten(1), not x.flatten()",
    )
    assert first in refusal(module).split("\n\n")


def test_a_reshape_is_refused() -> None:
    module = nn.Sequential(nn.Unflatten(1, (2, 3)), leaky())
    assert refusal(module).startswith(text(UNSUPPORTED, "0", "torch: Unflatten", LAYERS, "replace"))

    def forward(self: Any, x: Any) -> Any:
        return self.lif1(x.view(-1, 2, 3))

    assert refusal(functional(forward)) == text(
        UNTRACEABLE,
        "lif1",
        "takes [2, 3] of [6] that the model's input gives",
        "the same shape, or all in one axis as nn.Flatten gives it",
        "use nn.Flatten for changes of shape",
    )


def test_double_precision_is_refused() -> None:
    module = functional(lambda self, x: self.lif2(self.fc2(self.lif1(self.fc1(x))[0].double())))
    module.fc2.double()
    assert text(
        UNSUPPORTED,
        "fc2",
        "its input is torch.float64",
        "models compute in torch.float32",
        "convert the model: module.float()",
    ) in refusal(module).split("\n\n")


def test_a_wrong_input_shape_is_refused() -> None:
    assert refusal(after_linear(leaky()), (7,)) == text(
        UNTRACEABLE,
        "Sequential.forward",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x7 and 6x3)",
        "forward runs one step on a tensor of shape [2, 7]",
        "check --input-shape; states that forward takes must be tensors, one argument each",
    )


STATE_LIMIT = "every neuron starts from zero and goes on from the state that it left"
STATE_REMEDY = "reset states outside forward, or use init_hidden=True"


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


@pytest.mark.parametrize("forward", [resets, starts_again, starts_high, changes_in_place])
def test_a_state_that_does_not_go_on_is_refused(forward: Callable[..., Any]) -> None:
    assert refusal(functional(forward)) == text(
        UNTRACEABLE, "lif1", "mem does not go on from the step before", STATE_LIMIT, STATE_REMEDY
    )


def test_states_of_two_neurons_in_one_argument_are_refused() -> None:
    def forward(self: Any, x: Any, mem: Any) -> Any:
        spk1, _ = self.lif1(self.fc1(x), mem)
        return self.lif2(self.fc2(spk1), mem)

    assert refusal(functional(forward)) == text(
        UNTRACEABLE, "lif2", "mem does not go on from the step before", STATE_LIMIT, STATE_REMEDY
    )


def test_an_argument_that_is_no_state_is_refused() -> None:
    def forward(self: Any, x: Any, mask: Any = None) -> Any:
        del mask
        return self.lif2(self.fc2(self.lif1(self.fc1(x))[0]))

    assert refusal(functional(forward)) == text(
        UNTRACEABLE,
        "forward(..., mask)",
        "no neuron takes the argument mask as its state",
        "forward takes the input of one step and the states of neurons",
        "leave mask out, or give it a default other than None",
    )


@pytest.mark.parametrize(
    ("forward", "found"),
    [
        (lambda self, x: 2 * self.lif1(self.fc1(x))[0], "no tensor that a layer returned"),
        (lambda self, x: self.lif1(self.fc1(x))[1], "tensor 1 that lif1 returns"),
        (lambda self, x: (self.lif1(self.fc1(x)), self.lif2(x)), "lif1, lif2"),
        (lambda *given: given[1], "the model's input"),
    ],
)
def test_an_output_that_is_not_spikes_of_one_layer_is_refused(
    forward: Callable[..., Any], found: str
) -> None:
    assert refusal(functional(forward)) == text(
        UNTRACEABLE,
        "what forward returns",
        found,
        "the spikes of one layer, unchanged; its states may follow",
        "return the spikes of the last layer",
    )


def test_an_output_of_weights_is_refused() -> None:
    module = nn.Sequential(nn.Linear(6, 5), leaky(), nn.Linear(5, 3))
    assert refusal(module) == text(
        "error[SNN120]: weights lead from inputs or spiking populations to spiking populations",
        "2",
        "the model's output is that of Linear",
        "a spiking layer",
        "end the model with snn.Leaky",
    )


def test_options_out_of_range_are_refused() -> None:
    head = "error[SNN004]: options have a value in their range and fit together"
    shape = (
        head,
        "--input-shape",
        "6,0",
        "the shape of one sample at one step, every dimension 1 or more",
        "--input-shape 1,28,28",
    )
    dt = (head, "--dt", "-1", "a length in seconds above 0", "--dt 1e-4")
    assert refusal(after_linear(leaky()), (6, 0), dt=-1) == f"{text(*shape)}\n\n{text(*dt)}"
    assert "found: no dimension" in refusal(after_linear(leaky()), ())
    assert "found: nan" in refusal(after_linear(leaky()), dt=float("nan"))


def test_all_problems_are_told_at_once() -> None:
    module = nn.Sequential(
        nn.Linear(6, 5), nn.ReLU(), leaky(threshold=0), nn.Tanh(), nn.Linear(4, 3), leaky()
    )
    told = refusal(module)
    assert [line for line in told.split("\n") if line.startswith("  -->")] == [
        "  --> 1",
        "  --> 2.threshold",
        "  --> 3",
        "  --> Sequential.forward",
    ]


@pytest.mark.parametrize("shape", [(4, 6), (0, 2, 6), (4, 0, 6)])
def test_data_of_another_form_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as caught:
        run_snntorch(after_linear(leaky()), np.zeros(shape, np.float32))
    assert str(caught.value) == text(
        "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input",
        "input",
        f"shape {list(shape)}",
        "[steps, batch, *shape], no axis empty",
        "add the missing axis, as in x[:, None] for a single sample",
    )


def test_a_state_kept_by_the_model_must_be_reset_before_a_run() -> None:
    def forward(self: Any, x: Any) -> Any:
        spk1, self.mem1 = self.lif1(self.fc1(x), getattr(self, "mem1", None))
        return self.lif2(self.fc2(spk1))

    module = functional(forward)
    x = np.ones((3, 2, 6), np.float32)
    with pytest.raises(InputError) as caught:
        run_snntorch(module, x)
    assert str(caught.value) == text(
        UNTRACEABLE, "lif1", "mem does not go on from the step before", STATE_LIMIT, STATE_REMEDY
    )


def test_a_missing_framework_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snntorch", None)
    with pytest.raises(EnvironmentFault) as caught:
        from_snntorch(nn.Linear(6, 3), (6,))
    assert str(caught.value) == text(
        "error[SNN501]: the packages that a run needs are installed",
        "framework snntorch",
        "snntorch is not installed",
        "importing a model of snnTorch needs snntorch 1.0 and torch 2.6 or newer",
        "pip install 'snnc[snntorch]'",
    )
