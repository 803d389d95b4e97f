"""One step of a spiking network as ONNX, whose states are not what they must be."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import Any

import pytest

from tests.frontends.onnx.models import model, node, random
from tests.frontends.onnx.refused import (
    OTHERWISE,
    UNSUPPORTED,
    refusal,
    two_inputs,
)
from tests.frontends.onnx.test_file import text
from tests.frontends.onnx.test_step import exported, leaky, linear, module_of
from tests.frontends.optional import optional

torch, snntorch = optional("torch"), optional("snntorch")
pytestmark = pytest.mark.onnx
STATELESS = "error[SNN143]: a spiking model is exported with its states as inputs and outputs"
UNKNOWN = "error[SNN144]: every state of an ONNX model is updated as a known neuron updates it"
STATES = "an input for the state of every neuron, and an output for the next"


@pytest.mark.torch
@pytest.mark.parametrize("dynamo", [False, True])
def test_stateless_export(dynamo: bool) -> None:
    """``init_hidden=True``: both exporters take the state for the number 0, and say nothing."""
    layer = snntorch.Leaky(beta=0.9, init_hidden=True)
    module = module_of(lambda m, x: m.lif(m.fc(x)), fc=linear(3, 4), lif=layer)
    made = exported(module, torch.rand(1, 4), dynamo=dynamo)
    (greater,) = (n for n in made.graph.node if n.op_type == "Greater")
    assert refusal(made) == text(
        STATELESS,
        f"the model: {greater.name} (Greater) -> {greater.output[0]}",
        "a comparison of values that no state enters",
        STATES,
        "give forward the states as arguments, return the new ones, and export with both",
    )


@pytest.mark.torch
@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("batch", [1, 2])
def test_stateless_export_of_a_read_out(dynamo: bool, batch: int) -> None:
    """Nothing is compared: only the zeros that stand for the state tell of its memory."""
    layer = snntorch.Leaky(beta=0.9, reset_mechanism="none")
    module = module_of(lambda m, x: m.lif(m.fc(x))[1], fc=linear(3, 4), lif=layer)
    made = exported(module, torch.rand(batch, 4), dynamo=dynamo)
    (add,) = (n for n in made.graph.node if n.op_type == "Add")
    assert refusal(made) == text(
        STATELESS,
        f"the model: {add.name} (Add) -> {add.output[0]}",
        f"zeros of shape [{batch}, 3]: a state that the exporter took for numbers",
        STATES,
        "give forward the states as arguments, return the new ones, and export with both",
    )


@pytest.mark.torch
def test_state_that_does_not_leave() -> None:
    module, _ = leaky()
    made = exported(module, torch.rand(1, 7), torch.zeros(1, 9), dynamo=False)
    del made.graph.output[1]
    assert refusal(made) == text(
        STATELESS,
        "the model: /lif/Greater_1 (Greater) -> /lif/Greater_1_output_0",
        "no output for what becomes of mem",
        STATES,
        "return the new states too, and export again",
    )


def neuron(*nodes: Any, outputs: tuple[str, ...] = ("s", "v1"), **constants: Any) -> Any:
    given = [
        node("MatMul", "x w", "i"),
        node("Mul", "v decay", "kept"),
        node("Add", "kept i", "u"),
        node("Greater", "u threshold", "above"),
        node("Cast", "above", "s", to=1),
        *nodes,
    ]
    numbers: dict[str, Any] = {"w": random(2, 3), "decay": 0.5, "threshold": 1.0, **constants}
    return model(given, {"x": [1, 2], "v": [1, 3]}, outputs, **numbers)


WRITE = "write the update as one of these, or import the module itself: FILE.py:FUNCTION"
KNOWN = "an update of docs/onnx.md: leak, currents, spike above a threshold, reset"


def test_unknown_reset() -> None:
    made = neuron(node("Mul", "s half", "r"), node("Sub", "u r", "v1"), half=0.5)
    assert refusal(made) == text(
        UNKNOWN,
        "the model: v1 (output)",
        "an update that no known neuron makes: v1 = 0.5 * v + 1 * i + -0.5 * n/above",
        KNOWN,
        WRITE,
    )


def test_state_times_state() -> None:
    made = neuron(node("Mul", "u v", "v1"))
    assert refusal(made) == text(
        UNKNOWN,
        "the model: n/v1 (Mul) -> v1",
        "the product v * v",
        "sums of states and currents, times numbers and spikes",
        OTHERWISE,
    )


def test_state_that_goes_on() -> None:
    made = neuron(
        node("MatMul", "u w2", "y"), node("Sub", "u s", "v1"), outputs=("y", "v1"), w2=random(3, 2)
    )
    assert refusal(made) == text(
        UNKNOWN,
        "the model: n/y (MatMul) -> y",
        "u = 0.5 * v + 1 * i goes on",
        "spikes go on, no states",
        OTHERWISE,
    )


def test_relu_beside_neurons() -> None:
    made = neuron(
        node("Sub", "u s", "v1"),
        node("MatMul", "s w2", "p"),
        node("Relu", "p", "y"),
        outputs=("y", "v1"),
        w2=random(3, 2),
    )
    assert refusal(made) == text(
        UNSUPPORTED,
        "the model: n/y (Relu) -> y",
        "Relu beside spiking neurons",
        "neurons with a state, or a network of ReLUs",
        OTHERWISE,
    )


RETURNED = (
    "no state, but of the shape [3] of n, whose spikes are the output s, and enters n",
    "spikes that return to their neurons are a connection, not an input",
    "import the module itself: FILE.py:FUNCTION; data of that shape need an axis more",
)


@pytest.mark.torch
@pytest.mark.parametrize("dynamo", [False, True])
def test_spikes_that_return(dynamo: bool) -> None:
    """A recurrent layer: its spikes are an input that no equation tells from data."""
    layer = snntorch.RLeaky(beta=0.9, linear_features=8)
    module = module_of(lambda m, x, s, v: m.l(m.fc(x), s, v), fc=linear(8, 5), l=layer)
    states = (torch.zeros(1, 8), torch.zeros(1, 8))
    made = exported(module, torch.zeros(1, 5), *states, dynamo=dynamo)
    name, spikes, owner = (
        made.graph.input[1].name,
        made.graph.output[0].name,
        "v" if dynamo else "l",
    )
    found = f"no state, but of the shape [8] of {owner}, whose spikes are the output {spikes}, and "
    assert refusal(made) == text(
        UNKNOWN, f"the model: {name} (input)", f"{found}enters {owner}", *RETURNED[1:]
    )


def test_spikes_that_return_without_weights() -> None:
    made = two_inputs(
        {"x": [1, 2], "b": [1, 3]}, node("MatMul", "x w", "a"), node("Add", "a b", "i")
    )
    assert refusal(made) == text(UNKNOWN, "the model: b (input)", *RETURNED)
