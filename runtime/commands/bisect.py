"""``snnc bisect``: two executions narrowed to the smallest part that differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from snnc.runtime.options import PATH, json_option, pair_options, take_binning


@click.command(name="bisect", short_help="Narrow two executions to the smallest part that differs.")
@click.argument("model", metavar="DIR", type=PATH)
@click.argument("other", metavar="[DIR]", type=PATH, required=False)
@pair_options
@json_option
def command(
    model: Path,
    other: Path | None,
    source: Path,
    targets: tuple[str, ...] | None,
    timeout: float | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Run an artifact on two targets, or two artifacts of one topology, and narrow what differs.

    Finds the first value that differs, the population that makes the difference by itself, the
    neuron, the synapses and the steps that it takes, and what the artifacts hold there.

    Ends with 0 where nothing differs, and 1 where something does.
    """
    from snnc.runtime.bisection.bisect import bisect
    from snnc.runtime.bisection.telling import text_of
    from snnc.runtime.console import Display, emit
    from snnc.runtime.data.read import read_data

    x = read_data(source, binning=take_binning(options))
    with Display() as display:
        found = bisect(
            model, x, other=other, targets=targets, timeout=timeout, progress=display.stage
        )
    emit(found.model_dump_json(indent=1) if as_json else text_of(found))
    return found.exit_code
