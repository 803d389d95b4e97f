"""What ``snnc import`` imports: a module of a framework, or an ONNX model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.runtime.deploy import is_onnx
from snnc.runtime.files import read_arrays

if TYPE_CHECKING:
    import nir

OF_MODULES = ("input_shape", "state")
"""Options that only a module has."""
OF_ONNX = ("calibrate", "percentile")
"""Options that only an ONNX model has."""


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
    return read_arrays(path, "--calibrate")


def _option_problems(
    spec: str, framework: str | None, options: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    onnx = is_onnx(spec)
    if framework is not None and onnx != (framework == "onnx"):
        yield _unfit("--framework", framework, f"{spec} is {'an' if onnx else 'no'} ONNX model")
    for name in OF_MODULES if onnx else OF_ONNX:
        if name in options:
            kind = "a module, FILE.py:FUNCTION" if onnx else "a .onnx file"
            flag = f"--{name.replace('_', '-')}"
            yield _unfit(flag, str(options[name]), f"an option of {kind}")


def _unfit(option: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=option,
        found=found,
        limit=limit,
        remedy=f"leave {option} out",
    )
