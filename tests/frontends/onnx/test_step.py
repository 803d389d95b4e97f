"""One step of a spiking network, exported by torch, is recognized and computes the same bits.

The oracle is the module itself, run step by step in its framework.
"""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import nir
import numpy as np
import pytest

from snnc.frontends.onnx.frontend import from_onnx
from tests.frontends.cases import VALUES, Case, becomes, over
from tests.frontends.graphs import node_of
from tests.frontends.nir.run import notes_of, steps
from tests.frontends.onnx.models import model, node, random, reference
from tests.frontends.optional import optional

torch, nn, onnx = optional("torch"), optional("torch.nn"), optional("onnx")
snntorch, norse = optional("snntorch"), optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse, pytest.mark.onnx]

STEPS, BATCH, INPUTS, NEURONS = 60, 1860, 7, 9
Module = Any


def module_of(forward: Callable[..., Any], **layers: Any) -> Module:
    module = type("Net", (nn.Module,), {"forward": forward})()
    for name, layer in layers.items():
        setattr(module, name, layer)
    return module.eval()


def exported(module: Module, *arguments: Any, dynamo: bool) -> Any:
    """Export a module with the arguments of one call, states among them."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            if dynamo:
                program = torch.onnx.export(module, arguments, dynamo=True, verbose=False)
                return program.model_proto
            torch.onnx.export(module, arguments, stream, dynamo=False)
        finally:
            logging.disable(logging.NOTSET)
    return onnx.load_from_string(stream.getvalue())


def run(module: Module, x: Any, *states: Any) -> np.ndarray[Any, Any]:
    """Give the first output of each step; the others are the states."""
    found: list[Any] = []
    with torch.no_grad():
        for value in x:
            spikes, *after = module(value, *states)
            states = tuple(after)
            found.append(spikes.numpy())
    return np.stack(found)


def linear(out: int = NEURONS, into: int = INPUTS) -> Any:
    torch.manual_seed(0)
    layer = nn.Linear(into, out)
    with torch.no_grad():
        layer.weight.mul_(3)
    return layer


def leaky(**options: Any) -> tuple[Module, int]:
    layer = snntorch.Leaky(**{"beta": 0.9, **options})
    return module_of(lambda m, x, mem: m.lif(m.fc(x), mem), fc=linear(), lif=layer), 1


def synaptic(**options: Any) -> tuple[Module, int]:
    layer = snntorch.Synaptic(**{"alpha": 0.8, "beta": 0.9, **options})
    forward = lambda m, x, syn, mem: m.lif(m.fc(x), syn, mem)  # noqa: E731
    return module_of(forward, fc=linear(), lif=layer), 2


def box(**options: Any) -> tuple[Module, int]:
    state = optional("norse.torch.functional.lif_box").LIFBoxFeedForwardState

    def forward(m: Module, x: Any, v: Any) -> Any:
        spikes, after = m.cell(m.fc(x), state(v=v))
        return spikes, after.v

    parameters = norse.LIFBoxParameters(**{"v_th": torch.as_tensor(0.3), **options})
    return module_of(forward, fc=linear(), cell=norse.LIFBoxCell(parameters)), 1


def lif(**options: Any) -> tuple[Module, int]:
    state = optional("norse.torch.functional.lif").LIFFeedForwardState

    def forward(m: Module, x: Any, v: Any, i: Any) -> Any:
        spikes, after = m.cell(m.fc(x), state(v=v, i=i))
        return spikes, after.v, after.i

    parameters = norse.LIFParameters(**{"v_th": torch.as_tensor(0.5), **options})
    return module_of(forward, fc=linear(), cell=norse.LIFCell(parameters)), 2


CASES: dict[str, tuple[Callable[[], tuple[Module, int]], str, str]] = {
    "Leaky": (leaky, "decay", "subtract-delayed"),
    "Leaky, vectors": (
        lambda: leaky(beta=torch.rand(NEURONS), threshold=torch.rand(NEURONS) + 0.5),
        "decay",
        "subtract-delayed",
    ),
    "Leaky, subtract, no delay": (lambda: leaky(reset_delay=False), "decay", "subtract-retest"),
    "Leaky, zero": (lambda: leaky(reset_mechanism="zero"), "decay", "zero-delayed"),
    "Leaky, zero, no delay": (
        lambda: leaky(reset_mechanism="zero", reset_delay=False),
        "decay",
        "zero",
    ),
    "Leaky, none": (lambda: leaky(reset_mechanism="none"), "decay", "none"),
    "Leaky, beta 1": (lambda: leaky(beta=1.0), "decay", "subtract-delayed"),
    "Leaky, beta 0": (lambda: leaky(beta=0.0), "decay", "subtract-delayed"),
    "Synaptic": (synaptic, "current-decay", "subtract-delayed"),
    "Synaptic, zero": (lambda: synaptic(reset_mechanism="zero"), "current-decay", "zero-next"),
    "Synaptic, none": (lambda: synaptic(reset_mechanism="none"), "current-decay", "none"),
    "Synaptic, zero, no delay": (
        lambda: synaptic(reset_mechanism="zero", reset_delay=False),
        "current-decay",
        "zero",
    ),
    "LIFBoxCell": (box, "euler", "zero"),
    "LIFBoxCell, v_leak": (lambda: box(v_leak=torch.as_tensor(0.1)), "euler", "zero"),
    "LIFBoxCell, v_reset": (lambda: box(v_reset=torch.as_tensor(-0.2)), "euler", "value"),
    "LIFBoxCell, subtract": (
        lambda: box(reset_method=optional("norse.torch").reset_subtract),
        "euler",
        "subtract",
    ),
    "LIFCell": (lif, "current-euler", "zero"),
    "LIFCell, v_leak": (lambda: lif(v_leak=torch.as_tensor(0.1)), "current-euler", "zero"),
}
NOT_BY_DYNAMO = {"Leaky, subtract, no delay", "Leaky, zero, no delay", "Synaptic, zero, no delay"}
"""torch.export follows no ``if`` on a tensor, and snnTorch has one there."""


def subject(name: str, *, dynamo: bool) -> tuple[Module, list[Any], Any]:
    """Give a module, its first states for one sample, and its export."""
    module, states = CASES[name][0]()
    zeros = [torch.zeros(1, NEURONS) for _ in range(states)]
    return module, zeros, exported(module, torch.rand(1, INPUTS), *zeros, dynamo=dynamo)


NODES = {
    "decay": "LIF",
    "euler": "LIF",
    "current-decay": "CubaLIF",
    "current-euler": "CubaLIF",
    "Leaky, beta 1": "IF",
}
"""What an integration becomes, and a case that is another."""
EXPORTS = [
    Case(
        name,
        f"dynamo={dynamo}",
        f"Affine, {NODES.get(name) or NODES[integration]}",
        partial(subject, name, dynamo=dynamo),
    )
    for name, (_, integration, _) in CASES.items()
    for dynamo in (False, True)
    if not (dynamo and name in NOT_BY_DYNAMO)
]


@over(EXPORTS)
def test_one_layer(case: Case) -> None:
    _, integration, reset = CASES[case.layer]
    module, states, made = case.make()
    graph = from_onnx(made)
    assert becomes(graph) == case.becomes
    (neurons,) = (n for n in graph.nodes.values() if "reset" in notes_of(n))
    said = notes_of(neurons)
    assert (said["integration"], said["reset"]) == (integration, reset)
    assert "deviation" not in said, "another order of operations"
    x = random(STEPS, BATCH, INPUTS, seed=3)
    wanted = run(module, torch.as_tensor(x), *(s.expand(BATCH, NEURONS) for s in states))
    found = steps(graph, {"input": x})["output"]
    assert wanted.size >= VALUES
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(found, wanted)


def test_numbers_are_those_of_the_layer() -> None:
    beta, threshold = torch.rand(NEURONS), torch.rand(NEURONS) + 0.5
    module, _ = leaky(beta=beta, threshold=threshold)
    made = exported(module, torch.rand(1, INPUTS), torch.zeros(1, NEURONS), dynamo=False)
    graph = from_onnx(made, dt=1e-3)
    lif = node_of(graph, "lif")
    assert isinstance(lif, nir.LIF)
    np.testing.assert_array_equal(notes_of(lif)["decay"], beta.numpy())
    np.testing.assert_array_equal(notes_of(lif)["threshold"], threshold.numpy())
    np.testing.assert_array_equal((1 - 1e-3 / lif.tau).astype(np.float32), beta.numpy())
    np.testing.assert_allclose(lif.r * 1e-3 / lif.tau, 1)
    assert notes_of(lif)["origin"] == "/lif/Greater_1"
    assert sorted(graph.edges) == [("fc.Gemm", "lif"), ("input", "fc.Gemm"), ("lif", "output")]


def two_layers(m: Module, x: Any, mem1: Any, syn: Any, mem2: Any) -> Any:
    spikes, mem1 = m.lif1(m.conv(x), mem1)
    spikes2, syn, mem2 = m.lif2(m.fc(m.pool(spikes).flatten(1)), syn, mem2)
    return spikes2, mem1, syn, mem2


@pytest.mark.parametrize("dynamo", [False, True])
def test_network(dynamo: bool) -> None:
    torch.manual_seed(1)
    module = module_of(
        two_layers,
        conv=nn.Conv2d(2, 3, 3, padding=1),
        lif1=snntorch.Leaky(beta=0.7, threshold=0.4),
        pool=nn.MaxPool2d(2),
        fc=nn.Linear(48, 5),
        lif2=snntorch.Synaptic(alpha=0.6, beta=0.8, threshold=0.5, reset_mechanism="zero"),
    )
    states = [torch.zeros(4, 3, 8, 8), torch.zeros(4, 5), torch.zeros(4, 5)]
    graph = from_onnx(exported(module, torch.rand(4, 2, 8, 8), *states, dynamo=dynamo))
    x = random(40, 4, 2, 8, 8, seed=5)
    wanted = run(module, torch.as_tensor(x), *states)
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(steps(graph, {"input": x})["output"], wanted)


def test_input_without_weights_and_both_outputs() -> None:
    module = module_of(lambda m, x, mem: m.lif(x, mem), lif=snntorch.Leaky(beta=0.5))
    made = exported(module, torch.rand(1, 4), torch.zeros(1, 4), dynamo=False)
    graph = from_onnx(made)
    x = 3 * random(40, 6, 4, seed=5)
    wanted = run(module, torch.as_tensor(x), torch.zeros(6, 4))
    np.testing.assert_array_equal(steps(graph, {"input": x})["output"], wanted)


def test_read_out() -> None:
    """A state that no spike tests is an output itself."""
    nodes = [
        node("MatMul", "x w", "i"),
        node("Mul", "v decay", "kept"),
        node("Add", "kept i", "next"),
        node("Greater", "next threshold", "above"),
        node("Cast", "above", "spike", to=1),
        node("Mul", "spike threshold", "lost"),
        node("Sub", "next lost", "v1"),
        node("MatMul", "spike w2", "i2"),
        node("Mul", "u slow", "kept2"),
        node("Add", "kept2 i2", "u1"),
    ]
    made = model(
        nodes,
        {"x": [3, 4], "v": [3, 5], "u": [3, 2]},
        ["v1", "u1"],
        w=random(4, 5, seed=1),
        w2=random(5, 2, seed=2),
        decay=0.9,
        slow=0.5,
        threshold=0.7,
    )
    graph = from_onnx(made)
    assert isinstance(node_of(graph, "u"), nir.LI)
    assert notes_of(graph.nodes["n"])["reset"] == "subtract"
    x = random(30, 3, 4, seed=3)
    states = {"v": np.zeros((3, 5), np.float32), "u": np.zeros((3, 2), np.float32)}
    found = steps(graph, {"input": x})["output"]
    for t, value in enumerate(x):
        states["v"], states["u"] = reference(made, {"x": value, **states})
        np.testing.assert_allclose(found[t], states["u"], rtol=1e-6, atol=1e-6)


def test_another_order_of_operations_is_measured() -> None:
    """``v + decay * I - decay * v`` is ``v + decay * (I - v)``, but for the last bits."""
    nodes = [
        node("MatMul", "x w", "i"),
        node("Mul", "i decay", "a"),
        node("Mul", "v decay", "b"),
        node("Add", "v a", "c"),
        node("Sub", "c b", "next"),
        node("Greater", "next threshold", "above"),
        node("Cast", "above", "s", to=1),
        node("Sub", "one s", "r"),
        node("Mul", "r next", "v1"),
    ]
    numbers: dict[str, Any] = {"decay": 0.3, "threshold": 0.7, "one": 1.0}
    inputs = {"x": [3, 4], "v": [3, 5]}
    graph = from_onnx(model(nodes, inputs, ["s", "v1"], w=random(4, 5), **numbers))
    (neurons,) = (notes_of(n) for n in graph.nodes.values() if "reset" in notes_of(n))
    assert (neurons["integration"], neurons["reset"]) == ("decay", "zero")
    assert 0 < neurons["deviation"] < 1e-6
