"""``snnc targets``: where a network can run."""

from __future__ import annotations

import click

from snnc.runtime.options import json_option


@click.command(name="targets", short_help="List the targets, and what they lack here.")
@json_option
def command(as_json: bool) -> int:
    """List the targets, and what this machine lacks for them."""
    from snnc.runtime.console import emit, emit_json
    from snnc.runtime.text import table
    from snnc.targets import TARGETS, get_target

    targets = [get_target(name) for name in TARGETS]
    missing = {t.name: t.missing() for t in targets}
    if as_json:
        emit_json(
            {
                "targets": [
                    {
                        "name": t.name,
                        "summary": t.summary,
                        "available": missing[t.name] is None,
                        "missing": found.found if (found := missing[t.name]) else None,
                        "remedy": found.remedy if (found := missing[t.name]) else None,
                    }
                    for t in targets
                ]
            }
        )
        return 0
    rows = [
        (t.name, f"not here: {lack.found}" if (lack := missing[t.name]) else "here", t.summary)
        for t in targets
    ]
    emit(table(("target", "runs", "what it is"), rows))
    return 0
