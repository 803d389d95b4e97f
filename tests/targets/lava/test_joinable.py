"""Which artifacts can be Lava processes of a user's network, and how their ports are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnc
from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.targets.lava import join
from snnc.targets.lava.forms import Form
from snnc.targets.lava.runner import load_process, packages
from snnc.targets.lava.runner.faults import BadInput, ProcessFault
from snnc.targets.lava.runner.joinable import identifiers
from tests.targets.lava.networks import artifact, population, projection, write_artifact

START = """\
error[SNN004]: options have a value in their range and fit together
  --> start=
   found: -1
   limit: a number of hardware steps, 0 or more
  remedy: start=0"""

PERIOD = """\
error[SNN004]: options have a value in their range and fit together
  --> period=
   found: 4
   limit: hardware steps, more than the 4 of rest in each period
  remedy: period=5 or more, or None"""

TARGET = """\
error[SNN405]: an artifact can be a process in a network of Lava processes
  --> {directory}
   found: an artifact for target integer
   limit: one for target lava
  remedy: snnc compile MODEL --target lava -o DIR"""

READ_OUT = """\
error[SNN405]: an artifact can be a process in a network of Lava processes
  --> out
   found: the potential of a read-out, and form stock
   limit: Lava's own neurons send spikes only
  remedy: compile with --lava mixed, or probe the potential with Lava's means"""

DELAY = """\
error[SNN004]: options have a value in their range and fit together
  --> x
   found: a projection that delays, start= or period=, and form stock
   limit: Lava has no process that keeps out what is sent before or between samples
  remedy: leave start= and period= out, or compile with --lava mixed"""

ABSENT = """\
error[SNN501]: the packages that a run needs are installed
  --> target lava
   found: no lava-nc
   limit: lava-nc 0.10.0 with asteval, networkx, numpy, safetensors, scipy
  remedy: pip install 'snnc[lava]' and then pip install --no-deps --ignore-requires-python \
lava-nc==0.10.0"""

FULL = """\
error[SNN002]: the place that is named can be written
  --> {directory}
   found: No space left on device
   limit: a place where this user may write, with room left
  remedy: name another place with TMPDIR, or free this one"""


def network() -> FixedNetwork:
    """Give a read-out behind a projection that delays by three steps more than it must."""
    return FixedNetwork(
        inputs=(FixedInput("x", (1,)),),
        populations=(population("v", (1,), FixedReset.NONE, 1, spiking=False),),
        projections=(projection("x", "v", np.array([[3]]), delay=5),),
        outputs=(Output("out", "v"),),
        dt=1e-3,
    )


def message(directory: Path, **options: Any) -> str:
    with pytest.raises(InputError) as error:
        snnc.load_process(directory, **options)
    return str(error.value)


def bad_input(directory: Path, **options: Any) -> str:
    with pytest.raises(BadInput) as error:
        load_process(directory, **options)
    return str(error.value)


@pytest.mark.lava
def test_options(tmp_path: Path) -> None:
    """All that is wrong is told at once; within an artifact in a line for each."""
    write_artifact(tmp_path, network())
    assert message(tmp_path, start=-1, period=4) == f"{START}\n\n{PERIOD}"
    assert bad_input(tmp_path, start=-1, period=4) == (
        f"{tmp_path}: start=: -1; a number of hardware steps, 0 or more; start=0\n"
        f"{tmp_path}: period=: 4; hardware steps, more than the 4 of rest in each period; "
        "period=5 or more, or None"
    )
    for value in (True, 2.0, "3"):
        assert f"found: {value!r}\n" in message(tmp_path, start=value)
        assert f"found: {value!r}\n" in message(tmp_path, period=value)


@pytest.mark.lava
def test_what_stock_cannot_do(tmp_path: Path) -> None:
    write_artifact(tmp_path, network(), Form.STOCK)
    assert message(tmp_path) == READ_OUT
    assert message(tmp_path, start=2) == f"{READ_OUT}\n\n{DELAY}"
    assert message(tmp_path, period=9) == f"{READ_OUT}\n\n{DELAY}"


def test_artifact_of_another_target(tmp_path: Path) -> None:
    replace(artifact(network()), target="integer").save(tmp_path)
    assert message(tmp_path) == TARGET.format(directory=tmp_path)


@pytest.mark.lava
def test_damaged_artifact(tmp_path: Path) -> None:
    write_artifact(tmp_path, network())
    (tmp_path / "weights.safetensors").write_bytes(b"")
    assert bad_input(tmp_path) == (
        f"{tmp_path}/weights.safetensors: not as manifest.json describes it; "
        "compile the model again"
    )
    assert "error[SNN504]" in message(tmp_path)
    assert "error[SNN001]" in message(tmp_path / "nowhere")
    assert bad_input(tmp_path / "nowhere") == (
        f"{tmp_path}/nowhere/manifest.json: No such file or directory"
    )


def test_absent_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_artifact(tmp_path, network())
    monkeypatch.setattr(packages, "problem", lambda: "no lava-nc")
    with pytest.raises(EnvironmentFault) as fault:
        snnc.load_process(tmp_path)
    assert str(fault.value) == ABSENT
    with pytest.raises(ProcessFault, match=r"^no lava-nc: pip install asteval networkx scipy and"):
        load_process(tmp_path)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(directory: Path, *_: object) -> None:
        raise OSError(28, "No space left on device", str(directory / "program.json"))

    write_artifact(tmp_path, network())
    monkeypatch.setattr(packages, "problem", lambda: None)
    monkeypatch.setattr(join, "write_program", fail)
    with pytest.raises(EnvironmentFault) as fault:
        snnc.load_process(tmp_path)
    (told,) = fault.value.diagnostics
    assert str(told) == FULL.format(directory=told.node)


def test_identifiers() -> None:
    """A name stays where it can; one that is made up is no name of the model either."""
    taken = {"run", "stop"}
    names = ["x", "a.b", "input_1", "class", "run", "_x", "ß", "", "x\n", "__class__"]
    found = dict(identifiers("input", names, taken))
    assert found == {
        "x": "x",
        "a.b": "input_2",
        "input_1": "input_1",
        "class": "input_3",
        "run": "input_4",
        "_x": "input_5",
        "ß": "input_6",
        "": "input_7",
        "x\n": "input_8",
        "__class__": "input_9",
    }
    assert dict(identifiers("output", ["x", "y"], taken)) == {"x": "output_1", "y": "y"}
