"""``snnc reduce``: a difference of two executions as a small case, in a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from snnc.runtime.options import PATH, json_option, pair_options, take_binning


@click.command(name="reduce", short_help="Shrink two executions that differ to a small case.")
@click.argument("model", metavar="DIR", type=PATH)
@click.argument("other", metavar="[DIR]", type=PATH, required=False)
@pair_options
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="DIR", help="Where the case is written."
)
@json_option
def command(
    model: Path,
    other: Path | None,
    source: Path,
    targets: tuple[str, ...] | None,
    timeout: float | None,
    output: Path,
    as_json: bool,
    **options: Any,
) -> int:
    """Shrink networks and input to a case as small as can be that differs in the same way.

    It is written as a directory: two artifacts, their input, and a page that says how to run them.
    """
    from snnc.runtime.bisection.reduce import reduce
    from snnc.runtime.bisection.reproducer import COMMAND, MARKER, REPRODUCER
    from snnc.runtime.console import Display, emit
    from snnc.runtime.data.read import read_data
    from snnc.runtime.text import count, shown
    from snnc.targets.directory import check_place

    check_place(output, REPRODUCER)
    x = read_data(source, binning=take_binning(options))
    with Display() as display:
        made = reduce(
            model, x, other=other, targets=targets, timeout=timeout, progress=display.stage
        )
        made.save(output)
    if as_json:
        emit((output / MARKER).read_text(encoding="utf-8").rstrip())
        return 0
    size = (
        f"{count(made.neurons, 'neuron')}, {count(made.synapses, 'synapse')}, "
        f"{count(made.steps, 'step')}"
    )
    emit(f"wrote {shown(str(output))}: {size}")
    emit(f"in it, {COMMAND}")
    emit(f"first difference: {shown(str(made.expected))}")
    return 0
