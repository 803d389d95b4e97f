"""``snnc import``: a trained module into a .nir file."""

from __future__ import annotations

from pathlib import Path

import click

from snnc.runtime.options import PATH, read_shape


@click.command(name="import", short_help="Import a trained module into a .nir file.")
@click.argument("spec")
@click.option("-o", "--output", type=PATH, required=True, metavar="MODEL.nir", help="The result.")
@click.option(
    "--input-shape",
    callback=read_shape,
    metavar="N,N",
    help="Shape of one sample at one step, where the module does not show it.",
)
@click.option(
    "--framework",
    type=click.Choice(["snntorch", "norse"]),
    help="Whose module it is; refused where it is not.",
)
@click.option("--dt", type=float, metavar="S", help="Length of a time step in seconds.")
def command(
    spec: str,
    output: Path,
    input_shape: tuple[int, ...] | None,
    framework: str | None,
    dt: float | None,
) -> int:
    """Import the module that SPEC, FILE.py:FUNCTION, returns.

    The file is run: it is your code, with your rights.
    """
    from snnc.frontends.importer import import_module
    from snnc.frontends.nir_file import write_nir
    from snnc.frontends.spec import framework_of, load_model
    from snnc.runtime.console import Display, emit
    from snnc.runtime.files import NIR, check_file_place
    from snnc.runtime.text import count, shown

    check_file_place(output, NIR)
    with Display() as display:
        display.stage(f"loading {spec}")
        module = load_model(spec)
        framework_of(module, framework)
        display.stage("importing")
        graph = import_module(module, input_shape=input_shape, dt=dt)
        write_nir(graph, output)
    emit(f"wrote {shown(str(output))}: {count(len(graph.nodes), 'node')}")
    return 0
