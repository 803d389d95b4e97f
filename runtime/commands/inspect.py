"""``snnc inspect``: what a model or an artifact holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from snnc.runtime.options import json_option, model_options


@click.command(name="inspect", short_help="Show what a model or an artifact holds.")
@click.argument("model", metavar="MODEL|DIR")
@model_options
@json_option
def command(model: str, calibrate: Path | None, as_json: bool, **options: Any) -> int:
    """Show populations, projections, semantics, and of an artifact what quantization cost.

    MODEL is a .nir file, an .onnx file, or FILE.py:FUNCTION that returns a trained module; DIR is
    an artifact.
    """
    from snnc.compiler.diagnostics import raise_all
    from snnc.runtime.console import Display, emit, emit_json
    from snnc.runtime.data.read import read_data
    from snnc.runtime.deploy import compile
    from snnc.runtime.models import compiled_problems
    from snnc.runtime.overview import facts, overview
    from snnc.targets.artifact import load

    given = {name: value for name, value in options.items() if value is not None}
    if calibrate is not None:
        given["calibration"] = read_data(calibrate, option="--calibrate")
    with Display() as display:
        display.stage(f"reading {model}")
        if Path(model).is_dir():
            raise_all(compiled_problems(model, given))
            artifact = load(model)
        else:
            artifact = compile(model, "float", **given)
    if as_json:
        emit_json(facts(artifact))
    else:
        emit(overview(artifact))
    return 0
