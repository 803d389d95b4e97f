"""Reads descriptions of hardware, and says of each key that is wrong where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.names import nearest
from snnc.targets.hardware.schema import Description

OWN = Path(__file__).resolve().parent
"""Where the descriptions that come with snnc lie."""
REMEDY = "correct the description; docs/hardware.md has its form, and loihi1.yaml is an example"
FORM = "YAML 1.1 without aliases"
MOST_BYTES = 1_000_000
"""Of a description: those that come with snnc have some 6,000."""
SUFFIXES = (".yaml", ".yml")
Keys = tuple[int | str, ...]
"""Where something stands: keys of mappings and places in lists."""

_LIMITS = {
    "missing": "every key of docs/hardware.md; null where there is no limit",
    "extra_forbidden": "a key of docs/hardware.md",
    "invalid_key": "a key of docs/hardware.md",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "string_too_short": "text",
    "bool_type": "true or false",
    "enum": "{expected}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "string_pattern_mismatch": "axon or entry",
    "too_short": "{min_length} or more of them",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
}
"""What is allowed, by the kind of error that pydantic reports."""


def hardware_names() -> tuple[str, ...]:
    """Give the names of the descriptions that come with snnc, ascending."""
    return tuple(sorted(p.stem for p in OWN.glob("*.yaml")))


def load_hardware(name_or_path: str) -> Hardware:
    """Read a description that comes with snnc, or a file.

    Args:
        name_or_path: One of ``hardware_names()``, or where a YAML file lies.

    Raises:
        InputError: There is no such description, or it is not one; all that is wrong with it.
    """
    own = name_or_path in hardware_names()
    path = OWN / f"{name_or_path}.yaml" if own else Path(name_or_path)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            found, limit = f"more than {MOST_BYTES:,} bytes", f"{MOST_BYTES:,} bytes"
            raise InputError([_broken(name_or_path, {}, (), found, limit)])
        text = content.decode()
    except (OSError, ValueError) as error:
        raise InputError([_unreadable(name_or_path, error)]) from error
    return parse_hardware(text, name_or_path)


def parse_hardware(text: str, name: str) -> Hardware:
    """Read a description.

    Args:
        text: YAML.
        name: What to call it where something is wrong.

    Raises:
        InputError: It is no description; all that is wrong with it.
    """
    try:
        tree, values = _read(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError([_no_yaml(name, error)]) from error
    twice = list(_twice(tree, ())) if tree is not None else []
    lines = dict(_lines(tree, ())) if tree is not None else {}
    found = [
        _broken(name, lines, path, f"{path[-1]!r} a second time", "each key once") for path in twice
    ]
    try:
        description = Description.model_validate(values)
    except ValidationError as error:
        found += [_diagnostic(name, lines, e) for e in error.errors() if not _follows(e)]
        raise InputError(found) from error
    if found:
        raise InputError(found)
    return description.record()


def _unreadable(name: str, error: OSError | ValueError) -> Diagnostic:
    reason = str(error.strerror) if isinstance(error, OSError) else str(error)
    if isinstance(error, UnicodeDecodeError):
        reason = "no text in UTF-8"
    like = nearest(name, _there(name)) if isinstance(error, FileNotFoundError) else None
    return Diagnostic(
        rule=rules.HARDWARE_DESCRIBED,
        node=name,
        found=reason,
        limit=f"{', '.join(hardware_names())}, or a YAML file",
        remedy="give the name of a description or the path of a file"
        if like is None
        else f"--hardware {like}",
    )


def _there(name: str) -> list[str]:
    """Give what could have been meant: descriptions that come with snnc, and files beside it."""
    beside = Path(name).parent
    try:
        files = sorted(str(beside / f.name) for f in beside.iterdir() if f.suffix in SUFFIXES)
    except OSError:
        files = []
    return [*hardware_names(), *files]


class _Plain(yaml.SafeLoader):
    """YAML without aliases, with which a short file can stand for one without end.

    ``6e-09`` is a number, as in YAML 1.2 and JSON; PyYAML reads YAML 1.1, where it is a text.
    A value that is none of its type (``!!bool x``) is an error with a line, whatever PyYAML makes
    of it.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = cast("Any", self).peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="an alias", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return cast("Any", super()).construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
            problem = f"no {node.tag.rpartition(':')[2]}: {_shown(node.value)}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error


cast("Any", _Plain).add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    [*"-+0123456789"],
)


def _read(text: str) -> tuple[yaml.Node | None, Any]:
    """Give the nodes of a document, which know their lines, and its values."""
    loader: Any = _Plain(text)
    try:
        tree: yaml.Node | None = loader.get_single_node()
        return tree, None if tree is None else loader.construct_document(tree)
    finally:
        loader.dispose()


def _no_yaml(name: str, error: Exception) -> Diagnostic:
    where, problem = name, "nested too deep" if isinstance(error, RecursionError) else str(error)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        where, problem = f"{name}:{error.problem_mark.line + 1}", error.problem or problem
    return Diagnostic(rules.HARDWARE_DESCRIBED, where, problem, FORM, REMEDY)


def _follows(error: ErrorDetails) -> bool:
    """Say whether an error only follows from others: what is wrong in a list is left out of it."""
    least = error.get("ctx", {}).get("min_length", 0)
    return error["type"] == "too_short" and len(error["input"]) >= least


def _diagnostic(name: str, lines: dict[Keys, int], error: ErrorDetails) -> Diagnostic:
    kind, path = error["type"], tuple(p for p in error["loc"] if p != "[key]")
    if kind == "value_error":
        found, _, limit = str(error["ctx"]["error"]).partition("|") if "ctx" in error else ("",) * 3
        return _broken(name, lines, path, found, limit)
    limit = _LIMITS.get(kind, error["msg"]).format_map(error.get("ctx", {}))
    match kind:
        case "missing":
            found = "nothing"
        case "extra_forbidden":
            found = f"an unknown key {path[-1]}"
        case "invalid_key":
            found, path = f"an unknown key {_shown(error['input'])}", path[:-1]
        case _:
            found = _shown(error["input"])
    return _broken(name, lines, path, found, limit)


def _shown(value: object) -> str:
    """Give what stands there; ``str`` refuses numbers of thousands of digits."""
    try:
        text = "null" if value is None else str(value).lower() if value is True else str(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _broken(name: str, lines: dict[Keys, int], path: Keys, found: str, limit: str) -> Diagnostic:
    """Say what is wrong at ``path``; of a key that is missing its surroundings have a line."""
    known = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    line = "" if known is None else f":{lines[known]}"
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    node = f"{name}{line}: {where}" if where else f"{name}{line}"
    return Diagnostic(rules.HARDWARE_DESCRIBED, node, found, limit, REMEDY)


def _lines(node: yaml.Node, path: Keys) -> Iterator[tuple[Keys, int]]:
    """Give the line, from 1, of each key and each item of a list."""
    if not path:
        yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            yield from _lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield (*path, i), item.start_mark.line + 1
            yield from _lines(item, (*path, i))


def _twice(node: yaml.Node, path: Keys) -> Iterator[Keys]:
    """Give the keys that a mapping has twice; YAML would take the last and say nothing."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*path, key.value)
            seen.add(key.value)
            yield from _twice(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _twice(item, (*path, i))
