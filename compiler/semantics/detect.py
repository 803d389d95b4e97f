"""Which dialect the numbers of a NIR graph speak, where they decide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import nir

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.graph.nodes import NeuronNode
from snnc.compiler.semantics.dialect_table import DIALECTS, Form
from snnc.compiler.semantics.relations import R_IS_ONE, R_IS_RATE, Relation

CERTAIN = "rockpool"
"""Writes ``r`` with an exponential of ``dt/tau``, which comes about by no accident."""


def detect(nodes: Mapping[str, NeuronNode], dt: float) -> str:
    """Give the dialect of a graph that says nothing about it: ``nir`` or what is certain.

    With ``r = 1``, or ``r dt = 1`` of an integrator, the equation of NIR is taken, which is the
    computation of the frameworks that write it, too, but for the reset. Numbers that another
    framework writes for another computation are refused unless no other could have written them.

    Raises:
        InputError: SNN111, of every node that may mean several things.
    """
    speak = {name: dialects_of(node, dt) for name, node in nodes.items()}
    certain = {name for name, dialects in speak.items() if dialects == [CERTAIN]}
    if certain and all(name in certain or _says_nothing(nodes[name]) for name in nodes):
        return CERTAIN
    raise_all(_ambiguous(name, nodes[name], dt, speak[name]) for name in nodes if speak[name])
    return "nir"


def dialects_of(node: NeuronNode, dt: float) -> list[str]:
    """Give the dialects that would write such numbers for another computation than NIR's."""
    if _says_nothing(node):
        return []
    own = R_IS_RATE if isinstance(node, nir.IF | nir.I) else R_IS_ONE
    if own.holds(node, dt):
        return []
    forms = {name: dialect.forms.get(type(node)) for name, dialect in DIALECTS.items()}
    return [name for name, form in forms.items() if form and _is_written(form, node, dt)]


def _says_nothing(node: NeuronNode) -> bool:
    return isinstance(node, nir.Threshold)


def _is_written(form: Form, node: NeuronNode, dt: float) -> bool:
    return bool(form.written) and all(any(_holding(g, node, dt)) for g in form.written)


def _holding(group: tuple[Relation, ...], node: NeuronNode, dt: float) -> Iterator[Relation]:
    return (relation for relation in group if relation.holds(node, dt))


def _ambiguous(name: str, node: NeuronNode, dt: float, dialects: list[str]) -> Diagnostic:
    form = DIALECTS[dialects[0]].forms[type(node)]
    held = [str(next(_holding(group, node, dt))) for group in form.written]
    titles = " or ".join(DIALECTS[d].title for d in dialects)
    return Diagnostic(
        rule=rules.SEMANTICS_KNOWN,
        node=name,
        found=f"{' and '.join(held)} at dt = {dt:g} s, as {titles} would write it, and not for the "
        "equation of NIR",
        limit="one known computation",
        remedy=f"--dialect {' or '.join(dialects)}, whichever wrote the file, or --dialect nir; "
        "docs/dialects.md tells the differences",
    )
