"""Who cuts graphs of neurons, as a user asks for it."""

from __future__ import annotations

import json

import pytest

from snnc.targets.artifact import load
from tests.runtime.conftest import Snnc

pytestmark = pytest.mark.usefixtures("here")

COMPILE = ("compile", "model.nir", "--dt", "1e-4", "-o", "a", "--target", "cpu")
WRONG = """\
error[SNN004]: options have a value in their range and fit together
  --> --partitioner
   found: {}
   limit: {}
  remedy: {}
"""
ABSENT = """\
error[SNN501]: the packages that a run needs are installed
  --> --partitioner mtkahypar
   found: mtkahypar is not installed
   limit: METIS comes with snnc; other partitioners are extras
  remedy: pip install 'snnc[mtkahypar]'
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--partitioner", "kahypar", "--hardware", "loihi1"),
            ("kahypar", "metis, mtkahypar", "--partitioner mtkahypar"),
        ),
        (
            ("--partitioner", "zoltan", "--hardware", "loihi1"),
            ("zoltan", "metis, mtkahypar", "--partitioner metis"),
        ),
        (
            ("--partitioner", "metis"),
            (
                "metis, and no --hardware",
                "cores that a network is cut over",
                "--partitioner metis --hardware loihi2",
            ),
        ),
    ],
)
def test_wrong(options: tuple[str, ...], said: tuple[str, ...], snnc: Snnc) -> None:
    ended = snnc(*COMPILE, *options)
    assert ended.code == 2
    assert ended.err.endswith(WRONG.format(*said))


def test_absent(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dict[str, None]().get
    monkeypatch.setattr("snnc.compiler.mapping.partitioners.find_spec", absent)
    ended = snnc(*COMPILE, "--partitioner", "mtkahypar", "--hardware", "loihi1")
    assert ended.code == 3
    assert ended.err.endswith(ABSENT)
    assert snnc(*COMPILE, "--partitioner", "metis", "--hardware", "loihi1").code == 0


def test_named(snnc: Snnc) -> None:
    pytest.importorskip("mtkahypar")
    ended = snnc(*COMPILE, "--partitioner", "mtkahypar", "--hardware", "loihi1", "--json")
    assert json.loads(ended.out)["cores"] == 1
    assert load("a").options["partitioner"] == "mtkahypar"
