"""What ``snnc import`` imports: a module of a framework, or an ONNX model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.runtime.data.read import read_data
from snnc.runtime.data.source import arrays_only
from snnc.runtime.models import Kind, is_onnx, kind_of, model_problems

if TYPE_CHECKING:
    import nir


def import_spec(
    spec: str,
    framework: str | None,
    options: Mapping[str, Any],
    stage: Callable[[str], object],
) -> nir.NIRGraph:
    """Import what ``spec`` names.

    Args:
        spec: ``FILE.py:FUNCTION`` or ``MODEL.onnx``.
        framework: What the user says that it is, or None.
        options: Those that were given.
        stage: Told what is being done.

    Raises:
        InputError: The model cannot be imported, or an option does not fit it.
        EnvironmentFault: SNN501, the framework is not installed.
    """
    raise_all(_option_problems(spec, framework, options))
    if is_onnx(spec):
        from snnc.frontends.onnx.frontend import from_onnx

        stage("importing")
        given = dict(options)
        if "calibrate" in given:
            given["calibration"] = _calibration(given.pop("calibrate"))
        return from_onnx(spec, **given)
    from snnc.frontends.importer import import_module
    from snnc.frontends.spec import framework_of, load_model

    stage(f"loading {spec}")
    module = load_model(spec, state=options.get("state"))
    framework_of(module, framework)
    stage("importing")
    return import_module(module, input_shape=options.get("input_shape"), dt=options.get("dt"))


def _calibration(path: Path) -> Any:
    return arrays_only(read_data(path, option="--calibrate"), f"--calibrate {path}")


def _option_problems(
    spec: str, framework: str | None, options: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    misfits = list(model_problems(spec, options))
    kind = kind_of(spec)
    if kind is Kind.NIR:
        yield from [p for p in misfits if p.node == spec] or [_nothing_to_import(spec)]
        return
    onnx = kind is Kind.ONNX
    if framework is not None and onnx != (framework == "onnx"):
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--framework",
            found=framework,
            limit=f"{spec} is {'an' if onnx else 'no'} ONNX model",
            remedy="leave --framework out",
        )
    yield from misfits


def _nothing_to_import(spec: str) -> Diagnostic:
    is_nir = spec.lower().endswith(".nir")
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=spec,
        found="a .nir file" if is_nir else "neither a Python file nor an .onnx file",
        limit="FILE.py:FUNCTION or MODEL.onnx",
        remedy=f"it needs no import: snnc compile {spec} --target NAME"
        if is_nir
        else "name a Python file and a function in it, or an .onnx file",
    )
