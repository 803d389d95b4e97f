"""Every rule has a code of its own, a text, and a test that compares its message.

A message begins ``error[CODE]: what the rule says``. A rule counts as tested when both stand in the
strings of one test module. Strings are read from the syntax tree: comments and docstrings do not
count, and neither does this module.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from snnc.compiler import rules
from snnc.compiler.diagnostics import Rule

TESTS = Path(__file__).resolve().parent
RULES = [rule for rule in vars(rules).values() if isinstance(rule, Rule)]


def strings_of(source: str) -> str:
    """Give the string constants of a module, one to a line, without its docstrings."""
    tree = ast.parse(source)
    statements = [n.value for n in ast.walk(tree) if isinstance(n, ast.Expr)]
    return "\n".join(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in statements
    )


def untested(codes: Iterable[Rule], modules: Iterable[str]) -> list[str]:
    """Give the codes of the rules whose message no module compares."""
    texts = [strings_of(module) for module in modules]
    return [r.code for r in codes if not any(r.code in text and r.says in text for text in texts)]


def test_every_rule_is_tested() -> None:
    modules = [p.read_text() for p in TESTS.rglob("test_*.py") if p != Path(__file__).resolve()]
    assert untested(RULES, modules) == []


def test_codes_are_unique() -> None:
    assert [code for code, n in Counter(rule.code for rule in RULES).items() if n > 1] == []


def test_all_rules_gives_every_rule() -> None:
    assert rules.all_rules() == {rule.code: rule for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_form(rule: Rule) -> None:
    assert re.fullmatch(r"SNN[0-69]\d\d", rule.code)
    assert not rule.says.endswith("."), "a statement of what holds, as a part of a line"
    assert rule.explain.endswith("."), "sentences"


def test_a_rule_without_a_test_is_found() -> None:
    one, two = Rule("SNN801", "one holds", ""), Rule("SNN802", "two holds", "")
    in_string = 'X = "error[SNN801]: one holds\\n  --> x"'
    in_docstring = 'def f():\n    """error[SNN802]: two holds"""\n    # SNN802 two holds'
    code_alone = 'X = "SNN802"'
    assert untested([one, two], [in_string, in_docstring, code_alone]) == ["SNN802"]
