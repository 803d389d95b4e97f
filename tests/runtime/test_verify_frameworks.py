"""Verification beside the trained module in its framework, and on Lava itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from snnc.frontends.spec import load_model
from snnc.runtime.verify import verify
from tests.runtime.conftest import Snnc
from tests.runtime.samples import artifact, data

MODULE = """
import snntorch, torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed({seed})
        self.fc = nn.Linear(6, 5)
        self.lif = snntorch.Leaky(beta=0.9, threshold=0.4)
        self.out = nn.Linear(5, 3)
        self.last = snntorch.Leaky(beta=0.8, threshold=0.3)

    def forward(self, x, mem=None, mem2=None):
        mem = self.lif.init_leaky() if mem is None else mem
        mem2 = self.last.init_leaky() if mem2 is None else mem2
        spikes, mem = self.lif(self.fc(x), mem)
        spikes, mem2 = self.last(self.out(spikes), mem2)
        return spikes, mem, mem2


def net():
    return Net()
"""


@pytest.mark.torch
def test_framework_link_from_a_spec(here: Path, snnc: Snnc) -> None:
    Path("net.py").write_text(MODULE.format(seed=1))
    ended = snnc(
        *("verify", "net.py:net", "--input", "x.npy", "--labels", "y.npy", "--report", "r"),
        *("--targets", "integer", "--max-drop", "100"),
    )
    assert ended.code == 0, ended.err
    row = ended.out.splitlines()[3]
    assert row.split()[:2] == ["float", row.split()[1]]
    assert "framework: spikes  0 of " in row
    assert ended.out.splitlines()[-2] == (
        "equivalent: 2 promises kept: framework -> float, float -> integer."
    )
    assert (here / "r" / "report.html").is_file()


GRADED = """
import snntorch, torch
from torch import nn


def net():
    torch.manual_seed(0)
    factor = torch.tensor([1, 0.1, 5, 2, -3.0])
    last = snntorch.Leaky(beta=0.9, threshold=0.2, graded_spikes_factor=factor, init_hidden=True)
    return nn.Sequential(nn.Linear(6, 5), last)
"""


@pytest.mark.torch
@pytest.mark.usefixtures("here")
def test_accuracy_of_graded_spikes_is_that_of_the_model(lava: list[Any]) -> None:
    import torch

    assert lava == []
    Path("graded.py").write_text(GRADED)
    module = load_model("graded.py:net")
    with torch.no_grad():
        steps = [module(x) for x in torch.tensor(data())]
    answers = torch.stack(steps).sum(0).argmax(1).numpy()
    unweighted = (torch.stack(steps) != 0).sum(0).argmax(1).numpy()
    assert (answers != unweighted).any()
    report = verify(module, data(), labels=answers, max_drop=100)
    names = ["framework", "float", "integer", "lava"]
    assert [e.name for e in report.executions] == names
    assert [e.accuracy for e in report.executions][:2] == [1, 1]
    integer, on_lava = (e.accuracy for e in report.executions[2:])
    assert integer == on_lava
    assert all(e.accuracy_by_step[-1] == e.accuracy for e in report.executions)


@pytest.mark.torch
def test_another_module_is_found_out(here: Path, snnc: Snnc) -> None:
    Path("net.py").write_text(MODULE.format(seed=1))
    Path("other.py").write_text(MODULE.format(seed=2))
    assert snnc("import", "net.py:net", "-o", "net.nir").code == 0
    assert (here / "net.nir").is_file()
    ended = snnc(
        *("verify", "net.nir", "--model", "other.py:net", "--input", "x.npy", "--report", "r"),
        *("--targets", "integer"),
    )
    assert ended.code == 1
    last = ended.out.splitlines()[-6:]
    assert any(x.startswith("first divergence: step 0, sample 0, population ") for x in last)
    assert last[-2].startswith("not equivalent: framework -> float: ")


OTHER_MODULES = {
    "names": (
        [("self.lif", "self.first"), ("self.last", "self.second")],
        "first [5], second [3]",
        "last [3], lif [5]",
    ),
    "one name": ([("self.lif", "self.first")], "first [5]", "lif [5]"),
    "sizes": ([("(6, 5)", "(6, 7)"), ("(5, 3)", "(7, 3)")], "lif [7]", "lif [5]"),
    "an output less": ([("(5, 3)", "(5, 2)")], "last [2]", "last [3]"),
}


@pytest.mark.torch
@pytest.mark.parametrize("case", OTHER_MODULES)
def test_a_module_of_other_populations_is_refused(case: str, here: Path, snnc: Snnc) -> None:
    changes, found, limit = OTHER_MODULES[case]
    other = MODULE
    for old, new in changes:
        other = other.replace(old, new)
    Path("net.py").write_text(MODULE.format(seed=1))
    Path("other.py").write_text(other.format(seed=1))
    assert snnc("import", "net.py:net", "-o", "net.nir").code == 0
    ended = snnc(
        *("verify", "net.nir", "--model", "other.py:net", "--input", "x.npy", "--report", "r"),
        *("--targets", "integer"),
    )
    assert (ended.code, ended.out, (here / "r").exists()) == (2, "", False)
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --model\n"
        f"   found: a module of other populations: {found}\n"
        f"   limit: the module that the network was made from: {limit}\n"
        "  remedy: name the trained module itself with --model, or compile this one\n"
    )


@pytest.mark.lava
def test_lava_computes_what_the_integers_say(here: Path, snnc: Snnc) -> None:
    artifact("lava").save("on_lava")
    ended = snnc("verify", "on_lava", "--input", "x.npy", "--labels", "y.npy", "--report", "r")
    assert ended.code == 0, ended.err
    assert "lava     " in ended.out
    assert "integer: spikes, u, v  0 of 1,584" in ended.out
    assert (here / "r" / "report.json").is_file()
