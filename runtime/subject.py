"""What is verified: an artifact, and the trained module that it came from where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.runtime.data.source import Data
from snnc.runtime.deploy import compile
from snnc.runtime.models import compiled_problems, is_onnx, is_spec, model_problems
from snnc.runtime.quantization import QuantizationOptions
from snnc.runtime.stages import Stages, silent
from snnc.targets import TARGETS, get_target
from snnc.targets.artifact import Artifact, load

if TYPE_CHECKING:
    import nir
    import torch

    Model: TypeAlias = nir.NIRGraph | torch.nn.Module | Artifact | str | os.PathLike[str]


class CompileOptions(QuantizationOptions, total=False):
    """What ``compile`` is told of a model that is no artifact yet."""

    calibration: Data | None
    dt: float | None
    dialect: str | None
    reset: str | None
    input_shape: tuple[int, ...] | None
    state: str | os.PathLike[str] | None
    trust_input: bool | None
    lava: str | None
    arch: str | Sequence[str] | None
    hardware: str | os.PathLike[str] | None
    partitioner: str | None


def given_options(options: CompileOptions) -> CompileOptions:
    """Give those of ``options`` that say something: None says nothing.

    Raises:
        TypeError: There is no such option.
    """
    unknown = [name for name in options if name not in CompileOptions.__optional_keys__]
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    said = {name: value for name, value in options.items() if value is not None}
    return cast("CompileOptions", said)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is verified.

    Attributes:
        name: As the user named it.
        artifact: As it was loaded, or compiled for the last target asked for.
        framework: The trained module, the ``.onnx`` file of a network of ReLUs that it was
            converted from, or None.
        source: ``FILE.py:FUNCTION`` from which the module was loaded; None where it was given.
    """

    name: str
    artifact: Artifact
    framework: torch.nn.Module | Path | None
    source: str | None = None

    @property
    def converted(self) -> bool:
        """Whether spikes stand for the rates of another network, and not for its spikes."""
        return isinstance(self.framework, Path)

    def artifact_for(self, target: str, *, whole: bool = False) -> Artifact:
        """Give the same network as an artifact for ``target``.

        Args:
            target: Its name.
            whole: Not cut over cores, whether it is mapped to any or not.
        """
        if whole and self.artifact.mapped is not None:
            return replace(self.artifact, mapped=None).for_target(target)
        if target == self.artifact.target:
            return self.artifact
        return self.artifact.for_target(target)


def load_subject(
    model: Model,
    targets: Sequence[str],
    framework: torch.nn.Module | str | os.PathLike[str] | None,
    options: CompileOptions,
    progress: Stages = silent,
) -> Subject:
    """Load or compile what is to be verified; a module that is named is loaded once.

    Raises:
        InputError: The model cannot be used, or options do not fit it.
    """
    name = os.fspath(model) if isinstance(model, str | os.PathLike) else type(model).__name__
    if isinstance(model, str | os.PathLike) and Path(model).is_dir():
        model = load(model)
    if isinstance(model, Artifact):
        raise_all(_artifact_problems(name, model, targets, options))
        return Subject(name, model, _loaded(framework, progress), _source(framework))
    raise_all(model_problems(model, options))
    if framework is None and isinstance(model, str | os.PathLike) and is_onnx(os.fspath(model)):
        framework = model
    source = _source(framework)
    if isinstance(model, str) and is_spec(model):
        source = source if framework is not None else model
        from snnc.frontends.spec import load_model

        progress(f"loading {model}")
        state = options.get("state")
        model = load_model(model, state=None if state is None else Path(state))
        options = cast("CompileOptions", {n: v for n, v in options.items() if n != "state"})
    if framework is None and _is_module(model):
        framework = cast("torch.nn.Module", model)
    progress("compiling")
    artifact = compile(model, _compiled_for(targets, options), **cast("Any", options))
    return Subject(name, artifact, _loaded(framework, progress), source)


def _compiled_for(targets: Sequence[str], options: CompileOptions) -> str:
    """Give the last of ``targets``; with hardware the last that executes cores, if there is one."""
    known = [t for t in TARGETS if t in targets]
    by_core = [t for t in known if "hardware" in options and get_target(t).by_core]
    return (by_core or known)[-1]


def _loaded(
    framework: torch.nn.Module | str | os.PathLike[str] | None, progress: Stages
) -> torch.nn.Module | Path | None:
    """Load what is named as the trained model."""
    if not isinstance(framework, str | os.PathLike):
        return framework
    text = os.fspath(framework)
    if is_onnx(text):
        return _relus(Path(text))
    from snnc.frontends.spec import load_model

    progress(f"loading {text}")
    return load_model(text)


def _source(framework: torch.nn.Module | str | os.PathLike[str] | None) -> str | None:
    """Give what names a module, where one is named."""
    named = isinstance(framework, str | os.PathLike) and not is_onnx(os.fspath(framework))
    return os.fspath(framework) if isinstance(framework, str | os.PathLike) and named else None


def _relus(path: Path) -> Path | None:
    """Give the file where it is a network of ReLUs; one step of spikes cannot be run by itself."""
    from snnc.frontends.onnx.reference import is_network_of_relus

    return path if is_network_of_relus(path) else None


def _is_module(model: object) -> bool:
    """Say whether ``model`` is a torch module, without importing torch."""
    return any(kind.__module__ == "torch.nn.modules.module" for kind in type(model).__mro__)


def _artifact_problems(
    name: str, artifact: Artifact, targets: Sequence[str], options: CompileOptions
) -> Iterator[Diagnostic]:
    yield from compiled_problems(name, options)
    wanted = [t for t in targets if get_target(t).fixed]
    if wanted and artifact.fixed is None:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--targets",
            found=f"{', '.join(wanted)}, and {name} was compiled for {artifact.target}",
            limit="an artifact that holds integers",
            remedy=f"compile the model for {wanted[-1]}: snnc compile MODEL --target {wanted[-1]}",
        )
