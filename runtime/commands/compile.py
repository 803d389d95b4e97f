"""``snnc compile``: a trained network into a deployable artifact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnc.runtime.options import PATH, compile_options, json_option

if TYPE_CHECKING:
    from snnc.targets.artifact import Artifact


@click.command(name="compile", short_help="Compile a model into an artifact.")
@click.argument("model")
@click.option(
    "--target", required=True, metavar="NAME", help="Where to run: lava, cuda, cpu, integer, ...."
)
@click.option("-o", "--output", type=PATH, metavar="DIR", help="Default: MODEL's stem.TARGET.")
@click.option(
    "--budget",
    metavar="TEXT",
    help='What the weights may cost: "top1>=-0.5pt" of accuracy, or "memory<=64KiB". Searches the '
    "widths, from --weight-bits [2] to 8.",
)
@click.option(
    "--labels",
    type=PATH,
    metavar="Y.npy",
    help="For a budget, the class of each --calibrate sample.",
)
@compile_options
@json_option
def command(
    model: str,
    target: str,
    output: Path | None,
    calibrate: Path | None,
    labels: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Compile MODEL into an artifact, a directory.

    MODEL is a .nir file, an .onnx file, or FILE.py:FUNCTION that returns a trained module.
    """
    from snnc.runtime.console import Display, emit, emit_json
    from snnc.runtime.deploy import compile
    from snnc.runtime.files import read_array, read_arrays
    from snnc.targets.artifact import ARTIFACT
    from snnc.targets.directory import check_place

    place = output or default_output(model, target)
    check_place(place, ARTIFACT)
    given = {name: value for name, value in options.items() if value is not None}
    calibration = None if calibrate is None else read_arrays(calibrate, "--calibrate")
    truth = None if labels is None else read_array(labels, "--labels")
    with Display() as display:
        display.stage(f"compiling {model}")
        artifact = compile(
            model, target, calibration=calibration, labels=truth, progress=display.stage, **given
        )
        artifact.save(place)
    if as_json:
        emit_json(facts(artifact, place))
    else:
        emit(_lines(artifact, place))
    return 0


def default_output(model: str, target: str) -> Path:
    """Give ``model.target`` in the current directory, for ``models/model.nir``."""
    file = model.rpartition(":")[0] if ".py:" in model.lower() else model
    return Path(f"{Path(file).stem}.{target}")


def facts(artifact: Artifact, place: Path) -> dict[str, Any]:
    """Give what ``--json`` prints. Nothing is mapped to cores yet, so there are none to count."""
    from snnc.runtime.overview import lava_form

    return {
        "artifact": str(place),
        "target": artifact.target,
        "form": lava_form(artifact),
        "cores": None,
        "cores_lower_bound": None,
        "latency_steps": artifact.account.get("latency_steps", 0),
        "choices": list(artifact.network.choices),
        "warnings": list(artifact.account.get("warnings", ())),
        "budget": artifact.account.get("budget"),
        "relays": artifact.account.get("relays", []),
    }


def _lines(artifact: Artifact, place: Path) -> str:
    from snnc.runtime.budgeted import budget_text
    from snnc.runtime.overview import (
        choices_and_warnings,
        lava_form,
        lava_processes,
        lava_share,
        quantization_table,
        registers_table,
    )
    from snnc.runtime.relayed import relays_table
    from snnc.runtime.text import count, shown

    neurons = sum(p.size for p in artifact.network.populations)
    latency = artifact.account.get("latency_steps", 0)
    lines = [
        f"wrote {shown(str(place))}: target {artifact.target}, {count(neurons, 'neuron')}, "
        f"latency of {count(latency, 'step')}"
    ]
    form = lava_form(artifact)
    if form is not None:
        lines += [f"form {form}: {lava_share(lava_processes(artifact))}"]
    if artifact.fixed is not None:
        lines += ["", quantization_table(artifact.account)]
        if artifact.options.get("max_thresholds") is not None:
            lines += ["", registers_table(artifact.account)]
    if artifact.account.get("relays"):
        lines += ["", relays_table(artifact.account["relays"])]
    if "budget" in artifact.account:
        lines += ["", budget_text(artifact.account["budget"])]
    lines += choices_and_warnings(artifact)
    return "\n".join(lines)
