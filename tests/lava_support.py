"""docs/lava_support.md, made of runs on Lava: ``python -m tests.lava_support`` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import snnc
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.targets.artifact import Artifact
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import make_plan
from tests.drawn.deployed import Run
from tests.environment import ROOT
from tests.lava_rows import DT, ROWS, Row
from tests.targets.lava.equality import FORMS, assert_equal
from tests.targets.lava.forked import Forks
from tests.targets.lava.networks import Array, Signals

PAGE = ROOT / "docs" / "lava_support.md"
STEPS, SAMPLES = 20, 2
HEAD = f"""\
# What runs on Lava, node by node

Made by `python -m tests.lava_support`. Each cell is a network in NIR that went through
`snnc.compile(graph, target="lava", lava=FORM)` and ran on Lava: {SAMPLES} samples of {STEPS} steps,
and as many steps more as it has delays. **Exact** means that every spike, every `u` and every
`v` of every population, and every output, is that of the integer reference and of a second, plain
reading of [arithmetic.md](arithmetic.md): not one bit differs. Behind it stand the Lava processes
that the row is about ([lava.md](lava.md)). *Refused* names the rule (`snnc explain CODE`). The
tests make each row anew and compare.
"""


def page(lines: Mapping[str, str]) -> str:
    """Give the text of the page, from the line of each row."""
    titles = ["node", "form in NIR or option", *(f"`--lava {form}`" for form in FORMS)]
    table = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    return HEAD + "\n" + "\n".join([*table, *(lines[str(row)] for row in ROWS)]) + "\n"


def line(row: Row, forks: Forks) -> str:
    """Run a row in every form, and give its line."""
    cells = [cell(row, form, forks) for form in FORMS]
    return f"| {' | '.join([row.node, row.option, *cells])} |"


def cell(row: Row, form: Form, forks: Forks) -> str:
    """Compile and run a row in a form, compare every bit, and say what it ran on."""
    try:
        fixed = compiled(row, form).required_fixed
    except InputError as error:
        if form is not Form.STOCK:
            raise
        codes = sorted({d.rule.code for d in error.diagnostics})
        return f"refused: {', '.join(codes)}"
    with forks.installed():
        seen = assert_equal(Run(fixed, inputs_of(fixed, graded=row.graded)), form)
    assert_busy(fixed, seen)
    if form is Form.FUSED:
        return "exact"
    kinds = {r.process for r in make_plan(fixed, form).processes if r.role == row.role}
    return f"exact: {', '.join(f'`{kind}`' for kind in sorted(kinds))}"


def compiled(row: Row, form: Form) -> Artifact:
    """Compile a row, from typical data where real values enter."""
    graph = row.make()
    options: dict[str, Any] = {**row.options}
    if "snnc" not in (graph.metadata or {}):
        options = {"dialect": "nir", "dt": DT} | options
    if row.graded:
        options["calibration"] = real(np.random.default_rng(1), 40, 4, 8)
    return snnc.compile(graph, target="lava", lava=str(form), **options)


def inputs_of(fixed: FixedNetwork, *, graded: bool) -> dict[str, Array]:
    """Give spikes or real values, for more steps where delays are long."""
    rng = np.random.default_rng(0)
    lags = {i.name: 0 for i in fixed.inputs} | {p.name: p.lag for p in fixed.populations}
    steps = STEPS + sum(q.delay + lags[q.source] - lags[q.target] for q in fixed.projections)
    shapes = {i.name: (steps, SAMPLES, *i.shape) for i in fixed.inputs}
    if graded:
        return {name: real(rng, *shape) for name, shape in shapes.items()}
    return {name: (rng.random(shape) < 0.3).astype(np.float32) for name, shape in shapes.items()}


def real(rng: np.random.Generator, *shape: int) -> Array:
    """Give values from -1 to 2."""
    return rng.uniform(-1, 2, shape).astype(np.float32)


def assert_busy(fixed: FixedNetwork, seen: Signals) -> None:
    """Ask every population to do something, as silence proves nothing."""
    for p in fixed.populations:
        if p.spiking:
            assert seen["spikes"][p.name].mean() > 0.004, f"{p.name} is silent"
        else:
            assert np.unique(seen["v"][p.name]).size > 1, f"{p.name} stands still"


def main() -> None:
    """Run all rows and write the page."""
    with Forks() as forks:
        lines = {str(row): line(row, forks) for row in ROWS}
    PAGE.write_text(page(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
