"""Fine-tuning on the very integers: gradients, against those computed by hand."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snnc
from tests.runtime.trained import (
    BETA,
    SLOPE,
    Array,
    assert_exact,
    nn,
    snn,
    spikes,
    torch,
    two_layers,
)

pytestmark = pytest.mark.torch


def rounded(artifact: Any, layer: str) -> Array:
    """Give the weights into ``layer`` as the artifact has them, in the units of the module."""
    fixed = artifact.required_fixed
    (projection,) = fixed.incoming(layer)
    (operator,) = projection.operators
    unit = 2.0**projection.weight_exp * 64 / fixed.population(layer).scale
    return np.asarray(operator.weight * unit[:, None])


def test_the_gradient_of_a_linear_read_out() -> None:
    """``v_t = beta v_(t-1) + W x_t + b``: with the weights' rounding, not with the data's."""
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Linear(6, 4), snn.Leaky(beta=BETA, reset_mechanism="none", init_hidden=True, output=True)
    )
    read_out = Potential(module)
    x, weight = spikes(9, 3, 6), np.random.default_rng(6).normal(size=(9, 3, 4))
    given = torch.from_numpy(x).requires_grad_()
    quantized = snnc.quantized_module(read_out, input_shape=(6,), weight_bits=3)
    (quantized(given) * torch.from_numpy(weight)).sum().backward()
    traces, passed = filtered(x), filtered(weight[::-1])[::-1]
    rounded_weight = rounded(snnc.compile(read_out, input_shape=(6,), weight_bits=3), "layers.1")
    assert np.abs(rounded_weight - module[0].weight.detach().numpy()).max() > 0.01
    close(module[0].weight.grad, np.einsum("tbi,tbj->ij", weight, traces))
    close(module[0].bias.grad, np.einsum("tbi,t->i", weight, filtered(np.ones(9))))
    close(given.grad, passed @ rounded_weight)


class Potential(nn.Module if nn else object):  # type: ignore[misc]
    """A model that returns the potential of its last layer."""

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Any) -> Any:
        return self.layers(x)[1]


def filtered(values: Array) -> Array:
    """Give ``y_t = beta y_(t-1) + x_t``."""
    result, before = np.zeros(values.shape), np.zeros(values.shape[1:])
    for t, value in enumerate(values):
        before = BETA * before + value
        result[t] = before
    return result


def close(tensor: Any, wanted: Array) -> None:
    np.testing.assert_allclose(tensor.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_the_gradient_through_two_layers_of_spikes() -> None:
    """Backpropagation through time by hand, at the spikes and potentials of the artifact."""
    module, x = two_layers(), spikes(15, 4, 6, rate=0.6)
    trace, artifact, grad = backward(module, x)
    to_second = by_hand(
        artifact, trace, "3", trace.spikes["1"], grad, of_layer(artifact, module, 2)
    )
    back = to_second @ rounded(artifact, "3")
    to_first = by_hand(artifact, trace, "1", x, back, of_layer(artifact, module, 0))
    close(module[2].weight.grad, np.einsum("tbi,tbj->ij", to_second, trace.spikes["1"]))
    close(module[2].bias.grad, to_second.sum((0, 1)))
    close(module[0].weight.grad, np.einsum("tbi,tbj->ij", to_first, x))
    close(module[0].bias.grad, to_first.sum((0, 1)))


def test_spikes_and_potentials_are_exact_behind_weights_that_are_not() -> None:
    """Of a product of two layers there are no rounded ones: alone, the module spikes otherwise."""
    module, x = two_layers(), spikes(15, 4, 6, rate=0.6)
    torch.manual_seed(8)
    one, two = nn.Linear(6, 5), nn.Linear(5, 8)
    with torch.no_grad():
        two.weight *= 2
    module[0] = nn.Sequential(one, two)
    trace, artifact, grad = backward(module, x)
    to_second = by_hand(
        artifact, trace, "3", trace.spikes["1"], grad, of_layer(artifact, module, 2)
    )
    w1, b1, w2, b2 = (v.detach().numpy() for v in (one.weight, one.bias, two.weight, two.bias))
    back = to_second @ rounded(artifact, "3")
    to_first = by_hand(artifact, trace, "1", x, back, (w2 @ w1, w2 @ b1 + b2))
    close(module[2].weight.grad, np.einsum("tbi,tbj->ij", to_second, trace.spikes["1"]))
    close(two.bias.grad, to_first.sum((0, 1)))
    close(one.bias.grad, (to_first @ w2).sum((0, 1)))


def backward(module: Any, x: Array) -> tuple[Any, Any, Array]:
    """Run 3 bits forward and backward; give trace and artifact, and the gradient of the output."""
    grad = np.random.default_rng(6).normal(size=(*x.shape[:2], 3))
    quantized = snnc.quantized_module(module, weight_bits=3)
    (quantized(torch.from_numpy(x)) * torch.from_numpy(grad)).sum().backward()
    artifact = snnc.compile(module, weight_bits=3)
    trace = artifact.run(x, record=("spikes", "v"))
    assert 0.05 < trace.spikes["1"].mean() < 0.6
    return trace, artifact, grad


def of_layer(artifact: Any, module: Any, place: int) -> tuple[Array, Array]:
    """Give the rounded weights and the bias of the layer before the neurons at ``place + 1``."""
    return rounded(artifact, f"{place + 1}"), module[place].bias.detach().numpy()


def by_hand(
    artifact: Any, trace: Any, layer: str, x: Array, grad: Array, weights: tuple[Array, Array]
) -> Array:
    """Give the gradient of a layer's input of that of its spikes, shape ``[steps, batch, n]``.

    The reset carries no gradient in snnTorch; its slope is ``1 / (slope |v - theta| + 1)^2`` of the
    potential that the framework computes from exact ones of the step before.
    """
    p = artifact.required_fixed.population(layer)
    v: Array = trace.v[layer] / p.scale
    theta = 0.5
    before = np.concatenate((np.zeros_like(v[:1]), v[:-1]))
    reset = np.concatenate((np.zeros_like(v[:1]), trace.spikes[layer][:-1]))
    soft = BETA * before + x @ weights[0].T + weights[1] - reset * theta
    slope = 1 / (SLOPE * np.abs(soft - theta) + 1) ** 2
    result: Array = np.zeros_like(v)
    carried: Array = np.zeros(v.shape[1:])
    for t in reversed(range(len(v))):
        carried = grad[t] * slope[t] + BETA * carried
        result[t] = carried
    return result


def test_a_product_of_two_layers_has_gradients() -> None:
    """There are no integers of either; the artifact has those of the product."""
    torch.manual_seed(3)
    module = nn.Sequential(
        nn.Linear(6, 5), nn.Linear(5, 8), snn.Leaky(beta=0.5, threshold=0.2, init_hidden=True)
    )
    quantized = snnc.quantized_module(module, weight_bits=4)
    (output,) = assert_exact(module, quantized, spikes(10, 3, 6), weight_bits=4)
    output.sum().backward()
    assert all(bool(p.grad.any()) for p in module.parameters())


def test_the_gradient_is_taken_at_the_integers_that_enter() -> None:
    torch.manual_seed(2)
    leaky = snn.Leaky(beta=BETA, reset_mechanism="none", init_hidden=True, output=True)
    module = Potential(nn.Sequential(nn.Linear(6, 4), leaky))
    x = np.random.default_rng(1).random((8, 4, 6)).astype(np.float32)
    quantized = snnc.quantized_module(module, input_shape=(6,), calibration=x)
    quantized(torch.from_numpy(x)).sum().backward()
    step = float(x.max()) / 127
    traces = filtered(step * np.rint(x / step))
    close(module.layers[0].weight.grad, np.tile(traces.sum((0, 1)), (4, 1)))
    assert np.abs(traces.sum((0, 1)) - filtered(x).sum((0, 1))).max() > 0.01


def test_training_mode_changes_no_gradient() -> None:
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Linear(6, 8),
        nn.BatchNorm1d(8),
        nn.Dropout(0.5),
        snn.Leaky(beta=0.5, threshold=0.2, init_hidden=True),
    )
    quantized, x = snnc.quantized_module(module), torch.from_numpy(spikes(10, 3, 6))
    found: list[Any] = []
    for training in (True, False):
        module.zero_grad()
        quantized.train(training)(x).sum().backward()
        found.append([p.grad.clone() for p in module.parameters()])
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_without_gradients() -> None:
    module, x = two_layers(), torch.from_numpy(spikes(10, 3, 6))
    quantized = snnc.quantized_module(module, weight_bits=4)
    with torch.no_grad():
        output = quantized(x)
    assert not output.requires_grad
    assert torch.equal(output, quantized(x))
