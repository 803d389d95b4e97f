"""The page of a reproducer: what differs, how to see it, where it comes from."""

from __future__ import annotations

import re

from snnc.runtime.bisection.found import Bisection
from snnc.runtime.bisection.reproducer import COMMAND, INPUT, OTHER, REFERENCE, Reproducer
from snnc.runtime.bisection.telling import (
    cause_lines,
    cuts_table,
    first_lines,
    held_lines,
    part_lines,
    synapses_table,
    unresolved_lines,
)
from snnc.runtime.text import count, shown

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!&])")
"""What Markdown and HTML take as something else than text."""


def page_of(made: Reproducer) -> str:
    """Give the page as Markdown; names of the user's are text in it, and nothing else."""
    whole = made.whole
    size = f"{count(made.neurons, 'neuron')}, {count(made.synapses, 'synapse')}"
    samples = next(iter(made.inputs.values())).shape[1]
    members = (
        f"- `{REFERENCE}`: an artifact for {made.reference.target}, of {size}",
        f"- `{OTHER}`: one for {made.other.target}, of as many",
        f"- `{INPUT}`: their input, of {count(made.steps, 'step')} and {count(samples, 'sample')}",
    )
    parts = [
        f"# {plain(whole.other)} differs from {plain(whole.reference)}",
        f"In this directory, with snnc {whole.snnc}:",
        code(COMMAND),
        "ends with 1, and its last line is",
        code(shown(str(made.expected))),
        "\n".join(members),
        "## Where it comes from",
        code("\n".join(_whole(whole))),
    ]
    return "\n\n".join(parts) + "\n"


def _whole(whole: Bisection) -> list[str]:
    lines = [*first_lines(whole), *part_lines(whole), *unresolved_lines(whole)]
    lines += [*held_lines(whole), *cause_lines(whole)]
    tables = [cuts_table(whole)] if whole.cuts else []
    tables += [synapses_table(whole)] if whole.synapses else []
    return ["\n".join(map(shown, lines)), *(f"\n{table}" for table in tables)]


def plain(text: str) -> str:
    """Give text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", shown(text))


def code(text: str) -> str:
    """Give lines as a block of code."""
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
