"""What snnc says when something is wrong: rule, place, number, limit and remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule that a user's network, data or machine must keep.

    Attributes:
        code: Fixed for ever, so that it can be searched for; ``snnc explain CODE`` tells the rest.
        says: The rule as a statement of what holds when all is well.
        explain: Why the rule exists and what to do about it, in a paragraph or two.
    """

    code: str
    says: str
    explain: str


@dataclass(frozen=True)
class Diagnostic:
    """One broken rule at one place.

    Attributes:
        rule: The rule broken.
        node: Where: the path of the node in the user's model, a file, or an option.
        found: The number or value, with its unit.
        limit: What is allowed, with its unit and where it comes from.
        remedy: What the user can do, as a command or an option where there is one.
    """

    rule: Rule
    node: str
    found: str
    limit: str
    remedy: str

    def text(self, severity: str = "error") -> str:
        """Give the five parts as lines, headed ``severity[CODE]``."""
        return (
            f"{severity}[{self.rule.code}]: {self.rule.says}\n"
            f"  --> {self.node}\n"
            f"   found: {self.found}\n"
            f"   limit: {self.limit}\n"
            f"  remedy: {self.remedy}"
        )

    def __str__(self) -> str:
        return self.text()


class SnncError(Exception):
    """What snnc raises on purpose; holds every diagnostic, not the first.

    Attributes:
        diagnostics: All that was found, in the order of the network.
        exit_code: What the command ends with.
    """

    exit_code = 2

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(map(str, self.diagnostics)))


class InputError(SnncError):
    """The model, the data or the options cannot be used (exit code 2)."""


class EnvironmentFault(SnncError):
    """The machine lacks something or failed: package, file system, worker (exit code 3)."""

    exit_code = 3


class TimeLimitExceeded(SnncError):
    """The work was ended at its time limit (exit code 124)."""

    exit_code = 124


class InternalError(Exception):
    """An invariant of snnc itself is broken (exit code 4): a fault of ours, never of the user."""

    exit_code = 4


def raise_all(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise one ``InputError`` with all ``diagnostics``; do nothing when there are none.

    Raises:
        InputError: There is at least one.
    """
    found = tuple(diagnostics)
    if found:
        raise InputError(found)
