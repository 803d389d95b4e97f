"""``snnc diff``: what differs between two reports, or two artifacts."""

from __future__ import annotations

from pathlib import Path

import click

from snnc.runtime.options import PATH, json_option


@click.command(name="diff", short_help="Tell what differs between two reports or artifacts.")
@click.argument("first", metavar="A", type=PATH)
@click.argument("second", metavar="B", type=PATH)
@json_option
def command(first: Path, second: Path, as_json: bool) -> int:
    """Compare the reports or the artifacts A and B.

    Ends with 0 where they are the same, 1 where anything differs.
    """
    from snnc.runtime.changes.diff import diff
    from snnc.runtime.changes.text import changes_text
    from snnc.runtime.console import emit

    found = diff(first, second)
    emit(found.model_dump_json(indent=1) if as_json else changes_text(found))
    return 0 if found.same else 1
