"""What a model can be, and which options go with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import nir

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic

if TYPE_CHECKING:
    import torch

    Model: TypeAlias = nir.NIRGraph | torch.nn.Module | str | os.PathLike[str]


class Kind(Enum):
    """What a model can be, with the words for it."""

    GRAPH = "a NIR graph"
    MODULE = "a module"
    SPEC = "FILE.py:FUNCTION"
    ONNX = "an .onnx file"
    NIR = "a .nir file"


BELONGS: Mapping[str, tuple[Kind, ...]] = {
    "dialect": (Kind.NIR, Kind.GRAPH),
    "reset": (Kind.NIR, Kind.GRAPH),
    "input_shape": (Kind.SPEC, Kind.MODULE),
    "state": (Kind.SPEC,),
    "trust_input": (Kind.NIR,),
    "calibrate": (Kind.ONNX,),
    "percentile": (Kind.ONNX,),
}
"""Whose option it is; of one that is not here, every model's. ``compile`` has a ``calibration`` for
all of them, and ``snnc import`` a ``--calibrate``."""


def kind_of(model: Model) -> Kind:
    """Say what ``model`` is: a file by its ending, and one of any other ending is a .nir file."""
    if isinstance(model, nir.NIRGraph):
        return Kind.GRAPH
    if not isinstance(model, str | os.PathLike):
        return Kind.MODULE
    text = os.fspath(model)
    if is_spec(text):
        return Kind.SPEC
    return Kind.ONNX if is_onnx(text) else Kind.NIR


def is_spec(text: str) -> bool:
    """Say whether ``text`` means ``FILE.py:FUNCTION``, whole or not, and no other file."""
    return text.lower().endswith(".py") or ".py:" in text.lower()


def is_onnx(text: str) -> bool:
    """Say whether ``text`` names an ONNX model."""
    return text.lower().endswith(".onnx")


def model_problems(model: Model, options: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield a function of a file that has none, and options of another kind of model.

    Args:
        model: What the user gave.
        options: By the names of the parameters; what is None or False was not given.
    """
    kind = kind_of(model)
    name = os.fspath(model) if isinstance(model, str | os.PathLike) else "the model"
    file, colon, _ = name.rpartition(":")
    of_file = kind is Kind.NIR and colon and file.lower().endswith((".onnx", ".nir"))
    if of_file and not Path(name).exists():
        yield _no_function(name, file)
        kind = kind_of(file)
    for option, value in options.items():
        kinds = BELONGS.get(option, tuple(Kind))
        if value is not None and value is not False and kind not in kinds:
            yield _misplaced(_flag(option), f"{_written(value)}, and {name} is {kind.value}", kinds)


def compiled_problems(name: str, options: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield every option of a compilation: ``name`` is an artifact, which needs none."""
    for option in options:
        flag = _flag(option)
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node=flag,
            found=f"an option of compilation, and {name} is compiled already",
            limit="options of compilation go with a model",
            remedy=f"leave {flag} out, or compile the model again with it",
        )


def _flag(option: str) -> str:
    """Give an option as it is written on the command line."""
    return "--calibrate" if option == "calibration" else f"--{option.replace('_', '-')}"


def _written(value: Any) -> str:
    """Give a value as it is written on the command line."""
    if value is True:
        return "given"
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    return str(value)


def _misplaced(flag: str, found: str, kinds: tuple[Kind, ...]) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=flag,
        found=found,
        limit=f"an option of {' or '.join(k.value for k in kinds)}",
        remedy=f"leave {flag} out",
    )


def _no_function(name: str, file: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=name,
        found=f"a function, and {file} is no Python file",
        limit="MODEL.nir, MODEL.onnx or FILE.py:FUNCTION",
        remedy=f"name the file alone: {file}",
    )
