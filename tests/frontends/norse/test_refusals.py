"""Every norse layer that cannot be imported exactly is refused: the whole text is compared."""
# torch and norse are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pytest

from snnc.frontends.norse.kinds import INTEGRATIONS, WAYS_OUT
from tests.environment import ROOT
from tests.frontends.cases import Refused, over
from tests.frontends.norse.refused import (
    CORRECT,
    INCOMPLETE,
    LAYERS,
    REPLACE,
    UNSUPPORTED,
    UNTRACEABLE,
    UNUSABLE,
    after_linear,
    lif,
    refusal,
    text,
)
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")
mc = optional("norse.torch.module.lif_mc")

pytestmark = [pytest.mark.torch, pytest.mark.norse]


def refractory(steps: Any, **options: Any) -> Any:
    given = norse.LIFRefracParameters(norse.LIFParameters(**options), steps)
    return norse.LIFRefracCell(given)


def box(*, subtract: bool = False, **options: Any) -> Any:
    if subtract:
        options["reset_method"] = norse.reset_subtract
    return norse.LIFBoxCell(norse.LIFBoxParameters(**options))


EXPONENTIAL = "v grows by an exponential, which no target computes: train with LIFCell"
ADAPTIVE = "its threshold follows its spikes, and here thresholds are constant: train with LIFCell"
PRODUCT = "v is multiplied by a state, which no target computes: train with LIFCell"
COMPARTMENTS = "its neurons exchange currents within a step: train with LIFRecurrentCell"
ENCODER = "it makes spikes of data: do so before, and give the spikes as [steps, batch, *shape]"


def made(name: str, *sizes: int) -> Any:
    """Make a layer of norse; some take something else than sizes."""
    if name.startswith("Izhikevich"):
        return getattr(norse, name)(norse.tonic_spiking)
    if name.startswith("LIFMC"):
        return mc.LIFMCRecurrentCell(*sizes, g_coupling=torch.eye(sizes[-1]))
    return getattr(norse, name)(*sizes)


def others(*given: tuple[str, tuple[int, ...], str]) -> list[Refused]:
    return [
        Refused(name, partial(made, name, *sizes), f"norse: {name}", remedy)
        for name, sizes, remedy in given
    ]


@over(
    others(
        ("LIFExCell", (), EXPONENTIAL),
        ("LIFExRecurrentCell", (3, 3), EXPONENTIAL),
        ("LIFAdExCell", (), EXPONENTIAL),
        ("LIFAdExRecurrentCell", (3, 3), EXPONENTIAL),
        ("LIFAdExRefracCell", (), EXPONENTIAL),
        ("LSNNCell", (), ADAPTIVE),
        ("LSNNRecurrentCell", (3, 3), ADAPTIVE),
        ("IzhikevichCell", (), PRODUCT),
        ("CobaLIFCell", (3, 3), PRODUCT),
        ("LIFMCRecurrentCell", (3, 3), COMPARTMENTS),
    )
)
def test_other_cells(case: Refused) -> None:
    wanted = text(UNSUPPORTED, "1", case.found, LAYERS, case.remedy)
    assert refusal(after_linear(case.make())) == wanted


@over(
    others(
        ("LIFEx", (), EXPONENTIAL),
        ("LIFAdExRecurrent", (6, 6), EXPONENTIAL),
        ("LSNN", (), ADAPTIVE),
        ("LSNNRecurrent", (6, 6), ADAPTIVE),
        ("Izhikevich", (), PRODUCT),
        ("PoissonEncoder", (5,), ENCODER),
        ("SpikeLatencyLIFEncoder", (5,), ENCODER),
    )
)
def test_other_modules_that_run_all_steps(case: Refused) -> None:
    wanted = text(UNSUPPORTED, "0", case.found, LAYERS, case.remedy)
    layers = case.make(), norse.Lift(nn.Linear(6, 3)), norse.LIF()
    assert refusal(norse.SequentialState(*layers)).startswith(wanted)


def test_other_layers() -> None:
    mine = type("Mine", (norse.LIFCell,), {})
    for layer, found in ((nn.Softplus(), "torch: Softplus"), (mine(), "tests: Mine")):
        assert refusal(after_linear(layer)) == text(UNSUPPORTED, "1", found, LAYERS, REPLACE)


def test_a_convolution_of_all_steps() -> None:
    module = norse.SequentialState(norse.LConv2d(1, 2, 3), norse.LIF())
    assert refusal(module, (1, 6, 6)).startswith(
        text(
            UNSUPPORTED,
            "0",
            "norse: LConv2d",
            LAYERS,
            "it convolves all steps at once: use Lift(nn.Conv2d(...)) with its weight[..., 0]",
        )
    )


def test_every_other_class_of_norse_is_known() -> None:
    """A layer that norse exports is imported, looked into, or refused with a way out."""
    looked_into = {"SequentialState", "RecurrentSequential", "Lift"}
    of_layers = {"ConvNet", "ConvNet4", "VGG", "MobileNetV2"} | {
        f"{name}ReceptiveField" + "2d" * (name != "Temporal")
        for name in ("Spatial", "SampledSpatial", "ParameterizedSpatial", "Temporal")
    }
    classes = {
        name
        for name, kind in vars(norse).items()
        if isinstance(kind, type) and issubclass(kind, nn.Module)
    }
    assert classes <= {*INTEGRATIONS, *WAYS_OUT, *looked_into, *of_layers}


def test_the_page_names_every_layer() -> None:
    page = (ROOT / "docs/norse.md").read_text()
    named = set(re.findall(r"`(\w+)`", page))
    assert named >= {*INTEGRATIONS, *WAYS_OUT}


def test_a_read_out_that_feeds_neurons() -> None:
    module = norse.SequentialState(
        nn.Linear(6, 3), norse.LICell(), nn.Linear(3, 3), norse.LIFCell()
    )
    assert refusal(module) == text(
        UNTRACEABLE,
        "1",
        "norse: LICell, whose v feeds 3",
        "a read-out sends nothing within a model: its potential is an output",
        "use neurons that spike in its place, or end the model with it",
    )


def test_recurrent_cells_take_vectors() -> None:
    assert refusal(norse.LIFRecurrentCell(3, 3), (2, 3)) == text(
        UNSUPPORTED,
        "lifrecurrentcell",
        "LIFRecurrentCell on values of shape [2, 3]",
        "one axis beside the batch",
        "put nn.Flatten() before it",
    )


NUMBERS = [
    Refused(form, make, found, CORRECT, limit)
    for form, make, found, limit in (
        ("LIFCell, v_th=0", lambda: ("p.v_th", lif(v_th=0.0)), "0", "above 0"),
        (
            "LIFCell, v_th of a neuron at its v_reset",
            lambda: ("p.v_th", lif(v_th=[0.5, 0.25, 1.0], v_reset=[0.0, 0.25, 0.0])),
            "0.25",
            "above v_reset, 0.25",
        ),
        (
            "LIFBoxCell, reset_subtract, v_th below 0",
            lambda: (
                "p.v_th",
                box(v_th=torch.tensor(-0.25), v_reset=torch.tensor(-1.0), subtract=True),
            ),
            "-0.25",
            "above 0",
        ),
        (
            "LIFRefracCell, rho_reset that is NaN",
            lambda: ("p.rho_reset", refractory(torch.tensor(float("nan")))),
            "1 of 1 are not finite (nan)",
            "finite numbers",
        ),
        (
            "LIFCell, v_th with a NaN",
            lambda: ("p.v_th", lif(v_th=[1.0, float("nan"), 1.0])),
            "1 of 3 are not finite (nan)",
            "finite numbers",
        ),
        (
            "LIFBoxCell, tau_mem_inv above 1 / dt",
            lambda: ("p.tau_mem_inv", box(tau_mem_inv=torch.tensor(1001.0))),
            "dt * tau_mem_inv = 1.001",
            "above 0, to 1",
        ),
        (
            "LIFBoxCell, tau_mem_inv=0",
            lambda: ("p.tau_mem_inv", box(tau_mem_inv=0.0)),
            "dt * tau_mem_inv = 0",
            "above 0, to 1",
        ),
        (
            "LIFCell, tau_syn_inv below 0",
            lambda: ("p.tau_syn_inv", lif(tau_syn_inv=[-1.0, 1.0, 1.0])),
            "dt * tau_syn_inv = -0.001",
            "above 0, to 1",
        ),
        (
            "IAFCell, dt=0",
            lambda: ("dt", norse.IAFCell(dt=0.0)),
            "0",
            "a length in seconds above 0",
        ),
    )
]


@over(NUMBERS)
def test_unusable_numbers(case: Refused) -> None:
    name, layer = case.make()
    wanted = text(UNUSABLE, f"1.{name}", case.found, case.limit, case.remedy)
    assert refusal(after_linear(layer)) == wanted


def test_weights_that_are_not_finite() -> None:
    weights = torch.full((3, 3), float("inf"))
    cell = norse.LIFRecurrentCell(3, 3, recurrent_weights=weights, autapses=True)
    assert refusal(after_linear(cell)) == text(
        UNUSABLE,
        "1.recurrent_weights",
        "9 of 9 are not finite (inf)",
        "finite numbers",
        CORRECT,
    )


def test_parameters_of_another_size() -> None:
    """Norse repeats one neuron four times."""
    module = norse.SequentialState(nn.Linear(6, 1), box(v_th=torch.ones(4)))
    assert refusal(module) == text(
        INCOMPLETE,
        "1.p.v_th",
        "shape [4]",
        "one value, or one for each neuron: [1]",
        "make the layer with as many values as it has neurons",
    )


def reset_half(z: Any, v: Any, reset: Any, th: Any) -> Any:
    del reset, th
    return v - 0.5 * z * v


def adjoint() -> Any:
    return norse.LIFParameters(method="adjoint")


SURROGATE = "a surrogate gradient of norse"
ANOTHER_METHOD = "use another method, such as 'super'; it changes the gradient only"
ONE_TIME = "one number of steps for all neurons of a layer, to 16777216"
OPTIONS = [
    Refused(form, make, found, remedy, limit)
    for form, make, found, limit, remedy in (
        (
            "LIFBoxCell, reset_method of one's own",
            lambda: ("reset_method", box(reset_method=reset_half)),
            "reset_half",
            "reset_value or reset_subtract of norse",
            "use one of the two",
        ),
        (
            "LIFCell, method='adjoint'",
            lambda: ("method", norse.LIFCell(adjoint())),
            "'adjoint'",
            SURROGATE,
            ANOTHER_METHOD,
        ),
        (
            "LIFRefracCell, method='adjoint'",
            lambda: ("lif.method", norse.LIFRefracCell(norse.LIFRefracParameters(adjoint()))),
            "'adjoint'",
            SURROGATE,
            ANOTHER_METHOD,
        ),
        (
            "LIFRefracCell, several rho_reset in a layer",
            lambda: ("rho_reset", refractory(torch.tensor([1.0, 0.5, 3.5]))),
            "1, 4 steps",
            ONE_TIME,
            "make a layer for each number of steps",
        ),
        (
            "LIFRefracCell, rho_reset of 2**25 steps",
            lambda: ("rho_reset", refractory(torch.tensor([2.0**25] * 3))),
            "3.35544e+07 steps",
            ONE_TIME,
            "make a layer for each number of steps",
        ),
        (
            "LIFCell, v_th of float64",
            lambda: ("v_th", lif(v_th=np.ones(3))),
            "torch.float64",
            "torch.float32",
            "torch.as_tensor(v_th, dtype=torch.float32)",
        ),
    )
]


@over(OPTIONS)
def test_options(case: Refused) -> None:
    name, layer = case.make()
    found = refusal(after_linear(layer))
    if case.found == "'adjoint'":
        found, _, _ = found.partition("\n\n")  # nor does norse run it
    assert found == text(UNSUPPORTED, f"1.p.{name}", case.found, case.limit, case.remedy)
