"""A quantized module gives what the artifact gives, bit for bit, and trains the user's module."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

import copy
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

import snnc
from snnc.compiler.diagnostics import InputError
from tests.end_to_end.models import MODELS, made
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
surrogate = optional("snntorch.surrogate")

pytestmark = pytest.mark.torch

Array = npt.NDArray[Any]
SLOPE = 25
BETA = 0.875


def spikes(*shape: int, rate: float = 0.4) -> Array:
    return (np.random.default_rng(5).random(shape) < rate).astype(np.float32)


def outputs_of(returned: Any) -> list[Any]:
    return [*returned.values()] if isinstance(returned, dict) else [returned]


def assert_exact(module: Any, quantized: Any, x: Array, **options: Any) -> list[Any]:
    """Hold every output of ``quantized`` against the artifact of ``module``; give them."""
    artifact = snnc.compile(module, **options)
    wanted = artifact.run(x).outputs
    returned = quantized(torch.from_numpy(x))
    assert not isinstance(returned, dict) or list(returned) == list(wanted)
    for values, array in zip(outputs_of(returned), wanted.values(), strict=True):
        assert values.dtype == torch.float32
        np.testing.assert_array_equal(values.detach().numpy(), array)
        assert array.any(), "an output of zeros tells nothing"
    return outputs_of(returned)


def loss_of(outputs: list[Any]) -> Any:
    """A loss that draws every output to where it is not, so that steps change many weights."""
    return sum(((values.mean(0) - 0.7) ** 2).sum() for values in outputs)


@pytest.mark.norse
@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("name", MODELS)
def test_the_artifact_before_and_after_steps(name: str, bits: int) -> None:
    module, x = made(name)
    options: dict[str, Any] = {"weight_bits": bits, "calibration": x, "input_shape": x.shape[2:]}
    quantized = snnc.quantized_module(module, **options)
    optimizer = torch.optim.Adam(quantized.parameters(), lr=0.02)
    before = copy.deepcopy(module.state_dict())
    for _ in range(2):
        outputs = assert_exact(module, quantized, x, **options)
        optimizer.zero_grad()
        loss_of(outputs).backward()
        for path, parameter in module.named_parameters():
            assert bool(parameter.grad.isfinite().all()), path
            assert bool(parameter.grad.any()), f"no gradient reaches {path}"
        optimizer.step()
    assert any(not torch.equal(before[n], v) for n, v in module.state_dict().items())
    with torch.no_grad():
        assert_exact(module, quantized, x, **options)


def over_time() -> Any:
    """Layers of norse that run all steps, one of which records its states."""
    norse = optional("norse.torch")
    fast = norse.LIFParameters(
        tau_mem_inv=torch.tensor(300.0), tau_syn_inv=torch.tensor(400.0), v_th=torch.tensor(0.3)
    )
    torch.manual_seed(3)
    return norse.SequentialState(
        norse.Lift(nn.Linear(20, 16)),
        norse.LIF(fast, record_states=True),
        norse.LIFRecurrent(16, 12, fast),
        nn.Linear(12, 10),
        norse.LIFRefracRecurrent(10, 8, norse.LIFRefracParameters(fast, torch.tensor(2.0))),
        norse.Lift(nn.Linear(8, 5)),
        norse.LI(),
    )


@pytest.mark.norse
@pytest.mark.parametrize("bits", [8, 3])
def test_layers_that_run_all_steps(bits: int) -> None:
    module, x = over_time(), spikes(20, 6, 20)
    quantized = snnc.quantized_module(module, input_shape=(20,), weight_bits=bits)
    outputs = assert_exact(module, quantized, x, input_shape=(20,), weight_bits=bits)
    loss_of(outputs).backward()
    assert all(bool(p.grad.any()) for p in module.parameters())
    assert module[1].record_states


class Deep(nn.Module if nn else object):  # type: ignore[misc]
    """66 layers, and a skip over 64 of them, which hardware delays cannot balance alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.ModuleList(nn.Linear(2, 2) for _ in range(66))
        self.lif = nn.ModuleList(snn.Leaky(BETA, threshold=0.3) for _ in self.fc)

    def forward(self, x: Any) -> Any:
        states, out = [lif.init_leaky() for lif in self.lif], []
        for step in x:
            sent = [step]
            for k, (fc, lif) in enumerate(zip(self.fc, self.lif, strict=True)):
                current = fc(sent[-1]) + fc(sent[1]) if k == 65 else fc(sent[-1])
                spike, states[k] = lif(current, states[k])
                sent.append(spike)
            out.append(sent[-1])
        return torch.stack(out)


@pytest.mark.slow
def test_a_skip_that_relays_carry() -> None:
    """The module runs the integers before lags and relays, the artifact those behind."""
    module, x = Deep(), spikes(30, 4, 2)
    artifact = snnc.compile(module, input_shape=(2,))
    assert [r["relays"] for r in artifact.account["relays"]] == [["lif.0.relay1"]]
    outputs = assert_exact(
        module, snnc.quantized_module(module, input_shape=(2,)), x, input_shape=(2,)
    )
    loss_of(outputs).backward()
    assert bool(module.fc[0].weight.grad.any())


class Decoded(nn.Module if nn else object):  # type: ignore[misc]
    """A loop over all steps, the batch first, that returns the sum of what a layer gives."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif = nn.Linear(20, 30), snn.Synaptic(alpha=0.5, beta=0.75, threshold=0.4)
        self.fc2 = nn.Linear(30, 4)

    def forward(self, x: Any) -> Any:
        syn, mem = self.lif.init_synaptic()
        total = 0
        for step in range(x.shape[1]):
            spk, syn, mem = self.lif(self.fc1(x[:, step]), syn, mem)
            total = total + self.fc2(spk)
        return total


def test_all_steps_of_a_model_that_sums_them() -> None:
    torch.manual_seed(4)
    module, x = Decoded(), spikes(12, 5, 20)
    quantized = snnc.quantized_module(module, weight_bits=4)
    (output,) = assert_exact(module, quantized, x, weight_bits=4)
    assert output.shape == (12, 5, 4)
    output.sum().backward()
    assert all(bool(p.grad.any()) for p in module.parameters())


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


def two_layers(threshold: float = 0.5) -> Any:
    spike = surrogate.fast_sigmoid(slope=SLOPE)
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(6, 8),
        snn.Leaky(beta=BETA, init_hidden=True, threshold=threshold, spike_grad=spike),
        nn.Linear(8, 3),
        snn.Leaky(beta=BETA, init_hidden=True, threshold=threshold, spike_grad=spike, output=True),
    )


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


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_fine_tuning_lowers_the_loss(reset: str) -> None:
    """Three classes, each with two inputs that spike often, at weights of -1, 0 and 1."""
    torch.manual_seed(1)
    options = {"beta": BETA, "threshold": 0.5, "init_hidden": True, "reset_mechanism": reset}
    module = nn.Sequential(
        nn.Linear(6, 16), snn.Leaky(**options), nn.Linear(16, 3), snn.Leaky(**options)
    )
    labels = np.arange(30) % 3
    rates = 0.1 + 0.6 * (np.arange(6) // 2 == labels[:, None])
    x = (np.random.default_rng(2).random((12, 30, 6)) < rates).astype(np.float32)
    quantized = snnc.quantized_module(module, weight_bits=2)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    losses: list[float] = []
    for _ in range(30):
        spikes = quantized(torch.from_numpy(x))
        loss = nn.functional.cross_entropy(10 * spikes.mean(0), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    predictions = snnc.compile(module, weight_bits=2).run(x).predictions
    assert (predictions == labels).mean() > 0.9


@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_left_as_it_was(training: bool) -> None:
    module = nn.Sequential(
        nn.Conv1d(2, 4, 3),
        nn.BatchNorm1d(4),
        nn.Dropout(0.5),
        snn.Leaky(beta=0.5, threshold=0.2, init_hidden=True),
        nn.Flatten(),
        nn.Linear(24, 3),
        snn.Leaky(beta=0.5, threshold=0.2, init_hidden=True),
    )
    module.train(training)
    module[2].eval()
    module[3].mem = kept = torch.ones(7)
    state, flags = copy.deepcopy(module.state_dict()), [m.training for m in module.modules()]
    names = [set(vars(m)) for m in module.modules()]
    x = spikes(10, 4, 2, 8)
    quantized = snnc.quantized_module(module, input_shape=(2, 8))
    assert quantized.training is training
    first = quantized(torch.from_numpy(x))
    assert torch.equal(first, quantized(torch.from_numpy(x))), "dropout is off, states begin anew"
    assert_exact(module, quantized, x, input_shape=(2, 8))
    first.sum().backward()
    assert [m.training for m in module.modules()] == flags
    assert [set(vars(m)) for m in module.modules()] == names
    assert module[3].mem is kept
    for name, values in module.state_dict().items():
        assert torch.equal(values, state[name]), name


def test_parameters_are_shared_and_states_go_either_way() -> None:
    module, other = two_layers(), two_layers(threshold=1.0)
    quantized = snnc.quantized_module(module)
    assert [*map(id, quantized.parameters())] == [*map(id, module.parameters())]
    assert list(quantized.state_dict()) == list(module.state_dict())
    outer = nn.ModuleDict({"inner": quantized, "head": nn.Linear(3, 2)})
    assert set(outer.state_dict()) == {
        *(f"inner.{name}" for name in module.state_dict()),
        "head.weight",
        "head.bias",
    }
    with torch.no_grad():
        other[0].weight.fill_(0.25)
    quantized.load_state_dict(other.state_dict())
    assert bool((module[0].weight == 0.25).all())
    outer.load_state_dict({n: 0 * v + 1 for n, v in outer.state_dict().items()})
    assert bool((module[0].weight == 1).all())
    other.load_state_dict(quantized.state_dict())
    apart: Any = copy.deepcopy(quantized)
    with torch.no_grad():
        apart.module[0].weight.zero_()
    assert bool((module[0].weight == 1).all())


def test_weights_that_two_layers_share() -> None:
    module = two_layers()
    module[0], module[2] = nn.Linear(6, 6), nn.Linear(6, 6)
    module[2].weight = module[0].weight
    x = spikes(10, 3, 6)
    quantized = snnc.quantized_module(module, weight_bits=4)
    (output,) = assert_exact(module, quantized, x, weight_bits=4)
    output.sum().backward()
    assert bool(module[0].weight.grad.any())


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


def test_the_size_of_a_spike() -> None:
    """An output is 0 or 1, as the artifact has it; behind it a spike counts for its size."""
    module, x = two_layers(), spikes(12, 4, 6)
    for layer in (module[1], module[3]):
        layer.graded_spikes_factor = nn.Parameter(torch.tensor(1.5))
    quantized = snnc.quantized_module(module, weight_bits=5)
    (output,) = assert_exact(module, quantized, x, weight_bits=5)
    assert set(output.detach().unique().tolist()) == {0, 1}
    output.sum().backward()
    assert float(module[1].graded_spikes_factor.grad) != 0
    of_larger, module[2].weight.grad = module[2].weight.grad, None
    module[3].graded_spikes_factor = nn.Parameter(torch.tensor(1.0))
    quantized(torch.from_numpy(x)).sum().backward()
    torch.testing.assert_close(module[2].weight.grad, of_larger)


def test_real_values_enter_as_integers() -> None:
    module = two_layers(threshold=0.2)
    x = np.random.default_rng(1).random((8, 4, 6)).astype(np.float32)
    quantized = snnc.quantized_module(module, calibration=x)
    given = torch.from_numpy(x).requires_grad_()
    assert_exact(module, quantized, x, calibration=x)
    quantized(given).sum().backward()
    assert bool(given.grad.any())


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


def refusal(x: Any, module: Any = None) -> str:
    quantized = snnc.quantized_module(two_layers() if module is None else module)
    with pytest.raises(InputError) as caught:
        quantized(x)
    return str(caught.value)


def test_neurons_without_a_surrogate() -> None:
    module = two_layers()
    module[1] = snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True, surrogate_disable=True)
    x = torch.from_numpy(spikes(10, 3, 6))
    assert refusal(x, module) == (
        "error[SNN323]: neurons that are trained pass a gradient on\n"
        "  --> 1\n"
        "   found: spikes without a gradient\n"
        "   limit: a spike function with a surrogate gradient\n"
        "  remedy: make the layer with a surrogate of its framework; to compute without gradients, "
        "call the module within torch.no_grad()"
    )
    with torch.no_grad():
        assert_exact(module, snnc.quantized_module(module), x.numpy())


def test_data_are_held_to_what_the_artifact_takes() -> None:
    assert "error[SNN503]" in refusal(torch.full((4, 2, 6), 0.5))
    assert "error[SNN502]" in refusal(torch.zeros(4, 6))
    assert "error[SNN502]" in refusal(torch.zeros(4, 2, 7))


def test_what_cannot_be_compiled_is_told_at_once() -> None:
    with pytest.raises(InputError, match="SNN004"):
        snnc.quantized_module(two_layers(), weight_bits=9)
    with pytest.raises(InputError, match="SNN004"):
        snnc.quantized_module("net.py:network")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="SNN112"):
        snnc.quantized_module(nn.Sequential(nn.Linear(6, 3), nn.ReLU()))


def test_weights_that_training_has_made_unusable_are_told() -> None:
    module = two_layers()
    quantized = snnc.quantized_module(module)
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    with pytest.raises(InputError, match="SNN105"):
        quantized(torch.from_numpy(spikes(10, 3, 6)))


@pytest.mark.parametrize("x", [None, "x.npy", [[1, 2], [3]], {"input": spikes(3, 2, 4)}])
def test_data_that_are_no_tensor(x: Any) -> None:
    quantized = snnc.quantized_module(small())
    with pytest.raises(InputError) as caught:
        quantized(x)
    assert str(caught.value) == (
        "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input\n"
        "  --> input\n"
        f"   found: a {type(x).__name__} that torch makes no tensor of\n"
        "   limit: a tensor or an array of real numbers, [steps, batch, *shape]\n"
        "  remedy: give the data of the network's only input as one tensor"
    )


def test_complex_data_are_refused() -> None:
    quantized = snnc.quantized_module(small())
    with pytest.raises(InputError, match=r"data of type torch\.complex64"):
        quantized(torch.from_numpy(spikes(3, 2, 4)).to(torch.complex64))


def test_what_is_quantized_already_is_refused() -> None:
    quantized = snnc.quantized_module(small())
    for use in (snnc.quantized_module, snnc.compile):
        with pytest.raises(InputError) as caught:
            use(quantized)
        assert str(caught.value) == (
            "error[SNN004]: options have a value in their range and fit together\n"
            "  --> module\n"
            "   found: a module that snnc.quantized_module made\n"
            "   limit: a torch.nn.Module\n"
            "  remedy: give the module that it was made of, which is trained with it: its .module"
        )
    snnc.compile(cast("Any", quantized).module)


def small() -> Any:
    return nn.Sequential(nn.Linear(4, 3), snn.Leaky(beta=BETA, init_hidden=True))
