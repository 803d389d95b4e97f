"""The tables of docs/hardware.md: ``python -m tests.hardware_tables`` writes them anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from snnc.targets.hardware.load import OWN, hardware_names, load_hardware
from tests.environment import ROOT

PAGE = ROOT / "docs" / "hardware.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def tables() -> str:
    """Give the numbers of every description with their sources."""
    return "\n\n".join(_table(name) for name in hardware_names())


def written(page: str) -> str:
    """Give ``page`` with the tables that the descriptions make."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def _table(name: str) -> str:
    tree = yaml.safe_load((OWN / f"{name}.yaml").read_text(encoding="utf-8"))
    rows = [f"### {name}", "", f"{load_hardware(name).summary}.", ""]
    rows += ["| key | value | how sure | source |", "|---|---|---|---|"]
    rows += [
        f"| `{key}` | {value} | {sure} | {source} |" for key, value, sure, source in _rows(tree)
    ]
    return "\n".join(rows)


def _rows(tree: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for key, value in tree.items():
        if key in {"name", "family", "summary"}:
            continue
        if value is None:
            yield key, "no limit", "", ""
        elif key == "encodings":
            yield from (_row(f"encodings: {e['name']}", e, ("name",)) for e in value)
        elif key in {"resets", "costs"}:
            yield from (_row(f"{key}: {name}", entry) for name, entry in value.items())
        else:
            yield _row(key, value)


def _row(
    key: str, entry: dict[str, Any], hidden: tuple[str, ...] = ()
) -> tuple[str, str, str, str]:
    told = {k: v for k, v in entry.items() if k not in {"source", "certainty", *hidden}}
    value = ", ".join(_shown(k, v) for k, v in told.items() if v not in (None, []))
    return key, value, entry["certainty"], entry["source"]


def _shown(key: str, value: Any) -> str:
    units = {"joules": (1e12, "pJ"), "seconds": (1e9, "ns")}
    if key in units:
        factor, unit = units[key]
        return f"{value * factor:g} {unit}"
    text = str(value).strip("[]")
    return text if key == "value" else f"{key.replace('_', ' ')} {text}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
