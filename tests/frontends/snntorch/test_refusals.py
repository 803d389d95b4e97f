"""Every model that cannot be imported exactly is refused: the whole text is compared."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.snntorch.frontend import from_snntorch, run_snntorch
from tests.frontends.cases import Refused, over
from tests.frontends.optional import optional
from tests.frontends.torch.refused import LAYERS, UNSUPPORTED, UNTRACEABLE, text

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(1)


UNUSABLE = (
    "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
)
INCOMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
CORRECT = "correct the parameter, or train again"
EXACT = "docs/frontends.md lists the options that are exact"


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


def changed(layer: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


def with_parameter(layer: Any, name: str, value: float) -> Any:
    with torch.no_grad():
        getattr(layer, name).view(-1)[0] = value
    return layer


REPLACE = "replace the layer; docs/frontends.md lists what is supported"
ONE_STEP = "use snn.Leaky, which computes one step after the other"
REFUSED = [
    Refused(
        "a class derived from one of snnTorch's",
        lambda: type("Mine", (snn.Leaky,), {})(beta=0.5, init_hidden=True),
        "tests: Mine",
        REPLACE,
    ),
    Refused(
        "Alpha",
        lambda: snn.Alpha(alpha=0.9, beta=0.5, init_hidden=True),
        "snntorch: Alpha",
        "use snn.Synaptic: the two currents of Alpha drive a membrane without a memory",
    ),
    Refused(
        "SLSTM",
        lambda: snn.SLSTM(3, 3, init_hidden=True),
        "snntorch: SLSTM",
        "use a spiking neuron without gates",
    ),
    Refused("LeakyParallel", lambda: snn.LeakyParallel(3, 3), "snntorch: LeakyParallel", ONE_STEP),
    Refused("StateLeaky", lambda: snn.StateLeaky(0.5, 3), "snntorch: StateLeaky", ONE_STEP),
    Refused(
        "LinearLeaky",
        lambda: snn.LinearLeaky(0.5, 3, 3),
        "snntorch: LinearLeaky",
        "use nn.Linear and snn.Leaky",
    ),
    Refused(
        "inhibition=True",
        lambda: changed(leaky(), inhibition=True),
        "inhibition=True",
        "train without inhibition",
        EXACT,
    ),
    Refused(
        "state_quant",
        lambda: leaky(state_quant=lambda x: x),
        "state_quant is set",
        "train without state_quant",
        EXACT,
    ),
    Refused(
        "spike_grad of one's own, with another forward",
        lambda: leaky(spike_grad=lambda x: (x >= 0).float()),
        "spike_grad is not 1 where x > 0, else 0",
        "use a surrogate of snntorch.surrogate",
        EXACT,
    ),
    Refused(
        "another reset_mechanism from a checkpoint",
        lambda: changed(leaky(), reset_mechanism="zero"),
        "made with another reset_mechanism than it has now, 'zero'",
        "make the layer with reset_mechanism='zero' before loading weights",
        "snnTorch then mixes the two",
    ),
]


@over(REFUSED)
def test_a_layer_is_refused(case: Refused) -> None:
    wanted = text(UNSUPPORTED, "1", case.found, case.limit or LAYERS, case.remedy)
    assert refusal(after_linear(case.make())) == wanted


def test_a_surrogate_of_snntorch_is_taken() -> None:
    surrogates = snn.surrogate
    for spike_grad in (
        surrogates.fast_sigmoid(),
        surrogates.atan(),
        surrogates.straight_through_estimator(),
    ):
        from_snntorch(after_linear(leaky(spike_grad=spike_grad)), (6,))
    from_snntorch(after_linear(leaky(surrogate_disable=True)), (6,))


def test_another_recurrence_is_refused() -> None:
    layer = changed(rleaky(), recurrent=nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))
    assert refusal(after_linear(layer)) == text(
        UNSUPPORTED,
        "1.recurrent",
        "Sequential",
        "nn.Linear, nn.Conv2d or elementwise V, as snnTorch makes them",
        "use one of the three",
    )


def test_a_circuit_of_another_size_is_refused() -> None:
    layer = changed(snn.Lapicque(R=1, C=2, init_hidden=True), C=torch.ones(2))
    assert refusal(after_linear(layer)).startswith(
        text(
            INCOMPLETE,
            "1.C",
            "shape [2]",
            "one value, or one for each neuron: [3]",
            "make the layer with as many values as it has neurons",
        )
    )


def rsynaptic(mechanism: str, **options: Any) -> Any:
    fields = {"alpha": 0.5, "beta": 0.5, "linear_features": 3, "reset_delay": False}
    return snn.RSynaptic(**(fields | options), reset_mechanism=mechanism)


WITHOUT_DELAY = [
    Refused(
        f"RSynaptic, reset_mechanism='{mechanism}', reset_delay=False",
        partial(rsynaptic, mechanism, init_hidden=True),
        "reset_delay=False",
        "train with reset_delay=True",
        "reset_delay=True: snntorch 1.0 applies the other to states that it then discards",
    )
    for mechanism in ("subtract", "zero", "none")
]


@over(WITHOUT_DELAY)
def test_rsynaptic_without_delay_of_its_reset_is_refused(case: Refused) -> None:
    """It raises where its states are its own."""
    reset = text(UNSUPPORTED, "1", case.found, case.limit, case.remedy)
    raised = text(
        UNTRACEABLE,
        "Sequential.forward",
        "TypeError: unsupported operand type(s) for /: 'NoneType' and 'Tensor'",
        "forward runs on a tensor of shape [2, 6], [batch, *shape]",
        "run the model by itself: module(torch.zeros([2, 6]))",
    )
    assert refusal(after_linear(case.make())) == f"{reset}\n\n{raised}"


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
        CORRECT,
    )


def test_a_recurrent_layer_on_more_than_one_axis_is_refused() -> None:
    assert refusal(snn.RLeaky(beta=0.5, linear_features=6), (4, 6)) == text(
        UNSUPPORTED,
        "rleaky.recurrent",
        "nn.Linear on values of shape [4, 6]",
        "one axis beside the batch",
        "put nn.Flatten() before it",
    )


NUMBERS = [
    Refused(form, make, found, CORRECT, limit)
    for form, make, found, limit in (
        (
            "threshold=-0.5",
            lambda: ("1.threshold", after_linear(leaky(threshold=-0.5))),
            "-0.5",
            "above 0",
        ),
        (
            "graded_spikes_factor=0",
            lambda: ("1.graded_spikes_factor", after_linear(leaky(graded_spikes_factor=0.0))),
            "0",
            "anything but 0",
        ),
        (
            "beta with a NaN",
            lambda: ("1.beta", after_linear(leaky(beta=torch.tensor([0.5, float("nan"), 1])))),
            "1 of 3 are not finite (nan)",
            "finite numbers",
        ),
        (
            "a weight that is infinite",
            lambda: (
                "2.weight",
                after_linear(leaky())
                .append(with_parameter(nn.Linear(3, 3), "weight", np.inf))
                .append(leaky()),
            ),
            "1 of 9 are not finite (inf)",
            "finite numbers",
        ),
        (
            "a bias of a recurrent layer that is infinite",
            lambda: (
                "1.recurrent.bias",
                after_linear(
                    changed(rleaky(), recurrent=with_parameter(nn.Linear(3, 3), "bias", -np.inf))
                ),
            ),
            "1 of 3 are not finite (-inf)",
            "finite numbers",
        ),
        (
            "V that is NaN",
            lambda: (
                "1.V",
                after_linear(rleaky(linear_features=None, all_to_all=False, V=float("nan"))),
            ),
            "1 of 1 are not finite (nan)",
            "finite numbers",
        ),
        (
            "Lapicque with R * C below time_step",
            lambda: (
                "1",
                after_linear(snn.Lapicque(R=1, C=0.25, time_step=0.5, init_hidden=True)),
            ),
            "1 - time_step / (R * C) = -1",
            "0 to 1",
        ),
    )
]


@over(NUMBERS)
def test_a_number_is_refused(case: Refused) -> None:
    node, module = case.make()
    assert refusal(module) == text(UNUSABLE, node, case.found, case.limit, case.remedy)


def test_a_parameter_of_another_shape_is_refused() -> None:
    module = nn.Sequential(nn.Linear(6, 1), leaky(beta=torch.rand(3)))
    assert refusal(module) == text(
        INCOMPLETE,
        "1.beta",
        "shape [3]",
        "one value, or one for each neuron: [1]",
        "make the layer with as many values as it has neurons",
    )


def test_options_out_of_range_are_refused() -> None:
    head = "error[SNN004]: options have a value in their range and fit together"
    shape = (
        head,
        "--input-shape",
        "(6, 0)",
        "the shape of one sample at one step, every dimension 1 or more",
        "--input-shape 1,28,28, in Python input_shape=(1, 28, 28)",
    )
    dt = (head, "--dt", "-1", "a length in seconds above 0", "--dt 1e-4, in Python dt=1e-4")
    assert refusal(after_linear(leaky()), (6, 0), dt=-1) == f"{text(*shape)}\n\n{text(*dt)}"
    assert "found: no dimension" in refusal(after_linear(leaky()), ())
    assert "found: nan" in refusal(after_linear(leaky()), dt=float("nan"))


def test_all_problems_are_told_at_once() -> None:
    module = nn.Sequential(
        nn.Linear(6, 5), nn.ReLU(), leaky(threshold=0), nn.Tanh(), nn.Linear(4, 3), leaky()
    )
    told = refusal(module)
    assert [line for line in told.split("\n") if line.startswith("  -->")] == [
        "  --> 2.threshold",
        "  --> Sequential.forward",
        "  --> 1",
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
