"""Every norse model that cannot be imported exactly is refused: the whole text is compared."""
# torch and norse are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.norse import from_norse, run_norse
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

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
OPTION = "error[SNN004]: options have a value in their range and fit together"
LAYERS = (
    "nn.Linear, nn.Flatten, nn.Identity, nn.Dropout, and of norse SequentialState, LIFBoxCell, "
    "LIFCell, LIFRecurrentCell, IAFCell"
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


def box(**options: Any) -> Any:
    return norse.LIFBoxCell(norse.LIFBoxParameters(**options))


def model(forward: Callable[..., Any]) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Custom", (nn.Module,), {"forward": forward})()
    module.fc1, module.lif1 = nn.Linear(6, 5), norse.LIFCell()
    module.fc2, module.lif2 = nn.Linear(5, 5), norse.LIFBoxCell()
    return module


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("LIFRefracCell", ()),
        ("LIFExCell", ()),
        ("LIFAdExCell", ()),
        ("LICell", ()),
        ("LIBoxCell", ()),
        ("LILinearCell", (3, 3)),
        ("LSNNCell", ()),
        ("LIFRefracRecurrentCell", (3, 3)),
    ],
)
def test_other_cells(name: str, sizes: tuple[int, ...]) -> None:
    wanted = text(UNSUPPORTED, "1", f"norse: {name}", LAYERS, REPLACE)
    assert refusal(after_linear(getattr(norse, name)(*sizes))) == wanted


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (lambda: nn.AvgPool1d(1), "torch: AvgPool1d"),
        (lambda: norse.Lift(nn.Linear(3, 3)), "norse: Lift"),
        (lambda: norse.RecurrentSequential(norse.LIFCell()), "norse: RecurrentSequential"),
    ],
)
def test_other_layers(layer: Callable[[], Any], found: str) -> None:
    assert refusal(after_linear(layer())) == text(UNSUPPORTED, "1", found, LAYERS, REPLACE)


def test_classes_of_ones_own() -> None:
    mine = type("Mine", (norse.LIFCell,), {})
    wanted = text(UNSUPPORTED, "1", "tests: Mine", LAYERS, REPLACE)
    assert refusal(after_linear(mine())) == wanted


@pytest.mark.parametrize(("name", "sizes"), [("LIF", ()), ("LIFRecurrent", (3, 3)), ("IAF", ())])
def test_modules_that_run_all_steps(name: str, sizes: tuple[int, ...]) -> None:
    assert refusal(after_linear(getattr(norse, name)(*sizes))) == text(
        UNSUPPORTED,
        "1",
        f"norse: {name}, which runs all steps at once",
        LAYERS,
        f"use {name}Cell with the same parameters; snnc runs the steps",
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
        pytest.param(
            lambda: lif(v_leak=-0.5),
            "v_leak",
            "-0.5",
            "0: norse starts v at v_leak, snnc at 0",
            id="v_leak",
        ),
        pytest.param(
            lambda: box(v_reset=torch.tensor([0, 0.25, 1])),
            "v_reset",
            "0.25",
            "0: snnc resets v to 0, or subtracts the threshold",
            id="v_reset",
        ),
        pytest.param(
            lambda: norse.IAFCell(norse.IAFParameters(v_reset=torch.tensor(1.0))),
            "v_reset",
            "1",
            "0: snnc resets v to 0, or subtracts the threshold",
            id="iaf",
        ),
    ],
)
def test_potentials_other_than_zero(
    layer: Callable[[], Any], name: str, found: str, limit: str
) -> None:
    assert refusal(after_linear(layer())) == text(
        UNSUPPORTED,
        f"1.p.{name}",
        found,
        limit,
        f"train with {name} = 0: shift all potentials and the threshold by it",
    )


@pytest.mark.parametrize(
    ("layer", "name", "found", "limit"),
    [
        pytest.param(lambda: lif(v_th=0.0), "p.v_th", "0", "above 0", id="threshold"),
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
    cell = norse.LIFRecurrentCell(3, 1, norse.LIFParameters(v_th=torch.ones(4)))
    assert refusal(after_linear(cell)) == text(
        INCOMPLETE,
        "1.p.v_th",
        "shape [4]",
        "one value, or one for each neuron: [1]",
        "make the layer with as many values as it has neurons",
    )


def test_parameters_of_another_type() -> None:
    assert refusal(after_linear(lif(v_th=np.float64(1)))) == text(
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


def test_the_adjoint_method() -> None:
    first, _, _ = refusal(after_linear(lif(method="adjoint"))).partition("\n\n")  # it may not run
    assert first == text(
        UNSUPPORTED,
        "1.p.method",
        "'adjoint'",
        "a surrogate gradient of norse",
        "use another method, such as 'super'; it changes the gradient only",
    )


def dropped(self: Any, x: Any, state: Any = None) -> Any:
    s1, s2 = state or (None, None)
    z, s1 = self.lif1(self.fc1(x), s1)
    return self.lif2(self.fc2(z))[0], (s1, s2)


def exchanged(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), None if s2 is None else s2._replace(v=2 * s2.v))
    return z, s1, s2


def kept(self: Any, x: Any) -> Any:
    z, s1 = self.lif1(self.fc1(x), getattr(self, "s1", None))
    z, s2 = self.lif2(self.fc2(z), getattr(self, "s2", None))
    self.s1, self.s2 = s1, s2
    return z


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
    ("forward", "paths"),
    [
        (dropped, ["lif2"]),
        (exchanged, ["lif2"]),
        (kept, ["lif1", "lif2"]),
        (begun, ["lif2"]),
        (in_place, ["lif2"]),
    ],
)
def test_states_that_do_not_go_on(forward: Callable[..., Any], paths: list[str]) -> None:
    wanted = [
        text(
            UNTRACEABLE,
            path,
            "its state does not go on from the step before",
            "every cell starts with the state None and goes on from the state that it left",
            "return the cells' states unchanged: forward(x, state=None) -> spikes, state",
        )
        for path in paths
    ]
    assert refusal(model(forward)) == "\n\n".join(wanted)


def fed_back(self: Any, x: Any, s1: Any = None, s2: Any = None, last: Any = None) -> Any:
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z if last is None else z.clone()), s2)
    return z, s1, s2, z


def other_way(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    first = s1 is None
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z) if first else z, s2)
    return z, s1, s2


def test_a_step_that_takes_another_way() -> None:
    assert refusal(model(other_way)) == text(
        UNTRACEABLE,
        "Custom.forward",
        "the second step takes another way through the layers than the first",
        "every step computes the same",
        "let states go to the cells and nowhere else",
    )


def test_feedback_from_the_second_step_on() -> None:
    assert refusal(model(fed_back)) == text(
        UNTRACEABLE,
        "fc2",
        "its input is a tensor that no layer returned",
        "the model's input, or what one other layer returns, unchanged",
        "replace the computation before it by layers that snnc knows, such as nn.Flatten; see "
        "docs/frontends.md",
    )


def test_a_forward_that_raises() -> None:
    cell = norse.LIFRecurrentCell(6, 3, norse.LIFParameters(v_leak=torch.zeros(3)))
    said = refusal(cell).splitlines()
    assert said[:2] == [UNTRACEABLE, "  --> LIFRecurrentCell.forward"]
    assert said[3] == "   limit: forward runs one step on a tensor of shape [2, 6]"


def test_a_model_without_a_spiking_output() -> None:
    module = norse.SequentialState(nn.Linear(6, 3), norse.LIFCell(), nn.Linear(3, 3))
    assert refusal(module) == text(
        "error[SNN120]: weights lead from inputs or spiking populations to spiking populations",
        "2",
        "the model's output is that of Linear",
        "a spiking layer",
        "end the model with LIFCell",
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
    z, s1 = self.lif1(self.fc1(x), s1)
    z, s2 = self.lif2(self.fc2(z), None if s1.v.abs().max() > 0.01 else s2)
    return z, s1, s2


def test_states_are_watched_in_every_step() -> None:
    module = model(late)
    module.fc1.bias.data.zero_()
    with pytest.raises(InputError) as caught:
        run_norse(module, np.ones((5, 2, 6), np.float32))
    assert str(caught.value).splitlines()[1:3] == [
        "  --> lif2",
        "   found: its state does not go on from the step before",
    ]


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
