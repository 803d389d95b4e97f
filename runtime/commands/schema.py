"""``snnc schema``: what ``report.json`` is made of."""

from __future__ import annotations

import click


@click.command(name="schema", short_help="Print the JSON schema of report.json.")
def command() -> int:
    """Print the JSON schema of report.json (draft 2020-12)."""
    from snnc.runtime.console import emit
    from snnc.runtime.schema import schema_text

    emit(schema_text().rstrip())
    return 0
