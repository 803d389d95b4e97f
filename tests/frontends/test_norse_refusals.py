"""Every norse model that cannot be imported exactly is refused: the whole text is compared."""
# torch and norse are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.norse import from_norse, run_norse
from snnc.frontends.norse_kinds import INTEGRATIONS, WAYS_OUT
from snnc.frontends.torch_layers import TORCH_LAYERS
from tests.environment import ROOT
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")
mc = optional("norse.torch.module.lif_mc")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

UNSUPPORTED = "error[SNN112]: every layer of the model is one that snnc can import"
UNTRACEABLE = (
    "error[SNN113]: what a model computes can be followed from its input to its outputs, the same "
    "in every step"
)
UNUSABLE = (
    "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
)
INCOMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
OPTION = "error[SNN004]: options have a value in their range and fit together"
LAYERS = (
    f"{TORCH_LAYERS}, and of norse SequentialState, RecurrentSequential, Lift, LIFBoxCell, "
    "LIFCell, LIF, LIFRecurrentCell, LIFRecurrent, LIFRefracCell, LIFRefracRecurrentCell, "
    "LIFRefracRecurrent, IAFCell, IAF, LIBoxCell, LICell, LI, LILinearCell"
)
REPLACE = "replace the layer; docs/frontends.md lists what is supported"
CORRECT = "correct the parameter, or train again"


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def refusal(module: Any, shape: tuple[int, ...] = (6,), **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        from_norse(module, shape, **options)
    return str(caught.value)


def after_linear(layer: Any) -> Any:
    return norse.SequentialState(nn.Linear(6, 3), layer)


def lif(**options: Any) -> Any:
    given = {n: torch.as_tensor(v) for n, v in options.items() if not isinstance(v, str)}
    return norse.LIFCell(norse.LIFParameters(**{**options, **given}))


def refractory(steps: Any, **options: Any) -> Any:
    given = norse.LIFRefracParameters(norse.LIFParameters(**options), steps)
    return norse.LIFRefracCell(given)


def box(*, subtract: bool = False, **options: Any) -> Any:
    if subtract:
        options["reset_method"] = norse.reset_subtract
    return norse.LIFBoxCell(norse.LIFBoxParameters(**options))


def model(forward: Callable[..., Any]) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Custom", (nn.Module,), {"forward": forward})()
    module.fc1, module.lif1 = nn.Linear(6, 5), norse.LIFCell()
    module.fc2, module.lif2 = nn.Linear(5, 5), norse.LIFBoxCell()
    return module


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


@pytest.mark.parametrize(
    ("name", "sizes", "remedy"),
    [
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
    ],
)
def test_other_cells(name: str, sizes: tuple[int, ...], remedy: str) -> None:
    wanted = text(UNSUPPORTED, "1", f"norse: {name}", LAYERS, remedy)
    assert refusal(after_linear(made(name, *sizes))) == wanted


@pytest.mark.parametrize(
    ("name", "sizes", "remedy"),
    [
        ("LIFEx", (), EXPONENTIAL),
        ("LIFAdExRecurrent", (6, 6), EXPONENTIAL),
        ("LSNN", (), ADAPTIVE),
        ("LSNNRecurrent", (6, 6), ADAPTIVE),
        ("Izhikevich", (), PRODUCT),
        ("PoissonEncoder", (5,), ENCODER),
        ("SpikeLatencyLIFEncoder", (5,), ENCODER),
    ],
)
def test_other_modules_that_run_all_steps(name: str, sizes: tuple[int, ...], remedy: str) -> None:
    wanted = text(UNSUPPORTED, "0", f"norse: {name}", LAYERS, remedy)
    layers = made(name, *sizes), norse.Lift(nn.Linear(6, 3)), norse.LIF()
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


@pytest.mark.parametrize(
    ("layer", "name", "found", "limit"),
    [
        pytest.param(lambda: lif(v_th=0.0), "p.v_th", "0", "above 0", id="threshold"),
        pytest.param(
            lambda: lif(v_th=[0.5, 0.25, 1.0], v_reset=[0.0, 0.25, 0.0]),
            "p.v_th",
            "0.25",
            "above v_reset, 0.25",
            id="threshold of the reset",
        ),
        pytest.param(
            lambda: box(v_th=torch.tensor(-0.25), v_reset=torch.tensor(-1.0), subtract=True),
            "p.v_th",
            "-0.25",
            "above 0",
            id="threshold of the subtraction",
        ),
        pytest.param(
            lambda: refractory(torch.tensor(float("nan"))),
            "p.rho_reset",
            "1 of 1 are not finite (nan)",
            "finite numbers",
            id="refractory",
        ),
        pytest.param(
            lambda: lif(v_th=[1.0, float("nan"), 1.0]),
            "p.v_th",
            "1 of 3 are not finite (nan)",
            "finite numbers",
            id="nan",
        ),
        pytest.param(
            lambda: box(tau_mem_inv=torch.tensor(1001.0)),
            "p.tau_mem_inv",
            "dt * tau_mem_inv = 1.001",
            "above 0, to 1",
            id="tau_mem above",
        ),
        pytest.param(
            lambda: box(tau_mem_inv=0.0),
            "p.tau_mem_inv",
            "dt * tau_mem_inv = 0",
            "above 0, to 1",
            id="tau_mem zero",
        ),
        pytest.param(
            lambda: lif(tau_syn_inv=[-1.0, 1.0, 1.0]),
            "p.tau_syn_inv",
            "dt * tau_syn_inv = -0.001",
            "above 0, to 1",
            id="tau_syn",
        ),
        pytest.param(
            lambda: norse.IAFCell(dt=0.0), "dt", "0", "a length in seconds above 0", id="dt"
        ),
    ],
)
def test_unusable_numbers(layer: Callable[[], Any], name: str, found: str, limit: str) -> None:
    wanted = text(UNUSABLE, f"1.{name}", found, limit, CORRECT)
    assert refusal(after_linear(layer())) == wanted


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


def test_parameters_of_another_type() -> None:
    assert refusal(after_linear(lif(v_th=np.ones(3)))) == text(
        UNSUPPORTED,
        "1.p.v_th",
        "torch.float64",
        "torch.float32",
        "torch.as_tensor(v_th, dtype=torch.float32)",
    )


def reset_half(z: Any, v: Any, reset: Any, th: Any) -> Any:
    del reset, th
    return v - 0.5 * z * v


def test_resets_of_ones_own() -> None:
    assert refusal(after_linear(box(reset_method=reset_half))) == text(
        UNSUPPORTED,
        "1.p.reset_method",
        "reset_half",
        "reset_value or reset_subtract of norse",
        "use one of the two",
    )


@pytest.mark.parametrize("kind", ["LIFCell", "LIFRefracCell"])
def test_the_adjoint_method(kind: str) -> None:
    given = norse.LIFParameters(method="adjoint")
    nested = kind == "LIFRefracCell"
    cell = getattr(norse, kind)(norse.LIFRefracParameters(given) if nested else given)
    first, _, _ = refusal(after_linear(cell)).partition("\n\n")  # nor does norse run it
    assert first == text(
        UNSUPPORTED,
        "1.p.lif.method" if nested else "1.p.method",
        "'adjoint'",
        "a surrogate gradient of norse",
        "use another method, such as 'super'; it changes the gradient only",
    )


@pytest.mark.parametrize(
    ("steps", "found"), [([1.0, 0.5, 3.5], "1, 4 steps"), ([2.0**25] * 3, "3.35544e+07 steps")]
)
def test_refractory_times(steps: list[float], found: str) -> None:
    assert refusal(after_linear(refractory(torch.tensor(steps)))) == text(
        UNSUPPORTED,
        "1.p.rho_reset",
        found,
        "one number of steps for all neurons of a layer, to 16777216",
        "make a layer for each number of steps",
    )


GOES_ON = "every neuron starts from its first state and goes on from the state that it left"
HAND_ON = "hand every state on unchanged, from None on, as norse's SequentialState does"


def dropped(self: Any, x: Any, state: Any = None) -> Any:
    s1, s2 = state or (None, None)
    z, s1 = self.lif1(self.fc1(x), s1)
    return self.lif2(self.fc2(z))[0], (s1, s2)


def exchanged(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), None if s2 is None else s2._replace(v=2 * s2.v))
    return z, s1, s2


def begun(self: Any, x: Any, s1: Any, s2: Any) -> Any:
    s2 = norse.LIFBoxFeedForwardState(torch.ones(2, 5)) if s2 is None else s2
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), s2)
    return z, s1, s2


def in_place(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), s2)
    s2.v.mul_(0.5)
    return z, s1, s2


@pytest.mark.parametrize(
    ("forward", "found"),
    [
        (dropped, "keeps its states for 1 of 4 steps"),
        (exchanged, "v does not go on from the step before"),
        (begun, "v does not go on from the step before"),
        (in_place, "v does not go on from the step before"),
    ],
)
def test_states_that_do_not_go_on(forward: Callable[..., Any], found: str) -> None:
    assert refusal(model(forward)) == text(UNTRACEABLE, "lif2", found, GOES_ON, HAND_ON)


def fed_back(self: Any, x: Any, s1: Any = None, s2: Any = None, last: Any = None) -> Any:
    current = self.fc1(x)
    z, s1 = self.lif1(current if last is None else current + self.fc2(last), s1)
    z, s2 = self.lif2(self.fc2(z), s2)
    return z, s1, s2, z


def other_way(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    first = s1 is None
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z) if first else z, s2)
    return z, s1, s2


@pytest.mark.parametrize(
    ("forward", "path", "found"),
    [
        (
            other_way,
            "lif2",
            "step 0 gives it fc2(spikes of lif1 at step 0), step 3 spikes of lif1 at step 3",
        ),
        (
            fed_back,
            "lif1",
            "step 0 gives it fc1(the input at step 0), step 3 add(fc1(the input at "
            "step 3), fc2(spikes of lif2 at step 2))",
        ),
    ],
)
def test_steps_that_differ(forward: Callable[..., Any], path: str, found: str) -> None:
    assert refusal(model(forward)) == text(
        UNTRACEABLE,
        path,
        found,
        "every step computes the same from the same step before",
        "compute the same in every step, with zeros for what is not there yet",
    )


def test_a_forward_that_raises() -> None:
    cell = norse.LIFRecurrentCell(6, 3, norse.LIFParameters(v_leak=torch.zeros(3)))
    said = refusal(cell).splitlines()
    assert said[:2] == [UNTRACEABLE, "  --> LIFRecurrentCell.forward"]
    assert said[3] == "   limit: forward runs on a tensor of shape [2, 6], [batch, *shape]"


def test_a_sequence_of_layers_that_keeps_no_state() -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), norse.LIFCell())) == text(
        UNTRACEABLE, "1", "keeps its states for 1 of 4 steps", GOES_ON, HAND_ON
    )


def test_a_potential_that_resets() -> None:
    def potential(self: Any, x: Any, s1: Any = None) -> Any:
        _, s1 = self.lif1(self.fc1(x), s1)
        return s1.v, s1

    assert refusal(model(potential)) == text(
        UNTRACEABLE,
        "lif1",
        "v is returned, and its spikes go nowhere",
        "an output gives spikes, or the potential of neurons that never reset",
        "return the spikes, the first of what the cell returns",
    )


def test_a_model_without_neurons() -> None:
    assert refusal(nn.Linear(6, 3)) == text(
        UNSUPPORTED,
        "the model",
        "no neurons",
        LAYERS,
        "build the model with norse's cells; a network of ReLUs goes by way of ONNX",
    )


def test_cells_with_several_dt() -> None:
    module = norse.SequentialState(
        nn.Linear(6, 3), norse.LIFCell(), norse.LIFCell(), norse.LIFBoxCell(dt=0.0005)
    )
    assert refusal(module) == text(
        UNSUPPORTED,
        "1, 3",
        "dt = 0.001, 0.0005",
        "all cells of a model have the same dt",
        "make all cells with one dt; tau_mem_inv and tau_syn_inv can differ",
    )


def test_another_dt_than_the_cells_have() -> None:
    wanted = text(OPTION, "--dt", "0.0001", "0.001, the dt of the model's cells", "leave --dt out")
    assert refusal(after_linear(lif()), dt=1e-4) == wanted


def test_arguments() -> None:
    assert refusal(after_linear(lif()), (), dt=-1.0) == "\n\n".join(
        [
            text(
                OPTION,
                "--input-shape",
                "no dimension",
                "the shape of one sample at one step, every dimension 1 or more",
                "--input-shape 1,28,28",
            ),
            text(OPTION, "--dt", "-1", "a length in seconds above 0", "--dt 1e-4"),
        ]
    )


def test_data_without_a_batch() -> None:
    with pytest.raises(InputError) as caught:
        run_norse(after_linear(lif()), np.zeros((5, 6), np.float32))
    assert str(caught.value).splitlines()[2] == "   found: shape [5, 6]"


def late(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    self.calls += 1
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), None if self.calls == 7 else s2)
    return z, s1, s2


def test_states_are_watched_in_every_step() -> None:
    module = model(late)
    module.calls = 0
    from_norse(module, (6,))  # which runs fewer steps
    with pytest.raises(InputError) as caught:
        run_norse(module, np.ones((8, 2, 6), np.float32))
    found = "v does not go on from the step before"
    assert str(caught.value) == text(UNTRACEABLE, "lif2", found, GOES_ON, HAND_ON)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("package", ["norse", "nirtorch"])
def test_a_missing_framework_is_told(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "norse"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentFault) as caught:
        from_norse(nn.Linear(6, 3), (6,))
    assert str(caught.value) == text(
        "error[SNN501]: the packages that a run needs are installed",
        "framework norse",
        f"{package} is not installed",
        "importing a model of norse needs norse 1.1, nirtorch and torch 2.6 or newer",
        "pip install 'snnc[norse]'",
    )
