"""Fine-tuning on the very integers: what a module gives forwards."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import snnc
from tests.end_to_end.models import MODELS, made
from tests.frontends.optional import optional
from tests.runtime.trained import (
    BETA,
    assert_exact,
    nn,
    snn,
    spikes,
    torch,
    two_layers,
)

pytestmark = pytest.mark.torch


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
