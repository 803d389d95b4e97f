"""A fault in how a network over cores is run or joined shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.network import Output
from snnc.compiler.trace import SIGNALS
from snnc.targets.lava.forms import Form
from snnc.targets.lava.groups import grouped
from tests.targets.lava.cuts import on_cores, write_cut_artifact
from tests.targets.lava.networks import (
    Array,
    Signals,
    expected,
    expected_outputs,
    population,
    projection,
    random_inputs,
    save_inputs,
)
from tests.targets.lava.standalone import results, start
from tests.targets.lava.test_groups import on_four_cores

pytestmark = pytest.mark.lava

Case = tuple[MappedNetwork, dict[str, Array], Signals]

FAULTS = {
    "elements turned around": ("axons.py", "x[..., elements]", "x[..., ::-1][..., elements]"),
    "places of another source": ("axons.py", "axons.member == index", "axons.member != -index"),
    "the first source alone": ("axons.py", "if x is not None:", "if x is known[0]:"),
    "gaps closed": ("axons.py", "(np.diff(indices) == 1).all()", "True"),
    "scale of the first": ("program.py", "scale=gather.of([p.scale for p in parts])", "scale=7.0"),
    "offset of the first": (
        "program.py",
        "offset=gather.of([p.offset for p in parts])",
        "offset=parts[0].offset[0]",
    ),
    "parts exchanged": (
        "arrays.py",
        "gather.of([part[signal] for part in parts])",
        "gather.of([part[signal] for part in parts]) * (signal != 'u')",
    ),
}
"""Those that show in both forms."""

MIXED_FAULTS = {
    "an input of spikes": ("program.py", "return any(sender in", "return all(sender not in"),
    "sources turned around": (
        "cores.py",
        "for name in self.names]",
        "for name in self.names[::-1]]",
    ),
}
"""Those of the processes of a core."""

FUSED_FAULTS = {
    "axons of the step before": (
        "whole.py",
        "gather.of([now[source]",
        "gather.of([sent[source][-1]",
    ),
    "levels of a spike": ("program.py", "(1 if i is None else i.max_abs", "(1 if i is None else 1"),
}
"""Those of one process for all."""


@pytest.fixture(scope="module")
def case() -> Case:
    return of(on_four_cores())


@pytest.fixture(scope="module")
def wide() -> Case:
    """Give sums that single precision does not hold, and axons for all but one value."""
    weight = np.random.default_rng(5).integers(110, 128, (6, 12))
    weight[:, 3] = 0
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (12,), max_abs=2**14),),
        populations=(population("sums", (6,), FixedReset.NONE, 1, threshold=131071),),
        projections=(projection("x", "sums", weight),),
        outputs=(Output("out", "sums"),),
        dt=1e-3,
    )
    return of(on_cores(fixed, 2, seed=1))


def of(mapped: MappedNetwork) -> Case:
    inputs = random_inputs(mapped.fixed, steps=10, batch=3)
    return mapped, inputs, expected(mapped.fixed, inputs)


@pytest.mark.parametrize("fault", ["none", *FAULTS, *MIXED_FAULTS])
def test_faults_on_processes(tmp_path: Path, packages: Path, case: Case, fault: str) -> None:
    check(tmp_path, packages, case, (FAULTS | MIXED_FAULTS).get(fault), Form.MIXED)


@pytest.mark.parametrize("fault", ["none", *FAULTS, *FUSED_FAULTS])
def test_faults_in_one_process(
    tmp_path: Path, packages: Path, case: Case, wide: Case, fault: str
) -> None:
    which = wide if fault == "levels of a spike" else case
    check(tmp_path, packages, which, (FAULTS | FUSED_FAULTS).get(fault), Form.FUSED)


def test_wide_sums(tmp_path: Path, packages: Path, wide: Case) -> None:
    check(tmp_path, packages, wide, None, Form.FUSED)


def check(
    tmp_path: Path, packages: Path, case: Case, fault: tuple[str, str, str] | None, form: Form
) -> None:
    """Run with a fault, which must change what comes out or end the run, or with none."""
    mapped, inputs, wanted = case
    fixed = mapped.fixed
    script = write_cut_artifact(tmp_path, fixed, grouped(mapped), form)
    if fault is not None:
        file, old, new = fault
        path = tmp_path / "runner" / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
    save_inputs(tmp_path / "x.npz", inputs)
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    code, told = start(script, packages, *into, "--record", "spikes,u,v")
    if fault is not None and code == 3:
        assert told.startswith("error: ")
        return
    assert code == 0
    outputs, signals = results(tmp_path / "out.npz", fixed)
    different = sum(
        int((signals[signal][name] != values).sum())
        for signal in SIGNALS
        for name, values in wanted[signal].items()
    )
    real = expected_outputs(fixed, wanted)
    different += sum(int((outputs[name] != values).sum()) for name, values in real.items())
    assert bool(different) == (fault is not None)


def test_what_fails_within_a_core_is_named(tmp_path: Path, packages: Path, wide: Case) -> None:
    fixed, inputs = wide[0].fixed, wide[1]
    script = write_cut_artifact(tmp_path, fixed, grouped(on_cores(fixed, 1, seed=0)))
    path = tmp_path / "runner" / "cores.py"
    text = path.read_text()
    assert text.count("self.s_out.send(self.gather") == 1
    path.write_text(text.replace("self.s_out.send(self.gather", "int('x') or (self.gather"))
    save_inputs(tmp_path / "x.npz", inputs)
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    assert start(script, packages, *into) == (
        3,
        "error: Axons n0003 (x to sums@0.axons) raised ValueError: invalid literal for int() with "
        "base 10: 'x'\n",
    )
