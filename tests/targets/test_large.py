"""A network of 100,000 neurons, made of integers by its user, is stored, loaded and run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.operators import FixedSparse
from snnc.targets.artifact import Artifact, load
from snnc.targets.integer.reference import execute
from tests.benchmarks.sparse_engine import large_network
from tests.builders import one_neuron

Array = npt.NDArray[Any]
Change = Callable[[Array], Array]


def artifact(n: int) -> Artifact:
    """Give an artifact whose float network has the same input, and is another."""
    return Artifact(target="cpu", network=one_neuron(), fixed=large_network(n))


def test_a_hundred_thousand_neurons(tmp_path: Path) -> None:
    made = artifact(100_000)
    fixed = made.required_fixed
    assert list(check_fixed(fixed)) == []
    path = made.save(tmp_path / "large")
    assert sum(file.stat().st_size for file in path.iterdir()) < 5.6e7  # 5 bytes a synapse
    again = load(path)
    lists = again.required_fixed.projections[1].operators[0]
    assert isinstance(lists, FixedSparse)
    assert lists.weight.size == 10**7
    x = np.zeros((24, 1, 1), np.uint8)
    x[::3] = 1
    wanted = execute(fixed, {"x": x.astype(np.int32)})
    trace = again.run(x, record=("spikes", "v"))
    assert trace.executor == "cpu"
    for name in ("p", "shown"):
        lag = fixed.population(name).lag
        assert np.array_equal(trace.v[name], wanted.v[name][lag : lag + 24])
    assert trace.spikes["p"][:23].sum() > 1000
    assert np.array_equal(trace.spikes["p"], wanted.spikes["p"][1:25])


def forge(path: Path, field: str, change: Change | int) -> None:
    """Change a tensor of the lists between the neurons, or ``n_out``; hashes are put right."""
    program = json.loads((path / "program.json").read_text())
    tensors = load_tensors((path / "weights.safetensors").read_bytes())
    operator = program["projections"][1]["operators"][0]
    if isinstance(change, int):
        operator[field] = change
    else:
        name = operator[field]["tensor"]
        tensors[name] = np.ascontiguousarray(change(tensors[name].copy()))
    (path / "program.json").write_text(json.dumps(program))
    (path / "weights.safetensors").write_bytes(save_tensors(tensors))
    manifest = json.loads((path / "manifest.json").read_text())
    for name in ("program.json", "weights.safetensors"):
        content = (path / name).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        manifest["members"][name] = {"bytes": len(content), "sha256": sha256}
    (path / "manifest.json").write_text(json.dumps(manifest))


def put(k: int, value: int) -> Change:
    def change(values: Array) -> Array:
        values[k] = value
        return values

    return change


PLACE = "FixedNetwork.projections[1].operators[0]"
HOSTILE: dict[str, tuple[str, Change, str]] = {
    "target behind the last": (
        "target",
        put(-1, 300),
        f"{PLACE}: rows 0 to 300 of a matrix of 300",
    ),
    "target before the first": (
        "target",
        put(0, -7),
        f"{PLACE}: rows -7 to 299 of a matrix of 300",
    ),
    "targets that fall": (
        "target",
        put(1, 0),
        f"{PLACE}: rows that do not ascend within a source",
    ),
    "begin that falls": (
        "begin",
        put(2, 2**40),
        f"{PLACE}: lists that do not begin one after the other",
    ),
    "end beyond": (
        "begin",
        put(-1, 2**40),
        f"{PLACE}: lists that do not begin at 0 and end at 30000",
    ),
    "fewer weights": (
        "weight",
        lambda w: w[:-1],
        f"{PLACE}: weights of shape [29999] in rows of shape [30000]",
    ),
    "another type": (
        "target",
        lambda t: t.astype(np.int64),
        f"{PLACE}.target: the tensor is int64, not int32",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_lists_that_are_none_are_refused(case: str, tmp_path: Path) -> None:
    field, change, found = HOSTILE[case]
    path = artifact(300).save(tmp_path / "artifact")
    forge(path, field, change)
    with pytest.raises(InputError) as error:
        load(path)
    assert str(error.value) == (
        "error[SNN504]: an artifact is whole: every member there, unchanged, and no other\n"
        f"  --> {path}\n"
        f"   found: {found}\n"
        "   limit: the files that manifest.json lists, as snnc wrote them\n"
        "  remedy: compile the model again: snnc compile MODEL --target TARGET -o DIR"
    )


@pytest.mark.parametrize(
    ("n_out", "found", "limit"),
    [
        (301, "values of shape [301]", "p, [300]"),
        (2**40, f"values of shape [{2**40}]", "p, [300]"),
    ],
)
def test_lists_of_another_size(n_out: int, found: str, limit: str, tmp_path: Path) -> None:
    path = artifact(300).save(tmp_path / "artifact")
    forge(path, "n_out", n_out)
    with pytest.raises(InputError) as error:
        load(path)
    assert str(error.value).startswith(
        "error[SNN104]: every node has all its fields, each with the shape that the node's "
        f"equation needs\n  --> p to p\n   found: {found}\n   limit: {limit}\n"
    )
