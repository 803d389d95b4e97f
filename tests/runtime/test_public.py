"""``import snnc``: what is public, what it costs, and how a program is run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnc
from snnc.compiler.diagnostics import InputError, TimeLimitExceeded
from tests.builders import network, population, projection
from tests.runtime.samples import ROOT, artifact, data, graph

PUBLIC = sorted(set(dir(snnc)) - {"__version__"})


def test_every_public_name_is_there() -> None:
    for name in PUBLIC:
        assert getattr(snnc, name).__name__ == name


def test_type_checkers_see_what_python_sees() -> None:
    tree = ast.parse(Path(snnc.__file__).read_text())
    condition = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: node.module or ""
        for node in condition.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(imported) == PUBLIC
    for name, module in imported.items():
        assert getattr(snnc, name).__module__ == module


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"^module 'snnc' has no attribute 'complie'$"):
        getattr(snnc, "complie")  # noqa: B009


def test_import_costs_nothing() -> None:
    script = "import sys; before = set(sys.modules); import snnc; print(set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in {"{'snnc'}", "{'snnc', 'typing'}", "{'typing', 'snnc'}"} or (
        "numpy" not in done.stdout
    )


def test_compile_save_load_run(tmp_path: Path) -> None:
    program = snnc.compile(graph(), target="integer", dt=1e-4)
    again = snnc.load(program.save(tmp_path / "program"))
    one, two = (p.run(data(), record=("spikes", "u", "v")) for p in (program, again))
    assert snnc.compare(one, two, ("spikes", "u", "v")).differing == 0
    assert list(one.outputs) == ["output"]
    assert set(one.u) == {"hidden", "output_layer"}


def test_run_takes_what_numpy_takes() -> None:
    program = artifact()
    lists = program.run(data().tolist())
    named = program.run({"input": data()})
    np.testing.assert_array_equal(lists.counts, named.counts)


def test_run_records_one_signal_by_its_name() -> None:
    trace = artifact().run(data(), record="u")
    assert (list(trace.spikes), list(trace.v)) == ([], [])
    assert set(trace.u) == {"hidden", "output_layer"}


@pytest.mark.parametrize("options", [{"record": "voltage"}, {"timeout": 0}, {"timeout": np.inf}])
def test_run_refuses_options_without_meaning(options: Any) -> None:
    with pytest.raises(InputError, match=r"^error\[SNN004\]: "):
        artifact().run(data(), **options)


@pytest.mark.parametrize("target", ["integer", "float"])
def test_run_ends_at_its_time_limit(target: str) -> None:
    x = np.repeat(data(), 200, axis=0)
    with pytest.raises(TimeLimitExceeded) as caught:
        artifact(target).run(x, timeout=1e-3)
    assert str(caught.value).startswith(
        f"error[SNN506]: a run ends within its time limit\n  --> target {target}\n   found: step "
    )


def test_run_tells_its_progress() -> None:
    told: list[tuple[int, int]] = []
    artifact().run(data(), progress=lambda done, total: told.append((done, total)), timeout=60)
    assert told == [(k, 14) for k in range(1, 15)]


def test_bare_array_for_two_inputs() -> None:
    two = network(
        [population()],
        [projection("a", "lif", 1), projection("b", "lif", 1)],
        inputs={"a": 1, "b": 1},
    )
    program = snnc.Artifact(target="float", network=two, fixed=None)
    with pytest.raises(InputError) as caught:
        program.run(np.zeros((3, 1, 1)))
    assert str(caught.value) == (
        "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input\n"
        "  --> input data\n"
        "   found: one array\n"
        "   limit: an array for each of a, b\n"
        "  remedy: numpy.savez(path, a=..., b=...), or a mapping of these"
    )
