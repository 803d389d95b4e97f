"""Loading an artifact that was forged: hashes are right, contents are not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from tests.targets.artifacts import SAYS, broken, edit_manifest, refusal, text


def forge(path: Path, name: str, content: bytes) -> None:
    """Replace a member and put its size and hash into the manifest."""
    (path / name).write_bytes(content)
    members = json.loads((path / "manifest.json").read_text())["members"]
    members[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit_manifest(path, members=members)


def forge_program(path: Path, change: Callable[[Any], object]) -> None:
    program = json.loads((path / "program.json").read_text())
    change(program)
    forge(path, "program.json", json.dumps(program).encode())


def forge_tensor(path: Path, name: str, value: Any) -> None:
    tensors = load_tensors((path / "weights.safetensors").read_bytes())
    tensors[name] = np.array(value, tensors[name].dtype).reshape(np.shape(value))
    forge(path, "weights.safetensors", save_tensors(tensors))


FORGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no object": (
        lambda p: forge(p, "program.json", b"[]"),
        "FixedNetwork: an object is expected, not []",
    ),
    "no JSON": (
        lambda p: forge(p, "program.json", b"{"),
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "no text": (
        lambda p: forge(p, "program.json", b'"\xff"'),
        "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte",
    ),
    "too deep": (
        lambda p: forge(p, "program.json", b"[" * 200_000),
        "a record nested too deeply",
    ),
    "text for a number": (
        lambda p: forge_program(p, lambda d: d["populations"][0].update(lag="1")),
        "FixedNetwork.populations[0].lag: int is expected, not '1'",
    ),
    "an unknown reset": (
        lambda p: forge_program(p, lambda d: d["populations"][0].update(reset="soft")),
        "FixedNetwork.populations[0].reset: 'soft' is none of none, zero, zero-next, subtract, "
        "subtract-delayed, subtract-retest",
    ),
    "no delay": (
        lambda p: forge_program(p, lambda d: d["projections"][0].update(delay=0)),
        "program.json: a projection without the delay that hardware takes",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_records(case: str, saved: Path) -> None:
    touch, found = FORGED[case]
    touch(saved)
    assert refusal(saved) == broken(saved, found)


def test_forged_tensors(saved: Path) -> None:
    forge(saved, "weights.safetensors", b"\xff" * 64)
    message = refusal(saved)
    assert message.startswith(f"error[SNN504]: {SAYS['SNN504']}\n  --> {saved}\n   found: ")
    assert message.endswith(broken(saved, "").partition("found: ")[2])


RANGES: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "dv": (
        lambda p: forge_tensor(p, "program.populations.0.dv", [4097]),
        "lif",
        "dv: 4097 to 4097",
        "0 to 4096",
    ),
    "threshold": (
        lambda p: forge_tensor(p, "program.populations.0.threshold", [-1]),
        "lif",
        "threshold: -1 to -1",
        "0 to 131071",
    ),
    "delay": (
        lambda p: forge_program(p, lambda d: d["projections"][0].update(delay=10**6)),
        "fc",
        "delay: 1e+06 to 1e+06",
        "0 to 100000",
    ),
    "weight_exp": (
        lambda p: forge_program(p, lambda d: d["projections"][0].update(weight_exp=9)),
        "fc",
        "weight_exp: 9 to 9",
        "-7 to 7",
    ),
    "max_abs": (
        lambda p: forge_program(p, lambda d: d["inputs"][0].update(max_abs=2**24)),
        "lif",
        "synaptic input: up to 2.63e+13",
        "2147483647: Lava's ports are 32 bits wide",
    ),
    "step": (
        lambda p: forge_program(p, lambda d: d["inputs"][0].update(step=float("nan"))),
        "x",
        "step: nan",
        "above 0",
    ),
}


@pytest.mark.parametrize("case", RANGES)
def test_forged_ranges(case: str, saved: Path) -> None:
    touch, node, found, limit = RANGES[case]
    touch(saved)
    assert refusal(saved) == text(
        "SNN105", node, found, limit, "correct the parameter in the model"
    )


def test_forged_names(saved: Path) -> None:
    forge_program(saved, lambda d: d["outputs"][0].update(source="x"))
    assert refusal(saved) == text(
        "SNN106", "out", "no population 'x'", "a population", "correct the edges of the graph"
    )
