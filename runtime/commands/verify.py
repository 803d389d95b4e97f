"""``snnc verify``: proof that the deployed network is the trained one, or where it is not."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from snnc.compiler.diagnostics import EnvironmentFault
from snnc.compiler.rules import JOURNAL_FREE
from snnc.runtime.ending import Terminated
from snnc.runtime.options import (
    PATH,
    compile_options,
    input_options,
    json_option,
    read_names,
    take_binning,
)

WHO = ("--jobs", "--scheduler")
"""Options about which a report says nothing."""


@click.command(name="verify", short_help="Prove that the targets compute what the model does.")
@click.argument("model", metavar="MODEL|DIR")
@click.option(
    "--input",
    "source",
    type=PATH,
    required=True,
    metavar="X",
    help="[steps, batch, *shape] in an .npy, .npz or HDF5 file, a NIR data graph, or recordings of "
    "events: docs/inputs.md.",
)
@click.option(
    "--labels",
    type=PATH,
    metavar="Y.npy",
    help="The class of each sample; of recordings their directory, whose folders are classes.",
)
@click.option(
    "--targets",
    callback=read_names,
    default="integer,lava",
    show_default=True,
    metavar="NAME,NAME",
    help="Where to run.",
)
@click.option(
    "--model",
    "framework",
    metavar="SPEC",
    help="FILE.py:FUNCTION of the trained module, or the .onnx file of a network of ReLUs, where "
    "MODEL|DIR is a .nir file or an artifact.",
)
@click.option(
    "--max-drop",
    type=float,
    default=1.0,
    show_default=True,
    metavar="POINTS",
    help="Accuracy that the integers may lose.",
)
@click.option("--timeout", type=float, metavar="S", help="Seconds for each run of a batch.")
@click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that run batches of samples at once.",
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers run them (snnc[dist])."
)
@click.option(
    "--report", type=PATH, required=True, metavar="DIR", help="Where the report is written."
)
@input_options
@compile_options
@json_option
def command(
    model: str,
    source: Path,
    labels: Path | None,
    framework: str | None,
    calibrate: Path | None,
    report: Path,
    as_json: bool,
    **options: Any,
) -> int:
    """Verify the chain from the trained module to the targets, and write a report.

    MODEL is a .nir file, an .onnx file, or FILE.py:FUNCTION that returns a trained module; DIR is
    an artifact.

    Ends with 0 where the verdict is equivalent, 1 where a promise is broken, 3 where the verdict
    is incomplete, because a link could not be run or none could be judged.
    """
    from snnc.runtime.console import Display, emit, note
    from snnc.runtime.data.read import read_given, read_labels
    from snnc.runtime.report import REPORT
    from snnc.runtime.summary import summary_text
    from snnc.runtime.text import shown
    from snnc.runtime.verify import verify
    from snnc.targets.directory import check_place

    check_place(report, REPORT)
    journal = report.with_name(f"{report.name}.journal")
    files = {"--input": source, "--calibrate": calibrate}
    data = read_given(take_binning(options), files)
    truth = None if labels is None else read_labels(labels)
    with Display() as display, _telling_what_is_kept(journal):
        found = verify(
            model,
            data["--input"],
            labels=truth,
            framework=framework,
            calibration=data.get("--calibrate"),
            progress=display.stage,
            command=shlex.join(["snnc", *repeatable(sys.argv[1:])]),
            journal=journal,
            **options,
        )
        found.save(report)
        journal.unlink(missing_ok=True)
    for problem in found.problems:
        note("\n".join(map(shown, problem.splitlines())))
    emit(found.json_text().rstrip() if as_json else summary_text(found))
    if not as_json:
        emit(f"report: {shown(str(report / 'report.html'))}")
    return found.exit_code


@contextmanager
def _telling_what_is_kept(journal: Path) -> Generator[None]:
    """Say that a run that ends early goes on when it is repeated."""
    from snnc.runtime.console import note
    from snnc.runtime.text import shown

    try:
        yield
    except (EnvironmentFault, KeyboardInterrupt, MemoryError, OSError, Terminated) as error:
        told = error.diagnostics if isinstance(error, EnvironmentFault) else ()
        if journal.exists() and not any(d.rule is JOURNAL_FREE for d in told):
            kept = shown(str(journal))
            note(f"what is done is kept in {kept}: the same command goes on from there")
        raise


def repeatable(arguments: Sequence[str]) -> list[str]:
    """Leave out of a command who does the work: the report is the same."""
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, _ = argument.partition("=")
        if name not in WHO:
            kept.append(argument)
        elif not equals:
            next(rest, None)
    return kept
