"""``snnc import``: a trained model into a .nir file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from snnc.runtime.options import PATH, read_shape


@click.command(name="import", short_help="Import a trained model into a .nir file.")
@click.argument("spec")
@click.option("-o", "--output", type=PATH, required=True, metavar="MODEL.nir", help="The result.")
@click.option(
    "--input-shape",
    callback=read_shape,
    metavar="N,N",
    help="Shape of one sample at one step, where FILE.py:FUNCTION does not show it.",
)
@click.option(
    "--framework",
    type=click.Choice(["snntorch", "norse", "onnx"]),
    help="Whose model it is; refused where it is not.",
)
@click.option("--dt", type=float, metavar="S", help="Length of a time step in seconds.")
@click.option(
    "--state",
    type=PATH,
    metavar="FILE",
    help="State dict for the module that FILE.py:FUNCTION returns; loaded with weights_only.",
)
@click.option(
    "--calibrate",
    type=PATH,
    metavar="X.npy",
    help="Typical input data [samples, *shape], for a network of ReLUs in an .onnx file.",
)
@click.option(
    "--percentile",
    type=float,
    metavar="P",
    help="Activation that a spike in every step expresses, of those in --calibrate [99.9].",
)
def command(spec: str, output: Path, framework: str | None, **options: Any) -> int:
    """Import SPEC: FILE.py:FUNCTION that returns a trained module, or MODEL.onnx.

    A .py file is run: it is your code, with your rights.
    """
    from snnc.frontends.nir.file import write_nir
    from snnc.runtime.console import Display, emit, note
    from snnc.runtime.files import NIR, check_file_place
    from snnc.runtime.importing import import_spec
    from snnc.runtime.text import count, shown

    check_file_place(output, NIR)
    given = {name: value for name, value in options.items() if value is not None}
    with Display() as display:
        graph = import_spec(spec, framework, given, display.stage)
        warnings = write_nir(graph, output)
    for warning in warnings:
        note("\n".join(map(shown, warning.text("warning").splitlines())))
    emit(f"wrote {shown(str(output))}: {count(len(graph.nodes), 'node')}")
    return 0
