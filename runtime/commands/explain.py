"""``snnc explain``: the long text of a diagnostic's code."""

from __future__ import annotations

import textwrap

import click

from snnc.compiler.diagnostics import Diagnostic, InputError, Rule
from snnc.compiler.names import nearest
from snnc.compiler.rules import OPTION_VALID, all_rules
from snnc.runtime.console import emit
from snnc.runtime.text import table

WIDTH = 88


@click.command(name="explain", short_help="Explain the code of a diagnostic.")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain the CODE of a diagnostic, such as SNN110; list all codes without it."""
    known = all_rules()
    if code is None:
        rows = [(c, known[c].says) for c in sorted(known)]
        emit(table(("code", "what holds when all is well"), rows))
        return 0
    rule = known.get(code.upper())
    if rule is None:
        raise InputError([_unknown(code, known)])
    text = textwrap.fill(rule.explain, WIDTH)
    emit(f"{rule.code}: {rule.says}\n\n{text}")
    return 0


def _unknown(code: str, known: dict[str, Rule]) -> Diagnostic:
    like = nearest(code, known)
    return Diagnostic(
        rule=OPTION_VALID,
        node="snnc explain",
        found=f"no code {code}",
        limit="a code that stands in a diagnostic, as in error[SNN110]",
        remedy=f"did you mean {like}? snnc explain lists all" if like else "snnc explain lists all",
    )
