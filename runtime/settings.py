"""Options of a command from a YAML file: plain values, typed and checked before they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.names import nearest

MAX_BYTES = 1_000_000
MAX_DEPTH = 2
"""A mapping of options, and lists or mappings as their values."""
KINDS: dict[object, str] = {
    float: "a number",
    int: "an integer",
    int | str | dict[str, StrictInt]: "4, or 4,fc2=8, or {fc2: 8, '*': 4}",
    str: "text",
    bool: "true or false",
}
"""How a type is called in a message."""


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


class Settings(BaseModel):
    """Every option that can stand in a file. Numbers may be written ``1e-3``."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_hyphenated)

    target: str = ""
    output: str = ""
    dt: float = 0
    dialect: str = ""
    reset: str = ""
    input_shape: str | tuple[int, ...] = ""
    calibrate: str = ""
    budget: str = ""
    overflow: str | tuple[str, ...] = ""
    strict: bool = False
    max_thresholds: int = 0
    decays: str = ""
    weight_bits: int | str | dict[str, StrictInt] = 0
    rounding: str = ""
    lava: str = ""
    arch: str | tuple[str, ...] = ""
    hardware: str = ""
    partitioner: str = ""
    split_fan_in: int = 0
    input: str = ""
    bin_seconds: float = 0
    bin_steps: int = 0
    bin_values: str = ""
    sensor_shape: str | tuple[int, ...] = ""
    labels: str = ""
    targets: str | tuple[str, ...] = ""
    model: str = ""
    max_drop: float = 0
    timeout: float = 0
    report: str = ""

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what YAML makes of ``yes`` where no flag stands, and numbers where one does."""
        flag = cls.model_fields[info.field_name or ""].annotation is bool
        return value if isinstance(value, bool) is flag else None

    @field_validator("weight_bits", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """Take layers whose names are numbers, as in a Sequential."""
        if not isinstance(value, dict):
            return value
        given = cast("dict[object, object]", value)
        return {str(name) if type(name) is int else name: width for name, width in given.items()}


def read_settings(path: Path, options: tuple[str, ...]) -> dict[str, Any]:
    """Read a YAML file whose keys are long options without their hyphens in front.

    Args:
        path: The file.
        options: The options of the command, such as ``weight-bits``.

    Returns:
        The options that stand in the file, each with a value of its type.

    Raises:
        InputError: SNN001, the file cannot be read; SNN004, an option is unknown or has no such
            value.
    """
    data = _load(path)
    usable = {name for name in map(_hyphenated, Settings.model_fields) if name in options}
    problems = [_unknown(path, key, usable) for key in data if key not in usable]
    try:
        settings = Settings.model_validate({k: v for k, v in data.items() if k in usable})
    except ValidationError as error:
        wrong = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors())
        problems += [_wrong_type(path, key, data[key]) for key in wrong]
    else:
        if not problems:
            given = settings.model_dump(by_alias=True, exclude_unset=True)
            return {key: _as_on_command_line(value) for key, value in given.items()}
    raise InputError(problems)


def _as_on_command_line(value: object) -> object:
    """Give a list as it is written there."""
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    return value


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError([_unreadable(path, f"{path.stat().st_size} bytes")])
        text = path.read_text(encoding="utf-8")
        _refuse_nesting(text)
        data: object = yaml.safe_load(text)
    except OSError as error:
        raise InputError([_unreadable(path, (error.strerror or str(error)).lower())]) from error
    except UnicodeDecodeError as error:
        raise InputError([_unreadable(path, "no UTF-8 text")]) from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError([_unreadable(path, f"{line}{error.problem}")]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError([_unreadable(path, str(error))]) from error
    if data is None:
        return {}
    if isinstance(data, dict):
        return {str(key): value for key, value in cast("dict[object, Any]", data).items()}
    raise InputError([_unreadable(path, f"a {type(data).__name__}, not a mapping")])


def _refuse_nesting(text: str) -> None:
    """Refuse what a file of options never needs and a YAML reader stumbles over.

    Raises:
        ValueError: There is an alias, a key that stands twice, or more than a list or a mapping in
            a mapping.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            raise ValueError("an alias, or lists within lists")
    root = yaml.compose(text, yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode):
        for node in (root, *(value for _, value in root.value)):
            _refuse_repetition(node)


def _refuse_repetition(node: yaml.Node) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    keys = [str(key.value) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"{key} stands twice")


def _unreadable(path: Path, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=f"--config {path}",
        found=found,
        limit="a YAML file of at most 1 MB that maps options to values",
        remedy="write one option a line, such as weight-bits: 8",
    )


def _unknown(path: Path, key: str, usable: set[str]) -> Diagnostic:
    like = nearest(key, usable)
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=f"{path}: {key}",
        found="no such option",
        limit=", ".join(sorted(usable)),
        remedy=f"did you mean {like}?" if like else "remove it",
    )


def _wrong_type(path: Path, key: str, value: object) -> Diagnostic:
    kind = Settings.model_fields[key.replace("-", "_")].annotation
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=f"{path}: {key}",
        found=f"{value!r:.60}",
        limit=KINDS.get(kind, "text or a list"),
        remedy=f"write it as --{key} takes it on the command line",
    )
