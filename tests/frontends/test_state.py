"""Weights from a file, and every file that is refused."""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.spec import load_model
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = pytest.mark.torch

UNFIT = (
    "error[SNN115]: a file of weights holds tensors alone, those of the module that the function "
    "returns"
)
LIMIT = (
    "every parameter and buffer of the module by its name, as torch.save or safetensors writes them"
)
AGAIN = "write it again: torch.save(module.state_dict(), path)"
SOURCE = """\
import snntorch as snn
from torch import nn

def built():
    return nn.Sequential(nn.Linear(3, 2), snn.Leaky(beta=0.5, learn_threshold=True))
"""


def text(head: str, node: object, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "m.py").write_text(SOURCE)
    return f"{tmp_path / 'm.py'}:built"


def trained() -> Any:
    module = nn.Sequential(nn.Linear(3, 2), snn.Leaky(beta=0.25, learn_threshold=True))
    module[1].threshold.data.fill_(3.5)
    return module


def refusal(spec: str, state: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_model(spec, state=state)
    return str(caught.value)


@pytest.mark.parametrize("form", ["plain", "state_dict", "model_state_dict", "safetensors"])
def test_weights_are_loaded(spec: str, tmp_path: Path, form: str) -> None:
    module, state = trained(), tmp_path / f"w.{form}"
    if form == "safetensors":
        optional("safetensors.torch").save_file(module.state_dict(), state)
    else:
        whole = {form: module.state_dict(), "epoch": 3}
        torch.save(module.state_dict() if form == "plain" else whole, state)
    loaded = load_model(spec, state=state)
    wanted = module.state_dict()
    assert loaded.state_dict().keys() == wanted.keys()
    assert all(torch.equal(wanted[name], value) for name, value in loaded.state_dict().items())
    assert float(cast("Any", loaded)[1].beta) == 0.25


def test_a_missing_file(spec: str, tmp_path: Path) -> None:
    assert refusal(spec, tmp_path / "w.pt") == text(
        "error[SNN001]: a file that is named exists and can be read",
        tmp_path / "w.pt",
        "no such file",
        "a file of weights that this user may read",
        "check the path",
    )


def test_weights_of_another_module(spec: str, tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2))
    torch.save(module.state_dict(), tmp_path / "w.pt")
    assert refusal(spec, tmp_path / "w.pt") == text(
        UNFIT,
        tmp_path / "w.pt",
        'Missing key(s) in state_dict: "1.threshold", "1.graded_spikes_factor", '
        '"1.reset_mechanism_val", "1.beta". Unexpected key(s) in state_dict: "1.weight", "1.bias". '
        "size mismatch for 0.weight: copying a param with shape torch.Size([2, 4]) from "
        "checkpoint, the shape in current model is torch.Size([2, 3]).",
        LIMIT,
        "name the function that builds the module that was trained",
    )


def test_complex_numbers_do_not_lose_their_imaginary_part(spec: str, tmp_path: Path) -> None:
    state = trained().state_dict()
    state["0.weight"] = state["0.weight"] + 1j
    torch.save(state, tmp_path / "w.pt")
    assert refusal(spec, tmp_path / "w.pt") == text(
        UNFIT,
        tmp_path / "w.pt",
        "0.weight is torch.complex64",
        "real numbers",
        "save the weights of a model that computes with real numbers",
    )


class Attack:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


def test_no_code_is_run(spec: str, tmp_path: Path) -> None:
    mark, state = tmp_path / "mark", tmp_path / "w.pt"
    torch.save({"0.weight": Attack(mark)}, state)
    told = refusal(spec, state)
    assert not mark.exists()
    assert ", and code of the file is not run\n" in told
    torch.save(nn.Linear(3, 2), state)
    assert refusal(spec, state) == text(
        UNFIT,
        state,
        "an object of torch.nn.modules.linear.Linear, and code of the file is not run",
        LIMIT,
        "save the state dict alone: torch.save(module.state_dict(), path)",
    )


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.model.net."])
def test_a_prefix_of_all_names_is_taken_off(spec: str, tmp_path: Path, prefix: str) -> None:
    wanted = trained().state_dict()
    torch.save({prefix + name: value for name, value in wanted.items()}, tmp_path / "w.pt")
    loaded = load_model(spec, state=tmp_path / "w.pt").state_dict()
    assert all(torch.equal(wanted[name], value) for name, value in loaded.items())


@pytest.mark.parametrize(
    "names", [["module.0.weight", "head.0.weight"], ["module.fc.weight"], ["module"]]
)
def test_a_prefix_that_is_none_stays(spec: str, tmp_path: Path, names: list[str]) -> None:
    torch.save({name: torch.zeros(1) for name in names}, tmp_path / "w.pt")
    unexpected = ", ".join(f'"{name}"' for name in names)
    told = refusal(spec, tmp_path / "w.pt")
    assert f"Unexpected key(s) in state_dict: {unexpected}.\n   limit" in told


@pytest.mark.parametrize(
    ("within", "found"),
    [
        ({"epoch": 3}, "dict, no state dict, with the keys net, epoch"),
        (dict.fromkeys("abcdefg", 1), "dict, no state dict, with the keys net, a, b, c, d, e, ..."),
    ],
)
def test_a_checkpoint_of_other_keys(
    spec: str, tmp_path: Path, within: dict[str, int], found: str
) -> None:
    torch.save({"net": trained().state_dict(), **within}, tmp_path / "w.pt")
    remedy = "save it alone: torch.save(checkpoint['net'], path)"
    assert refusal(spec, tmp_path / "w.pt") == text(UNFIT, tmp_path / "w.pt", found, LIMIT, remedy)


def test_a_directory(spec: str, tmp_path: Path) -> None:
    assert refusal(spec, tmp_path) == text(
        "error[SNN001]: a file that is named exists and can be read",
        tmp_path,
        "a directory",
        "a file of weights that this user may read",
        "check the path",
    )


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_an_empty_file(spec: str, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    told = text(UNFIT, tmp_path / name, "an empty file", LIMIT, AGAIN)
    assert refusal(spec, tmp_path / name) == told


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({}, "dict, no state dict"),
        ([1, 2], "list, no state dict"),
        ({1: 2}, "dict, no state dict, with the keys 1"),
    ],
)
def test_a_file_of_something_else(spec: str, tmp_path: Path, content: object, found: str) -> None:
    torch.save(content, tmp_path / "w.pt")
    assert refusal(spec, tmp_path / "w.pt") == text(UNFIT, tmp_path / "w.pt", found, LIMIT, AGAIN)


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("content", [b"nothing", b"PK\x03\x04" + b"\0" * 50])
def test_damaged_files(spec: str, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    told = refusal(spec, tmp_path / name)
    assert told.startswith(f"{UNFIT}\n  --> {tmp_path / name}\n   found: ")
    assert told.endswith(f"\n   limit: {LIMIT}\n  remedy: {AGAIN}")
