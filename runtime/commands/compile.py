"""``snnc compile``: a trained network into a deployable artifact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnc.runtime.options import (
    PATH,
    compile_options,
    input_options,
    json_option,
    take_binning,
)

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
    help="For a budget, the class of each --calibrate sample; of recordings their directory.",
)
@click.option(
    "--estimate-only",
    is_flag=True,
    help="Say what it takes of --hardware and what rounding costs, and write nothing.",
)
@input_options
@compile_options
@json_option
def command(
    model: str,
    target: str,
    output: Path | None,
    calibrate: Path | None,
    labels: Path | None,
    estimate_only: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Compile MODEL into an artifact, a directory.

    MODEL is a .nir file, an .onnx file, or FILE.py:FUNCTION that returns a trained module.
    """
    from snnc.runtime.console import Display, emit, emit_json
    from snnc.runtime.data.read import read_given, read_labels
    from snnc.runtime.deploy import compile
    from snnc.targets.artifact import ARTIFACT
    from snnc.targets.directory import check_place

    place = output or default_output(model, target)
    if not estimate_only:
        check_place(place, ARTIFACT)
    data = read_given(take_binning(options), {"--calibrate": calibrate})
    given = {name: value for name, value in options.items() if value is not None}
    truth = None if labels is None else read_labels(labels)
    with Display() as display:
        display.stage(f"compiling {model}")
        artifact = compile(
            model,
            target,
            calibration=data.get("--calibrate"),
            labels=truth,
            progress=display.stage,
            **given,
        )
        if not estimate_only:
            artifact.save(place)
    written = None if estimate_only else place
    if as_json:
        emit_json(facts(artifact, written))
    else:
        emit(_lines(artifact, written))
    return 0


def default_output(model: str, target: str) -> Path:
    """Give ``model.target`` in the current directory, for ``models/model.nir``."""
    file = model.rpartition(":")[0] if ".py:" in model.lower() else model
    return Path(f"{Path(file).stem}.{target}")


def facts(artifact: Artifact, place: Path | None) -> dict[str, Any]:
    """Give what ``--json`` prints; without hardware there are no cores to count."""
    from snnc.runtime.overview import lava_form

    mapping = artifact.account.get("mapping", {})
    return {
        "artifact": None if place is None else str(place),
        "target": artifact.target,
        "form": lava_form(artifact),
        "cores": mapping.get("cores"),
        "cores_lower_bound": mapping.get("cores_lower_bound"),
        "latency_steps": artifact.account.get("latency_steps", 0),
        "choices": list(artifact.network.choices),
        "warnings": list(artifact.account.get("warnings", ())),
        "budget": artifact.account.get("budget"),
        "relays": artifact.account.get("relays", []),
        "divided": artifact.account.get("divided", []),
        "mapping": mapping or None,
    }


def _lines(artifact: Artifact, place: Path | None) -> str:
    from snnc.runtime.budgeted import budget_text
    from snnc.runtime.mapped import mapping_text
    from snnc.runtime.overview import (
        choices_and_warnings,
        lava_form,
        lava_processes,
        lava_share,
        quantization_table,
        registers_table,
    )
    from snnc.runtime.relayed import relayed_tables
    from snnc.runtime.text import count, shown

    neurons = sum(p.size for p in artifact.network.populations)
    latency = artifact.account.get("latency_steps", 0)
    done = "nothing is written" if place is None else f"wrote {shown(str(place))}"
    lines = [
        f"{done}: target {artifact.target}, {count(neurons, 'neuron')}, "
        f"latency of {count(latency, 'step')}"
    ]
    form = lava_form(artifact)
    if form is not None:
        lines += [f"form {form}: {lava_share(lava_processes(artifact))}"]
    if artifact.fixed is not None:
        lines += ["", quantization_table(artifact.account)]
        if artifact.options.get("max_thresholds") is not None:
            lines += ["", registers_table(artifact.account)]
    for relays in relayed_tables(artifact.account):
        lines += ["", relays]
    if "mapping" in artifact.account:
        lines += ["", mapping_text(artifact.account["mapping"])]
    if "budget" in artifact.account:
        lines += ["", budget_text(artifact.account["budget"])]
    lines += choices_and_warnings(artifact)
    return "\n".join(lines)
