"""Diagnostics as records, to be told from one process to another."""

from __future__ import annotations

from snnc.compiler.diagnostics import Diagnostic, Rule, SnncError
from snnc.compiler.rules import all_rules
from snnc.runtime.record import Record


class Told(Record):
    """A diagnostic; ``code`` and ``says`` are those of its rule."""

    code: str
    says: str
    node: str
    found: str
    limit: str
    remedy: str

    @property
    def diagnostic(self) -> Diagnostic:
        """The diagnostic."""
        rule = all_rules().get(self.code) or Rule(self.code, self.says, "")
        return Diagnostic(rule, self.node, self.found, self.limit, self.remedy)


def told(error: SnncError) -> tuple[Told, ...]:
    """Give the diagnostics of an error as records."""
    return tuple(
        Told(
            code=d.rule.code,
            says=d.rule.says,
            node=d.node,
            found=d.found,
            limit=d.limit,
            remedy=d.remedy,
        )
        for d in error.diagnostics
    )
