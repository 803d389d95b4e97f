"""Artifacts that are saved, and what is said of those that are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.network import Network
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.targets.artifact import Artifact, load
from tests.builders import one_neuron

SAYS = {
    "SNN001": "a file that is named exists and can be read",
    "SNN002": "the place that is named can be written",
    "SNN003": "the place that is named is free or holds a result of snnc",
    "SNN105": "every parameter is finite and in the range where its equation makes sense",
    "SNN106": "every edge joins two nodes of the graph whose shapes agree",
    "SNN504": "an artifact is whole: every member there, unchanged, and no other",
}


def text(code: str, node: str, found: str, limit: str, remedy: str) -> str:
    return (
        f"error[{code}]: {SAYS[code]}\n"
        f"  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"
    )


def broken(path: Path, found: str) -> str:
    return text(
        "SNN504",
        str(path),
        found,
        "the files that manifest.json lists, as snnc wrote them",
        "compile the model again: snnc compile MODEL --target TARGET -o DIR",
    )


def integer(network: Network | None = None, **fields: Any) -> Artifact:
    net = network or one_neuron([[1, -0.5]])
    fixed = retime(quantize(net))
    return Artifact(target="integer", network=net, fixed=fixed, **fields)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        load(path)
    return str(raised.value)


def link_member(path: Path) -> None:
    (path / "weights.safetensors").rename(path.parent / "weights")
    (path / "weights.safetensors").symlink_to(path.parent / "weights")


def edit_manifest(path: Path, **fields: Any) -> None:
    manifest = json.loads((path / "manifest.json").read_text()) | fields
    (path / "manifest.json").write_text(json.dumps(manifest))
