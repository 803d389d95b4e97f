"""The stock form from the model on: compiled, run and verified, or refused with what works."""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnc
from snnc.runtime.cli import main
from tests.end_to_end.models import Array
from tests.end_to_end.test_end_to_end import assert_proven
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = [pytest.mark.torch, pytest.mark.norse, pytest.mark.onnx, pytest.mark.lava]


def inputs(*shape: int, rate: float = 0.4) -> Array:
    return (np.random.default_rng(0).random((40, 4, *shape)) < rate).astype(np.float32)


def weighed(module: Any, gain: float = 2.0) -> Any:
    """Give weights and biases that let every population spike."""
    generator = torch.Generator().manual_seed(3)
    for p in module.parameters():
        fan_in = p[0].numel()  # 1 of a bias
        size = gain / fan_in**0.5 if p.ndim > 1 else 0.2
        p.data = (torch.rand(p.shape, generator=generator) - (0.4 if p.ndim > 1 else 0)) * size
    return module


def leaky(beta: float = 0.9, **options: Any) -> Any:
    return snn.Leaky(beta=beta, init_hidden=True, **({"reset_mechanism": "zero"} | options))


def dense(**options: Any) -> Any:
    """Give two layers; their time constants differ, as one layer's do not."""
    layers = [nn.Linear(12, 10), leaky(0.9, **options), nn.Linear(10, 4), leaky(0.8, **options)]
    return weighed(nn.Sequential(*layers))


def convolutional(pool: Any) -> Any:
    layers = [nn.Conv2d(1, 4, 3), leaky(), pool, nn.Conv2d(4, 6, 2), leaky(0.8), nn.Flatten()]
    return weighed(nn.Sequential(*layers, nn.Linear(24, 5), leaky()), gain=4.0)


def of_norse() -> Any:
    norse = pytest.importorskip("norse.torch")
    layers = (nn.Linear(12, 10), norse.LIFCell(), nn.Linear(10, 4), norse.LICell())
    return weighed(norse.SequentialState(*layers), gain=20.0)


def read_out() -> Any:
    return weighed(nn.Sequential(nn.Linear(12, 10), leaky(), nn.Linear(10, 4)))


MODELS = {
    "snntorch": (dense, (12,), {"Dense"}),
    "norse": (of_norse, (12,), {"Dense"}),
    "convolution": (lambda: convolutional(nn.AvgPool2d(2)), (1, 8, 8), {"Conv", "Dense", "Sparse"}),
    "read-out": (read_out, (12,), {"Dense"}),
}


@pytest.mark.parametrize("name", MODELS)
def test_verified(name: str, tmp_path: Path) -> None:
    make, shape, synapses = MODELS[name]
    module, x = make(), inputs(*shape)
    program = snnc.compile(module, target="lava", lava="stock", input_shape=shape)
    program.save(tmp_path / "deployed")
    report = snnc.verify(tmp_path / "deployed", x, framework=module)
    assert_proven(report)
    told = str(program.members["lava.json"], "utf-8")
    found = set(re.findall(r'"process": "(\w+)"', told))
    others = {"LIFReset", "SourceRingBuffer", "SinkRingBuffer", "Probe"}
    assert found - others == synapses
    spikes = program.run(x, record=("spikes",)).spikes
    assert all(of.mean() > 0.02 for of in spikes.values()), "no population is silent"


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *options: str) -> str:
    """Give what the command says of a model in ``folder``, which it must refuse."""
    before = sorted(folder.iterdir())
    code = main(["compile", *options, "--target", "lava", "--lava", "stock", "-o", "out"])
    printed = capsys.readouterr()
    assert (code, printed.out, sorted(folder.iterdir())) == (2, "", before)
    return printed.err.removeprefix(f"compiling {options[0]} ...\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(module: Any, *shape: int) -> str:
    """Write the graph of ``module``, and give its name."""
    snnc.write_nir(snnc.from_snntorch(module, input_shape=shape), "model.nir")
    return "model.nir"


def test_default_reset_of_snntorch(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "error[SNN401]: in the stock form Lava's own LIF computes every population\n"
    limit = "reset zero: Lava's LIF has no other (lava/proc/lif/models.py:188-192)"
    remedy = 'train with a reset to zero (snnTorch: reset_mechanism="zero"), or --lava mixed'

    def of(name: str, n: int) -> str:
        found = f"{n} neurons, reset subtract-delayed"
        return f"{rule}  --> {name}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}\n"

    model = written(dense(reset_mechanism="subtract"), 12)
    assert refused(capsys, folder, model) == of("1", 10) + "\n" + of("3", 4)


def test_max_pooling(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = written(convolutional(nn.MaxPool2d(2)), 1, 8, 8)
    assert refused(capsys, folder, model) == (
        "error[SNN402]: in the stock form Lava's own synapses compute every projection\n"
        "  --> 2 + 3\n"
        "   found: max pooling of 2 x 2\n"
        "   limit: sums of weighted inputs: Lava has no process for the largest of several "
        "(lava/proc)\n"
        "  remedy: average pooling in the model, or --lava mixed\n"
    )


def test_remedies_work(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Windows that overlap: products of weights add up to more than 8 bits, and with fewer fit."""
    model = written(convolutional(nn.AvgPool2d(3, stride=1)), 1, 7, 7)
    told = refused(capsys, folder, model)
    assert told.count("error[SNN402]") == 1
    option = re.search(r"remedy: (--weight-bits) (\S+), or (windows.*), or (--lava mixed)\n", told)
    assert option is not None, told
    for form in (("--lava", "stock", *option.groups()[:2]), option[4].split()):
        assert main(["compile", model, "--target", "lava", *form, "-o", "out"]) == 0
        name = form[form.index("--lava") + 1]
        assert f"\nform {name}: " in capsys.readouterr().out


def test_what_the_form_chooses_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = written(read_out(), 12)
    (folder / "options.yaml").write_text("lava: stock\nmax-thresholds: 1\n")
    command = ["compile", model, "--target", "lava", "-o", "out"]
    grouped = (
        "chosen: --max-thresholds 1, for --lava stock: Lava's LIF has one threshold for a "
        "population; snnc inspect tells how many there would be"
    )
    decay = (
        "chosen: dv 4095 for output.readout, for --lava stock: a 4096th of v is left in a step, "
        "and in the model nothing"
    )
    for options, wanted in (
        (["--lava", "stock"], [grouped, decay]),
        (["--config", "options.yaml"], [decay]),
        (["--lava", "mixed"], []),
    ):
        assert main([*command, *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line for line in lines if "for --lava stock" in line] == wanted
    for options, share in ((["--lava", "stock"], "6 of 6 nodes"), (["--lava", "fused"], "0 of 6")):
        assert main([*command, *options]) == 0
        assert f"form {options[1]}: {share}" in capsys.readouterr().out.splitlines()[1]
    assert main(["inspect", "out"]) == 0
    out = capsys.readouterr().out
    assert "\nform fused: 0 of 6 nodes on Lava's own processes\n" in out
    assert "\nn0002  population  Fused    ours   1\n" in out
