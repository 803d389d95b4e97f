"""Every norse model whose steps are not those of one network is refused; so are bad arguments."""
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
from snnc.frontends.norse.frontend import from_norse, run_norse
from tests.frontends.norse.refused import (
    LAYERS,
    OPTION,
    UNSUPPORTED,
    UNTRACEABLE,
    after_linear,
    lif,
    refusal,
    text,
)
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

GOES_ON = "every neuron starts from its first state and goes on from the state that it left"
HAND_ON = "hand every state on unchanged, from None on, as norse's SequentialState does"


def model(forward: Callable[..., Any]) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Custom", (nn.Module,), {"forward": forward})()
    module.fc1, module.lif1 = nn.Linear(6, 5), norse.LIFCell()
    module.fc2, module.lif2 = nn.Linear(5, 5), norse.LIFBoxCell()
    return module


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
    wanted = text(
        OPTION,
        "--dt",
        "0.0001",
        "0.001, the dt of the model's cells",
        "leave --dt out, in Python dt=None",
    )
    assert refusal(after_linear(lif()), dt=1e-4) == wanted


def test_arguments() -> None:
    assert refusal(after_linear(lif()), (), dt=-1.0) == "\n\n".join(
        [
            text(
                OPTION,
                "--input-shape",
                "no dimension",
                "the shape of one sample at one step, every dimension 1 or more",
                "--input-shape 1,28,28, in Python input_shape=(1, 28, 28)",
            ),
            text(
                OPTION, "--dt", "-1", "a length in seconds above 0", "--dt 1e-4, in Python dt=1e-4"
            ),
        ]
    )


def test_data_without_a_batch() -> None:
    with pytest.raises(InputError) as caught:
        run_norse(after_linear(lif()), np.zeros((5, 6), np.float32))
    assert str(caught.value).splitlines()[2] == "   found: shape [5, 6]"


def changed_in_place(self: Any, x: Any, s1: Any = None, s2: Any = None) -> Any:
    z, s1 = self.lif1(self.fc1(x), s1)
    s1.v.data.mul_(0.5)
    z, s2 = self.lif2(self.fc2(z), s2)
    return z, s1, s2


def test_a_state_that_is_changed_in_place() -> None:
    with pytest.raises(InputError) as caught:
        from_norse(model(changed_in_place), (6,))
    found = "v does not go on from the step before"
    assert str(caught.value) == text(UNTRACEABLE, "lif1", found, GOES_ON, HAND_ON)


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
