"""``snnc run``: an artifact on input data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnc.runtime.options import PATH, input_options, read_names, take_binning

if TYPE_CHECKING:
    from snnc.compiler.trace import Array


@click.command(name="run", short_help="Run an artifact on input data.")
@click.argument("directory", metavar="DIR", type=PATH)
@click.option(
    "--input",
    "source",
    type=PATH,
    required=True,
    metavar="X",
    help="[steps, batch, *shape] in an .npy, .npz or HDF5 file, a NIR data graph, or recordings of "
    "events: docs/inputs.md.",
)
@click.option("-o", "--output", type=PATH, required=True, metavar="OUT.npz", help="The result.")
@click.option("--steps", type=int, metavar="N", help="Only the first N steps of the input.")
@click.option(
    "--record", callback=read_names, default="", metavar="S,S", help="Keep signals: spikes, u, v."
)
@click.option("--raw-time", is_flag=True, help="Leave everything in hardware time.")
@click.option("--timeout", type=float, metavar="S", help="Seconds after which the run is ended.")
@input_options
def command(
    directory: Path,
    source: Path,
    output: Path,
    steps: int | None,
    record: tuple[str, ...],
    raw_time: bool,
    timeout: float | None,
    **options: Any,
) -> int:
    """Run the artifact DIR where its target runs."""
    from snnc.runtime.console import Display, emit
    from snnc.runtime.data.read import read_data
    from snnc.runtime.data.source import given_inputs
    from snnc.runtime.files import NPZ, check_file_place, trace_arrays, write_npz
    from snnc.runtime.text import count, seconds, shown
    from snnc.targets.artifact import load

    check_file_place(output, NPZ)
    artifact = load(directory)
    x = given_inputs(artifact.network, read_data(source, binning=take_binning(options)))
    if steps is not None:
        x = {name: first_steps(values, steps) for name, values in x.items()}
    with Display() as display:
        progress = display.stage(f"running on {artifact.target}")
        trace = artifact.run(
            x, record=record, raw_time=raw_time, timeout=timeout, progress=progress
        )
        write_npz(output, trace_arrays(trace))
    spikes = trace.output_spikes
    what = "potentials" if spikes is None else count(spikes, "output spike")
    emit(f"wrote {shown(str(output))}: {what}, {seconds(trace.seconds)}")
    return 0


def first_steps(x: Array, steps: int) -> Array:
    """Give the first ``steps`` of ``x``.

    Raises:
        InputError: SNN004, there are not so many.
    """
    from snnc.compiler import rules
    from snnc.compiler.diagnostics import Diagnostic, InputError

    there = x.shape[0] if x.ndim else 0
    if 1 <= steps <= there:
        return x[:steps]
    raise InputError(
        [
            Diagnostic(
                rule=rules.OPTION_VALID,
                node="--steps",
                found=str(steps),
                limit=f"1 to {there}, the steps of the input",
                remedy="leave --steps out to run all of them",
            )
        ]
    )
